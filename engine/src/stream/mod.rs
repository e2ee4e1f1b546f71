//! Loads a module from chunks of any size.

mod error;

pub(crate) use error::{ErrorKind, LoadError};
