//! Modules in registries.

use crate::args::RegistryOptions;
use crate::args::size;
use crate::failure::{Failure, io_reason};
use crate::output::complain;
use dunlin_hosts::oci::{
    Cache, Credentials, OciError, Options, PulledModule, Reference, Registries, VerifyingKey,
};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a word of the command line refers to, with or without `oci://` before it.
pub(crate) fn reference(word: &OsStr) -> Result<Reference, Failure> {
    word.to_string_lossy().parse().map_err(|error: OciError| Failure::usage(error))
}

/// Opens a module, to be read as it arrives.
pub(crate) fn open(reference: &Reference, options: &RegistryOptions) -> Result<PulledModule, Failure> {
    registries(options)?.open(reference).map_err(|error| unusable(reference, &error))
}

/// Opens a module, or a bundle of policies as it is.
pub(crate) fn open_artifact(
    reference: &Reference,
    options: &RegistryOptions,
) -> Result<PulledModule, Failure> {
    registries(options)?.open_artifact(reference).map_err(|error| unusable(reference, &error))
}

/// Opens what is the only layer of a manifest as it is, a module or not.
pub(crate) fn open_layer(reference: &Reference, options: &RegistryOptions) -> Result<PulledModule, Failure> {
    registries(options)?.open_layer(reference).map_err(|error| unusable(reference, &error))
}

/// Why something can't be pulled or pushed.
pub(crate) fn unusable(reference: &Reference, error: &OciError) -> Failure {
    Failure::unusable(format_args!("oci://{reference}: {error}"))
}

/// Registries, as the options and the environment have it.
pub(crate) fn registries(given: &RegistryOptions) -> Result<Registries, Failure> {
    let mut options = Options::default();
    options.credentials = Credentials::of_user().map_err(|error| Failure::unusable(io_reason(&error)))?;
    options.cache = cache()?;
    options.plain_http = given.plain_http;
    options.offline = given.offline;
    options.verify_key =
        given.verify_key.as_deref().map(|path| key(path, VerifyingKey::from_pem)).transpose()?;
    options.warn = Some(Arc::new(|sentence: &str| complain(format_args!("warning: {sentence}"))));
    Ok(Registries::new(options))
}

/// Reads a key from a file.
pub(crate) fn key<K>(path: &Path, read: fn(&str) -> Result<K, OciError>) -> Result<K, Failure> {
    let failure = |why: String| Failure::unusable(format_args!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failure(io_reason(&error)))?;
    read(&text).map_err(|error| failure(error.to_string()))
}

fn cache() -> Result<Option<Cache>, Failure> {
    const SIZE: &str = "DUNLIN_CACHE_SIZE";
    let folder = match std::env::var_os("DUNLIN_CACHE") {
        Some(folder) => Some(PathBuf::from(folder)).filter(|folder| !folder.as_os_str().is_empty()),
        None => Cache::folder_of_user(),
    };
    let limit = std::env::var_os(SIZE).map(|value| size(SIZE, &value)).transpose()?;
    Ok(folder.map(|folder| Cache::new(folder, limit.unwrap_or(Cache::DEFAULT_LIMIT))))
}
