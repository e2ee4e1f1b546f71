//! WASI preview 1 under the names that the crate `wasmtime-wasi` gives it.

use crate::WasiCtx;

/// What a guest is given: there is nothing but preview 1 here.
pub type WasiP1Ctx = WasiCtx;

pub use crate::linker::add_to_linker as add_to_linker_sync;
#[cfg(feature = "async")]
pub use crate::linker::add_to_linker_async;
