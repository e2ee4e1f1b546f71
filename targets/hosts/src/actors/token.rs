//! Tokens: what an account says of a module, signed.

use super::error::TokenError;
use super::keys::{KeyKind, KeyPair, PublicKey, random};
use super::section;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// What a token says. Names of fields in the token are wasmCloud's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Claims {
    /// The token's own identifier.
    #[serde(rename = "jti", default)]
    pub id: String,
    /// When it was signed, in seconds since 1970.
    #[serde(rename = "iat", default)]
    pub issued: u64,
    /// From when on it is good for nothing, in seconds since 1970.
    #[serde(rename = "exp", default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// From when on it holds, in seconds since 1970.
    #[serde(rename = "nbf", default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// The account that signed it.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// The module.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Of the format.
    #[serde(rename = "wascap_revision", default, skip_serializing_if = "Option::is_none")]
    pub format: Option<u32>,
    /// What it says of the module.
    pub wascap: ModuleClaims,
}

/// What a token says of its module.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ModuleClaims {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The module's hash, without the token's section: SHA-256 in capitals.
    #[serde(rename = "hash", default)]
    pub module_hash: String,
    /// Words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The capabilities that it may use, by their contracts. Without any, it can but answer.
    #[serde(rename = "caps", default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<String>>,
    /// A number that grows with each release.
    #[serde(rename = "rev", default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// A version for people.
    #[serde(rename = "ver", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// By what name other actors may call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_alias: Option<String>,
    /// Whether it is a provider of a capability.
    #[serde(rename = "prov", default)]
    pub provider: bool,
}

impl Claims {
    /// Claims with a new identifier, that are signed at this time, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub fn issued_at(now: u64) -> Result<Self, String> {
        let id = format!("{:032x}", u128::from_le_bytes(random()?));
        Ok(Self { id, issued: now, ..Self::default() })
    }

    /// Whether a capability is claimed, by its contract.
    pub fn claims(&self, contract: &str) -> bool {
        self.wascap.capabilities.iter().flatten().any(|claimed| claimed == contract)
    }

    /// What people call the module: its name, else its key.
    pub fn name(&self) -> &str {
        self.wascap.name.as_deref().unwrap_or(&self.subject)
    }
}

/// What a module's token says, whether or not it holds.
///
/// # Errors
///
/// If there is no token, or it can't be read.
pub fn read_claims(module: &[u8]) -> Result<Claims, TokenError> {
    Ok(Parts::of(section::find(module)?.token)?.claims)
}

/// What a module's token says, if it holds at a time, in seconds since 1970.
///
/// # Errors
///
/// If there is no token or it can't be read; then, in this order, if its signature is wrong, it has expired or doesn't
/// hold yet, or it was made for another module.
pub fn verified_claims(module: &[u8], now: u64) -> Result<Claims, TokenError> {
    let found = section::find(module)?;
    let Parts { signed, signature, claims } = Parts::of(found.token)?;
    let issuer = PublicKey::parse(&claims.issuer, KeyKind::Account).ok_or(TokenError::Forged)?;
    if !issuer.verifies(signed.as_bytes(), &signature) {
        return Err(TokenError::Forged);
    }
    if let Some(expires) = claims.expires.filter(|expires| *expires <= now) {
        return Err(TokenError::Expired(expires));
    }
    if let Some(from) = claims.not_before.filter(|from| *from > now) {
        return Err(TokenError::NotYet(from));
    }
    if claims.wascap.module_hash != found.hash(module) {
        return Err(TokenError::OtherModule);
    }
    Ok(claims)
}

/// The module with a token that `account` signs, in place of any that it has. Its issuer, subject and hash are filled in.
///
/// # Errors
///
/// If it isn't a module.
pub fn sign(
    module: &[u8],
    mut claims: Claims,
    account: &KeyPair,
    subject: &PublicKey,
) -> Result<Vec<u8>, TokenError> {
    let mut module = section::stripped(module)?;
    claims.issuer = account.public().to_string();
    claims.subject = subject.to_string();
    claims.wascap.module_hash = section::hash(&module, 0..0);
    let encode = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
    let body = serde_json::to_vec(&claims).map_err(|_| TokenError::Malformed("it isn't JSON"))?;
    let signed = format!("{}.{}", encode(HEADER.as_bytes()), encode(&body));
    let signature = encode(&account.sign(signed.as_bytes()));
    section::append(&mut module, &format!("{signed}.{signature}"));
    Ok(module)
}

