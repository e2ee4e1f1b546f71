//! Policies with their data: from bundles, or modules by themselves.

use super::load::{Opened, Tap, Whole, damage, display_name, is_in_registry, open, unusable};
use super::registry;
use crate::args::{PolicyGrants, RegistryOptions};
use crate::failure::{Failure, io_reason};
use crate::host::reserve;
use crate::host::streams::standard_input;
use dunlin::{Engine, Module, ModuleOptions};
use dunlin_hosts::opa::{Bundle, BundleError, BundleOptions, PolicyError, PolicyOptions, VerificationKey};
use dunlin_hosts::services::http::{AllowList, Client};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

/// How a gzipped file begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// A policy's module, and what a bundle has besides.
pub(crate) struct PolicyModule {
    pub(crate) module: Module,
    /// Of a module by itself: its bytes.
    pub(crate) bytes: Vec<u8>,
    /// A JSON document.
    pub(crate) data: Option<String>,
    /// The parts of the data that are the bundle's.
    pub(crate) roots: Vec<String>,
}

impl From<Whole> for PolicyModule {
    fn from(Whole { module, bytes }: Whole) -> Self {
        Self { module, bytes, data: None, roots: Vec::new() }
    }
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
    if is_bundle {
        return load_bundle(engine, &name, whole, options);
    }
    Ok(Opened::of(name, Box::new(whole), None)?.load_whole(engine, &ModuleOptions::new())?.into())
}

/// Loads a policy from a bundle, which is read to its end.
pub(crate) fn load_bundle(
    engine: &Engine,
    name: &str,
    bundle: impl Read,
    options: &BundleOptions,
) -> Result<PolicyModule, Failure> {
    let mut tap = Tap::new(bundle, None);
    let read = reserve::during(|| Bundle::read(&mut tap, options))?;
    let bundle = read.map_err(|error| match (&error, tap.failure.take()) {
        (BundleError::OutOfBudget(_), _) => Failure::over_budget(format_args!("{name}: {error}")),
        // The archive's reader puts it into words of its own.
        (_, Some(failure)) => Failure::unusable(format_args!("{name}: {failure}")),
        // What is wrong may have been damaged on its way.
        (_, None) => match damage(&mut tap) {
            Some(damage) => unusable(name, damage),
            None => Failure::unusable(format_args!("{name}: {error}")),
        },
    })?;
    let loaded = reserve::during(|| Module::new(engine, bundle.module()))?;
    let module = loaded.map_err(|error| unusable(&format!("{name}: policy.wasm"), error))?;
    let (data, roots) = (Some(bundle.data().into()), bundle.roots().to_vec());
    Ok(PolicyModule { module, bytes: Vec::new(), data, roots })
}

/// Which bundles are accepted, as the options say.
pub(crate) fn accepted_bundles(options: &PolicyGrants, engine: &Engine) -> Result<BundleOptions, Failure> {
    let accepted = BundleOptions::default().budget(engine.budget());
    let Some(given) = &options.verification_key else {
        return Ok(if options.skip_verify { accepted.skip_verification() } else { accepted });
    };
    let algorithm = options.signing_algorithm.as_deref().unwrap_or("RS256");
    // A secret is given as it is, unless it is the name of a file.
    let key = match Path::new(given).is_file() {
        true => read_text(given.as_ref())?,
        false => given.clone(),
    };
    let key = VerificationKey::new(&key, algorithm)
        .map_err(|error| Failure::usage(format_args!("--verification-key: {error}")))?;
    Ok(accepted.verify(key.scope(options.scope.as_deref().unwrap_or_default())))
}

/// What builtins may do, as the options say.
pub(crate) fn granted(options: &PolicyGrants) -> Result<PolicyOptions, Failure> {
    let policy = PolicyOptions::default().look_names_up(options.lookup);
    if options.hosts.is_empty() {
        return Ok(policy);
    }
    Ok(policy.http(Client::new(allowed(options)?)))
}

/// Where `--allow-host` lets requests go.
pub(crate) fn allowed(options: &PolicyGrants) -> Result<AllowList, Failure> {
    let mut allowed = AllowList::none();
    for host in &options.hosts {
        allowed.allow(host).map_err(|error| Failure::usage(format_args!("--allow-host: {error}")))?;
    }
    Ok(allowed)
}

/// An error of a policy's, with the options that would help.
pub(crate) fn explained(error: &PolicyError) -> String {
    match error {
        PolicyError::DeniedBuiltins(_) => format!("{error}; see --allow-host and --allow-lookup"),
        _ => error.to_string(),
    }
}

/// The text of a file, or of standard input.
pub(crate) fn read_text(path: &OsStr) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path == "-" {
        true => standard_input().read_to_string(&mut text),
        false => File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::unusable(format_args!("{}: {}", display_name(path), io_reason(&error))))?;
    Ok(text)
}
