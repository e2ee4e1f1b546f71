//! A WebAssembly engine for small machines: it validates modules as they arrive, interprets them fast, and keeps
//! within one memory budget. Its API has the shape of wasmtime's.
//!
//! An [`Engine`] holds a configuration and a budget. A [`Module`] is loaded once and shared; a [`Linker`] finds its
//! imports; an [`Instance`] of it lives in a [`Store`], together with the embedder's data.
//!
//! ```
//! # #[cfg(feature = "wat")] {
//! use dunlin::{Budget, Caller, Config, Engine, Linker, Module, Store};
//!
//! let engine = Engine::new(Config::new().budget(Budget::new(16 << 20)))?;
//! let module = Module::new(
//!     &engine,
//!     r#"(module
//!         (import "host" "log" (func $log (param i32)))
//!         (func (export "double") (param i32) (result i32)
//!             (call $log (local.get 0))
//!             (i32.mul (local.get 0) (i32.const 2))))"#,
//! )?;
//! let mut linker = Linker::new(&engine);
//! linker.func_wrap("host", "log", |mut caller: Caller<'_, Vec<i32>>, n: i32| caller.data_mut().push(n))?;
//! let mut store = Store::new(&engine, Vec::new());
//! let instance = linker.instantiate(&mut store, &module)?;
//! let double = instance.get_typed_func::<i32, i32>(&store, "double")?;
//! assert_eq!(double.call(&mut store, 21)?, 42);
//! assert_eq!(*store.data(), [21]);
//! # }
//! # Ok::<(), dunlin::Error>(())
//! ```

#[cfg(not(target_pointer_width = "64"))]
compile_error!("Dunlin is for 64-bit targets: it doesn't run on 32-bit ones yet");

mod alloc;
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
mod opcode;
mod ops;
mod pages;
mod plan;
mod profile;
mod store;
mod stream;
mod survey;
mod sys;
pub mod tier;
mod translate;
mod trap;
mod types;
mod value;
mod vmctx;
mod words;

/// The README's example, compiled and run.
#[cfg(all(doctest, feature = "wat"))]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// What tests of the memory promise need to know; no part of the API.
#[doc(hidden)]
pub mod testing {
    /// Whether this thread is in a library that allocates as it likes.
    pub fn in_third_party() -> bool {
        crate::alloc::in_third_party()
    }

    /// Calls into a library that allocates as it likes, after its worst has been charged; only tells tests.
    pub fn third_party<R>(call: impl FnOnce() -> R) -> R {
        crate::alloc::third_party(call)
    }

    /// What a module's functions take when they are translated: the most for one, and all cells; both as they
    /// were estimated while loading, and as they are.
    pub fn cells(module: &crate::Module) -> crate::Result<[(u64, u64); 2]> {
        let shared = module.shared();
        Ok([(shared.data.cells.largest, shared.data.cells.all), shared.translate_all()?])
    }

    /// Has this thread's mappings of memory refused after so many, while `f` runs. Gives how many were refused besides.
    pub fn refuse_mappings_after<R>(count: u64, f: impl FnOnce() -> R) -> (R, u64) {
        use crate::sys::{REFUSED, REFUSED_AFTER};
        REFUSED.set(0);
        REFUSED_AFTER.set(count);
        let result = f();
        REFUSED_AFTER.set(u64::MAX);
        (result, REFUSED.get())
    }
}

pub use api::{
    AsContext, AsContextMut, Caller, Config, Engine, Export, Extern, ExternRef, Func, Global, Instance,
    InstancePre, InterruptHandle, InterruptWaiter, IntoFunc, Linker, Memory, MemoryAccessError, Module,
    ModuleOptions, ModuleStream, ResumableCall, Section, Store, StoreContext, StoreContextMut, SuspendedCall,
    Table, TypedFunc, V128, Val, WasmParams, WasmResults, WasmRet, WasmTy,
};
pub use budget::{Budget, Charge, Kind, OutOfBudget};
pub use error::{Error, ErrorKind, FrameInfo, Result, WasmBacktrace};
pub use exec::{Dispatch, DispatchCounts};
#[doc(hidden)]
pub use exec::{HandlerKind, TailHandler, tail_handlers};
pub use features::Feature;
pub use limits::Limits;
pub use plan::{Plan, PlanItem};
pub use profile::Profile;
#[doc(hidden)]
pub use survey::Survey;
pub use trap::Trap;
pub use types::{
    ExportType, ExternType, FuncType, GlobalType, ImportType, MemoryType, Mutability, TableType, ValType,
};
