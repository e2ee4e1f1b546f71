//! Memory that the embedder gives for linear memories.

use crate::sys::Mutex;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;

/// Bytes that are divided up into blocks. Clones are the same.
#[derive(Clone)]
pub(crate) struct Arena(Arc<Inner>);

struct Inner {
    base: NonNull<u8>,
    len: usize,
    /// Where blocks begin and end, in their order.
    taken: Mutex<Vec<(usize, usize)>>,
}

// SAFETY: the bytes are the arena's for ever, and each of them belongs to one block at most.
unsafe impl Send for Inner {}
// SAFETY: as for `Send`.
unsafe impl Sync for Inner {}

/// Blocks are aligned to this, as a guest's atomic accesses want at least.
const ALIGN: usize = 16;

impl Arena {
    pub(crate) fn new(bytes: &'static mut [u8]) -> Self {
        let skipped = bytes.as_ptr().align_offset(ALIGN).min(bytes.len());
        let bytes = &mut bytes[skipped..];
        let len = bytes.len() / ALIGN * ALIGN;
        Self(Arc::new(Inner { base: NonNull::from(bytes).cast(), len, taken: Mutex::new(Vec::new()) }))
    }

    /// A block of `len` zeros, where there is room first.
    pub(crate) fn take(&self, len: usize) -> Option<Block> {
        let size = len.checked_next_multiple_of(ALIGN)?;
        let mut taken = self.0.taken.lock();
        taken.try_reserve(1).ok()?;
        let mut start = 0;
        let mut index = 0;
        for (first, end) in &*taken {
            if first - start >= size {
                break;
            }
            (start, index) = (*end, index + 1);
        }
        if self.0.len - start < size {
            return None;
        }
        taken.insert(index, (start, start + size));
        drop(taken);
        let mut block = Block { arena: self.clone(), start, size };
        // SAFETY: the bytes are the block's.
        unsafe { block.as_mut_ptr().write_bytes(0, size) };
        Some(block)
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("len", &self.0.len).finish_non_exhaustive()
    }
}

/// A part of an arena, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Block {
    arena: Arena,
    start: usize,
    size: usize,
}

impl Block {
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.arena.0.base.as_ptr().wrapping_add(self.start)
    }

    pub(crate) fn len(&self) -> usize {
        self.size
    }

    /// Makes it larger, wherever it then is; the new bytes are zero. Gives it back if there is no room.
    pub(crate) fn grow(mut self, len: usize) -> Result<Self, Self> {
        if self.grow_in_place(len).is_some() {
            return Ok(self);
        }
        let Some(mut larger) = self.arena.take(len) else { return Err(self) };
        // SAFETY: the blocks are apart, and the other one is larger.
        unsafe { larger.as_mut_ptr().copy_from_nonoverlapping(self.as_mut_ptr(), self.size) };
        Ok(larger)
    }

    fn grow_in_place(&mut self, len: usize) -> Option<()> {
        let size = len.checked_next_multiple_of(ALIGN)?;
        let mut taken = self.arena.0.taken.lock();
        let index = taken.binary_search_by_key(&self.start, |(start, _)| *start).ok()?;
        let room = taken.get(index + 1).map_or(self.arena.0.len, |(start, _)| *start) - self.start;
        if room < size {
            return None;
        }
        taken[index].1 = self.start + size;
        drop(taken);
        let old = core::mem::replace(&mut self.size, size);
        // SAFETY: the bytes are the block's.
        unsafe { self.as_mut_ptr().add(old).write_bytes(0, size - old) };
        Some(())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut taken = self.arena.0.taken.lock();
        if let Ok(index) = taken.binary_search_by_key(&self.start, |(start, _)| *start) {
            taken.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    fn bytes(block: &mut Block) -> &mut [u8] {
        // SAFETY: the bytes are the block's.
        unsafe { core::slice::from_raw_parts_mut(block.as_mut_ptr(), block.len()) }
    }

    #[test]
    fn blocks_are_zero_and_apart_and_leave_room_behind() {
        let arena = Arena::new(Box::leak(vec![7; 1024 + ALIGN].into_boxed_slice()));
        let len = arena.0.len;
        assert!(len >= 1024 && arena.take(len + 1).is_none() && arena.take(usize::MAX).is_none());
        let mut blocks = Vec::from_iter((0..4).map(|_| arena.take(250).unwrap()));
        assert!(arena.take(256).is_none());
        for (n, block) in blocks.iter_mut().enumerate() {
            assert!(block.len() == 256 && bytes(block).iter().all(|byte| *byte == 0));
            bytes(block).fill(n as u8 + 1);
        }
        for (n, block) in blocks.iter_mut().enumerate() {
            assert!(bytes(block).iter().all(|byte| *byte == n as u8 + 1));
        }
        // One in the middle is given back: the one before it grows into the room.
        drop(blocks.remove(2));
        let second = blocks.remove(1);
        let at = second.start;
        let mut second = second.grow(500).unwrap();
        assert!(second.start == at && second.len() == 512);
        assert!(bytes(&mut second)[..256] == [2; 256] && bytes(&mut second)[256..] == [0; 256]);
        let second = second.grow(513).unwrap_err();
        // Where it can't, it moves, if there is room elsewhere.
        drop(second);
        let mut first = blocks.remove(0).grow(400).unwrap();
        assert!(first.start == 0 && bytes(&mut first)[..256] == [1; 256]);
        let mut other = arena.take(100).unwrap();
        bytes(&mut other).fill(9);
        let first = first.grow(401).unwrap_err();
        drop(blocks);
        let mut first = first.grow(401).unwrap();
        assert!(first.start >= other.start + other.len(), "{first:?}");
        assert!(
            bytes(&mut first)[..256] == [1; 256] && bytes(&mut first)[256..].iter().all(|byte| *byte == 0)
        );
        assert!(bytes(&mut other).iter().all(|byte| *byte == 9));
        drop((first, other));
        assert_eq!(arena.take(len).unwrap().start, 0);
    }
}
