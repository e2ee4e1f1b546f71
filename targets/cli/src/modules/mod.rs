//! Modules from files and from standard input.

pub(crate) mod load;
mod other_formats;
pub(crate) mod precompiled;
