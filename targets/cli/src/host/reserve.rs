//! A reserve of address space for the command itself.
//!
//! The engine reports a failed allocation, but the standard library aborts the process, for example where it starts a
//! thread or formats a text. So some address space is held while the engine works, and released before the command goes
//! on.

use crate::failure::Failure;
use memmap2::MmapMut;
use std::sync::{Mutex, MutexGuard};

/// The size of the reserve. glibc's heap grows by 1 MiB where it can't grow in place, and a thread takes less than 256
/// KiB: its stack, the one for its signal handlers, and a page for each allocation, because near the limit it gets no
/// arena.
const BYTES: usize = 2 << 20;

/// The reserve, while it is held. A thread that ends the process during the engine's work releases it from here.
static KEPT: Mutex<Option<MmapMut>> = Mutex::new(None);

fn kept() -> MutexGuard<'static, Option<MmapMut>> {
    KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs work of the engine while the reserve is held.
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

/// Fails unless there is enough address space for what the command does next.
pub(crate) fn check() -> Result<(), Failure> {
    during(|| ())
}

/// Releases the reserve before the engine is done, because the process is ending and only has to report that.
pub(crate) fn release() {
    drop(kept().take());
}
