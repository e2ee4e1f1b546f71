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
//!
//! # Cargo features
//!
//! | feature | what it is for |
//! |---|---|
//! | `std` (default) | the operating system: files, threads, clocks, panics that are caught |
//! | `loop` (default) | a second way of dispatch, for builds where tail calls aren't jumps: [`Dispatch::Loop`] |
//! | `pairs` (default) | handlers that do the work of two or three instructions: a quarter faster |
//! | `common-pairs` | those of them that programs use most, for builds for size |
//! | `wat` | modules in the text format |
//! | `coredump` | core dumps of guests that have trapped |
//! | `snapshot` | snapshots of running instances |
//! | `anyhow` | `?` makes an error of this crate one of `anyhow` |
//!
//! All but `loop`, `pairs` and `common-pairs` have `std`.
//!
//! # Without an operating system
//!
//! With `default-features = false` the crate needs `core` and `alloc` alone, and so a global allocator, which may refuse. What differs:
//!
//! - Memories are pieces of the heap, or of an array of the embedder's: [`Config::memory_arena`]. So are value stacks, which have
//!   [`Config::max_wasm_stack`] bytes from the first call on.
//! - [`Module::from_static`] executes a module where it is, in flash memory. What reads files isn't there.
//! - Everything is `Send` and `Sync` as elsewhere, and locks spin: several processors may use an engine, but an interrupt handler must
//!   not use what it has interrupted, an [`InterruptHandle`] included. Fuel stops a guest without one.
//! - Nobody waits at a shared memory, and there is none where the processor lacks atomic accesses of 64 bits.
//! - A panic of a host function ends the program.
//! - Nothing is random by itself: `seed_hashes` is for those who load modules of others.
//! - How much is left of the native stack isn't known. Calls of the host and back nest 100 deep at most, so that it
//!   must suffice for that.

#![no_std]
#![cfg_attr(not(feature = "std"), allow(dead_code, reason = "what a system or a tier has to do with"))]
#![cfg_attr(not(feature = "simd"), allow(dead_code, reason = "what is for vectors stays in the tables"))]

#[macro_use]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(not(any(target_pointer_width = "32", target_pointer_width = "64")))]
compile_error!("Dunlin is for machines whose addresses have 32 or 64 bits");

mod api;
mod memory;
mod module;
mod ops;
mod runtime;
mod stream;
mod sys;
mod translate;
mod value;
mod words;

/// The README's example, compiled and run.
#[cfg(all(doctest, feature = "wat"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// What tests of the memory promise need to know; no part of the API.
#[doc(hidden)]
pub mod testing {
    use alloc::string::String;
    use alloc::vec::Vec;

    #[cfg(feature = "std")]
    /// Whether this thread is in a library that allocates as it likes.
    pub fn in_third_party() -> bool {
        crate::memory::in_third_party()
    }

    /// Calls into a library that allocates as it likes, after its worst has been charged; only tells tests.
    pub fn third_party<R>(call: impl FnOnce() -> R) -> R {
        crate::memory::third_party(call)
    }

    /// What a module's functions take when they are translated: the most for one, and all cells; both as they
    /// were estimated while loading, and as they are.
    pub fn cells(module: &crate::Module) -> crate::Result<[(u64, u64); 2]> {
        let shared = module.shared();
        Ok([(shared.data.cells.largest, shared.data.cells.all), shared.translate_all()?])
    }

    /// The cells of each function that the module defines, for people to read: ops and fields, before they are linked.
    pub fn disassemble(module: &crate::Module) -> crate::Result<Vec<String>> {
        module.shared().disassemble()
    }

    #[cfg(feature = "std")]
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

/// Errors, and what makes them.
pub mod error {
    pub use crate::runtime::error::{Context, Error, ErrorKind, Result};
    pub use crate::{bail, ensure, format_err};

    /// What [`format_err!`] expands to; no part of the API.
    #[doc(hidden)]
    pub mod choose {
        pub use crate::runtime::error::choose::{OfError, OfMessage};
    }
}

#[cfg(feature = "std")]
pub use api::InterruptWaiter;
#[cfg(feature = "coredump")]
pub use api::WasmCoreDump;
pub use api::{
    AsContext, AsContextMut, BreakpointEdit, Caller, DebugFrame, Export, Instance, InstancePre,
    InterruptHandle, IntoFunc, Linker, ModuleExport, ModuleOptions, ModuleStream, NumericFunc, ResumableCall,
    Section, Store, StoreContext, StoreContextMut, StoreLimits, StoreLimitsBuilder, SuspendedCall, TypedFunc,
    WasmParams, WasmResults, WasmRet, WasmTy,
};
#[cfg(feature = "record")]
pub use api::{Record, ReplayEnd};
#[cfg(feature = "snapshot")]
pub use api::{Restored, Snapshot, SnapshotPre};
pub use memory::limits::Limits;
pub use memory::{Budget, Charge, Kind, MemoryAccessError, OutOfBudget};
pub use module::features::Feature;
#[doc(hidden)]
pub use module::survey::Survey;
pub use module::trap::Trap;
pub use module::types::{
    ExportType, ExternType, FuncType, GlobalType, HeapType, ImportType, MemoryType, Mutability, RefType,
    TableType, TagType, TypeNumber, ValType, ValTypes,
};
pub use runtime::backtrace::{FrameInfo, WasmBacktrace};
pub use runtime::config::{Config, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy};
#[cfg(feature = "coredump")]
pub use runtime::coredump::CoreValue;
pub use runtime::debug::Breakpoint;
pub use runtime::engine::Engine;
pub use runtime::error::{Error, ErrorKind, Result, ThrownException};
pub use runtime::exec::{Dispatch, DispatchCounts};
#[doc(hidden)]
pub use runtime::exec::{HandlerKind, TailHandler, tail_handlers};
pub use runtime::loaded::Module;
pub use runtime::plan::{Plan, PlanItem};
pub use runtime::profile::{Profile, ProfileFrame, ProfileStack};
#[cfg(feature = "record")]
pub use runtime::record::{CallNotes, HostErrors};
pub use runtime::shared_memory::{SharedMemory, WaitResult};
#[cfg(feature = "snapshot")]
pub use runtime::snapshot::{SnapshotFrame, SnapshotSummary};
pub use runtime::store::handle::{ExnRef, Extern, ExternRef, Func, Global, Memory, Table, Tag, V128, Val};
pub use runtime::store::{CallHook, ResourceLimiter, UpdateDeadline};
pub use runtime::tier;
#[cfg(not(feature = "std"))]
pub use sys::seed_hashes;
