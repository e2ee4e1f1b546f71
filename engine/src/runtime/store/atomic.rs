//! `memory.atomic.wait` and `notify`, as a store's guest does them.

use super::StoreInner;
use crate::runtime::shared_memory::Expected;
use crate::runtime::vmctx::MemoryObj;
use crate::{Error, Trap};
use core::time::Duration;

impl StoreInner {
    /// `memory.atomic.notify`: how many waiters were woken. On a memory that isn't shared there are none.
    ///
    /// # Safety
    /// `memory` is one of a store's.
    pub(crate) unsafe fn atomic_notify(memory: *mut MemoryObj, at: u64, count: u32) -> Result<u32, Trap> {
        // SAFETY: the caller's contract.
        match unsafe { (*memory).shared() } {
            Some(shared) => shared.notify(at, count),
            None => Ok(0),
        }
    }

    /// `memory.atomic.wait`, for some nanoseconds or, if they are negative, for any time; how it ended. An interruption
    /// ends it as a trap. If the guest is resumed, it waits anew.
    ///
    /// # Safety
    /// As for [`StoreInner::atomic_notify`].
    pub(crate) unsafe fn atomic_wait(
        &mut self,
        memory: *mut MemoryObj,
        at: u64,
        expected: Expected,
        timeout: i64,
    ) -> Result<u32, Error> {
        // SAFETY: the caller's contract.
        let Some(shared) = (unsafe { (*memory).shared() }) else {
            return Err(Trap::AtomicWaitNonSharedMemory.into());
        };
        let timeout = u64::try_from(timeout).ok().map(Duration::from_nanos);
        let _waiting = self.interrupt.waiting(shared);
        match shared.wait(at, expected, timeout, || self.interrupt.is_set())? {
            Some(ended) => Ok(ended as u32),
            None => {
                self.interrupt.take();
                Err(Trap::Interrupt.into())
            }
        }
    }
}
