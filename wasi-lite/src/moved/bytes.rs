//! Numbers and texts as bytes: little-endian, texts with their length in front.

use super::{MoveError, damaged};

#[derive(Default)]
pub(super) struct Put(Vec<u8>);

impl Put {
    pub(super) fn u8(&mut self, n: u8) {
        self.0.push(n);
    }

    pub(super) fn u32(&mut self, n: u32) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    pub(super) fn u64(&mut self, n: u64) {
        self.0.extend_from_slice(&n.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

pub(super) struct Take<'b>(&'b [u8]);

impl<'b> Take<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    fn bytes(&mut self, len: usize) -> Result<&'b [u8], MoveError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MoveError> {
        self.bytes(N)?.try_into().map_err(|_| damaged())
    }

    pub(super) fn u8(&mut self) -> Result<u8, MoveError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, MoveError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, MoveError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn text(&mut self) -> Result<&'b str, MoveError> {
        let len = self.u32()?;
        std::str::from_utf8(self.bytes(len as usize)?).map_err(|_| damaged())
    }

    /// Nothing follows.
    pub(super) fn end(&self) -> Result<(), MoveError> {
        if self.0.is_empty() { Ok(()) } else { Err(damaged()) }
    }
}
