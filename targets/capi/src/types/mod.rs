//! Types, as objects of C's. The four types of externals are one struct by four names: casts between them are the same
//! pointer.

mod external;
mod imports;
mod valtype;

pub use external::{
    wasm_externtype_t, wasm_functype_t, wasm_globaltype_t, wasm_memorytype_t, wasm_tabletype_t,
};
pub use imports::{wasm_exporttype_t, wasm_importtype_t};
pub(crate) use valtype::Kinds;
pub use valtype::wasm_valtype_t;

#[cfg(test)]
pub(crate) use {
    external::{casts, prototypes as external, wasm_limits_t},
    imports::prototypes as imports,
    valtype::prototypes as values,
};
