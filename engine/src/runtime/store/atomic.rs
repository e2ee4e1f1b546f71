//! `memory.atomic.wait` and `notify`.

use super::StoreInner;
use crate::runtime::vmctx::MemoryObj;
use crate::{Error, Trap};

/// What a waiter expects to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Word(u32),
    DoubleWord(u64),
}

impl StoreInner {
    /// `memory.atomic.notify`: how many waiters were woken. On a memory that isn't shared there are none.
    ///
    /// # Safety
    /// `memory` is one of a store's; the bytes at `at` are aligned and in bounds.
    pub(crate) unsafe fn atomic_notify(_memory: *mut MemoryObj, _at: u64, _count: u32) -> u32 {
        0
    }

    /// `memory.atomic.wait`, for some nanoseconds or, if they are negative, for any time; how it ended.
    ///
    /// # Safety
    /// As for [`StoreInner::atomic_notify`].
    pub(crate) unsafe fn atomic_wait(
        &mut self,
        _memory: *mut MemoryObj,
        _at: u64,
        _expected: Expected,
        _timeout: i64,
    ) -> Result<u32, Error> {
        Err(Trap::AtomicWaitNonSharedMemory.into())
    }
}
