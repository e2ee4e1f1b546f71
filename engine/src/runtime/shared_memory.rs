//! Shared memories: bytes that instances in several stores, on several threads, access at the same time.
//!
//! The bytes never move, so a store's copy of the base stays right. The length only grows, so a store's copy of that may lag
//! behind: it is brought up to date where an access seems to be out of bounds, before that is believed.

use crate::memory::pages::{Guard, Pages};
use crate::memory::{Budget, Charge, GrowError, Kind, Shared};
use crate::module::types::MemoryType;
use crate::runtime::engine::Engine;
use crate::runtime::waits::Waits;
use crate::sys::{AtomicU64, Mutex};
use crate::words::Count;
use crate::{Error, ErrorKind, Trap};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, Ordering};
use core::time::Duration;

/// A linear memory that stores on several threads access at the same time.
///
/// It belongs to no store: clones are the same memory, and each may be given to another store of the same engine. It is
/// charged to the engine's budget once, and given back when nothing refers to it any more. A module may declare
/// one too: then its store's budget pays, and [`Instance::get_shared_memory`](crate::Instance::get_shared_memory) gives it.
///
/// ```
/// use dunlin::{Config, Engine, MemoryType, SharedMemory};
/// let engine = Engine::new(Config::new().shared_memory(true))?;
/// let memory = SharedMemory::new(&engine, MemoryType::shared(1, 4))?;
/// let clone = memory.clone();
/// std::thread::spawn(move || clone.grow(1)).join().unwrap()?;
/// assert_eq!(memory.size(), 2);
/// assert_eq!(memory.atomic_notify(8, 1)?, 0);
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone)]
pub struct SharedMemory(Shared<SharedPages>);

struct SharedPages {
    engine: Engine,
    ty: MemoryType,
    /// How many bytes it may have, by its type and the engine's limit.
    limit: u64,
    /// Where they are, always.
    base: AtomicPtr<u8>,
    /// How many bytes there are. Only whoever has locked the pages changes it.
    len: AtomicU64,
    pages: Mutex<Pages>,
    waits: Waits,
    _charge: Charge,
}

/// How a wait ended: what `memory.atomic.wait32` and `wait64` give.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaitResult {
    /// Another thread notified this one.
    Ok = 0,
    /// The bytes weren't the expected ones.
    Mismatch = 1,
    /// The time was over.
    TimedOut = 2,
}

/// What a waiter expects to find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Word(u32),
    DoubleWord(u64),
}

impl Expected {
    fn size(self) -> u64 {
        match self {
            Expected::Word(_) => 4,
            Expected::DoubleWord(_) => 8,
        }
    }
}

