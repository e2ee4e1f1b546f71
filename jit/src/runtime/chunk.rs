//! Chunks of machine code in executable pages.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::sys::{self, CodePages, page_size};
use super::{arch, registry};
use crate::code::{CodeMap, MapError};

/// A chunk of executable machine code, with its map.
#[derive(Debug)]
pub(crate) struct CodeChunk {
    pages: CodePages,
    start: usize,
    len: usize,
    map: CodeMap,
}

impl CodeChunk {
    /// Copies `code` into pages of its own, makes them executable, and registers the chunk, so that its faults can be
    /// traps. All places of the map must lie in the code.
    pub(crate) fn new(code: &[u8], map: CodeMap) -> io::Result<Arc<Self>> {
        if code.len() > i32::MAX as usize || map.end() as usize > code.len() {
            return Err(MapError::OutOfRange.into());
        }
        let start = start_of(code.len());
        let copy = |pages: &mut [u8]| pages[start..start + code.len()].copy_from_slice(code);
        let pages = CodePages::new(whole_pages(code.len()), copy)?;
        arch::synchronise_caches(&pages);
        if arch::CORES_PREFETCH {
            sys::synchronise_cores();
        }
        let chunk = Arc::new(Self { pages, start, len: code.len(), map });
        registry::add(&chunk)?;
        Ok(chunk)
    }

    /// The bytes that a chunk of this size and map occupies.
    pub(crate) fn bytes(code: usize, map: &CodeMap) -> u64 {
        (whole_pages(code) + map.heap_bytes() + size_of::<Self>() + registry::BYTES) as u64
    }

    /// The address of the code.
    pub(crate) fn base(&self) -> *const u8 {
        self.code().as_ptr()
    }

    fn code(&self) -> &[u8] {
        &self.pages[self.start..self.start + self.len]
    }

    /// The code's length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The address of the code at `offset`.
    ///
    /// # Panics
    /// If it lies beyond the end.
    pub(crate) fn address(&self, offset: u32) -> *const u8 {
        &raw const self.code()[offset as usize]
    }

    /// The metadata of the code.
    pub(crate) fn map(&self) -> &CodeMap {
        &self.map
    }
}

/// Mappings consist of whole pages, and must not be empty.
fn whole_pages(len: usize) -> usize {
    len.max(1).next_multiple_of(page_size())
}

/// Checks that the system lets a process execute what it has written. Where it doesn't, each attempt fails, and
/// everything would be compiled in vain.
///
/// # Errors
/// The system's error.
pub(crate) fn probe_code() -> io::Result<()> {
    CodePages::new(page_size(), |page| page[0] = 1).map(drop)
}

/// The size of a cache line, and the largest alignment of code.
const LINE: usize = 64;

/// The offset in its first page at which code of this length begins, chosen so that it takes no further page: about
/// where the last chunk ended in its own page. If all chunks began at a page's start, their lines would compete for the
/// same few sets of the instruction cache.
fn start_of(len: usize) -> usize {
    static LAST_END: AtomicUsize = AtomicUsize::new(0);
    let room = whole_pages(len) - len;
    let last_end = LAST_END.load(Ordering::Relaxed);
    let start = if last_end <= room { last_end } else { last_end % (room + 1) } / LINE * LINE;
    // Relaxed: two chunks that are placed at the same time may choose overlapping offsets, which is harmless.
    LAST_END.store((start + len).next_multiple_of(LINE) % page_size(), Ordering::Relaxed);
    start
}

/// The owner guarantees that no thread executes the code or will return into it.
impl Drop for CodeChunk {
    fn drop(&mut self) {
        registry::remove(self);
    }
}
