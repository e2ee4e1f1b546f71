//! Interruption: a flag that execution reads now and then, and a pipe for those who wait in the system.

use crate::memory::alloc::{MemoryError, Shared};
use crate::memory::budget::Kind;
use crate::memory::sys::Mapping;
use crate::runtime::tier::layout;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};

/// What a store and its interrupters share.
pub(crate) struct InterruptState {
    flag: AtomicBool,
    /// For compiled code, which compares its frames with it: the end of the stack that frames may use now, or 0 while
    /// the flag is set. So one comparison finds both a full stack and an interruption.
    limit: AtomicUsize,
    /// The end of the stack, whatever the flag.
    stack_end: AtomicUsize,
    /// For compiled code, which reads it wherever it goes back to a loop.
    page: Option<PollPage>,
    /// Made when somebody first wants to wait. Holds one byte while the flag is set, none while it isn't.
    pipe: OnceLock<(PipeReader, PipeWriter)>,
    /// Held while the flag changes, to keep the pipe in step with it.
    changing: Mutex<()>,
}

impl InterruptState {
    /// With a page for compiled code, or without.
    ///
    /// # Errors
    /// If the system has no memory for the page.
    pub(crate) fn new(with_page: bool) -> Result<Self, MemoryError> {
        let zero = || AtomicUsize::new(0);
        Ok(Self {
            page: if with_page { Some(PollPage::new()?) } else { None },
            flag: AtomicBool::new(false),
            limit: zero(),
            stack_end: zero(),
            pipe: OnceLock::new(),
            changing: Mutex::new(()),
        })
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    fn set(&self) {
        let _changing = self.changing();
        self.limit.store(0, Ordering::Relaxed);
        self.open_page(false);
        if !self.flag.swap(true, Ordering::AcqRel)
            && let Some((_, mut writer)) = self.pipe.get().map(|(reader, writer)| (reader, writer))
        {
            // The pipe is empty, so there is room, and both its ends are open.
            let _ = writer.write(&[0]);
        }
    }

    /// Whether the flag was set; it isn't any more.
    pub(crate) fn take(&self) -> bool {
        if !self.is_set() {
            return false;
        }
        let _changing = self.changing();
        let was_set = self.flag.swap(false, Ordering::AcqRel);
        self.limit.store(self.stack_end.load(Ordering::Relaxed), Ordering::Relaxed);
        self.open_page(true);
        if was_set && let Some((mut reader, _)) = self.pipe.get().map(|(reader, writer)| (reader, writer)) {
            // The byte is there, so this doesn't wait.
            let _ = reader.read(&mut [0]);
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
        if let Some(page) = &self.page {
            page.open(open);
        }
    }

    /// What compiled code reads in loops: null without such a page.
    pub(crate) fn page(&self) -> *const u8 {
        self.page.as_ref().map_or(core::ptr::null(), PollPage::address)
    }

    /// What compiled code compares its frames with.
    pub(crate) fn limit(&self) -> *const AtomicUsize {
        &raw const self.limit
    }

    fn reader(&self) -> io::Result<&PipeReader> {
        let _changing = self.changing();
        if self.pipe.get().is_none() {
            let (reader, mut writer) = io::pipe()?;
            if self.is_set() {
                writer.write_all(&[0])?;
            }
            let _ = self.pipe.set((reader, writer));
        }
        Ok(&self.pipe.get().expect("just made").0)
    }
}

/// A page that can be read as long as the flag isn't set, and faults otherwise: reading it is the cheapest way to look.
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

/// Stops what a store executes, from any thread. Made by [`Store::interrupt_handle`](crate::Store::interrupt_handle).
#[derive(Clone)]
pub struct InterruptHandle {
    state: Shared<InterruptState>,
}

impl InterruptHandle {
    pub(crate) fn new(state: Shared<InterruptState>) -> Self {
        Self { state }
    }

    /// Makes the guest trap with [`Trap::Interrupt`](crate::Trap::Interrupt), soon; what the store executes next, if it
    /// executes nothing now. One trap answers all interruptions that were asked for before it.
    pub fn interrupt(&self) {
        self.state.set();
    }
}

impl std::fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InterruptHandle").finish_non_exhaustive()
    }
}

/// Becomes readable, for `poll` and its like, when its store is interrupted.
///
/// A host function that waits for anything should wait for this too, and then return
/// [`Trap::Interrupt`](crate::Trap::Interrupt), which answers the interruption. Don't read from it.
pub struct InterruptWaiter {
    state: Shared<InterruptState>,
}

impl InterruptWaiter {
    pub(crate) fn new(state: Shared<InterruptState>) -> io::Result<Self> {
        state.reader()?;
        Ok(Self { state })
    }

    /// Whether an interruption was asked for and hasn't stopped anything yet.
    pub fn is_interrupted(&self) -> bool {
        self.state.is_set()
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for InterruptWaiter {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.state.pipe.get().expect("made by `new`").0.as_fd()
    }
}

impl std::fmt::Debug for InterruptWaiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InterruptWaiter").field("interrupted", &self.is_interrupted()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_waiting(state: &InterruptState) -> bool {
        // Whether a read would end at once: ask another thread, which the next interruption ends if it wouldn't.
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = (&state.pipe.get().unwrap().0).read(&mut [0]);
                let _ = sender.send(());
            });
            let waiting = receiver.recv_timeout(std::time::Duration::from_millis(100)).is_ok();
            // Puts a byte there for the thread, or the one that it took back.
            let _ = (&state.pipe.get().unwrap().1).write(&[0]);
            if !waiting {
                receiver.recv().unwrap();
            }
            waiting
        })
    }

    #[test]
    fn the_pipe_follows_the_flag() {
        for early in [true, false] {
            let state = Shared::new(InterruptState::new(false).unwrap());
            let handle = InterruptHandle::new(state.clone());
            if early {
                handle.interrupt();
            }
            let waiter = InterruptWaiter::new(state.clone()).unwrap();
            assert_eq!(waiter.is_interrupted(), early);
            assert_eq!(bytes_waiting(&state), early);
            handle.interrupt();
            handle.interrupt();
            assert!(waiter.is_interrupted() && bytes_waiting(&state));
            assert!(state.take() && !state.take());
            assert!(!waiter.is_interrupted() && !bytes_waiting(&state));
        }
    }
}
