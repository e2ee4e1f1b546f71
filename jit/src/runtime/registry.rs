//! Maps a program counter to the chunk of machine code that contains it, for signal handlers.
//!
//! All chunks are in one array, sorted by address and never moved: [`ARRAY`] points to it. To add a chunk, a writer
//! publishes a new array. To remove one, it nulls the chunk's pointer in place, which takes no memory and so can't
//! fail. Readers take no lock; they count themselves in and out of [`READERS`]. A writer frees replaced arrays when it
//! finds no reader, because later readers load the new array. If there always is a reader, which takes threads that do
//! nothing but fault, replaced arrays wait for the next writer.

use std::io;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::chunk::CodeChunk;

struct ChunkRange {
    start: usize,
    end: usize,
    /// Null once the chunk is gone. Its addresses may then belong to another chunk, but never in the same array.
    chunk: AtomicPtr<CodeChunk>,
}

type Array = Vec<ChunkRange>;

/// The registry's memory for a chunk: both arrays exist while one replaces the other.
pub(super) const BYTES: usize = 2 * size_of::<ChunkRange>();

/// The current array; null before the first chunk.
static ARRAY: AtomicPtr<Array> = AtomicPtr::new(core::ptr::null_mut());

/// How many threads are searching an array.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// The writers' lock. It holds replaced arrays that a reader may still be searching.
#[expect(clippy::vec_box, reason = "readers have the address of what is in the box")]
static RETIRED: Mutex<Vec<Box<Array>>> = Mutex::new(Vec::new());

/// Registers a chunk, which must not move from then on, and must be removed before it is dropped.
pub(super) fn add(chunk: &CodeChunk) -> io::Result<()> {
    let no_memory = |_| io::Error::from(io::ErrorKind::OutOfMemory);
    let mut retired = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: only writers replace or free arrays, and this thread holds the writers' lock.
    let old: &[ChunkRange] = unsafe { ARRAY.load(Ordering::SeqCst).as_ref() }.map_or(&[], |array| array);
    let live = old.iter().filter(|entry| !entry.chunk.load(Ordering::SeqCst).is_null());
    let mut new = Array::new();
    new.try_reserve_exact(live.clone().count() + 1).map_err(no_memory)?;
    retired.try_reserve(1).map_err(no_memory)?;

    let start = chunk.base() as usize;
    let before = live.clone().take_while(|entry| entry.start < start);
    let after = live.clone().skip_while(|entry| entry.start < start);
    let copy = |entry: &ChunkRange| ChunkRange {
        start: entry.start,
        end: entry.end,
        chunk: AtomicPtr::new(entry.chunk.load(Ordering::SeqCst)),
    };
    new.extend(before.map(copy));
    new.push(ChunkRange {
        start,
        end: start + chunk.len(),
        chunk: AtomicPtr::new(core::ptr::from_ref(chunk).cast_mut()),
    });
    new.extend(after.map(copy));

    let old = ARRAY.swap(Box::into_raw(Box::new(new)), Ordering::SeqCst);
    if !old.is_null() {
        // SAFETY: it came from `Box::into_raw`, and `ARRAY`, its only owner, has just been given another pointer.
        retired.push(unsafe { Box::from_raw(old) });
    }
    // In the total order of these SeqCst operations, a reader that isn't counted here has either finished or has yet to
    // load the pointer, and then finds the new array.
    if READERS.load(Ordering::SeqCst) == 0 {
        retired.clear();
    }
    Ok(())
}

/// Removes a chunk, if it is registered.
pub(super) fn remove(chunk: &CodeChunk) {
    let _turn = RETIRED.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: only writers replace or free arrays, and this thread holds the writers' lock.
    let Some(array) = (unsafe { ARRAY.load(Ordering::SeqCst).as_ref() }) else { return };
    for entry in array {
        if core::ptr::eq(entry.chunk.load(Ordering::SeqCst), chunk) {
            entry.chunk.store(core::ptr::null_mut(), Ordering::SeqCst);
        }
    }
}

/// The chunk that contains `pc`. Takes no lock and allocates nothing; may be called in a signal handler.
///
/// # Safety
/// If a chunk contains `pc`, it must outlive `'a`: because its code is executing, or will be returned to.
pub(super) unsafe fn find<'a>(pc: usize) -> Option<&'a CodeChunk> {
    READERS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: an array that was current after this thread was counted isn't freed before it is counted out again.
    let chunk = unsafe { ARRAY.load(Ordering::SeqCst).as_ref() }.and_then(|array| {
        let after = array.partition_point(|entry| entry.start <= pc);
        let entry = array[..after].last().filter(|entry| pc < entry.end)?;
        Some(entry.chunk.load(Ordering::SeqCst))
    });
    READERS.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: a chunk removes itself before it is dropped, and the caller vouches that this one isn't dropped during
    // `'a`.
    chunk.and_then(|chunk| unsafe { chunk.as_ref() })
}

/// How many replaced arrays haven't been freed yet.
#[cfg(test)]
pub(super) fn retired() -> usize {
    RETIRED.lock().unwrap_or_else(PoisonError::into_inner).len()
}
