//! Interruption: a flag that execution polls, and a pipe for host functions that block in the system.

use super::shared_memory::SharedMemory;
use super::tier::layout;
use crate::memory::{Kind, MemoryError};
use crate::sys::{Mapping, SignalPipe};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// The state that a store shares with its interrupt handles.
pub(crate) struct InterruptState {
    flag: AtomicBool,
    /// What compiled code compares its frames with: the end of the usable value stack, or 0 while the flag is set. So
    /// one comparison detects both a stack overflow and an interruption.
    limit: AtomicUsize,
    /// The end of the stack, whatever the flag.
    stack_end: AtomicUsize,
    /// The poll page, which compiled code reads at every back edge. Made before compiled code can first be entered.
    page: OnceLock<PollPage>,
    /// Made when a waiter is first asked for. Signalled while the flag is set.
    pub(crate) pipe: OnceLock<SignalPipe>,
    /// The shared memory at which the store's guest waits, if it does.
    waits: Mutex<Option<SharedMemory>>,
    /// Held while the flag changes, to keep the pipe in step with it.
    changing: Mutex<()>,
}

impl InterruptState {
    pub(crate) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        Self {
            page: OnceLock::new(),
            flag: AtomicBool::new(false),
            limit: zero(),
            stack_end: zero(),
            pipe: OnceLock::new(),
            waits: Mutex::new(None),
            changing: Mutex::new(()),
        }
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self) {
        let _changing = self.changing();
        self.limit.store(0, Ordering::Relaxed);
        self.open_page(false);
        if !self.flag.swap(true, Ordering::AcqRel)
            && let Some(pipe) = self.pipe.get()
        {
            pipe.signal();
        }
        if let Some(memory) = &*self.waits() {
            memory.wake_all();
        }
    }

    fn waits(&self) -> MutexGuard<'_, Option<SharedMemory>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has interruptions wake the waiters of a memory, as long as the result lives.
    pub(crate) fn waiting(&self, memory: &SharedMemory) -> Waiting<'_> {
        *self.waits() = Some(memory.clone());
        Waiting(self)
    }

    /// Clears the flag, and returns whether it was set.
    pub(crate) fn take(&self) -> bool {
        self.is_set() && self.answer()
    }

    /// [`take`](Self::take) for whoever noticed the interruption by the stack's limit, the poll page or the pipe. It
    /// waits for the thread that is still interrupting, which may not have set the flag yet. Otherwise the flag would
    /// be set after this trap, and cause a second one.
    pub(crate) fn answer(&self) -> bool {
        let _changing = self.changing();
        let was_set = self.flag.swap(false, Ordering::AcqRel);
        self.limit.store(self.stack_end.load(Ordering::Relaxed), Ordering::Relaxed);
        self.open_page(true);
        if was_set && let Some(pipe) = self.pipe.get() {
            pipe.clear();
        }
        was_set
    }

    /// Notes where the stack ends now.
    pub(crate) fn set_stack_end(&self, end: usize) {
        let _changing = self.changing();
        self.stack_end.store(end, Ordering::Relaxed);
        if !self.is_set() {
            self.limit.store(end, Ordering::Relaxed);
        }
    }

    fn open_page(&self, open: bool) {
        if let Some(page) = self.page.get() {
            page.open(open);
        }
    }

    /// The poll page; null as long as there is none.
    pub(crate) fn page(&self) -> *const u8 {
        self.page.get().map_or(core::ptr::null(), PollPage::address)
    }

    /// Makes the poll page, unless there is one.
    ///
    /// # Errors
    /// If the system has no memory for it.
    pub(crate) fn make_page(&self) -> Result<(), MemoryError> {
        let _changing = self.changing();
        if self.page.get().is_none() {
            let page = PollPage::new()?;
            if self.is_set() {
                page.open(false);
            }
            let _ = self.page.set(page);
        }
        Ok(())
    }

    /// The word that compiled code compares its frames with.
    pub(crate) fn limit(&self) -> *const AtomicUsize {
        &raw const self.limit
    }

    /// Makes the pipe, unless there is one.
    ///
    /// # Errors
    /// If the system has none left.
    pub(crate) fn make_pipe(&self) -> io::Result<()> {
        let _changing = self.changing();
        if self.pipe.get().is_none() {
            let pipe = SignalPipe::new()?;
            if self.is_set() {
                pipe.signal();
            }
            let _ = self.pipe.set(pipe);
        }
        Ok(())
    }
}

/// The store's guest is waiting at a shared memory.
pub(crate) struct Waiting<'a>(&'a InterruptState);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.0.waits() = None;
    }
}

/// A poll page: readable while the flag isn't set, inaccessible otherwise. A load from it is the cheapest safepoint
/// poll.
struct PollPage {
    mapping: Mapping,
    at: usize,
}

impl PollPage {
    fn new() -> Result<Self, MemoryError> {
        let refused = |_| MemoryError::system(Kind::Instance, layout::POLL_BYTES as u64);
        let (mapping, at) = Mapping::readable().map_err(refused)?;
        Ok(Self { mapping, at })
    }

    fn open(&self, open: bool) {
        let changed = self.mapping.open(self.at, open);
        debug_assert!(changed.is_ok(), "it is a mapping of its own: {changed:?}");
    }

    fn address(&self) -> *const u8 {
        self.mapping.address(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interruption_that_is_noticed_early_is_answered_once() {
        let state = InterruptState::new();
        state.make_page().unwrap();
        for end in 1..=1_000 {
            state.set_stack_end(end);
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| state.set());
                while state.limit.load(Ordering::Relaxed) != 0 {
                    std::hint::spin_loop();
                }
                assert!(state.answer());
                thread.join().unwrap();
            });
            assert!(!state.is_set());
            assert_eq!(state.limit.load(Ordering::Relaxed), end);
        }
    }
}
