//! What the command needs of the operating system: its standard streams, signals, what files are, and address space of
//! its own. Only this folder names the system, and the libraries that ask it.

pub(crate) mod files;
pub(crate) mod reserve;
mod setup;
pub(crate) mod signals;
pub(crate) mod status;
pub(crate) mod streams;
#[cfg(any(feature = "jit", feature = "hosts", feature = "text"))]
pub(crate) mod terminal;

pub use setup::open_standard_streams;
pub(crate) use setup::survive_file_size_limit;
