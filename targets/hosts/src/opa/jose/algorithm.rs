//! Signature algorithms, by the names that JSON Web Signatures have for them.

use super::key::{PublicKey, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use rsa::signature::{Signer, Verifier};
use sha2::{Sha256, Sha384, Sha512};

/// A signature algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::opa) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

impl Algorithm {
    pub(in crate::opa) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    /// Whether this is the key's signature of the message; never with a key of another kind.
    pub(in crate::opa) fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        macro_rules! keyed {
            ($hash:ty, $key:expr) => {
                Hmac::<$hash>::new_from_slice($key)
                    .is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
            };
        }
        macro_rules! elliptic {
            ($curve:ident, $key:expr) => {
                $curve::ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| $key.verify(message, &signature).is_ok())
            };
        }
        match (self, key) {
            (Self::Hs256, PublicKey::Secret(key)) => keyed!(Sha256, key),
            (Self::Hs384, PublicKey::Secret(key)) => keyed!(Sha384, key),
            (Self::Hs512, PublicKey::Secret(key)) => keyed!(Sha512, key),
            (Self::Rs256, PublicKey::Rsa(key)) => key.pkcs1v15_verify::<Sha256>(message, signature).is_ok(),
            (Self::Rs384, PublicKey::Rsa(key)) => key.pkcs1v15_verify::<Sha384>(message, signature).is_ok(),
            (Self::Rs512, PublicKey::Rsa(key)) => key.pkcs1v15_verify::<Sha512>(message, signature).is_ok(),
            (Self::Ps256, PublicKey::Rsa(key)) => key.pss_verify::<Sha256>(message, signature).is_ok(),
            (Self::Ps384, PublicKey::Rsa(key)) => key.pss_verify::<Sha384>(message, signature).is_ok(),
            (Self::Ps512, PublicKey::Rsa(key)) => key.pss_verify::<Sha512>(message, signature).is_ok(),
            (Self::Es256, PublicKey::P256(key)) => elliptic!(p256, key),
            (Self::Es384, PublicKey::P384(key)) => elliptic!(p384, key),
            (Self::Es512, PublicKey::P521(key)) => elliptic!(p521, key),
            (Self::EdDsa, PublicKey::Ed25519(key)) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            _ => false,
        }
    }

    /// # Errors
    /// If the key is of another kind.
    pub(in crate::opa) fn sign(self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, String> {
        macro_rules! keyed {
            ($hash:ty, $key:expr) => {
                Hmac::<$hash>::new_from_slice($key)
                    .map(|mac| mac.chain_update(message).finalize().into_bytes().to_vec())
                    .map_err(|error| error.to_string())
            };
        }
        macro_rules! elliptic {
            ($curve:ident, $key:expr) => {{
                let signature: $curve::ecdsa::Signature = $key.sign(message);
                Ok(signature.to_bytes().to_vec())
            }};
        }
        let said = |error: rsa::Error| error.to_string();
        match (self, key) {
            (Self::Hs256, SigningKey::Secret(key)) => keyed!(Sha256, key),
            (Self::Hs384, SigningKey::Secret(key)) => keyed!(Sha384, key),
            (Self::Hs512, SigningKey::Secret(key)) => keyed!(Sha512, key),
            (Self::Rs256, SigningKey::Rsa(key)) => key.pkcs1v15_sign::<Sha256>(message).map_err(said),
            (Self::Rs384, SigningKey::Rsa(key)) => key.pkcs1v15_sign::<Sha384>(message).map_err(said),
            (Self::Rs512, SigningKey::Rsa(key)) => key.pkcs1v15_sign::<Sha512>(message).map_err(said),
            (Self::Ps256, SigningKey::Rsa(key)) => key.pss_sign::<Sha256>(message).map_err(said),
            (Self::Ps384, SigningKey::Rsa(key)) => key.pss_sign::<Sha384>(message).map_err(said),
            (Self::Ps512, SigningKey::Rsa(key)) => key.pss_sign::<Sha512>(message).map_err(said),
            (Self::Es256, SigningKey::P256(key)) => elliptic!(p256, key),
            (Self::Es384, SigningKey::P384(key)) => elliptic!(p384, key),
            (Self::Es512, SigningKey::P521(key)) => elliptic!(p521, key),
            (Self::EdDsa, SigningKey::Ed25519(key)) => Ok(key.sign(message).to_bytes().to_vec()),
            _ => Err("the key isn't of the kind that the algorithm needs".into()),
        }
    }
}
