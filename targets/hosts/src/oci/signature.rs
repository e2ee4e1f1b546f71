//! Ed25519 keys and signatures, in the files that `openssl` writes.

use super::OciError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::Signer;
use std::fmt;

/// What stands before the 32 bytes of a public key (RFC 8410).
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// What stands before those of a private one.
const PRIVATE: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A public key, as `openssl pkey -pubout` writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

/// A private key, as `openssl genpkey -algorithm ed25519` writes it.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl VerifyingKey {
    /// Reads PEM.
    ///
    /// # Errors
    ///
    /// If it isn't a public key of Ed25519.
    pub fn from_pem(text: &str) -> Result<Self, OciError> {
        let bytes = key(text, "PUBLIC KEY", &PUBLIC)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes);
        key.map(Self).map_err(|_| OciError::InvalidKey("it isn't on the curve".into()))
    }

    /// Whether the key's owner signed these bytes.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify_strict(bytes, &signature).is_ok())
    }
}

impl SigningKey {
    /// Reads PEM.
    ///
    /// # Errors
    ///
    /// If it isn't a private key of Ed25519.
    pub fn from_pem(text: &str) -> Result<Self, OciError> {
        key(text, "PRIVATE KEY", &PRIVATE).map(|bytes| Self(ed25519_dalek::SigningKey::from_bytes(&bytes)))
    }

    /// The signature of these bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

fn key(text: &str, kind: &str, prefix: &[u8]) -> Result<[u8; 32], OciError> {
    let invalid = |why: &str| OciError::InvalidKey(why.into());
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let inside = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
    let (inside, _) = inside.ok_or_else(|| invalid(&format!("there is no line '{begin}'")))?;
    let inside: String = inside.split_whitespace().collect();
    let bytes =
        BASE64_STANDARD.decode(inside).map_err(|_| invalid("there is something else than base64 in it"))?;
    let key = bytes.strip_prefix(prefix).and_then(|key| key.try_into().ok());
    key.ok_or_else(|| invalid("it is of another kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // By openssl 3.0, with the signature of `abc`.
    const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAdNhNd/R1Xb1b5IiGReXUOFOf6HQ8PHQl2dZsG0y7VQ\n-----END PRIVATE KEY-----\n";
    const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA3uCidLM6Ydo+trEMpnWyG3F1lWFSYkZENvGmHxc9KJM=\n-----END PUBLIC KEY-----\n";
    const SIGNATURE: &str =
        "lRI02u00/BkvhgA7bwbRAcskzaVpZXkS/KGnU7uKm55gEDzYikeEmZfNZXppwc9oemWum9lYLsHERibJhIOvDg==";

    #[test]
    fn signatures_are_those_of_openssl() {
        let public = VerifyingKey::from_pem(PUBLIC_PEM).unwrap();
        let signature = BASE64_STANDARD.decode(SIGNATURE).unwrap();
        assert_eq!(SigningKey::from_pem(PRIVATE_PEM).unwrap().sign(b"abc"), *signature);
        assert!(public.verifies(b"abc", &signature));
        assert!(!public.verifies(b"abd", &signature) && !public.verifies(b"abc", &signature[1..]));
        let mut other = signature;
        other[5] ^= 1;
        assert!(!public.verifies(b"abc", &other));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let cut = PUBLIC_PEM.replace("MCow", "MCox");
        for wrong in ["", PRIVATE_PEM, &cut, "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----"] {
            assert!(matches!(VerifyingKey::from_pem(wrong), Err(OciError::InvalidKey(_))), "{wrong}");
        }
        assert!(SigningKey::from_pem(PUBLIC_PEM).is_err());
        assert_eq!(format!("{:?}", SigningKey::from_pem(PRIVATE_PEM).unwrap()), "SigningKey");
    }
}
