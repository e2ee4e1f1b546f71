//! Types of what modules import and export, with names.

use super::wasm_externtype_t;
use crate::boundary::{c_types, exports};
use crate::own::try_box;
use crate::vec::{CVec, wasm_byte_vec_t};
use dunlin::{ExportType, ImportType};

/// A name that an object has, for C to look at.
struct Name(wasm_byte_vec_t);

impl Name {
    fn new(name: &[u8]) -> Option<Self> {
        let vec = wasm_byte_vec_t::of_bytes(name);
        (vec.bytes().len() == name.len()).then_some(Self(vec))
    }

    /// The name in a vector, which C gives up.
    fn taken(name: Option<&mut wasm_byte_vec_t>) -> Self {
        Self(name.map_or_else(Vec::new, CVec::take).into())
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

/// What a module imports.
pub struct wasm_importtype_t {
    module: Name,
    name: Name,
    ty: Box<wasm_externtype_t>,
}

impl wasm_importtype_t {
    pub(crate) fn new(import: &ImportType<'_>) -> Option<Box<Self>> {
        try_box(Self {
            module: Name::new(import.module().as_bytes())?,
            name: Name::new(import.name().as_bytes())?,
            ty: wasm_externtype_t::new(import.ty().clone())?,
        })
    }

    pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
        let (module, name) = (Name::new(self.module.0.bytes())?, Name::new(self.name.0.bytes())?);
        try_box(Self { module, name, ty: self.ty.try_clone()? })
    }
}

/// What a module exports.
pub struct wasm_exporttype_t {
    name: Name,
    ty: Box<wasm_externtype_t>,
}

impl wasm_exporttype_t {
    pub(crate) fn new(export: &ExportType<'_>) -> Option<Box<Self>> {
        let name = Name::new(export.name().as_bytes())?;
        try_box(Self { name, ty: wasm_externtype_t::new(export.ty().clone())? })
    }

    pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
        try_box(Self { name: Name::new(self.name.0.bytes())?, ty: self.ty.try_clone()? })
    }
}

c_types! {
    wasm_importtype_t = "wasm_importtype_t";
    wasm_exporttype_t = "wasm_exporttype_t";
}

exports! {
    fn wasm_importtype_new(
        module: Option<&mut wasm_byte_vec_t>,
        name: Option<&mut wasm_byte_vec_t>,
        ty: Option<Box<wasm_externtype_t>>,
    ) -> Option<Box<wasm_importtype_t>> {
        let (module, name) = (Name::taken(module), Name::taken(name));
        try_box(wasm_importtype_t { module, name, ty: ty? })
    }

    fn wasm_importtype_delete(import: Option<Box<wasm_importtype_t>>) {
        drop(import);
    }

    fn wasm_importtype_copy(import: Option<&wasm_importtype_t>) -> Option<Box<wasm_importtype_t>> {
        import?.try_clone()
    }

    fn wasm_importtype_module(import: Option<&wasm_importtype_t>) -> Option<&wasm_byte_vec_t> {
        import.map(|import| &import.module.0)
    }

    fn wasm_importtype_name(import: Option<&wasm_importtype_t>) -> Option<&wasm_byte_vec_t> {
        import.map(|import| &import.name.0)
    }

    fn wasm_importtype_type(import: Option<&wasm_importtype_t>) -> Option<&wasm_externtype_t> {
        import.map(|import| &*import.ty)
    }

    fn wasm_exporttype_new(
        name: Option<&mut wasm_byte_vec_t>,
        ty: Option<Box<wasm_externtype_t>>,
    ) -> Option<Box<wasm_exporttype_t>> {
        let name = Name::taken(name);
        try_box(wasm_exporttype_t { name, ty: ty? })
    }

    fn wasm_exporttype_delete(export: Option<Box<wasm_exporttype_t>>) {
        drop(export);
    }

    fn wasm_exporttype_copy(export: Option<&wasm_exporttype_t>) -> Option<Box<wasm_exporttype_t>> {
        export?.try_clone()
    }

    fn wasm_exporttype_name(export: Option<&wasm_exporttype_t>) -> Option<&wasm_byte_vec_t> {
        export.map(|export| &export.name.0)
    }

    fn wasm_exporttype_type(export: Option<&wasm_exporttype_t>) -> Option<&wasm_externtype_t> {
        export.map(|export| &*export.ty)
    }
}
