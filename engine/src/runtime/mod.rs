//! What executes: handlers, translated code, instances, and what a compiled tier is told.
//!
//! This is one room because it is recursive. A call may find a function that isn't translated, so `exec` needs `code`;
//! code is dropped only when no frame is in it, so `code` needs `exec`. A handler reaches its instance and its store
//! through pointers (`vmctx`), and the store calls functions. The tier is asked by `exec` and calls it back.

pub(crate) mod backtrace;
pub(crate) mod code;
pub(crate) mod config;
#[cfg(feature = "coredump")]
pub(crate) mod coredump;
pub(crate) mod debug;
pub(crate) mod engine;
mod epochs;
pub(crate) mod error;
pub(crate) mod exec;
pub(crate) mod interrupt;
pub(crate) mod loaded;
pub(crate) mod plan;
pub(crate) mod profile;
#[cfg(feature = "record")]
pub(crate) mod record;
pub(crate) mod shared_memory;
#[cfg(feature = "snapshot")]
pub(crate) mod snapshot;
pub(crate) mod store;
pub mod tier;
mod types;
pub(crate) mod vmctx;
#[cfg(feature = "std")]
mod waits;
#[cfg(not(feature = "std"))]
#[path = "no_waits.rs"]
mod waits;
