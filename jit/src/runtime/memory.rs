//! Machine code in pages of its own: written once, then executable and never writable again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CodeMap, MapError, registry};

/// Machine code that can be run, and the map of it.
#[derive(Debug)]
pub(crate) struct CodeChunk {
    pages: memmap2::Mmap,
    start: usize,
    len: usize,
    map: CodeMap,
}

impl CodeChunk {
    /// Copies `code` into pages of its own, makes them executable, and lets faults in them be traps. The map's places
    /// must lie in the code.
    pub(crate) fn new(code: &[u8], map: CodeMap) -> io::Result<Arc<Self>> {
        if code.len() > i32::MAX as usize || map.end() as usize > code.len() {
            return Err(MapError::OutOfRange.into());
        }
        // A mapping is made of whole pages, and an empty one can't be made.
        let mut pages = memmap2::MmapOptions::new().len(whole_pages(code.len())).map_anon()?;
        let start = start_of(code.len());
        pages[start..start + code.len()].copy_from_slice(code);
        let pages = pages.make_exec()?;
        see_new_code(&pages);
        let chunk = Arc::new(Self { pages, start, len: code.len(), map });
        registry::add(&chunk)?;
        Ok(chunk)
    }

    /// What a chunk of so much code takes of the memory.
    pub(crate) fn bytes(code: usize, map: &CodeMap) -> u64 {
        (whole_pages(code) + map.heap_bytes() + size_of::<Self>() + registry::BYTES) as u64
    }

    /// Where the code begins.
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

    /// What is known about places in the code.
    pub(crate) fn map(&self) -> &CodeMap {
        &self.map
    }
}

fn whole_pages(len: usize) -> usize {
    len.max(1).next_multiple_of(region::page::size())
}

/// Makes sure that the system lets what this process writes be executed: one that doesn't says so each time, and everything would
/// be compiled for nothing.
///
/// # Errors
/// What the system says.
pub(crate) fn probe_code() -> io::Result<()> {
    let mut page = memmap2::MmapOptions::new().len(region::page::size()).map_anon()?;
    page[0] = 1;
    page.make_exec().map(drop)
}

/// A cache line's size, and the most that code is aligned to.
const LINE: usize = 64;

/// Where in its first page code of this length is to begin, without taking another page for that: about where the last
/// one's ended in its own. If all began at a page's start, they would compete for the few places that a processor's cache has
/// for lines at one offset.
fn start_of(len: usize) -> usize {
    static LAST_END: AtomicUsize = AtomicUsize::new(0);
    let room = whole_pages(len) - len;
    let last_end = LAST_END.load(Ordering::Relaxed);
    let start = if last_end <= room { last_end } else { last_end % (room + 1) } / LINE * LINE;
    // Two that are placed at once may overlap: it orders nothing.
    LAST_END.store((start + len).next_multiple_of(LINE) % region::page::size(), Ordering::Relaxed);
    start
}

/// The owner guarantees that no thread is inside, nor will return into it.
impl Drop for CodeChunk {
    fn drop(&mut self) {
        registry::remove(self);
    }
}

/// Makes every thread of the process execute what has been written, rather than what it may have fetched before.
/// Processors of this kind see to that themselves.
#[cfg(target_arch = "x86_64")]
fn see_new_code(_: &[u8]) {}

/// Makes every thread of the process execute what has been written, rather than what it may have fetched before.
#[cfg(target_arch = "aarch64")]
fn see_new_code(code: &[u8]) {
    use core::arch::asm;

    let sizes: u64;
    // SAFETY: reads a register that Linux lets programs read.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack, preserves_flags)) };
    let data_line = 4usize << ((sizes >> 16) & 0xf);
    let code_line = 4usize << (sizes & 0xf);
    let range = code.as_ptr_range();
    // Written data goes to where instructions are fetched from, line by line, before old instructions are forgotten.
    for line in (range.start as usize & !(data_line - 1)..range.end as usize).step_by(data_line) {
        // SAFETY: cleaning a line of mapped memory changes nothing that can be read.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in (range.start as usize & !(code_line - 1)..range.end as usize).step_by(code_line) {
        // SAFETY: forgetting a line of fetched instructions only means that it is fetched again.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    refetch_elsewhere();
}

/// Other threads may have fetched ahead from pages that have just been unmapped and mapped again.
#[cfg(target_arch = "aarch64")]
fn refetch_elsewhere() {
    use std::sync::Once;

    // From linux/membarrier.h.
    const PRIVATE_EXPEDITED_SYNC_CORE: libc::c_int = 1 << 5;
    const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: libc::c_int = 1 << 6;
    static REGISTERED: Once = Once::new();
    let barrier = |command: libc::c_int| {
        // SAFETY: this system call reads and writes nothing of ours. Where it is unknown, an error comes back: there, a
        // thread is synchronised by the page fault of its first fetch from the new pages.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    };
    REGISTERED.call_once(|| {
        barrier(REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
    });
    barrier(PRIVATE_EXPEDITED_SYNC_CORE);
}
