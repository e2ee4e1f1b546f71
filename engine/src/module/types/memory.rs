//! The types of linear memories.

use super::write_limits;
use crate::memory::pages::{PAGE, Sizes};
use core::fmt;

/// The type of a linear memory: its size in pages, and how it is addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MemoryType {
    pub(crate) minimum: u64,
    pub(crate) maximum: Option<u64>,
    pub(crate) page_size_log2: u8,
    pub(crate) is_64: bool,
    pub(crate) is_shared: bool,
}

impl MemoryType {
    /// A memory of at least `minimum` pages of 64 KiB, which may grow to `maximum` pages.
    pub fn new(minimum: u32, maximum: Option<u32>) -> MemoryType {
        MemoryType { is_64: false, ..MemoryType::new64(minimum.into(), maximum.map(u64::from)) }
    }

    /// A memory with 64-bit addresses, of at least `minimum` pages of 64 KiB, which may grow to `maximum` pages.
    pub fn new64(minimum: u64, maximum: Option<u64>) -> MemoryType {
        let page_size_log2 = PAGE.trailing_zeros() as u8;
        MemoryType { minimum, maximum, page_size_log2, is_64: true, is_shared: false }
    }

    /// A memory of at least `minimum` pages of 64 KiB, which may grow to `maximum` pages, and which stores on several threads
    /// may access at the same time: see [`SharedMemory`](crate::SharedMemory).
    pub fn shared(minimum: u32, maximum: u32) -> MemoryType {
        MemoryType { is_shared: true, ..MemoryType::new(minimum, Some(maximum)) }
    }

    /// The pages such a memory has at first.
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// The pages such a memory may grow to, if that is bounded by the type.
    pub fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    /// Whether its addresses are 64-bit.
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// Whether it is [shared](MemoryType::shared).
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The bytes of a page: 65,536, or 1.
    pub fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }

    /// The logarithm of [`MemoryType::page_size`] to the base 2.
    pub fn page_size_log2(&self) -> u8 {
        self.page_size_log2
    }

    /// In bytes. More than there can be is as much as there can be: nobody has that.
    pub(crate) fn sizes(&self) -> Sizes {
        let bytes = |pages: u64| pages.saturating_mul(self.page_size());
        // What 32-bit addresses reach; and what `memory.size` can tell in 32 bits.
        let reach = if self.is_64 { u64::MAX } else { bytes(u64::from(u32::MAX)).min(1 << 32) };
        Sizes {
            minimum: bytes(self.minimum),
            most: self.maximum.map_or(u64::MAX, bytes).min(reach),
            is_guardable: self.is_guardable(),
        }
    }

    /// The same, for an engine's memory that may have `limit` bytes.
    pub(crate) fn sizes_within(&self, limit: u64) -> Sizes {
        let sizes = self.sizes();
        Sizes { most: sizes.most.min(limit), ..sizes }
    }

    /// Whether a guard region can catch every access beyond its end: an address is 32-bit, and the end is that of a page of
    /// the processor's.
    pub(crate) fn is_guardable(&self) -> bool {
        !self.is_64 && self.page_size() == PAGE
    }

    /// Whether a memory of this type can be imported as one of type `other`, apart from its size.
    pub(crate) fn is_like(&self, other: &MemoryType) -> bool {
        let kind = |ty: &MemoryType| (ty.page_size_log2, ty.is_64, ty.is_shared);
        kind(self) == kind(other)
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = if self.is_64 { "64-bit " } else { "" };
        let shared = if self.is_shared { "shared " } else { "" };
        write!(f, "{shared}{wide}memory of ")?;
        write_limits(f, self.minimum, self.maximum, "pages")?;
        match self.page_size() {
            PAGE => Ok(()),
            1 => f.write_str(" of 1 byte"),
            bytes => write!(f, " of {bytes} bytes"),
        }
    }
}
