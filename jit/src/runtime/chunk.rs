//! Executable pages (W^X): code is written once, then made executable, and never becomes writable again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{CodeMap, MapError, registry};

/// A chunk of executable machine code, with its map.
#[derive(Debug)]
pub(crate) struct CodeChunk {
    pages: memmap2::Mmap,
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
        // Mappings consist of whole pages, and must not be empty.
        let mut pages = memmap2::MmapOptions::new().len(whole_pages(code.len())).map_anon()?;
        let start = start_of(code.len());
        pages[start..start + code.len()].copy_from_slice(code);
        let pages = pages.make_exec()?;
        see_new_code(&pages);
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

fn whole_pages(len: usize) -> usize {
    len.max(1).next_multiple_of(region::page::size())
}

/// Checks that the system lets a process execute what it has written. Where it doesn't, each attempt fails, and
/// everything would be compiled in vain.
///
/// # Errors
/// The system's error.
pub(crate) fn probe_code() -> io::Result<()> {
    let mut page = memmap2::MmapOptions::new().len(region::page::size()).map_anon()?;
    page[0] = 1;
    page.make_exec().map(drop)
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
    LAST_END.store((start + len).next_multiple_of(LINE) % region::page::size(), Ordering::Relaxed);
    start
}

/// The owner guarantees that no thread executes the code or will return into it.
impl Drop for CodeChunk {
    fn drop(&mut self) {
        registry::remove(self);
    }
}

/// Makes new code visible to instruction fetches of all threads. x86_64 does that in hardware.
#[cfg(target_arch = "x86_64")]
fn see_new_code(_: &[u8]) {}

/// Makes new code visible to instruction fetches of all threads: cleans the data cache to the point of unification,
/// then invalidates the instruction cache.
#[cfg(target_arch = "aarch64")]
fn see_new_code(code: &[u8]) {
    use core::arch::asm;

    let sizes: u64;
    // SAFETY: reads CTR_EL0, which Linux makes readable in user mode.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack, preserves_flags)) };
    let data_line = 4usize << ((sizes >> 16) & 0xf);
    let code_line = 4usize << (sizes & 0xf);
    let range = code.as_ptr_range();
    // Data must be cleaned, line by line, before instruction lines are invalidated.
    for line in (range.start as usize & !(data_line - 1)..range.end as usize).step_by(data_line) {
        // SAFETY: cleaning a line of mapped memory changes no readable value.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: a barrier has no effect on memory contents.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
    for line in (range.start as usize & !(code_line - 1)..range.end as usize).step_by(code_line) {
        // SAFETY: an invalidated instruction line is only fetched again.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
    }
    // SAFETY: barriers have no effect on memory contents.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
    refetch_elsewhere();
}

/// Synchronises the instruction pipelines of other threads, which may have prefetched from pages that have just been
/// unmapped and mapped again.
#[cfg(target_arch = "aarch64")]
fn refetch_elsewhere() {
    use std::sync::Once;

    // From linux/membarrier.h.
    const PRIVATE_EXPEDITED_SYNC_CORE: libc::c_int = 1 << 5;
    const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: libc::c_int = 1 << 6;
    static REGISTERED: Once = Once::new();
    let barrier = |command: libc::c_int| {
        // SAFETY: this system call accesses none of our memory. Where it is unknown, it returns an error; there, a
        // thread is synchronised by the page fault of its first fetch from the new pages.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }
    };
    REGISTERED.call_once(|| {
        barrier(REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
    });
    barrier(PRIVATE_EXPEDITED_SYNC_CORE);
}
