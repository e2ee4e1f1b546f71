//! What embedders see. Its shape is that of wasmtime's API.

mod caller;
mod context;
mod debug;
#[cfg(feature = "coredump")]
mod coredump;
mod exceptions;
mod externs;
mod func;
mod global;
mod host;
mod instance;
mod interrupt;
mod linker;
mod memory;
mod module;
mod numeric;
mod resumable;
mod shared_memory;
mod store;
mod table;
mod typed;
mod types;
mod val;
mod wasm_ty;

pub use caller::Caller;
pub use context::{AsContext, AsContextMut, StoreContext, StoreContextMut};
pub use debug::{BreakpointEdit, DebugFrame};
#[cfg(feature = "coredump")]
pub use coredump::WasmCoreDump;
pub use externs::Export;
pub use host::{IntoFunc, WasmRet};
pub use instance::Instance;
pub use interrupt::{InterruptHandle, InterruptWaiter};
pub use linker::{InstancePre, Linker};
pub use memory::MemoryAccessError;
pub use module::{ModuleOptions, ModuleStream, Section};
pub use numeric::NumericFunc;
pub use resumable::{ResumableCall, SuspendedCall};
pub use store::Store;
pub use typed::{TypedFunc, WasmParams, WasmResults};
pub use wasm_ty::WasmTy;
