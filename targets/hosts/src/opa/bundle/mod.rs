//! Bundles: a policy with its data in a `.tar.gz`, as `opa build -t wasm` makes them.

mod archive;
mod data;
mod error;
mod manifest;
mod options;
mod signature;
#[cfg(test)]
mod tests;

pub use error::BundleError;
pub use options::{BundleOptions, VerificationKey};

use archive::Files;
use manifest::Manifest;
use std::io::Read;

/// A bundle that has been read whole: what it says fits what is in it, and its signature is right if that was asked
/// for.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    module: Vec<u8>,
    data: String,
}

impl Bundle {
    /// Reads a `.tar.gz`.
    ///
    /// # Errors
    /// If it is damaged, larger than allowed, not signed as wanted, or has no policy in it.
    pub fn read(archive: impl Read, options: &BundleOptions) -> Result<Self, BundleError> {
        let mut files = Files::read(archive, options)?;
        signature::verify(&files, &options.verification)?;
        let manifest = Manifest::of(&files)?;
        let data = data::collect(&files)?;
        manifest.permits(&data)?;
        let module = files.take(&manifest.module).ok_or_else(|| match manifest.is_explicit {
            true => BundleError::invalid(format_args!(
                "its manifest names {}, which isn't in it",
                manifest.module
            )),
            false => BundleError::invalid("there is no policy.wasm in it: opa build -t wasm puts one there"),
        })?;
        Ok(Self { manifest, module, data: data.to_string() })
    }

    /// The policy, in WebAssembly's binary format.
    pub fn module(&self) -> &[u8] {
        &self.module
    }

    /// The data, a JSON document.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// What the maker calls this version of it.
    pub fn revision(&self) -> &str {
        &self.manifest.revision
    }

    /// Which parts of the data are the bundle's: paths like `a/b`, of which an empty one is all.
    pub fn roots(&self) -> &[String] {
        &self.manifest.roots
    }

    /// The entrypoints that the manifest lists.
    pub fn entrypoints(&self) -> &[String] {
        &self.manifest.entrypoints
    }
}
