//! The section of a module that its token is in.

use super::error::TokenError;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::ops::Range;

/// The names that the section has had.
const NAMES: [&str; 2] = ["wasmcloud_jwt", "jwt"];

/// The length of what is before the first section.
const PREAMBLE: usize = 8;

/// A module's token, and where the section is that it lies in.
pub(super) struct Found<'m> {
    pub(super) token: &'m str,
    section: Range<usize>,
}

/// Finds a module's token.
pub(super) fn find(module: &[u8]) -> Result<Found<'_>, TokenError> {
    let mut found = None;
    let mut at = PREAMBLE;
    while let Some(&id) = module.get(at) {
        let start = at;
        let (size, body) = number(module, at + 1).ok_or(TokenError::NotAModule)?;
        let end = body.checked_add(size as usize).filter(|end| *end <= module.len());
        at = end.ok_or(TokenError::NotAModule)?;
        if id != 0 {
            continue;
        }
        let (len, name) = number(&module[..at], body).ok_or(TokenError::NotAModule)?;
        let payload = name.checked_add(len as usize).filter(|payload| *payload <= at);
        let payload = payload.ok_or(TokenError::NotAModule)?;
        if NAMES.iter().any(|known| known.as_bytes() == &module[name..payload]) {
            let token =
                str::from_utf8(&module[payload..at]).map_err(|_| TokenError::Malformed("it isn't UTF-8"))?;
            // What one token says of the module, another could contradict.
            if found.replace(Found { token, section: start..at }).is_some() {
                return Err(TokenError::Several);
            }
        }
    }
    found.ok_or(TokenError::Missing)
}

/// The module's hash as its token has it: of all but the token's section, in capitals.
pub(super) fn hash(module: &[u8], section: Range<usize>) -> String {
    let mut hash = Sha256::new();
    hash.update(&module[..section.start]);
    hash.update(&module[section.end..]);
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

impl Found<'_> {
    pub(super) fn hash(&self, module: &[u8]) -> String {
        hash(module, self.section.clone())
    }
}

/// The module without a token, if it has one.
pub(super) fn stripped(module: &[u8]) -> Result<Vec<u8>, TokenError> {
    match find(module) {
        Ok(Found { section, .. }) => Ok([&module[..section.start], &module[section.end..]].concat()),
        Err(TokenError::Missing) => Ok(module.to_vec()),
        Err(error) => Err(error),
    }
}

/// Appends a section with a token.
pub(super) fn append(module: &mut Vec<u8>, token: &str) {
    let mut body = Vec::new();
    put_number(&mut body, NAMES[0].len());
    body.extend_from_slice(NAMES[0].as_bytes());
    body.extend_from_slice(token.as_bytes());
    module.push(0);
    put_number(module, body.len());
    module.append(&mut body);
}

/// Reads a `u32` in LEB128, and says where it ends.
fn number(bytes: &[u8], mut at: usize) -> Option<(u32, usize)> {
    let mut value = 0u64;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((u32::try_from(value).ok()?, at));
        }
    }
    None
}

fn put_number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn a_token_is_found_again() {
        let mut module = [EMPTY, b"\0\x03\x01ab"].concat();
        let before = module.clone();
        assert!(matches!(find(&module), Err(TokenError::Missing)));
        let token = "t".repeat(200);
        append(&mut module, &token);
        module.extend_from_slice(b"\0\x02\x01z");
        let found = find(&module).ok().unwrap();
        assert_eq!(found.token, token);
        assert_eq!(found.hash(&module), hash(&[&before[..], b"\0\x02\x01z"].concat(), 0..0));
        assert_eq!(stripped(&module).unwrap(), [&before[..], b"\0\x02\x01z"].concat());
        append(&mut module, "another");
        assert!(matches!(find(&module), Err(TokenError::Several)));
    }

    #[test]
    fn what_ends_too_soon_is_no_module() {
        let mut module = EMPTY.to_vec();
        append(&mut module, "token");
        for len in PREAMBLE + 1..module.len() {
            assert!(matches!(find(&module[..len]), Err(TokenError::NotAModule)), "{len}");
        }
        for wrong in [&b"\0\xff\xff\xff\xff\x7f"[..], b"\0\x80\x80\x80\x80\x80\x01", b"\0\x02\x05a"] {
            assert!(matches!(find(&[EMPTY, wrong].concat()), Err(TokenError::NotAModule)));
        }
    }
}
