//! `dunlin validate`

use crate::args::{RegistryOptions, ValidateOptions};
use crate::failure::Failure;
use crate::modules::load::{Opened, defined_functions, display_name};
use crate::output::{complain, count, print};
use dunlin::{Config, Engine, ModuleOptions};
use std::ffi::OsStr;

/// Loads the modules, says which are valid, and gives the exit code.
pub(crate) fn validate(options: &ValidateOptions) -> Result<u8, Failure> {
    let mut config = Config::new();
    options.features.configure(&mut config);
    let engine = Engine::new(&config).map_err(Failure::unusable)?;
    let mut code = 0;
    for path in &options.modules {
        match valid(path, &engine, &options.registry) {
            Ok(text) => print(&text)?,
            Err(failure) => {
                complain(&failure);
                code = failure.code;
            }
        }
    }
    Ok(code)
}

fn valid(path: &OsStr, engine: &Engine, registry: &RegistryOptions) -> Result<String, Failure> {
    let opened = Opened::open(path, registry)?;
    let (module, _) = opened.load(engine, &ModuleOptions::new())?;
    Ok(format!(
        "{}: valid, {}, {}\n",
        display_name(path),
        count(module.size(), "byte"),
        count(defined_functions(&module).into(), "function")
    ))
}
