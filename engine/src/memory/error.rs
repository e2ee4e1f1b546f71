//! Why memory can't be had.

use super::box_or::BoxOr;
use super::kind::Kind;
use crate::words::Count;
use core::fmt;

/// A [`Budget`](crate::Budget) refused a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfBudget {
    /// What the bytes were for.
    pub kind: Kind,
    /// How many bytes were asked for.
    pub asked: u64,
    /// How many bytes were held already.
    pub used: u64,
    /// The bound.
    pub limit: u64,
    /// The three kinds that held the most.
    pub largest: [(Kind, u64); 3],
}

impl fmt::Display for OutOfBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfBudget { kind, asked, used, limit, largest } = self;
        write!(
            f,
            "memory budget of {} exceeded: {kind} asked for {} with {used} in use",
            Count(*limit, "bytes"),
            Count(*asked, "bytes")
        )?;
        let mut before = " (";
        for (kind, bytes) in largest.iter().filter(|(_, bytes)| *bytes > 0) {
            write!(f, "{before}{kind}: {bytes}")?;
            before = ", ";
        }
        if before == ", " { f.write_str(")") } else { Ok(()) }
    }
}

impl core::error::Error for OutOfBudget {}

/// Memory could not be had: the budget refused it, or the allocator did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemoryError {
    OutOfBudget(OutOfBudget),
    OutOfMemory(OutOfMemory),
}

/// The system had no memory left, though the budget allowed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfMemory {
    pub(crate) kind: Kind,
    pub(crate) asked: u64,
}

impl OutOfMemory {
    /// The lowest byte of a number that one is packed into is at least this.
    pub(crate) const PACKED: usize = 0x80;

    /// One in a number for [`BoxOr`]: the kind in the lowest byte, then as many bits as there are of what was asked for.
    pub(crate) fn pack(self) -> usize {
        let most = BoxOr::<u16>::MAX >> 8;
        (self.asked.min(most as u64) as usize) << 8 | (Self::PACKED + self.kind as usize)
    }

    /// What [`OutOfMemory::pack`] was given, if the number is one of its.
    pub(crate) fn unpack(number: usize) -> Option<Self> {
        let kind = (number & 0xff).checked_sub(Self::PACKED)?;
        Some(Self { kind: Kind::ALL[kind], asked: (number >> 8) as u64 })
    }
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "out of memory: the system has no {} left for {}", Count(self.asked, "bytes"), self.kind)
    }
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryError::OutOfBudget(error) => fmt::Display::fmt(error, f),
            MemoryError::OutOfMemory(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl From<OutOfBudget> for MemoryError {
    fn from(error: OutOfBudget) -> MemoryError {
        MemoryError::OutOfBudget(error)
    }
}

/// Bytes beyond a memory's end were asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryAccessError(());

impl MemoryAccessError {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for MemoryAccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of bounds memory access")
    }
}

impl core::error::Error for MemoryAccessError {}

/// Why a memory or table can't grow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GrowError {
    /// Beyond its maximum, or the engine's.
    Limit,
    Memory(MemoryError),
}

impl<E: Into<MemoryError>> From<E> for GrowError {
    fn from(error: E) -> GrowError {
        GrowError::Memory(error.into())
    }
}

impl MemoryError {
    pub(crate) fn system(kind: Kind, asked: u64) -> MemoryError {
        MemoryError::OutOfMemory(OutOfMemory { kind, asked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_held_the_most_is_named_if_anything_did() {
        let said = |asked, limit, largest| {
            OutOfBudget { kind: Kind::Cells, asked, used: 7, limit, largest }.to_string()
        };
        let nothing = (Kind::Metadata, 0);
        assert_eq!(
            said(2, 1, [nothing; 3]),
            "memory budget of 1 byte exceeded: translated code asked for 2 bytes with 7 in use"
        );
        let (one, two) = ((Kind::Bodies, 5), (Kind::Stack, 2));
        assert_eq!(
            said(1, 8, [one, nothing, nothing]),
            "memory budget of 8 bytes exceeded: translated code asked for 1 byte with 7 in use (function bodies: 5)"
        );
        let all = said(1, 8, [one, two, (Kind::Host, 1)]);
        assert!(all.ends_with(" in use (function bodies: 5, value stack: 2, host state: 1)"), "{all}");
    }
}
