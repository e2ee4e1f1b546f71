#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod convert;
mod error;
mod module;
mod objects;
mod store;
mod wrapper;

pub use error::Error;
pub use module::{Instance, Module};
pub use objects::{ExternRef, Func, Global, Memory, Table};
pub use store::{Store, StoreContext, StoreContextMut};

use wasm_runtime_layer::backend::WasmEngine;

wrapper::wrapper! {
    /// An engine, which [`wasm_runtime_layer::Engine::new`] takes.
    #[derive(Clone, Debug, Default, ref_cast::RefCast)]
    Engine(dunlin::Engine)
}

impl WasmEngine for Engine {
    type ExternRef = ExternRef;
    type Func = Func;
    type Global = Global;
    type Instance = Instance;
    type Memory = Memory;
    type Module = Module;
    type Store<T: 'static> = Store<T>;
    type StoreContext<'a, T: 'static> = StoreContext<'a, T>;
    type StoreContextMut<'a, T: 'static> = StoreContextMut<'a, T>;
    type Table = Table;
}
