//! Images: what memories of clones begin as, which clones share until they write.

use crate::memory::pages::Pages;
use crate::memory::{Budget, Buf, Charge, Kind, MemoryError};
use crate::module::types::MemoryType;
use crate::sys::{Snapshot, page_size};

/// From how many bytes on an image is shared: fewer are copied as fast.
const LEAST: usize = 64 << 10;

/// Runs of zeros from this many bytes on aren't held.
const GAP: usize = 4096;

/// A memory's size, and its bytes.
#[derive(Debug)]
pub(crate) struct MemoryImage {
    /// In the memory's own pages.
    pages: u64,
    bytes: Bytes,
}

/// The bytes up to the last that isn't zero.
#[derive(Debug)]
enum Bytes {
    Shared { snapshot: Snapshot, _charge: Charge },
    Copied(Buf<u8>),
}

impl MemoryImage {
    /// The image of a memory of so many of its pages, with these bytes, which `budget` pays for.
    pub(crate) fn of(pages: u64, bytes: &[u8], budget: &Budget) -> Result<Self, MemoryError> {
        let used = used(bytes);
        let shared = shared(bytes, used, budget);
        let bytes = match shared {
            Some((snapshot, charge)) => Bytes::Shared { snapshot, _charge: charge },
            None => {
                let mut copied = Buf::with_capacity(budget, Kind::Memory, used)?;
                copied.try_extend_from_slice(&bytes[..used])?;
                Bytes::Copied(copied)
            }
        };
        Ok(Self { pages, bytes })
    }

    /// The type of a memory that is as large as this, where it is declared with `ty`.
    pub(crate) fn type_of(&self, ty: MemoryType) -> MemoryType {
        MemoryType { minimum: self.pages, ..ty }
    }

    /// Gives these bytes to a new memory of this size. After an error it has none.
    pub(crate) fn fill(&self, pages: &mut Pages) -> Result<(), MemoryError> {
        match &self.bytes {
            Bytes::Shared { snapshot, .. } => pages.overlay(snapshot),
            Bytes::Copied(bytes) if bytes.is_empty() => Ok(()),
            Bytes::Copied(bytes) => {
                pages.write(0, bytes).ok_or_else(|| MemoryError::system(Kind::Memory, bytes.len() as u64))
            }
        }
    }
}

/// How many bytes there are up to the last page that isn't zero.
fn used(bytes: &[u8]) -> usize {
    let last = bytes.chunks(GAP).enumerate().rev().find(|(_, chunk)| !is_zero(chunk));
    last.map_or(0, |(number, chunk)| number * GAP + chunk.len())
}

fn is_zero(bytes: &[u8]) -> bool {
    // Without an early end, words are looked at several at once.
    bytes.iter().fold(0, |all, byte| all | byte) == 0
}

/// The first bytes to be shared. `None` where that isn't worth it or possible, or the budget or the system refuses: then
/// they are copied.
fn shared(bytes: &[u8], used: usize, budget: &Budget) -> Option<(Snapshot, Charge)> {
    let len = used.checked_next_multiple_of(page_size())?;
    if used < LEAST || len > bytes.len() {
        return None;
    }
    let charge = budget.charge(Kind::Memory, len as u64).ok()?;
    let chunks = bytes[..used].chunks(GAP).enumerate();
    let held =
        chunks.filter(|(_, chunk)| !is_zero(chunk)).map(|(number, chunk)| ((number * GAP) as u64, chunk));
    Some((Snapshot::new(len, held).ok()?, charge))
}
