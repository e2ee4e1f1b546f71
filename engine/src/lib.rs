//! Dunlin.

// Not everything is used from outside yet.
#![allow(dead_code)]

mod api;
mod bodies;
mod budget;
mod check;
mod code;
mod const_expr;
mod error;
mod exec;
mod features;
mod limits;
mod module;
mod names;
mod ops;
mod store;
mod stream;
mod sys;
mod translate;
mod trap;
mod types;
mod value;
mod vmctx;

pub use api::{
    AsContext, AsContextMut, Caller, Config, Engine, Export, Extern, ExternRef, Func, Global, Instance,
    InstancePre, InterruptHandle, InterruptWaiter, IntoFunc, Linker, Memory, MemoryAccessError, Module,
    ModuleOptions, ModuleStream, Section, Store, StoreContext, StoreContextMut, Table, TypedFunc, V128, Val,
    WasmParams, WasmResults, WasmRet, WasmTy,
};
pub use budget::{Budget, Charge, Kind, OutOfBudget};
pub use error::{Error, ErrorKind, FrameInfo, Result, WasmBacktrace};
pub use exec::Dispatch;
pub use trap::Trap;
pub use types::{
    ExportType, ExternType, FuncType, GlobalType, ImportType, MemoryType, Mutability, TableType, ValType,
};
