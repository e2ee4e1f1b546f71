//! What stands on the host's side: files, directories, sockets, streams, clocks, random bytes. Only this folder names
//! the operating system, and the libraries that ask it. What is there twice, the second time in `windows`, has the same
//! functions and types in both: rules stand in the files that are there once.

pub(crate) mod clocks;
#[cfg_attr(windows, path = "windows/dir.rs")]
pub(crate) mod dir;
mod errors;
pub(crate) mod escapes;
#[cfg_attr(windows, path = "windows/file.rs")]
pub(crate) mod file;
pub(crate) mod interrupt;
#[cfg_attr(not(feature = "async"), allow(dead_code, reason = "every call waits itself"))]
pub(crate) mod later;
#[cfg_attr(windows, path = "windows/named.rs")]
mod named;
pub(crate) mod names;
#[cfg_attr(windows, path = "windows/numbers.rs")]
mod numbers;
pub(crate) mod open;
#[cfg_attr(windows, path = "windows/opening.rs")]
mod opening;
#[cfg_attr(windows, path = "windows/paths.rs")]
mod paths;
pub(crate) mod random;
#[cfg(feature = "async")]
mod ready;
pub(crate) mod replay;
#[cfg_attr(windows, path = "windows/set_times.rs")]
pub(crate) mod set_times;
pub(crate) mod socket;
#[cfg_attr(windows, path = "windows/stat.rs")]
mod stat;
pub(crate) mod stdio;
pub(crate) mod streams;
#[cfg_attr(windows, path = "windows/system.rs")]
mod system;
pub(crate) mod times;

#[cfg(all(windows, feature = "async"))]
compile_error!(
    "On Windows there are no calls that wait without blocking the thread: leave out the feature `async`."
);

pub(crate) use paths::seek_to;
// For the calls that only pass a descriptor on.
pub(crate) use system::{AsFd, BorrowedFd};
