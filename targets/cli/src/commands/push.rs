//! `dunlin push`

use crate::args::PushOptions;
use crate::failure::Failure;
use crate::modules::load::{Opened, program_name};
use crate::modules::registry::{key, reference, registries, unusable};
use crate::output::print;
use dunlin::{Engine, ModuleOptions};
use dunlin_hosts::oci::SigningKey;
use std::ffi::OsStr;
use std::time::SystemTime;

/// Validates a module, and puts it into a registry.
pub(crate) fn push(options: &PushOptions) -> Result<(), Failure> {
    let reference = reference(&options.reference)?;
    let registries = registries(&options.registry)?;
    let key = options.sign_key.as_deref().map(|path| key(path, SigningKey::from_pem)).transpose()?;
    let opened = Opened::open(&options.module, &options.registry)?;
    let whole = opened.load_whole(&Engine::default(), &ModuleOptions::new())?;
    let (title, created) = described(&options.module);
    let pushed = registries
        .push(&reference, &whole.bytes, &title, created, key.as_ref())
        .map_err(|error| unusable(&reference, &error))?;
    print(&format!("oci://{reference}@{}\n", pushed.digest))
}

/// A module's file name, and when it was made.
fn described(module: &OsStr) -> (String, SystemTime) {
    let made = std::fs::metadata(module).and_then(|data| data.modified()).ok();
    let title = if module == "-" { "module.wasm".into() } else { program_name(module).into_owned() };
    (title, made.unwrap_or_else(SystemTime::now))
}
