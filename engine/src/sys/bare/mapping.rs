//! Mappings, where there is no system to ask for them: pieces of the program's heap.

use alloc::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use core::ptr::NonNull;

/// There is no memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

/// Zeroed bytes at a fixed address.
#[derive(Debug)]
pub(crate) struct Mapping {
    at: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes are its own.
unsafe impl Send for Mapping {}
// SAFETY: shared references don't give access to the bytes.
unsafe impl Sync for Mapping {}

/// To what mappings are aligned: at least to the largest atomic access of a guest.
const ALIGN: usize = 16;

impl Mapping {
    /// Takes `len` bytes, which must not be 0.
    pub(crate) fn new(len: usize) -> Result<Self, Refused> {
        let layout = Layout::from_size_align(len, ALIGN).map_err(|_| Refused)?;
        if len == 0 {
            return Err(Refused);
        }
        // SAFETY: the size isn't 0.
        let at = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or(Refused)?;
        Ok(Self { at, len })
    }

    /// Nothing is reserved here without being taken.
    pub(crate) fn reserve(len: usize) -> Result<Self, Refused> {
        Self::new(len)
    }

    /// There is nothing that could be made accessible later.
    pub(crate) fn accessible_to(_accessible: usize, _len: usize) -> Result<Self, Refused> {
        Err(Refused)
    }

    pub(crate) fn make_accessible(&mut self, _from: usize, _to: usize) -> Result<(), Refused> {
        Err(Refused)
    }

    pub(crate) fn in_small_pages(&self) {}

    /// The bytes can't be given back.
    pub(crate) fn discard(&mut self, _from: usize, _len: usize) -> bool {
        false
    }

    /// Takes `len` bytes, and `beyond` more that nobody uses; there are no pages that fault. Gives where the usable part
    /// begins, too.
    pub(crate) fn guarded(len: usize, beyond: usize) -> Result<(Self, usize), Refused> {
        Ok((Self::new(len + beyond)?, 0))
    }

    /// Only compiled code polls pages, and there is none.
    pub(crate) fn readable() -> Result<(Self, usize), Refused> {
        Err(Refused)
    }

    pub(crate) fn open(&self, _at: usize, _open: bool) -> Result<(), Refused> {
        Err(Refused)
    }

    pub(crate) fn address(&self, at: usize) -> *const u8 {
        self.at.as_ptr().wrapping_add(at)
    }

    /// Makes it larger, wherever it then is; the new bytes are zero. Gives it back if it can't.
    pub(crate) fn grow(mut self, len: usize) -> Result<Self, Self> {
        if len <= self.len || Layout::from_size_align(len, ALIGN).is_err() {
            return Err(self);
        }
        // SAFETY: it is of this layout, and the new size is valid for it and not 0.
        let grown = unsafe { realloc(self.at.as_ptr(), self.layout(), len) };
        let Some(at) = NonNull::new(grown) else { return Err(self) };
        // SAFETY: the new bytes are the mapping's own.
        unsafe { at.as_ptr().add(self.len).write_bytes(0, len - self.len) };
        (self.at, self.len) = (at, len);
        Ok(self)
    }

    pub(crate) fn overlay(self, snapshot: &Snapshot) -> Result<Self, Refused> {
        match *snapshot {}
    }

    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.at.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.at.as_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn layout(&self) -> Layout {
        Layout::from_size_align(self.len, ALIGN).expect("it was taken with it")
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was taken with this layout, and nobody uses it any more.
        unsafe { dealloc(self.at.as_ptr(), self.layout()) };
    }
}

/// Here are none.
#[derive(Debug)]
pub(crate) enum Snapshot {}

impl Snapshot {
    pub(crate) fn new<'p>(_: usize, _: impl Iterator<Item = (u64, &'p [u8])>) -> Result<Self, Refused> {
        Err(Refused)
    }
}

/// Whether the heap has `len` bytes in one piece.
pub(crate) fn has_memory(len: usize) -> bool {
    let Ok(layout) = Layout::from_size_align(len.max(1), ALIGN) else { return false };
    // SAFETY: the size isn't 0, and what is had is given back with the same layout.
    unsafe {
        // Unused, it might be left out by the compiler, which takes for granted that there is memory.
        let at = core::hint::black_box(alloc(layout));
        if !at.is_null() {
            dealloc(at, layout);
        }
        !at.is_null()
    }
}

/// What mappings are rounded to where they are divided up.
pub(crate) fn page_size() -> usize {
    4096
}

/// Tests refuse mappings where there is a system.
pub(crate) fn refuses_mappings() -> bool {
    false
}

/// There is no address space apart from the memory.
pub(crate) const RESERVE_MEMORIES: bool = false;
