//! The functions: methods of [`WasiCtx`](crate::WasiCtx), by what they work on.

mod clock;
mod fd;
mod open;
mod path;
mod poll;
pub(crate) mod process;
mod readdir;
mod sock;
mod times;
pub(crate) mod transfer;
