//! A small WASI preview 1 for [Dunlin](dunlin): the 46 functions of `wasi_snapshot_preview1` over its linker, and those
//! of its predecessor `wasi_unstable`.
//!
//! A guest gets what a [`WasiCtxBuilder`] grants, and nothing else: no arguments, environment or directories of the
//! host's, and no input or output. [`add_to_linker`] links the functions:
//!
//! ```no_run
//! use dunlin::{Engine, Linker, Module, Store};
//! use dunlin_wasi_lite::{DirPerms, FilePerms, I32Exit, WasiCtx, WasiCtxBuilder};
//!
//! let engine = Engine::default();
//! let mut linker = Linker::<WasiCtx>::new(&engine);
//! dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
//!
//! let ctx = WasiCtxBuilder::new()
//!     .args(&["wc", "-l", "/in/list"])
//!     .inherit_stdio()
//!     .preopened_dir("data", "/in", DirPerms::READ, FilePerms::READ)
//!     .map_err(dunlin::Error::host)?
//!     .build();
//! let mut store = Store::new(&engine, ctx);
//! let instance = linker.instantiate(&mut store, &Module::from_file(&engine, "wc.wasm")?)?;
//! let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
//! if let Err(error) = start.call(&mut store, ()) {
//!     std::process::exit(error.downcast::<I32Exit>()?.0);
//! }
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # Where the specification leaves room
//!
//! - What a read-only directory refuses fails with `EPERM`, as does a path that leads out of the directory that it
//!   starts from. A right that the guest gave up by `fd_fdstat_set_rights` gives `ENOTCAPABLE`, or `EBADF` for reading
//!   and writing.
//! - A pointer that leads out of the guest's memory gives `EFAULT`, and a flag that isn't defined `EINVAL`; neither is a
//!   trap. Nothing has happened then.
//! - A call that has to wait (for input, a connection, room in a pipe, time to pass) ends when the store is interrupted.
//!   Input and output of regular files isn't waiting.
//! - Listeners come after the preopened directories in the order of descriptors; the first of them is 3 if there are no
//!   directories. On a connection, `fd_read` and `fd_write` work as well as `sock_recv` and `sock_send`.
//! - Names that aren't UTF-8 fail with `EILSEQ`. No call allocates as much memory as a guest asks for: a call has at most
//!   1024 buffers and 4096 subscriptions, a path 4095 bytes, and data goes straight between files and the guest's memory.
//! - What the guest makes the host keep (descriptors, positions in directories, output in memory), and what a call needs
//!   while it lasts, is charged to the budget of its store. Where that, or the system, refuses, the guest gets `ENOMEM`.
//!   Resolving a path is charged beforehand for what the library that does it may allocate. That doesn't cover symbolic
//!   links where the library follows them itself (before Linux 5.6, or while directories are being renamed): 40 links,
//!   each to as long a path as there can be, then take up to 10 MiB while the call lasts. What a [`WasiCtxBuilder`] is
//!   given (arguments, environment, names of directories, streams) is the host's own, and not charged.
//! - Where a limit on the size of files (`RLIMIT_FSIZE`) is reached, the system sends `SIGXFSZ`, which ends the process. If the
//!   embedder has that ignored or handled, the guest gets `EFBIG`; this crate leaves signals alone.
//! - `fd_close` of a file tells what the system says of errors that it learns of late, and the descriptor is gone all the
//!   same.
//! - `path_link` follows no symbolic link, and `path_symlink` makes none to an absolute path.

#![forbid(unsafe_code)]

mod abi;
mod calls;
mod capability;
mod ctx;
mod errno;
mod fds;
mod functions;
mod guest;
mod host;
mod linker;
mod moved;
pub mod p1;
mod paid;
#[cfg(test)]
mod tests;
#[cfg(feature = "trace")]
mod trace;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub use capability::{Capability, FUNCTIONS, Status, capability, description};
pub use ctx::{WasiCtx, WasiCtxBuilder};
pub use fds::{DirPerms, FilePerms};
pub use host::clocks::{HostMonotonicClock, HostWallClock};
pub use host::replay::{ReplayClock, replay_random};
pub use host::stdio::{ReadPipe, WritePipe};
#[cfg(feature = "async")]
pub use linker::add_to_linker_async;
pub use linker::{I32Exit, add_to_linker};
pub use moved::MoveError;
