use crate::runtime::shared_memory::Expected;
use crate::{Engine, Error, MemoryAccessError, MemoryType, SharedMemory, Trap, WaitResult};
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering;
use core::time::Duration;

impl SharedMemory {
    /// Makes a memory of the type's minimal size, all zero. Address space for its maximum is reserved.
    ///
    /// # Errors
    ///
    /// If [`Config::shared_memory`](crate::Config::shared_memory) is off, if the type isn't that of a
    /// [shared](MemoryType::shared) memory, or if the budget or the system has no room for it.
    pub fn new(engine: &Engine, ty: MemoryType) -> Result<SharedMemory, Error> {
        if !ty.is_shared() {
            return Err(Error::msg("the type of a shared memory must be shared"));
        }
        SharedMemory::create(engine, ty, engine.budget(), engine.memory_guard())
    }

    /// The memory's type, as it was made.
    pub fn ty(&self) -> MemoryType {
        self.declared_type()
    }

    /// The current size in pages, whose size the type says: 64 KiB in general.
    pub fn size(&self) -> u64 {
        self.current_type().minimum()
    }

    /// The bytes of a page.
    pub fn page_size(&self) -> u64 {
        self.declared_type().page_size()
    }

    /// The current size in bytes.
    pub fn data_size(&self) -> usize {
        self.len() as usize
    }

    /// The memory's bytes, as many as there are now. Reading or writing one takes `unsafe`, since guests may be writing
    /// it: [`read`](SharedMemory::read), [`write`](SharedMemory::write), or an atomic type's `from_ptr`, do it right.
    pub fn data(&self) -> &[UnsafeCell<u8>] {
        let len = self.data_size();
        // SAFETY: the bytes are there as long as the memory, and cells allow others to change them.
        unsafe { core::slice::from_raw_parts(self.base().cast::<UnsafeCell<u8>>(), len) }
    }

    /// Copies bytes from `offset` on out of the memory, each by an atomic access of its own.
    ///
    /// # Errors
    ///
    /// If some of them are beyond its end; then nothing is copied.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), MemoryAccessError> {
        let from = self.atomic_bytes(offset, into.len()).ok_or(MemoryAccessError::new())?;
        into.iter_mut().zip(from).for_each(|(into, from)| *into = from.load(Ordering::Relaxed));
        Ok(())
    }

    /// Copies bytes into the memory, from `offset` on, each by an atomic access of its own.
    ///
    /// # Errors
    ///
    /// If some of them would be beyond its end; then nothing is copied.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), MemoryAccessError> {
        let into = self.atomic_bytes(offset, from.len()).ok_or(MemoryAccessError::new())?;
        into.iter().zip(from).for_each(|(into, from)| into.store(*from, Ordering::Relaxed));
        Ok(())
    }

    /// Adds `delta` pages of zeros, and gives the former size in pages.
    ///
    /// # Errors
    ///
    /// If the memory would exceed its maximum, or the budget or the system has no room for it.
    pub fn grow(&self, delta: u64) -> Result<u64, Error> {
        self.grow_or_why(delta)
    }

    /// `memory.atomic.notify`: ends the waits of at most `count` threads at `addr`, and gives how many there were.
    ///
    /// # Errors
    ///
    /// As the instruction traps: if the address isn't a multiple of 4, or is beyond the end.
    pub fn atomic_notify(&self, addr: u64, count: u32) -> Result<u32, Trap> {
        self.notify(addr, count)
    }

    /// `memory.atomic.wait32`: waits at `addr` until it is notified, or for `timeout`, if the 4 bytes there are the expected
    /// ones.
    ///
    /// # Errors
    ///
    /// As the instruction traps: if the address isn't a multiple of 4, or is beyond the end. And if there are 10,000
    /// waiters already, or the budget has no room for one more.
    pub fn atomic_wait32(
        &self,
        addr: u64,
        expected: u32,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Error> {
        self.wait_undisturbed(addr, Expected::Word(expected), timeout)
    }

    /// `memory.atomic.wait64`: as [`atomic_wait32`](SharedMemory::atomic_wait32), of 8 bytes.
    ///
    /// # Errors
    ///
    /// As for that, but the address is a multiple of 8.
    pub fn atomic_wait64(
        &self,
        addr: u64,
        expected: u64,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Error> {
        self.wait_undisturbed(addr, Expected::DoubleWord(expected), timeout)
    }

    /// A wait of the host's, which no store's interruption ends.
    fn wait_undisturbed(
        &self,
        addr: u64,
        expected: Expected,
        timeout: Option<Duration>,
    ) -> Result<WaitResult, Error> {
        let ended = self.wait(addr, expected, timeout, || false)?;
        Ok(ended.expect("nothing interrupts it"))
    }
}

impl core::fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SharedMemory")
            .field("ty", &self.ty())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
