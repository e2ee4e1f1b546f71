//! Policies with their data: from bundles, or modules by themselves.

use super::load::{Opened, display_name, is_in_registry, open, unusable};
use super::registry;
use crate::args::RegistryOptions;
use crate::failure::{Failure, io_reason};
use crate::host::reserve;
use dunlin::{Engine, Module, ModuleOptions};
use dunlin_hosts::opa::{Bundle, BundleError, BundleOptions};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Cursor, Read};

/// How a gzipped file begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A policy's module, and what a bundle has besides.
pub(crate) struct PolicyModule {
    pub(crate) module: Module,
    /// A JSON document.
    pub(crate) data: Option<String>,
    /// The parts of the data that are the bundle's.
    pub(crate) roots: Vec<String>,
}

/// Whether this is a file with a bundle.
pub(crate) fn is_bundle(path: &OsStr) -> bool {
    let mut begin = Vec::new();
    let read = File::open(path).map(|file| file.take(GZIP.len() as u64).read_to_end(&mut begin));
    read.is_ok() && begin == GZIP
}

/// Loads a policy: a bundle, which the first bytes tell, or a module.
pub(crate) fn load_policy(
    engine: &Engine,
    path: &OsStr,
    registry: &RegistryOptions,
    options: &BundleOptions,
) -> Result<PolicyModule, Failure> {
    let name = display_name(path);
    let mut reader: Box<dyn Read> = match is_in_registry(path) {
        true => Box::new(registry::open_layer(&registry::reference(path)?, registry)?),
        false => open(path, registry)?.0,
    };
    let mut begin = Vec::new();
    let read = reader.by_ref().take(GZIP.len() as u64).read_to_end(&mut begin);
    read.map_err(|error| Failure::unusable(format_args!("{name}: {}", io_reason(&error))))?;
    let is_bundle = begin == GZIP;
    let whole = Cursor::new(begin).chain(reader);
    if !is_bundle {
        let (module, _) = Opened::of(name, Box::new(whole), None)?.load(engine, &ModuleOptions::new())?;
        return Ok(PolicyModule { module, data: None, roots: Vec::new() });
    }
    let bundle = reserve::during(|| Bundle::read(whole, options))?.map_err(|error| match error {
        BundleError::OutOfBudget(_) => Failure::over_budget(format_args!("{name}: {error}")),
        _ => Failure::unusable(format_args!("{name}: {error}")),
    })?;
    let loaded = reserve::during(|| Module::new(engine, bundle.module()))?;
    let module = loaded.map_err(|error| unusable(&format!("{name}: policy.wasm"), error))?;
    Ok(PolicyModule { module, data: Some(bundle.data().into()), roots: bundle.roots().to_vec() })
}
