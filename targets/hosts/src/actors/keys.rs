//! Keys as wasmCloud and NATS write them: *nkeys*.
//!
//! The text is base32 without padding of one or two bytes that say whose key it is, its 32 bytes, and a checksum.

use data_encoding::BASE32_NOPAD;
use ed25519_dalek::Signer;
use std::fmt;

/// Whose key it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// An account, which signs for modules.
    Account,
    /// A module.
    Module,
}

impl KeyKind {
    /// What its text begins with, as a number of five bits.
    fn prefix(self) -> u8 {
        match self {
            KeyKind::Account => 0,
            KeyKind::Module => 12 << 3,
        }
    }
}

/// What a secret key's text begins with: `S`.
const SECRET: u8 = 18 << 3;

/// A public key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    kind: KeyKind,
    key: ed25519_dalek::VerifyingKey,
}

impl PublicKey {
    /// Reads a key of this kind; `None` if it isn't one.
    pub fn parse(text: &str, kind: KeyKind) -> Option<Self> {
        let bytes = checked(text)?;
        let [prefix, key @ ..] = &bytes[..] else { return None };
        let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        (*prefix == kind.prefix()).then_some(Self { kind, key })
    }

    /// Whether the key's owner signed this.
    pub fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let signature = ed25519_dalek::Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(signed, &signature).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(&[self.kind.prefix()], self.key.as_bytes()))
    }
}

/// A public key with the secret one that belongs to it.
pub struct KeyPair {
    kind: KeyKind,
    secret: ed25519_dalek::SigningKey,
}

/// Random bytes of the system's.
pub(super) fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

impl KeyPair {
    /// A new key.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub fn random(kind: KeyKind) -> Result<Self, String> {
        Ok(Self::new(kind, random()?))
    }

    /// A key of these bytes, which should be random.
    pub fn new(kind: KeyKind, seed: [u8; 32]) -> Self {
        Self { kind, secret: ed25519_dalek::SigningKey::from_bytes(&seed) }
    }

    /// Reads a secret key of this kind; `None` if it isn't one.
    pub fn parse(text: &str, kind: KeyKind) -> Option<Self> {
        let bytes = checked(text.trim())?;
        let [first, second, seed @ ..] = &bytes[..] else { return None };
        let begins = [*first, *second] == secret_prefix(kind);
        Some(Self::new(kind, seed.try_into().ok()?)).filter(|_| begins)
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey { kind: self.kind, key: self.secret.verifying_key() }
    }

    /// The secret key as text.
    pub fn secret(&self) -> String {
        text(&secret_prefix(self.kind), self.secret.as_bytes())
    }

    /// Signs.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.secret.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public()).finish_non_exhaustive()
    }
}

fn secret_prefix(kind: KeyKind) -> [u8; 2] {
    [SECRET | (kind.prefix() >> 5), (kind.prefix() & 31) << 3]
}

fn text(prefix: &[u8], key: &[u8; 32]) -> String {
    let mut bytes = [prefix, key].concat();
    bytes.extend(checksum(&bytes).to_le_bytes());
    BASE32_NOPAD.encode(&bytes)
}

/// The bytes of a text whose checksum is right.
fn checked(text: &str) -> Option<Vec<u8>> {
    let mut bytes = BASE32_NOPAD.decode(text.as_bytes()).ok()?;
    let sum = bytes.split_off(bytes.len().checked_sub(2)?);
    (sum == checksum(&bytes).to_le_bytes()).then_some(bytes)
}

/// CRC-16/XMODEM.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_and_read() {
        // The check value that CRC catalogues give.
        assert_eq!(checksum(b"123456789"), 0x31c3);
        for (kind, letter) in [(KeyKind::Account, "A"), (KeyKind::Module, "M")] {
            let pair = KeyPair::new(kind, [7; 32]);
            let public = pair.public().to_string();
            assert!(
                public.starts_with(letter) && pair.secret().starts_with(&format!("S{letter}")),
                "{public}"
            );
            assert_eq!(PublicKey::parse(&public, kind), Some(pair.public()));
            let again = KeyPair::parse(&pair.secret(), kind).unwrap();
            assert!(pair.public().verifies(b"text", &again.sign(b"text")));
            assert!(!pair.public().verifies(b"Text", &again.sign(b"text")));
        }
        let account = KeyPair::new(KeyKind::Account, [7; 32]);
        assert_eq!(PublicKey::parse(&account.public().to_string(), KeyKind::Module), None);
        assert!(KeyPair::parse(&account.secret(), KeyKind::Module).is_none());
        assert!(KeyPair::parse(&account.public().to_string(), KeyKind::Account).is_none());
        for wrong in ["", "A", "AA", "ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCX", "ü"] {
            assert_eq!(PublicKey::parse(wrong, KeyKind::Account), None, "{wrong}");
        }
    }

    #[test]
    fn a_public_account_is_read() {
        let text = "ACOJJN6WUP4ODD75XEBKKTCCUJJCY5ZKQ56XVKYK4BEJWGVAOOQHZMCW";
        assert_eq!(PublicKey::parse(text, KeyKind::Account).unwrap().to_string(), text);
    }
}
