//! Modules from files, from standard input and from registries.

pub(crate) mod debug_info;
pub(crate) mod load;
mod other_formats;
#[cfg(feature = "hosts")]
pub(crate) mod policy;
pub(crate) mod precompiled;
#[cfg(feature = "hosts")]
pub(crate) mod registry;
#[cfg(feature = "snapshot")]
pub(crate) mod snapshot_file;
