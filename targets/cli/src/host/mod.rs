//! What the command needs of the operating system: its standard streams, signals, what files are, and address space of
//! its own. Only this folder names the system, and the libraries that ask it. What is there twice, the second time in
//! `windows`, has the same functions and types in both.

#[cfg_attr(windows, path = "windows/files.rs")]
pub(crate) mod files;
pub(crate) mod reserve;
#[cfg_attr(windows, path = "windows/setup.rs")]
mod setup;
#[cfg_attr(windows, path = "windows/signals.rs")]
pub(crate) mod signals;
#[cfg_attr(windows, path = "windows/status.rs")]
pub(crate) mod status;
#[cfg_attr(windows, path = "windows/streams.rs")]
pub(crate) mod streams;
#[cfg(any(feature = "jit", feature = "hosts", feature = "text"))]
#[cfg_attr(windows, path = "windows/terminal.rs")]
pub(crate) mod terminal;

pub use setup::open_standard_streams;
pub(crate) use setup::survive_file_size_limit;
