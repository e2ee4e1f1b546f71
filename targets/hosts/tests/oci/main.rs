//! Registries, as they should be and as they shouldn't: `registry.rs` is one on loopback that does what it is told.
#![cfg(feature = "oci")]

mod access;
mod kept;
mod layouts;
mod registry;
mod signed;
mod wrong;

use dunlin::{Engine, Module};
use dunlin_hosts::oci::{Cache, OciError, Options, Reference, Registries};
use registry::Registry;
use std::path::{Path, PathBuf};

/// A module of some length.
fn module() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policies/policy.wasm");
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.len() > 50_000);
    bytes
}

const WASM: &str = "application/wasm";
const CONFIG: (&str, &str) = ("application/vnd.wasm.config.v0+json", "{}");

/// A registry with a module at `app:v1`.
fn with_app() -> (Registry, Reference) {
    let registry = Registry::start();
    registry.artifact("app", "v1", CONFIG, &[(WASM, &module())]);
    let reference = registry.reference("app:v1").parse().unwrap();
    (registry, reference)
}

/// Loads a module while it arrives.
fn load(registries: &Registries, reference: &Reference) -> Result<Module, String> {
    let pulled = registries.open(reference).map_err(|error| error.to_string())?;
    Module::from_reader(&Engine::default(), pulled).map_err(|error| error.to_string())
}

fn options() -> Options {
    Options::default()
}

/// A new empty folder for one test.
fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oci").join(test);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn with_cache(folder: &Path) -> Options {
    let mut options = options();
    options.cache = Some(Cache::new(folder, 64 << 20));
    options
}

/// All files in a folder, and in those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

/// The error of opening, or of reading to the end.
fn refusal(registries: &Registries, reference: &Reference) -> OciError {
    match registries.open(reference).and_then(|mut pulled| pulled.verify()) {
        Err(error) => error,
        Ok(()) => panic!("{reference} was pulled"),
    }
}
