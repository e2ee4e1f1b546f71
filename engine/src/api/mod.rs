//! What embedders see. Its shape is that of wasmtime's API.

mod asynchronous;
mod call_hook;
mod caller;
mod context;
#[cfg(feature = "coredump")]
mod coredump;
mod debug;
mod epochs;
mod exceptions;
mod externs;
mod func;
mod global;
mod host;
mod instance;
mod interrupt;
mod limiter;
mod linker;
mod memory;
mod module;
mod numeric;
#[cfg(feature = "record")]
mod record;
mod resumable;
mod shared_memory;
#[cfg(feature = "snapshot")]
mod snapshot;
#[cfg(feature = "snapshot")]
mod snapshot_pre;
mod store;
mod table;
mod typed;
mod types;
mod val;
mod wasm_ty;

pub use caller::Caller;
pub use context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
#[cfg(feature = "coredump")]
pub use coredump::WasmCoreDump;
pub use debug::{BreakpointEdit, DebugFrame};
pub use externs::Export;
pub use host::{IntoFunc, WasmRet};
pub use instance::Instance;
pub use interrupt::InterruptHandle;
#[cfg(feature = "std")]
pub use interrupt::InterruptWaiter;
pub use limiter::{StoreLimits, StoreLimitsBuilder};
pub use linker::{InstancePre, Linker};
pub use module::{ModuleExport, ModuleOptions, ModuleStream, Section};
pub use numeric::NumericFunc;
#[cfg(feature = "record")]
pub use record::{Record, ReplayEnd};
pub use resumable::{ResumableCall, SuspendedCall};
#[cfg(feature = "snapshot")]
pub use snapshot::{Restored, Snapshot};
#[cfg(feature = "snapshot")]
pub use snapshot_pre::SnapshotPre;
pub use store::Store;
pub use typed::{TypedFunc, WasmParams, WasmResults};
pub use wasm_ty::WasmTy;
