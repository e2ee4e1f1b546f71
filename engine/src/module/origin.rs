//! What snapshots need of a module besides what executes it: which module it is, and the types in it as the validator has
//! them.

use crate::memory::Charge;
use sha2::{Digest, Sha256};
use wasmparser::ValidatorResources;

/// The SHA-256 digest of a module's bytes.
pub(crate) type ModuleDigest = [u8; 32];

/// The identity of a module, by the digest of its bytes, and its types as the validator has them.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) digest: ModuleDigest,
    /// `None` if the module defines no function.
    pub(crate) resources: Option<ValidatorResources>,
    /// For what the validator has made of the module.
    pub(crate) _charge: Charge,
}

/// A digest of bytes that are still coming.
#[derive(Default)]
pub(crate) struct Digesting(Sha256);

impl Digesting {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> ModuleDigest {
        self.0.finalize().into()
    }
}
