//! `dunlin validate`

use crate::failure::Failure;
use crate::modules::load::{defined_functions, display_name, load};
use crate::output::{complain, count, print};
use dunlin::Engine;
use std::ffi::{OsStr, OsString};

/// Loads the modules, says which are valid, and gives the exit code.
pub(crate) fn validate(paths: &[OsString]) -> Result<u8, Failure> {
    let mut code = 0;
    for path in paths {
        match valid(path) {
            Ok(text) => print(&text)?,
            Err(failure) => {
                complain(&failure);
                code = failure.code;
            }
        }
    }
    Ok(code)
}

fn valid(path: &OsStr) -> Result<String, Failure> {
    let module = load(&Engine::default(), path)?;
    Ok(format!(
        "{}: valid, {}, {}\n",
        display_name(path),
        count(module.size(), "byte"),
        count(defined_functions(&module).into(), "function")
    ))
}
