//! The identity of a module, for snapshots: the digest of its bytes.

use sha2::{Digest, Sha256};

/// The SHA-256 digest of a module's bytes.
pub(crate) type ModuleDigest = [u8; 32];

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
