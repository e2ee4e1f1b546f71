//! What bundles are accepted.

use super::super::jose::{Algorithm, PublicKey, TrustedKey, trusted_keys};
use super::error::BundleError;
use dunlin::Budget;

/// Which bundles are accepted.
#[derive(Clone, Debug)]
pub struct BundleOptions {
    pub(super) most_bytes: u64,
    pub(super) budget: Budget,
    pub(super) verification: Verification,
}

/// What is done about signatures.
#[derive(Clone, Debug)]
pub(super) enum Verification {
    /// Bundles that aren't signed are accepted; one that is can't be without a key.
    Unsigned,
    Skipped,
    By(Box<VerificationKey>),
}

/// A key by which bundles must be signed.
#[derive(Clone, Debug)]
pub struct VerificationKey {
    pub(super) keys: Vec<TrustedKey>,
    pub(super) algorithm: Algorithm,
    pub(super) scope: String,
}

impl VerificationKey {
    /// A key for an algorithm such as `RS256`: in PEM, a certificate's or a public one; a JSON Web Key or a set; for
    /// `HS256` and its like the secret itself.
    ///
    /// # Errors
    /// If the algorithm is unknown, or the key isn't one.
    pub fn new(key: &str, algorithm: &str) -> Result<Self, BundleError> {
        let known = Algorithm::named(algorithm);
        let known =
            known.ok_or_else(|| BundleError::signature(format_args!("there is no algorithm {algorithm}")))?;
        let keys = match known {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                vec![TrustedKey { key: PublicKey::Secret(key.into()), algorithm: None, id: None }]
            }
            _ => trusted_keys(key).map_err(|why| BundleError::signature(format_args!("the key: {why}")))?,
        };
        Ok(Self { keys, algorithm: known, scope: String::new() })
    }

    /// What the signature must be for: by default nothing special.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }
}

impl Default for BundleOptions {
    /// At most 256 MiB unpacked, and not signed.
    fn default() -> Self {
        Self { most_bytes: 256 << 20, budget: Budget::unlimited(), verification: Verification::Unsigned }
    }
}

impl BundleOptions {
    /// How large bundles may be, in bytes unpacked.
    pub fn most_bytes(mut self, most: u64) -> Self {
        self.most_bytes = most;
        self
    }

    /// What pays for bundles while they are read.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = budget.clone();
        self
    }

    /// Only bundles that are signed by this key are accepted.
    pub fn verify(mut self, key: VerificationKey) -> Self {
        self.verification = Verification::By(Box::new(key));
        self
    }

    /// Signatures aren't looked at.
    pub fn skip_verification(mut self) -> Self {
        self.verification = Verification::Skipped;
        self
    }
}
