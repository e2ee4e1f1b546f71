//! Signed bundles: a token that lists the digest of each file.

use super::super::jose::Token;
use super::archive::{Files, MANIFEST, SIGNATURES};
use super::data;
use super::error::BundleError;
use super::options::Verification;
use serde_json::Value;
use sha2::Digest;
use std::collections::BTreeMap;

pub(super) fn verify(files: &Files, verification: &Verification) -> Result<(), BundleError> {
    let refused = |why: &str| BundleError::signature(why);
    let key = match (verification, files.get(SIGNATURES)) {
        (Verification::Skipped, _) | (Verification::Unsigned, None) => return Ok(()),
        (Verification::Unsigned, Some(_)) => {
            return Err(refused("it is signed, and there is no key to verify it"));
        }
        (Verification::By(key), _) => key,
    };
    let signatures = files.get(SIGNATURES).ok_or_else(|| refused("it isn't signed"))?;
    let signatures: Value =
        serde_json::from_slice(signatures).map_err(|error| refused(&error.to_string()))?;
    if signatures["plugin"].as_str().is_some_and(|plugin| !plugin.is_empty()) {
        return Err(refused("it is one of a plugin's"));
    }
    let Some([Value::String(token)]) = signatures["signatures"].as_array().map(Vec::as_slice) else {
        return Err(refused("exactly one token is wanted"));
    };
    let token = Token::parse(token).map_err(|why| refused(&why))?;
    if !token.is_signed_by_one_of(&key.keys, key.algorithm) {
        return Err(refused("it isn't the key's"));
    }
    let payload: Value =
        serde_json::from_slice(&token.payload).map_err(|error| refused(&error.to_string()))?;
    if payload["scope"].as_str().unwrap_or_default() != key.scope {
        return Err(refused("it is for another scope"));
    }
    let mut listed = BTreeMap::new();
    for file in payload["files"].as_array().into_iter().flatten() {
        let name = file["name"].as_str().ok_or_else(|| refused("a file has no name"))?;
        listed.insert(name.trim_start_matches('/'), file);
    }
    for (path, content) in files.iter().filter(|(path, _)| *path != SIGNATURES) {
        let file = listed.remove(path).ok_or_else(|| refused(&format!("it says nothing of {path}")))?;
        let algorithm = file["algorithm"].as_str().unwrap_or_default();
        let digest = digest(algorithm, &signed_bytes(path, content)?).ok_or_else(|| {
            refused(&format!("the digest of {path} is by '{algorithm}', which is unknown here"))
        })?;
        if file["hash"].as_str().is_none_or(|hash| !hash.eq_ignore_ascii_case(&digest)) {
            return Err(refused(&format!("{path} has another digest")));
        }
    }
    match listed.keys().next() {
        Some(missing) => Err(refused(&format!("{missing} isn't in the bundle"))),
        None => Ok(()),
    }
}

/// What a digest is made of: a file's content, or for JSON what it means, whatever its spaces and the order of its
/// keys.
fn signed_bytes(path: &str, content: &[u8]) -> Result<Vec<u8>, BundleError> {
    let value = match path.rsplit('/').next() {
        Some(MANIFEST) => Some(serde_json::from_slice(content).map_err(BundleError::signature)?),
        _ => data::document(path, content)?,
    };
    Ok(match value {
        None => content.to_vec(),
        Some(value) => {
            let mut bytes = Vec::new();
            canonical(&value, &mut bytes);
            bytes
        }
    })
}

fn canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            out.push(b'{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                text(key, out);
                out.push(b':');
                canonical(member, out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                canonical(item, out);
            }
            out.push(b']');
        }
        Value::String(string) => text(string, out),
        _ => out.extend(value.to_string().into_bytes()),
    }
}

/// As Go writes it, which escapes two characters more than others do.
fn text(string: &str, out: &mut Vec<u8>) {
    let written = Value::from(string).to_string();
    out.extend(written.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").into_bytes());
}

/// In hexadecimal digits.
fn digest(algorithm: &str, bytes: &[u8]) -> Option<String> {
    fn of<D: Digest>(bytes: &[u8]) -> String {
        D::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }
    Some(match algorithm {
        "MD5" => of::<md5::Md5>(bytes),
        "SHA-1" => of::<sha1::Sha1>(bytes),
        "SHA-224" => of::<sha2::Sha224>(bytes),
        "SHA-256" => of::<sha2::Sha256>(bytes),
        "SHA-384" => of::<sha2::Sha384>(bytes),
        "SHA-512" => of::<sha2::Sha512>(bytes),
        "SHA-512-224" => of::<sha2::Sha512_224>(bytes),
        "SHA-512-256" => of::<sha2::Sha512_256>(bytes),
        _ => return None,
    })
}
