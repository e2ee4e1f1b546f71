//! Interruption: flags that execution polls, and a pipe for host functions that block in the system. A handle sets one
//! flag, until it is answered; the engine's epochs set another, as long as the store's deadline is reached. A third one is set
//! for whoever wants a snapshot, while what executes can be suspended for that.

use super::shared_memory::SharedMemory;
use super::tier::layout;
use crate::memory::{Kind, MemoryError};
use crate::sys::{AtomicU64, Mapping, Mutex, MutexGuard, OnceLock, SignalPipe};
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
#[cfg(feature = "std")]
use std::io;

/// Set by a handle.
const ASKED: u8 = 1;
/// Set while the deadline is reached.
const DUE: u8 = 2;
/// Set while a snapshot is wanted, and what executes is suspended for it.
const SNAPSHOT: u8 = 4;

/// The state that a store shares with its interrupt handles, and with the engine if that has epochs.
pub(crate) struct InterruptState {
    flags: AtomicU8,
    /// The flag that was answered last.
    answered: AtomicU8,
    /// Whether somebody wants a snapshot.
    snapshot_wanted: AtomicBool,
    /// Whether what executes is suspended for that.
    suspends: AtomicBool,
    /// The epoch at which execution stops.
    deadline: AtomicU64,
    /// Whether a deadline ends what host functions wait for.
    ends_waits: AtomicBool,
    /// What compiled code compares its frames with: the end of the usable value stack, or 0 while a flag is set. So
    /// one comparison detects both a stack overflow and an interruption.
    limit: AtomicUsize,
    /// The end of the stack, whatever the flags.
    stack_end: AtomicUsize,
    /// The poll page, which compiled code reads at every back edge. Made before compiled code can first be entered.
    page: OnceLock<PollPage>,
    /// Made when a waiter is first asked for. Signalled while [`is_set`](Self::is_set).
    pub(crate) pipe: OnceLock<SignalPipe>,
    /// The shared memory at which the store's guest waits, if it does.
    waits: Mutex<Option<SharedMemory>>,
    /// Held while the flags change, to keep the pipe in step with it.
    changing: Mutex<()>,
}

