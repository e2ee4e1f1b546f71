//! What a host function reads of the guest's memory, and what it writes there.

use crate::memory::{Budget, Buf, Kind, MemoryError};
use crc32fast::Hasher;
use std::cell::RefCell;

/// Bytes of a memory, which is named by its number in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    pub(crate) memory: u32,
    pub(crate) at: u64,
    pub(crate) len: u64,
}

impl Extent {
    /// Takes `next` in, if it follows at once or is the same.
    fn extend(&mut self, next: Extent) -> bool {
        let follows = self.memory == next.memory && self.at.checked_add(self.len) == Some(next.at);
        if follows {
            self.len += next.len;
        }
        follows || *self == next
    }
}

/// What is noted of one call.
pub(crate) struct Notes {
    /// What the host read before it wrote anything, in order; and the sum of these bytes.
    pub(super) reads: Buf<Extent>,
    pub(super) sum: Hasher,
    /// What went out through the embedder's streams.
    pub(super) outs: Buf<(u8, Extent)>,
    pub(super) writes: Buf<Extent>,
    pub(super) failed: Option<MemoryError>,
}

impl Notes {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            reads: Buf::new(budget, Kind::Host),
            sum: Hasher::new(),
            outs: Buf::new(budget, Kind::Host),
            writes: Buf::new(budget, Kind::Host),
            failed: None,
        }
    }

    pub(super) fn clear(&mut self) {
        self.reads.clear();
        self.sum.reset();
        self.outs.clear();
        self.writes.clear();
    }

    fn noted(&mut self, noted: Result<(), MemoryError>) {
        if let Err(error) = noted {
            self.failed = Some(error);
        }
    }

    fn read(&mut self, extent: Extent, bytes: &[u8]) {
        // What was written in this call isn't the guest's any more.
        if extent.len == 0 || !self.writes.is_empty() || self.reads.last() == Some(&extent) {
            return;
        }
        self.sum.update(bytes);
        if !self.reads.last_mut().is_some_and(|last| last.extend(extent)) {
            let noted = self.reads.try_push(extent);
            self.noted(noted);
        }
    }

    pub(super) fn wrote(&mut self, extent: Extent) {
        if extent.len > 0 && !self.writes.last_mut().is_some_and(|last| last.extend(extent)) {
            let noted = self.writes.try_push(extent);
            self.noted(noted);
        }
    }
}

/// What a host function says of its own use of a guest's memory while it is recorded: see
/// [`Caller::call_notes`](crate::Caller::call_notes).
pub struct CallNotes {
    notes: RefCell<Notes>,
    memory: u32,
}

impl CallNotes {
    pub(crate) fn new(notes: Notes, memory: u32) -> Self {
        Self { notes: RefCell::new(notes), memory }
    }

    pub(crate) fn into_inner(self) -> Notes {
        self.notes.into_inner()
    }

    fn extent(&self, at: usize, len: usize) -> Extent {
        Extent { memory: self.memory, at: at as u64, len: len as u64 }
    }

    /// The function uses these bytes, which are at `at` in the memory. A replay compares them; they aren't kept.
    pub fn read(&self, at: usize, bytes: &[u8]) {
        self.notes.borrow_mut().read(self.extent(at, bytes.len()), bytes);
    }

    /// So many bytes at `at` have gone out through a stream, such as standard output, whose number is the embedder's. They
    /// appear in a replay. The function hasn't written there before.
    pub fn passed_out(&self, stream: u8, at: usize, len: usize) {
        let notes = &mut *self.notes.borrow_mut();
        let noted = notes.outs.try_push((stream, self.extent(at, len)));
        notes.noted(noted);
    }

    /// The function has changed, or changes, so many bytes at `at`. What is there when it returns is kept.
    pub fn wrote(&self, at: usize, len: usize) {
        self.notes.borrow_mut().wrote(self.extent(at, len));
    }
}

impl std::fmt::Debug for CallNotes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CallNotes")
    }
}
