//! Keys: in PEM, as a certificate or a public key, or as JSON Web Keys.

use super::base64url::from_base64url;
use super::der::{self, Der, KeyInfo};
use rsa::BoxedUint;
use serde_json::Value;

/// A key that signatures are verified with.
#[derive(Clone, Debug)]
pub(in crate::opa) enum PublicKey {
    Secret(Vec<u8>),
    Rsa(Box<rsa::PublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// A key that signatures are made with.
pub(in crate::opa) enum SigningKey {
    Secret(Vec<u8>),
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

/// A public key, and what is said of it.
#[derive(Clone, Debug)]
pub(in crate::opa) struct TrustedKey {
    pub(in crate::opa) key: PublicKey,
    pub(in crate::opa) algorithm: Option<String>,
    pub(in crate::opa) id: Option<String>,
}

/// The keys in a text: one PEM block, one JSON Web Key, or a set of these.
pub(in crate::opa) fn trusted_keys(text: &str) -> Result<Vec<TrustedKey>, String> {
    if text.contains("-----BEGIN ") {
        let key = PublicKey::from_pem(text)?;
        return Ok(vec![TrustedKey { key, algorithm: None, id: None }]);
    }
    let json: Value = serde_json::from_str(text).map_err(|error| format!("no PEM and no JSON: {error}"))?;
    let one = std::slice::from_ref(&json);
    let keys = json["keys"].as_array().map_or(one, Vec::as_slice);
    let keys = keys.iter().map(|jwk| {
        let said = |name: &str| jwk[name].as_str().map(str::to_string);
        Ok(TrustedKey { key: PublicKey::from_jwk(jwk)?, algorithm: said("alg"), id: said("kid") })
    });
    keys.collect()
}

impl PublicKey {
    /// A certificate's key, which isn't asked who signed it, or a public key.
    fn from_pem(text: &str) -> Result<Self, String> {
        let (label, bytes) = der::pem(text).ok_or("this isn't a single PEM block")?;
        let mut reader = Der(&bytes);
        let info = match label {
            "CERTIFICATE" => reader.certified_key(),
            "PUBLIC KEY" => reader.key_info(),
            "RSA PUBLIC KEY" => return reader.rsa_key().and_then(Self::rsa).ok_or_else(unusable),
            _ => return Err(format!("a PEM block of {label} is no public key")),
        };
        info.and_then(|info| Self::from_info(&info)).ok_or_else(unusable)
    }

    fn from_info(info: &KeyInfo<'_>) -> Option<Self> {
        match (info.algorithm, info.curve) {
            (der::RSA, _) => Self::rsa(Der(info.bits).rsa_key()?),
            (der::ELLIPTIC, Some(der::P256)) => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(info.bits).ok().map(Self::P256)
            }
            (der::ELLIPTIC, Some(der::P384)) => {
                p384::ecdsa::VerifyingKey::from_sec1_bytes(info.bits).ok().map(Self::P384)
            }
            (der::ELLIPTIC, Some(der::P521)) => {
                p521::ecdsa::VerifyingKey::from_sec1_bytes(info.bits).ok().map(Self::P521)
            }
            (der::ED25519, _) => Self::ed25519(info.bits),
            _ => None,
        }
    }

    fn rsa((modulus, exponent): (&[u8], &[u8])) -> Option<Self> {
        let key = rsa::PublicKey::new(integer(modulus)?, integer(exponent)?).ok()?;
        Some(Self::Rsa(Box::new(key)))
    }

    fn ed25519(bytes: &[u8]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        Some(Self::Ed25519(key))
    }

    fn from_jwk(jwk: &Value) -> Result<Self, String> {
        let member = |name: &str| jwk[name].as_str().and_then(from_base64url);
        let key = || match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("oct", _) => member("k").map(Self::Secret),
            ("RSA", _) => Self::rsa((&member("n")?, &member("e")?)),
            ("OKP", Some("Ed25519")) => Self::ed25519(&member("x")?),
            ("EC", Some(curve)) => {
                // As the standard SEC 1 writes a point that isn't compressed.
                let point = [&[4][..], &member("x")?, &member("y")?].concat();
                let curve = match curve {
                    "P-256" => der::P256,
                    "P-384" => der::P384,
                    "P-521" => der::P521,
                    _ => return None,
                };
                Self::from_info(&KeyInfo { algorithm: der::ELLIPTIC, curve: Some(curve), bits: &point })
            }
            _ => None,
        };
        key().ok_or_else(unusable)
    }
}

impl SigningKey {
    /// Of a JSON Web Key with its private members, or of the first in a set.
    pub(in crate::opa) fn from_jwk(jwk: &Value) -> Result<Self, String> {
        let jwk = jwk["keys"].get(0).unwrap_or(jwk);
        let member = |name: &str| jwk[name].as_str().and_then(from_base64url);
        let key = || match (jwk["kty"].as_str()?, jwk["crv"].as_str()) {
            ("oct", _) => member("k").map(Self::Secret),
            ("RSA", _) => {
                let number = |name| member(name).and_then(|bytes| integer(&bytes));
                let primes = match (number("p"), number("q")) {
                    (Some(p), Some(q)) => vec![p, q],
                    _ => Vec::new(),
                };
                let key = rsa::PrivateKey::from_components(number("n")?, number("e")?, number("d")?, primes)
                    .ok()?;
                Some(Self::Rsa(Box::new(key)))
            }
            ("OKP", Some("Ed25519")) => {
                let seed = member("d")?;
                Some(Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed.as_slice().try_into().ok()?)))
            }
            ("EC", Some("P-256")) => p256::ecdsa::SigningKey::from_slice(&member("d")?).ok().map(Self::P256),
            ("EC", Some("P-384")) => p384::ecdsa::SigningKey::from_slice(&member("d")?).ok().map(Self::P384),
            ("EC", Some("P-521")) => p521::ecdsa::SigningKey::from_slice(&member("d")?).ok().map(Self::P521),
            _ => None,
        };
        key().ok_or_else(unusable)
    }
}

/// An unsigned integer of big-endian bytes.
fn integer(bytes: &[u8]) -> Option<BoxedUint> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    BoxedUint::from_be_slice(bytes, u32::try_from(bytes.len()).ok()?.checked_mul(8)?).ok()
}

fn unusable() -> String {
    "the key is damaged, or of a kind that is unknown here".into()
}
