//! `dunlin validate`

use crate::args::{RegistryOptions, ValidateOptions};
use crate::failure::Failure;
use crate::modules::load::{Opened, defined_functions, display_name};
use crate::output::{complain, count, print};
use dunlin::{Engine, ModuleOptions};
use std::ffi::OsStr;

/// Loads the modules, says which are valid, and gives the exit code.
pub(crate) fn validate(options: &ValidateOptions) -> Result<u8, Failure> {
    let mut code = 0;
    for path in &options.modules {
        match valid(path, &options.registry) {
            Ok(text) => print(&text)?,
            Err(failure) => {
                complain(&failure);
                code = failure.code;
            }
        }
    }
    Ok(code)
}

fn valid(path: &OsStr, registry: &RegistryOptions) -> Result<String, Failure> {
    let opened = Opened::open(path, registry)?;
    let (module, _) = opened.load(&Engine::default(), &ModuleOptions::new())?;
    Ok(format!(
        "{}: valid, {}, {}\n",
        display_name(path),
        count(module.size(), "byte"),
        count(defined_functions(&module).into(), "function")
    ))
}