const HEADER: &str = r#"{"typ":"jwt","alg":"Ed25519"}"#;

struct Parts<'t> {
    signed: &'t str,
    signature: Vec<u8>,
    claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
}

impl<'t> Parts<'t> {
    fn of(token: &'t str) -> Result<Self, TokenError> {
        let malformed = TokenError::Malformed;
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed("it has no signature"))?;
        let (header, claims) = signed.split_once('.').ok_or(malformed("it has no claims"))?;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed("it isn't base64"));
        let header: Header =
            serde_json::from_slice(&decode(header)?).map_err(|_| malformed("its header isn't one"))?;
        if !header.typ.eq_ignore_ascii_case("jwt") || header.alg != "Ed25519" {
            return Err(malformed("it isn't signed by Ed25519"));
        }
        let claims = serde_json::from_slice(&decode(claims)?)
            .map_err(|_| malformed("its claims aren't a module's"))?;
        Ok(Self { signed, signature: decode(signature)?, claims })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> KeyPair {
        KeyPair::new(KeyKind::Account, [1; 32])
    }

    fn signed(claims: Claims) -> Vec<u8> {
        let module = KeyPair::new(KeyKind::Module, [2; 32]).public();
        sign(b"\0asm\x01\0\0\0", claims, &account(), &module).unwrap()
    }

    #[test]
    fn a_token_holds_for_its_module_and_time() {
        let claims = Claims {
            expires: Some(200),
            not_before: Some(100),
            wascap: ModuleClaims { capabilities: Some(vec!["a:b".into()]), ..ModuleClaims::default() },
            ..Claims::default()
        };
        let module = signed(claims);
        let verified = verified_claims(&module, 100).unwrap();
        assert!(verified.claims("a:b") && !verified.claims("a:c"));
        assert_eq!(verified.issuer, account().public().to_string());
        assert_eq!(verified_claims(&module, 99), Err(TokenError::NotYet(100)));
        assert_eq!(verified_claims(&module, 200), Err(TokenError::Expired(200)));
        let other = [&module[..], b"\0\x02\x01z"].concat();
        assert_eq!(verified_claims(&other, 100), Err(TokenError::OtherModule));
        assert_eq!(read_claims(&other), Ok(verified));
        // What is signed again has one token.
        let again = sign(&module, Claims::default(), &account(), &account().public()).unwrap();
        assert!(verified_claims(&again, 1000).is_ok());
    }

    #[test]
    fn forged_tokens_are_told() {
        let module = signed(Claims::default());
        let token = section::find(&module).ok().unwrap().token.to_owned();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, body) = signed.split_once('.').unwrap();
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let decoded = String::from_utf8(URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap();
        let more = encode(&decoded.replace("\"prov\":false", "\"prov\":false,\"caps\":[\"all\"]"));
        let other = KeyPair::new(KeyKind::Account, [3; 32]);
        let swapped = encode(&decoded.replace(&account().public().to_string(), &other.public().to_string()));
        let none = encode(r#"{"typ":"jwt","alg":"none"}"#);
        let unreadable = TokenError::Malformed("it isn't signed by Ed25519");
        for (token, error) in [
            (format!("{header}.{more}.{signature}"), TokenError::Forged),
            (format!("{header}.{swapped}.{signature}"), TokenError::Forged),
            (format!("{header}.{body}."), TokenError::Forged),
            (format!("{header}.{body}.{}", &signature[..80]), TokenError::Forged),
            (format!("{none}.{body}.{signature}"), unreadable),
            (format!("{header}.{body}.***"), TokenError::Malformed("it isn't base64")),
            (
                format!("{header}.{}.{signature}", encode("[]")),
                TokenError::Malformed("its claims aren't a module's"),
            ),
            (header.to_owned(), TokenError::Malformed("it has no signature")),
        ] {
            let mut module = b"\0asm\x01\0\0\0".to_vec();
            section::append(&mut module, &token);
            assert_eq!(verified_claims(&module, 0), Err(error), "{token}");
        }
    }
}
