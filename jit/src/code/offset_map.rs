//! A compact map from offsets in machine code to numbers.

use super::map_error::MapError;
use std::collections::TryReserveError;

/// An offset from the first byte of a chunk.
pub(super) type Offset = u32;

/// A sorted map from offsets to numbers, about three bytes an entry: deltas in LEB128, in blocks that are each decoded
/// from their beginning, with an index of blocks.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct OffsetMap {
    blocks: Box<[Block]>,
    bytes: Box<[u8]>,
    /// How many entries there are.
    pub(super) len: u32,
    /// The greatest offset.
    pub(super) last: Option<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    /// The offset of its first entry.
    offset: Offset,
    /// The index of its first byte.
    at: u32,
}

const BLOCK: u32 = 32;

/// The most bytes of an entry: two 32-bit numbers in LEB128.
#[cfg(feature = "compiler")]
const MOST_BYTES: usize = 10;

impl OffsetMap {
    pub(super) fn get(&self, offset: Offset) -> Option<u32> {
        let after = self.blocks.partition_point(|block| block.offset <= offset);
        let places = self.block(after.checked_sub(1)?);
        places.take_while(|place| place.0 <= offset).find(|place| place.0 == offset).map(|place| place.1)
    }

    /// The first entry at or after `offset`.
    pub(super) fn first_from(&self, offset: Offset) -> Option<(Offset, u32)> {
        let after = self.blocks.partition_point(|block| block.offset <= offset);
        let in_block =
            after.checked_sub(1).and_then(|block| self.block(block).find(|place| place.0 >= offset));
        in_block.or_else(|| (after < self.blocks.len()).then(|| self.block(after).next())?)
    }

    #[cfg(any(test, feature = "compiler"))]
    pub(super) fn iter(&self) -> impl Iterator<Item = (Offset, u32)> {
        (0..self.blocks.len()).flat_map(|block| self.block(block))
    }

    fn block(&self, block: usize) -> impl Iterator<Item = (Offset, u32)> {
        let end = self.blocks.get(block + 1).map_or(self.bytes.len(), |next| next.at as usize);
        let Block { offset, at } = self.blocks[block];
        let mut bytes = &self.bytes[at as usize..end];
        let (mut offset, mut value) = (offset, 0);
        std::iter::from_fn(move || {
            offset += take(&mut bytes)?;
            value = unzigzag(value, take(&mut bytes)?);
            Some((offset, value))
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val::<[Block]>(&self.blocks) + self.bytes.len()
    }
}

#[derive(Debug, Default)]
pub(super) struct OffsetMapBuilder {
    blocks: Vec<Block>,
    bytes: Vec<u8>,
    len: u32,
    last: Option<Offset>,
    value: u32,
}

impl OffsetMapBuilder {
    /// The most bytes on the heap that `count` entries take.
    #[cfg(feature = "compiler")]
    pub(super) fn most_bytes(count: usize) -> usize {
        Self::blocks(count) * size_of::<Block>() + count * MOST_BYTES
    }

    /// Reserves capacity for any `count` entries.
    #[cfg(feature = "compiler")]
    pub(super) fn reserve_most(&mut self, count: usize) -> Result<(), TryReserveError> {
        self.reserve(count, count * MOST_BYTES)
    }

    /// The number of blocks for `count` entries.
    fn blocks(count: usize) -> usize {
        count.div_ceil(BLOCK as usize)
    }

    /// Reserves capacity for `count` entries in `bytes` bytes.
    fn reserve(&mut self, count: usize, bytes: usize) -> Result<(), TryReserveError> {
        self.blocks.try_reserve_exact(Self::blocks(count))?;
        self.bytes.try_reserve_exact(bytes)
    }

    /// Reserves capacity for the announced number of entries, as far as `bytes` can encode them.
    pub(super) fn reserve_for(&mut self, count: u32, bytes: &[u8]) -> Result<(), MapError> {
        let count = (count as usize).min(bytes.len() / 2);
        // The first offset of a block may take more bytes here than in the input.
        let bytes = bytes.len() + Self::blocks(count) * 5;
        self.reserve(count, bytes).map_err(|_| MapError::NoMemory)
    }

    pub(super) fn push(&mut self, offset: Offset, value: u32) -> Result<(), MapError> {
        if self.last.is_some_and(|last| offset <= last) {
            return Err(MapError::Unsorted);
        }
        let mut from = self.last.unwrap_or(0);
        if self.len.is_multiple_of(BLOCK) {
            self.blocks.try_reserve(1).map_err(|_| MapError::NoMemory)?;
            let at = u32::try_from(self.bytes.len()).map_err(|_| MapError::OutOfRange)?;
            self.blocks.push(Block { offset, at });
            (from, self.value) = (offset, 0);
        }
        put(&mut self.bytes, offset - from)?;
        put(&mut self.bytes, zigzag(self.value, value))?;
        (self.last, self.value) = (Some(offset), value);
        self.len += 1;
        Ok(())
    }

    pub(super) fn build(self) -> OffsetMap {
        OffsetMap {
            blocks: self.blocks.into_boxed_slice(),
            bytes: self.bytes.into_boxed_slice(),
            len: self.len,
            last: self.last,
        }
    }
}

/// The zigzag-encoded difference of two numbers: small if they are near each other in either direction.
pub(super) fn zigzag(from: u32, to: u32) -> u32 {
    let step = to.wrapping_sub(from) as i32;
    ((step << 1) ^ (step >> 31)) as u32
}

pub(super) fn unzigzag(from: u32, step: u32) -> u32 {
    from.wrapping_add((step >> 1) ^ (step & 1).wrapping_neg())
}

/// Appends a number in LEB128.
pub(super) fn put(out: &mut Vec<u8>, mut number: u32) -> Result<(), MapError> {
    out.try_reserve(5).map_err(|_| MapError::NoMemory)?;
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    Ok(())
}

/// Decodes a LEB128 number at the front; `None` if there is none.
pub(super) fn take(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if shift == 28 && byte > 0xf {
            return None;
        }
        number |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}