impl SharedMemory {
    /// A memory for which `budget` pays.
    pub(crate) fn create(
        engine: &Engine,
        ty: MemoryType,
        budget: &Budget,
        guard: Guard,
    ) -> Result<SharedMemory, Error> {
        if !engine.config().shared_memory {
            return Err(Error::of_kind(
                ErrorKind::Limit,
                "shared memories are switched off, which Config::shared_memory changes",
            ));
        }
        if cfg!(not(target_has_atomic = "64")) {
            let message = "this machine has no shared memories, for it accesses 64 bits in two steps";
            return Err(Error::of_kind(ErrorKind::Limit, message));
        }
        let limit = engine.memory_limit(ty)?;
        let charge = budget.charge(Kind::Memory, Shared::<SharedPages>::BYTES)?;
        let mut pages = Pages::new_fixed(ty.sizes_within(limit), budget, guard, engine.arena())?;
        let pages = SharedPages {
            engine: engine.clone(),
            ty,
            limit,
            base: AtomicPtr::new(pages.base()),
            len: AtomicU64::new(pages.len() as u64),
            pages: Mutex::new(pages),
            waits: Waits::new(budget),
            _charge: charge,
        };
        Ok(SharedMemory(Shared::try_new(Kind::Memory, pages)?))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn declared_type(&self) -> MemoryType {
        self.0.ty
    }

    /// The type as importers see it: the minimum is the current size.
    pub(crate) fn current_type(&self) -> MemoryType {
        MemoryType { minimum: self.len() >> self.0.ty.page_size_log2, ..self.0.ty }
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.0.base.load(Ordering::Relaxed)
    }

    /// How many bytes there are at least: whoever knows of more through the memory's contents finds more here.
    pub(crate) fn len(&self) -> u64 {
        self.0.len.load(Ordering::SeqCst)
    }

    /// Where the length is, for compiled code.
    pub(crate) fn len_word(&self) -> *const AtomicU64 {
        &raw const self.0.len
    }

    /// Whether code that relies on guard regions may access it.
    pub(crate) fn suits_guarded_code(&self) -> bool {
        self.0.pages.lock().suits_guarded_code()
    }

    /// Adds pages, and returns the former size in pages. Fails if the type, the engine's limit, the budget or the system
    /// refuses.
    pub(crate) fn grow_by(&self, delta: u64) -> Result<u64, GrowError> {
        let mut pages = self.0.pages.lock();
        let old = pages.len() as u64;
        let more = delta.checked_mul(self.0.ty.page_size()).ok_or(GrowError::Limit)?;
        old.checked_add(more).filter(|len| *len <= self.0.limit).ok_or(GrowError::Limit)?;
        if more > 0 {
            pages.grow(more)?;
            debug_assert!(pages.base() == self.base(), "its address space was reserved");
            self.0.len.store(pages.len() as u64, Ordering::SeqCst);
        }
        Ok(old >> self.0.ty.page_size_log2)
    }

    /// [`SharedMemory::grow_by`], with an error that says how many pages there were.
    pub(crate) fn grow_or_why(&self, delta: u64) -> Result<u64, Error> {
        self.grow_by(delta).map_err(|why| match why {
            GrowError::Memory(error) => error.into(),
            GrowError::Limit => {
                let pages = Count(self.current_type().minimum, "pages");
                Error::msg(format_args!("a shared memory of {pages} can't grow by {delta}"))
            }
        })
    }

    /// The place of an atomic access.
    ///
    /// # Errors
    /// If it isn't aligned, or out of bounds.
    fn place(&self, at: u64, size: u64) -> Result<*mut u8, Trap> {
        if !at.is_multiple_of(size) {
            return Err(Trap::HeapMisaligned);
        }
        match at.checked_add(size) {
            // SAFETY: in bounds.
            Some(end) if end <= self.len() => Ok(unsafe { self.base().add(at as usize) }),
            _ => Err(Trap::MemoryOutOfBounds),
        }
    }

    /// `memory.atomic.notify`.
    pub(crate) fn notify(&self, at: u64, count: u32) -> Result<u32, Trap> {
        self.place(at, 4)?;
        Ok(self.0.waits.notify(at, count))
    }

    /// `memory.atomic.wait32` or `wait64`; `None` if it was interrupted.
    pub(crate) fn wait(
        &self,
        at: u64,
        expected: Expected,
        timeout: Option<Duration>,
        is_interrupted: impl Fn() -> bool,
    ) -> Result<Option<WaitResult>, Error> {
        let place = self.place(at, expected.size())?;
        let is_expected = || {
            // SAFETY: aligned and in bounds, and the memory lives as long as `self`.
            unsafe {
                match expected {
                    Expected::Word(x) => AtomicU32::from_ptr(place.cast()).load(Ordering::SeqCst) == x,
                    Expected::DoubleWord(x) => AtomicU64::from_ptr(place.cast()).load(Ordering::SeqCst) == x,
                }
            }
        };
        self.0.waits.wait(at, is_expected, timeout, is_interrupted)
    }

    /// Has all waiters look whether they are interrupted.
    pub(crate) fn wake_all(&self) {
        self.0.waits.wake_all();
    }

    /// The bytes from `offset` on, `len` of them, each to be accessed atomically; `None` if there aren't as many.
    pub(crate) fn atomic_bytes(&self, offset: usize, len: usize) -> Option<&[AtomicU8]> {
        let end = offset.checked_add(len).filter(|end| *end as u64 <= self.len())?;
        // SAFETY: they are there as long as the memory, and bytes are aligned. What guests do with them meanwhile is
        // what RATIONALE.md says.
        Some(unsafe { core::slice::from_raw_parts(self.base().cast::<AtomicU8>().add(offset), end - offset) })
    }
}
