//! What other cores have fetched of code that is replaced.

use std::sync::Once;

/// Synchronises the instruction pipelines of this process's other threads, which may have prefetched from pages that
/// have just been unmapped and mapped again.
pub(crate) fn synchronise_cores() {
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
