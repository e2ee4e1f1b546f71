//! The public key in a PEM block: as much of DER as that takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A PEM block's label and content. `None` if the text isn't one block.
pub(super) fn pem(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, rest) = rest.split_once("-----END ")?;
    let rest = rest.strip_prefix(label)?.strip_prefix("-----")?;
    if !rest.trim().is_empty() {
        return None;
    }
    let body: String = body.split_ascii_whitespace().collect();
    Some((label, STANDARD.decode(body).ok()?))
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// Of a certificate, where it isn't the first.
const VERSION: u8 = 0xa0;

/// A reader of elements.
#[derive(Clone, Copy)]
pub(super) struct Der<'d>(pub(super) &'d [u8]);

impl<'d> Der<'d> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, &'d [u8])> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        let (len, rest) = match *first {
            short @ ..=0x7f => (usize::from(short), rest),
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
                (bytes.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some((*tag, content))
    }

    /// The content of the next element, which must have this tag.
    fn expect(&mut self, wanted: u8) -> Option<&'d [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }

    fn sequence(&mut self) -> Option<Der<'d>> {
        self.expect(SEQUENCE).map(Der)
    }

    /// An unsigned integer's bytes.
    pub(super) fn integer(&mut self) -> Option<&'d [u8]> {
        self.expect(INTEGER)
    }

    /// The two integers of RSA's own format: modulus and exponent.
    pub(super) fn rsa_key(mut self) -> Option<(&'d [u8], &'d [u8])> {
        let mut key = self.sequence()?;
        Some((key.integer()?, key.integer()?))
    }

    /// Of a certificate, the public key's information.
    pub(super) fn certified_key(mut self) -> Option<KeyInfo<'d>> {
        let mut signed = self.sequence()?.sequence()?;
        if signed.0.first() == Some(&VERSION) {
            signed.next()?;
        }
        // Serial number, algorithm, issuer, validity, subject.
        for _ in 0..5 {
            signed.next()?;
        }
        signed.key_info()
    }

    /// A public key's information: what kind of key, and its bits.
    pub(super) fn key_info(&mut self) -> Option<KeyInfo<'d>> {
        let mut info = self.sequence()?;
        let mut kind = info.sequence()?;
        let algorithm = kind.expect(OBJECT_IDENTIFIER)?;
        let curve = kind.expect(OBJECT_IDENTIFIER);
        let bits = info.expect(BIT_STRING)?.strip_prefix(&[0])?;
        Some(KeyInfo { algorithm, curve, bits })
    }
}

/// What stands for a public key of any kind.
pub(super) struct KeyInfo<'d> {
    /// An object identifier's content.
    pub(super) algorithm: &'d [u8],
    /// The same, of elliptic curves.
    pub(super) curve: Option<&'d [u8]>,
    pub(super) bits: &'d [u8],
}

/// 1.2.840.113549.1.1.1
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.10045.2.1
pub(super) const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.3.101.112
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// 1.2.840.10045.3.1.7
pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34
pub(super) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.132.0.35
pub(super) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