impl InterruptState {
    pub(crate) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        Self {
            page: OnceLock::new(),
            flags: AtomicU8::new(0),
            answered: AtomicU8::new(0),
            snapshot_wanted: AtomicBool::new(false),
            suspends: AtomicBool::new(false),
            deadline: AtomicU64::new(u64::MAX),
            ends_waits: AtomicBool::new(true),
            limit: zero(),
            stack_end: zero(),
            pipe: OnceLock::new(),
            waits: Mutex::new(None),
            changing: Mutex::new(()),
        }
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock()
    }

    fn flags(&self) -> u8 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Whether flags end what host functions wait for.
    fn end_waits(&self, flags: u8) -> bool {
        flags & (ASKED | SNAPSHOT) != 0 || flags & DUE != 0 && self.ends_waits.load(Ordering::Relaxed)
    }

    /// Whether host functions shall stop waiting.
    pub(crate) fn is_set(&self) -> bool {
        self.end_waits(self.flags())
    }

    /// Whether a snapshot is the first reason for which execution stops.
    pub(crate) fn is_for_snapshot(&self) -> bool {
        self.flags() & SNAPSHOT != 0
    }

    pub(crate) fn set(&self) {
        let _changing = self.changing();
        self.change(self.flags() | ASKED);
    }

    /// Has what executes be suspended for a snapshot, once it can be.
    #[cfg(feature = "snapshot")]
    pub(crate) fn want_snapshot(&self) {
        let _changing = self.changing();
        self.snapshot_wanted.store(true, Ordering::Relaxed);
        self.update_snapshot();
    }

    /// Says whether what executes now is suspended for a snapshot.
    pub(crate) fn set_suspends(&self, suspends: bool) {
        // Only the store's thread changes it.
        if suspends == self.suspends.load(Ordering::Relaxed) {
            return;
        }
        let _changing = self.changing();
        self.suspends.store(suspends, Ordering::Relaxed);
        self.update_snapshot();
    }

    fn update_snapshot(&self) {
        let is_set = self.suspends.load(Ordering::Relaxed) && self.snapshot_wanted.load(Ordering::Relaxed);
        self.change(self.flags() & !SNAPSHOT | if is_set { SNAPSHOT } else { 0 });
    }

    /// Changes the flags, and whatever follows them. The lock is held.
    fn change(&self, flags: u8) {
        if flags == self.flags() {
            return;
        }
        let waited = !self.end_waits(self.flags());
        // Where an interruption is noticed first, it may be answered before the flag is set: `answer` waits for that.
        if flags == 0 {
            self.limit.store(self.stack_end.load(Ordering::Relaxed), Ordering::Relaxed);
        } else {
            self.limit.store(0, Ordering::Relaxed);
        }
        // Code that polls by the page can't be suspended.
        self.open_page(flags & !SNAPSHOT == 0);
        self.flags.store(flags, Ordering::Release);
        match (waited, !self.end_waits(flags), self.pipe.get()) {
            (true, false, Some(pipe)) => pipe.signal(),
            (false, true, Some(pipe)) => pipe.clear(),
            _ => {}
        }
        if self.end_waits(flags)
            && let Some(memory) = &*self.waits()
        {
            memory.wake_all();
        }
    }

    /// Sets the deadline to `ticks` epochs after the current one.
    pub(crate) fn set_deadline(&self, epoch: &AtomicU64, ticks: u64) {
        let _changing = self.changing();
        let deadline = epoch.load(Ordering::SeqCst).saturating_add(ticks);
        self.deadline.store(deadline, Ordering::SeqCst);
        // Either this sees the epoch that began meanwhile, or whoever began it sees this deadline.
        self.update(epoch.load(Ordering::SeqCst));
    }

    /// An epoch has begun.
    pub(crate) fn begin_epoch(&self, epoch: u64) {
        if self.deadline.load(Ordering::SeqCst) <= epoch {
            let _changing = self.changing();
            self.update(epoch);
        }
    }

    fn update(&self, epoch: u64) {
        let due = if self.deadline.load(Ordering::SeqCst) <= epoch { DUE } else { 0 };
        self.change(self.flags() & !DUE | due);
    }

    /// Whether a deadline ends what host functions wait for, or only stops the guest.
    pub(crate) fn set_ends_waits(&self, ends: bool) {
        let _changing = self.changing();
        let flags = self.flags();
        self.change(flags & !DUE);
        self.ends_waits.store(ends, Ordering::Relaxed);
        self.change(flags);
    }

    /// Whether the deadline was the reason for the last trap.
    pub(crate) fn was_deadline(&self) -> bool {
        self.answered.load(Ordering::Relaxed) == DUE
    }

    /// Whether a snapshot was wanted the last time that execution stopped.
    #[cfg(feature = "snapshot")]
    pub(crate) fn was_for_snapshot(&self) -> bool {
        self.answered.load(Ordering::Relaxed) == SNAPSHOT
    }

    fn waits(&self) -> MutexGuard<'_, Option<SharedMemory>> {
        self.waits.lock()
    }

    /// Has interruptions wake the waiters of a memory, as long as the result lives.
    pub(crate) fn waiting(&self, memory: &SharedMemory) -> Waiting<'_> {
        *self.waits() = Some(memory.clone());
        Waiting(self)
    }

    /// Whether execution has to stop. The flag that it stops for is cleared: the one for a snapshot first, since execution
    /// goes on after that, then the handles'.
    pub(crate) fn take(&self) -> bool {
        self.flags() != 0 && self.answer()
    }

    /// [`take`](Self::take) for whoever noticed the interruption by the stack's limit, the poll page or the pipe. It
    /// waits for the thread that is still interrupting, which may not have set the flag yet. Otherwise the flag would
    /// be set after this trap, and cause a second one.
    pub(crate) fn answer(&self) -> bool {
        let _changing = self.changing();
        let flags = self.flags();
        let answered = [SNAPSHOT, ASKED, DUE].into_iter().find(|flag| flags & flag != 0).unwrap_or(0);
        match answered {
            SNAPSHOT => {
                self.snapshot_wanted.store(false, Ordering::Relaxed);
                self.update_snapshot();
            }
            _ => self.change(flags & !ASKED),
        }
        self.answered.store(answered, Ordering::Relaxed);
        flags != 0
    }

    /// [`answer`](Self::answer) for a host function that gave up. If it did so for a deadline, that ends the call.
    pub(crate) fn answer_for_host(&self) {
        self.answer();
        if self.was_deadline() {
            self.answered.store(0, Ordering::Relaxed);
        }
    }

    /// Notes where the stack ends now.
    pub(crate) fn set_stack_end(&self, end: usize) {
        let _changing = self.changing();
        self.stack_end.store(end, Ordering::Relaxed);
        if self.flags() == 0 {
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
            if self.flags() & !SNAPSHOT != 0 {
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
    #[cfg(feature = "std")]
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
    fn a_deadline_stays_reached_until_it_is_moved() {
        let (state, epoch) = (InterruptState::new(), AtomicU64::new(3));
        state.set_stack_end(7);
        let limit = || state.limit.load(Ordering::Relaxed);
        state.begin_epoch(3);
        assert!(!state.take(), "nobody has set one");
        state.set_deadline(&epoch, 2);
        state.begin_epoch(4);
        assert!(!state.take() && limit() == 7);
        state.begin_epoch(5);
        assert!(state.take() && state.was_deadline() && state.take() && state.is_set() && limit() == 0);
        // Where both are reasons, the handle's comes first.
        state.set();
        assert!(state.take() && !state.was_deadline());
        assert!(state.take() && state.was_deadline());
        state.set_ends_waits(false);
        assert!(!state.is_set() && state.take());
        epoch.store(5, Ordering::Relaxed);
        state.set_deadline(&epoch, 1);
        assert!(!state.take() && limit() == 7);
        state.set_deadline(&epoch, 0);
        assert!(state.take());
    }

    #[cfg(feature = "snapshot")]
    #[test]
    fn a_wanted_snapshot_stops_only_what_is_suspended_for_it() {
        let state = InterruptState::new();
        state.set_stack_end(7);
        let limit = || state.limit.load(Ordering::Relaxed);
        state.want_snapshot();
        assert!(!state.take() && !state.is_set() && limit() == 7);
        state.set_suspends(true);
        assert!(state.is_set() && limit() == 0);
        state.set_suspends(false);
        assert!(!state.take() && limit() == 7);
        state.set_suspends(true);
        // Where both are reasons, the snapshot comes first, and the interruption afterwards.
        state.set();
        assert!(state.take() && state.was_for_snapshot());
        assert!(state.take() && !state.was_for_snapshot());
        assert!(!state.take() && limit() == 7);
        state.want_snapshot();
        state.answer_for_host();
        assert!(state.was_for_snapshot() && !state.take());
    }

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
