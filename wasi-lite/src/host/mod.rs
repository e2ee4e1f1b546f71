//! What stands on the host's side: files, directories, sockets, streams, clocks, random bytes. Only this folder names
//! the operating system, and the libraries that ask it.

pub(crate) mod clocks;
pub(crate) mod dir;
mod errors;
pub(crate) mod escapes;
pub(crate) mod file;
pub(crate) mod interrupt;
#[cfg_attr(not(feature = "async"), allow(dead_code, reason = "every call waits itself"))]
pub(crate) mod later;
pub(crate) mod names;
pub(crate) mod open;
mod paths;
pub(crate) mod random;
#[cfg(feature = "async")]
mod ready;
pub(crate) mod replay;
pub(crate) mod socket;
mod stat;
pub(crate) mod stdio;
pub(crate) mod streams;
pub(crate) mod times;

pub(crate) use paths::seek_to;
// For the calls that only pass a descriptor on.
pub(crate) use std::os::fd::{AsFd, BorrowedFd};
