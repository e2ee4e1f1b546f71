//! What frames a precompiled file: its magic number, its version, its checksums.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// The magic number of precompiled files. No module begins with it, in either format.
pub const MAGIC: [u8; 8] = *b"\0dunlin\x01";

/// The length of the header in front of the module.
pub(super) const HEAD: usize = 32;

/// The version of the part behind the module. It changes with anything that code relies on and `settings::interface`
/// doesn't cover.
pub(super) const FORMAT: u32 = 2;

/// An incremental checksum.
#[derive(Clone)]
pub(super) struct Checksum(SipHasher13);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(SipHasher13::new_with_keys(0x6475_6e6c_696e, 0x0061_6f74))
    }

    pub(super) fn of(parts: &[&[u8]]) -> [u8; 16] {
        let mut sum = Self::new();
        parts.iter().for_each(|part| sum.add(part));
        sum.finish()
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    pub(super) fn finish(&self) -> [u8; 16] {
        self.0.finish128().as_bytes()
    }
}
