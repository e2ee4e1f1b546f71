//! What the command needs of the operating system: its standard streams, and address space of its own.

pub(crate) mod reserve;
mod setup;
pub(crate) mod status;
pub(crate) mod streams;

pub use setup::open_standard_streams;
pub(crate) use setup::survive_file_size_limit;
