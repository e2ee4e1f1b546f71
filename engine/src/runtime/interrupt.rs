//! Interruption: a flag that execution reads now and then, and a pipe for those who wait in the system.

use super::tier::layout;
use crate::memory::alloc::MemoryError;
use crate::memory::budget::Kind;
use crate::memory::sys::Mapping;
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
    pub(crate) pipe: OnceLock<(PipeReader, PipeWriter)>,
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

    pub(crate) fn set(&self) {
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

    pub(crate) fn reader(&self) -> io::Result<&PipeReader> {
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
