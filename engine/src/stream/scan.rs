//! A look at a section's bytes before wasmparser reads them, for what it would take.

use super::framing::Leb;
use crate::module::opcode::{REF_NULL_TYPE, REF_TYPE};

/// What begins types of proposals that Dunlin doesn't have: wasmparser reads nothing behind the item that they are in.
const EXACT: u8 = 0x62;
const SHARED: u8 = 0x65;

/// Bytes that are being read. Each method gives `None` if they aren't what they should be.
pub(super) struct Scan<'a> {
    rest: &'a [u8],
    /// How many there were.
    len: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Scan<'a> {
        Scan { rest: bytes, len: bytes.len() }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.len - self.rest.len()
    }

    /// How many are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.rest.split_off_first().copied()
    }

    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// An unsigned number of 32 bits.
    pub(super) fn number(&mut self) -> Option<u32> {
        let Leb::Done(number, leb) = Leb::read(self.rest) else { return None };
        self.rest = &self.rest[leb..];
        Some(number)
    }

    /// A number of any size and sign.
    pub(super) fn skip_number(&mut self) -> Option<()> {
        let bytes = self.rest.iter().take(10).take_while(|byte| **byte >= 0x80).count() + 1;
        self.skip(bytes)
    }

    pub(super) fn value_type(&mut self) -> Option<()> {
        let first = self.byte()?;
        if matches!(first, REF_TYPE | REF_NULL_TYPE) {
            if matches!(self.peek()?, EXACT | SHARED) {
                return None;
            }
            self.skip_number()?;
        }
        (first != SHARED).then_some(())
    }
}
