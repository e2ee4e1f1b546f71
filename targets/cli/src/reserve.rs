//! Address space that the command keeps for itself.
//!
//! What the engine can't get it answers for; but the standard library, where it starts a thread or makes a text, ends
//! the process. So the engine works only while some address space is out of its reach, and the command works
//! only after that has been given back.

use crate::failure::Failure;
use memmap2::MmapMut;
use std::sync::{Mutex, MutexGuard};

/// How much there must be. glibc's heap grows by 1 MiB where it can't grow in place, and a thread takes less than 256 KiB:
/// its stack, the one for its signal handlers, and a page for each allocation, because near the limit it
/// gets no arena.
const BYTES: usize = 2 << 20;

/// What is kept now; a thread that ends the process in the middle of the engine's work takes it from here.
static KEPT: Mutex<Option<MmapMut>> = Mutex::new(None);

fn kept() -> MutexGuard<'static, Option<MmapMut>> {
    KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Does the engine's work, which can't take what the command needs before and after it.
pub(crate) fn during<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    let reserve = MmapMut::map_anon(BYTES).map_err(|_| {
        Failure::unusable(format_args!(
            "out of memory: the system has no {BYTES} bytes left for dunlin itself"
        ))
    })?;
    *kept() = Some(reserve);
    let done = work();
    release();
    Ok(done)
}

/// Makes sure that there is enough for what the command does next.
pub(crate) fn check() -> Result<(), Failure> {
    during(|| ())
}

/// Gives it back before the engine is done: nothing is left to do but to tell of the end.
pub(crate) fn release() {
    drop(kept().take());
}
