//! `dunlin validate`

use crate::failure::Failure;
use crate::load::{display_name, load};
use crate::outcome::defined_functions;
use crate::output::{count, print};
use dunlin::Engine;
use std::ffi::OsStr;

/// Loads the module, and says that it is valid.
pub(crate) fn validate(path: &OsStr) -> Result<(), Failure> {
    let module = load(&Engine::default(), path)?;
    print(&format!(
        "{}: valid, {}, {}\n",
        display_name(path),
        count(module.size(), "byte"),
        count(defined_functions(&module).into(), "function")
    ))
}
