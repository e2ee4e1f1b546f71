//! JSON Web Signatures: keys, algorithms and tokens, for `io.jwt.*` and for signed bundles.

mod algorithm;
mod base64url;
mod der;
mod key;
mod token;

pub(super) use algorithm::Algorithm;
pub(super) use base64url::to_base64url;
pub(super) use key::{PublicKey, SigningKey, TrustedKey, trusted_keys};
pub(super) use token::Token;
