//! `crypto.*`, as far as it hashes, and `uuid.*`, `rand.intn`

use super::builtin::{Answer, Asked, Table, failed, text, value};
use super::encodings::hex;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use std::hash::BuildHasher;

macro_rules! hash {
    ($hash:ty) => {
        |_, arguments| value(hex(&<$hash>::digest(text(arguments, 0)?)))
    };
}

macro_rules! keyed {
    ($hash:ty) => {
        |_, arguments| {
            let mut mac = Hmac::<$hash>::new_from_slice(text(arguments, 1)?.as_bytes()).map_err(failed)?;
            mac.update(text(arguments, 0)?.as_bytes());
            value(hex(&mac.finalize().into_bytes()))
        }
    };
}

pub(super) static TABLE: Table = &[
    ("crypto.hmac.equal", |_, arguments| value(equal(text(arguments, 0)?, text(arguments, 1)?))),
    ("crypto.hmac.md5", keyed!(Md5)),
    ("crypto.hmac.sha1", keyed!(Sha1)),
    ("crypto.hmac.sha256", keyed!(Sha256)),
    ("crypto.hmac.sha512", keyed!(Sha512)),
    ("crypto.md5", hash!(Md5)),
    ("crypto.sha1", hash!(Sha1)),
    ("crypto.sha256", hash!(Sha256)),
    ("rand.intn", |asked, arguments| intn(asked, arguments)),
    ("uuid.parse", |_, arguments| parse_uuid(text(arguments, 0)?)),
    ("uuid.rfc4122", |asked, arguments| value(uuid(asked, text(arguments, 0)?))),
];

/// In a time that doesn't depend on where the two differ.
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// Below `n`, and the same for the same name all through an evaluation.
fn intn(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let name = text(arguments, 0)?;
    let n = arguments.get(1).and_then(Value::as_i64).map(i64::unsigned_abs).filter(|n| *n > 0);
    let n = n.ok_or_else(|| failed("the bound must be an integer other than 0"))?;
    value(asked.chance.hash_one((name, n)) % n)
}

/// Version 4, and the same for the same name all through an evaluation.
fn uuid(asked: &mut Asked, name: &str) -> String {
    let half = |which: u8| u128::from(asked.chance.hash_one((name, which)));
    let random = half(0) << 64 | half(1);
    let version = random & !(0xf << 76) | 4 << 76;
    let variant = version & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{variant:032x}");
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

/// What an identifier says of itself: version and variant, and of versions 1 and 2 also node and time.
fn parse_uuid(text: &str) -> Answer {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let digits: String = text.split('-').collect();
    let lengths = text.split('-').map(str::len);
    let shape_fits = lengths.eq([8, 4, 4, 4, 12]) || text.len() == 32;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bits = u128::from_str_radix(&digits, 16).ok().filter(|_| shape_fits && is_hex);
    let bits = bits.ok_or_else(|| failed("this is no UUID"))?;
    let version = bits >> 76 & 0xf;
    let variant = match bits >> 61 & 0b111 {
        0b000..=0b011 => "NCS",
        0b100 | 0b101 => "RFC4122",
        0b110 => "Microsoft",
        _ => "Future",
    };
    let mut parsed = json!({"version": version as u8, "variant": variant});
    if version == 1 || version == 2 {
        let node: Vec<_> =
            (bits as u64).to_be_bytes()[2..].iter().map(|byte| format!("{byte:02x}")).collect();
        parsed["nodeid"] = node.join("-").into();
        parsed["macvariables"] = mac_kind((bits >> 40) as u8).into();
        // In units of 100 ns since the Gregorian calendar began, on 15 October 1582.
        let ticks = (bits >> 64 & 0xfff) << 48 | (bits >> 80 & 0xffff) << 32 | bits >> 96;
        parsed["time"] = ((ticks as i64).wrapping_sub(0x01b2_1dd2_1381_4000).wrapping_mul(100)).into();
        parsed["clocksequence"] = ((bits >> 48 & 0x3fff) as u16).into();
    }
    value(parsed)
}

/// What the first byte of a MAC address says of it.
fn mac_kind(first: u8) -> String {
    let scope = if first & 0b10 == 0 { "global" } else { "local" };
    let reach = if first & 0b01 == 0 { "unicast" } else { "multicast" };
    format!("{scope}:{reach}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, asked, fails};
    use super::uuid;
    use serde_json::json;

    #[test]
    fn hashes() {
        answers("crypto.md5", json!([""]), json!("d41d8cd98f00b204e9800998ecf8427e"));
        answers("crypto.sha1", json!(["abc"]), json!("a9993e364706816aba3e25717850c26c9cd0d89d"));
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        answers("crypto.sha256", json!(["abc"]), json!(abc));
        fails("crypto.sha256", json!([1]));
    }

    #[test]
    fn keyed_hashes() {
        // RFC 2202 and RFC 4231, case 2.
        let of = json!(["what do ya want for nothing?", "Jefe"]);
        answers("crypto.hmac.md5", of.clone(), json!("750c783e6ab0b503eaa86e310a5db738"));
        answers("crypto.hmac.sha1", of.clone(), json!("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
        let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        answers("crypto.hmac.sha256", of, json!(sha256));
        for (a, b, equal) in [("ab", "ab", true), ("ab", "aB", false), ("ab", "abc", false), ("", "", true)] {
            answers("crypto.hmac.equal", json!([a, b]), json!(equal));
        }
    }

    #[test]
    fn what_is_random_stays_the_same_for_a_name() {
        let mut evaluation = asked();
        let first = uuid(&mut evaluation, "a");
        assert_eq!(first, uuid(&mut evaluation, "a"));
        assert_ne!(first, uuid(&mut evaluation, "b"));
        assert_ne!(first, uuid(&mut asked(), "a"));
        answers("uuid.parse", json!([first]), json!({"version": 4, "variant": "RFC4122"}));
        answers("rand.intn", json!(["a", 1]), json!(0));
        fails("rand.intn", json!(["a", 0]));
    }

    #[test]
    fn identifiers_say_what_they_are() {
        let parsed = json!({
            "version": 1, "variant": "RFC4122", "nodeid": "00-c0-4f-d4-30-c8", "macvariables": "global:unicast",
            "time": 886_630_433_151_182_400_u64, "clocksequence": 180
        });
        answers("uuid.parse", json!(["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]), parsed.clone());
        answers("uuid.parse", json!(["urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8"]), parsed);
        for wrong in
            ["", "6ba7b810", "6ba7b8109dad-11d1-80b4-00c04fd430c8-", "zba7b810-9dad-11d1-80b4-00c04fd430c8"]
        {
            fails("uuid.parse", json!([wrong]));
        }
    }
}
