//! JSON Web Tokens: three parts in base64url.

use super::algorithm::Algorithm;
use super::base64url::from_base64url;
use super::key::{PublicKey, TrustedKey};
use serde_json::{Map, Value};

/// A token that has been taken apart. Nothing has been verified.
pub(in crate::opa) struct Token<'t> {
    /// What the signature is made of: header and payload as they are written.
    signed: &'t str,
    pub(in crate::opa) header: Map<String, Value>,
    pub(in crate::opa) payload: Vec<u8>,
    pub(in crate::opa) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    pub(in crate::opa) fn parse(text: &'t str) -> Result<Self, String> {
        let [header, payload, signature] = text.split('.').collect::<Vec<_>>()[..] else {
            return Err("a token has three parts with periods between them".into());
        };
        let part = |part, what| from_base64url(part).ok_or_else(|| format!("its {what} isn't base64url"));
        let fields = serde_json::from_slice(&part(header, "header")?);
        Ok(Self {
            signed: &text[..header.len() + 1 + payload.len()],
            header: fields.map_err(|error| format!("its header isn't a JSON object: {error}"))?,
            payload: part(payload, "payload")?,
            signature: part(signature, "signature")?,
        })
    }

    /// A text of the header.
    pub(in crate::opa) fn said(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// Whether the signature is this key's by this algorithm.
    pub(in crate::opa) fn is_signed(&self, key: &PublicKey, algorithm: Algorithm) -> bool {
        algorithm.verify(key, self.signed.as_bytes(), &self.signature)
    }

    /// Whether the signature is one of the keys': of the one that the header names, if there is such a one. A key that
    /// is for one algorithm only verifies tokens of no other.
    pub(in crate::opa) fn is_signed_by_one_of(&self, keys: &[TrustedKey], algorithm: Algorithm) -> bool {
        let id = self.said("kid").filter(|id| !id.is_empty());
        if let Some(key) = keys.iter().find(|key| id.is_some() && key.id.as_deref() == id) {
            return self.is_signed(&key.key, algorithm);
        }
        let written = self.said("alg");
        let fits = |key: &&TrustedKey| key.algorithm.is_none() || key.algorithm.as_deref() == written;
        keys.iter().filter(fits).any(|key| self.is_signed(&key.key, algorithm))
    }
}
