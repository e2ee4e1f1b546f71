//! The code that a tier has published for a module.

use super::{Stop, Tier};
use crate::memory::{Budget, Buf, Charge, Kind};
use crate::module::ModuleInner;
use crate::runtime::code::Left;
use crate::runtime::loaded::ModuleShared;
use crate::sys::{AtomicU64, Mutex, MutexGuard};
use crate::{Engine, Error, Module};
use alloc::boxed::Box;
use core::any::Any;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// The compiled code of a module: the tables that contexts point to, and the owners of the code.
pub(crate) struct Tiered {
    pub(super) natives: Box<[AtomicPtr<u8>]>,
    pub(super) stubs: Box<[AtomicPtr<u8>]>,
    pub(super) trampolines: Box<[AtomicPtr<u8>]>,
    /// The hotness samples of each function, in the bits below [`FLAGS`].
    pub(super) samples: Box<[AtomicU32]>,
    /// The cost of what the tier has compiled or will compile, in a unit of its own.
    pub(super) undertaken: AtomicU64,
    pub(super) loops: Mutex<Buf<Continuation>>,
    islands: Mutex<Buf<Islands>>,
    /// Held while code is published or thrown away. Counts how often code was thrown away.
    pub(super) handing: Mutex<u64>,
    /// Whether code may rely on the guard regions of memories. It changes at most once, while `handing` is held.
    guarded: AtomicBool,
    /// Whether there was no room for some code.
    pub(super) full: AtomicBool,
    /// Whether the module's last owner is gone.
    pub(super) dropped: AtomicBool,
    /// The owners of the code, with their charges.
    pub(super) kept: Mutex<Buf<(Box<dyn Any + Send + Sync>, Charge)>>,
    _charges: [Charge; 4],
}

/// In a function's samples: the flag that its compilation has been requested.
pub(super) const CLAIMED: u32 = 1 << 31;

/// In a function's samples: the flag that it is too large to be compiled as a whole.
pub(super) const TOO_LARGE: u32 = 1 << 30;

/// The bits of a function's samples that are flags.
pub(super) const FLAGS: u32 = CLAIMED | TOO_LARGE;

/// Counting saturates here, far enough below the flags for threads that count at once.
const MOST_SAMPLES: u32 = TOO_LARGE >> 1;

/// Instead of the address of code: its compilation was requested, or failed for good.
pub(super) const WANTED: usize = 0;
pub(super) const DECLINED: usize = 1;

/// The OSR entry of a loop.
pub(super) struct Continuation {
    pub(super) index: u32,
    pub(super) header: u32,
    pub(super) code: usize,
}

/// The loops of a function that may be compiled alone. Cells point to the words, so they stay as long as the module.
struct Islands {
    index: u32,
    /// The header of each loop, in order.
    headers: Box<[u32]>,
    /// The code of each loop that can be entered at its beginning, or null.
    words: Box<[AtomicPtr<u8>]>,
    _charges: [Charge; 2],
}

fn table<T>(budget: &Budget, n: usize, make: impl Fn() -> T) -> Result<(Box<[T]>, Charge), Error> {
    let mut words = Buf::with_capacity(budget, Kind::Metadata, n)?;
    for _ in 0..n {
        words.try_push(make())?;
    }
    Ok(words.into_boxed()?)
}

/// Whether code that relies on guard regions may access the memories that loading has filled.
fn images_are_guarded(data: &ModuleInner) -> bool {
    lock(&data.images).iter().all(|image| image.pages.suits_guarded_code())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

/// Whether an OSR entry for a loop can be requested: it wasn't before, and no other one of the function is pending. One
/// at a time suffices, because with the first one the activation leaves the interpreter.
pub(super) fn may_want(loops: &[Continuation], index: u32, header: u32) -> bool {
    !loops.iter().any(|found| found.index == index && (found.header == header || found.code == WANTED))
}

impl Tiered {
    pub(crate) fn new(data: &ModuleInner, engine: &Engine) -> Result<Self, Error> {
        let on = engine.tier().is_some();
        let (funcs, types) = if on { (data.bodies.records.len(), data.types.len()) } else { (0, 0) };
        let null = || AtomicPtr::new(core::ptr::null_mut());
        let (natives, a) = table(&data.budget, funcs, null)?;
        // The last word is for the bridge to builtins.
        let (stubs, b) = table(&data.budget, types + usize::from(on), null)?;
        let (trampolines, c) = table(&data.budget, types, null)?;
        let (samples, d) = table(&data.budget, funcs, || AtomicU32::new(0))?;
        Ok(Self {
            natives,
            stubs,
            trampolines,
            samples,
            undertaken: AtomicU64::new(0),
            loops: Mutex::new(Buf::new(&data.budget, Kind::Metadata)),
            islands: Mutex::new(Buf::new(&data.budget, Kind::Metadata)),
            handing: Mutex::new(0),
            guarded: AtomicBool::new(engine.memory_guard().holds() && images_are_guarded(data)),
            full: AtomicBool::new(false),
            dropped: AtomicBool::new(false),
            kept: Mutex::new(Buf::new(&data.budget, Kind::Metadata)),
            _charges: [a, b, c, d],
        })
    }

    pub(crate) fn tables(&self) -> (*const AtomicPtr<u8>, *const AtomicPtr<u8>) {
        (self.natives.as_ptr(), self.stubs.as_ptr())
    }

    /// The OSR entry of the loop with this header.
    pub(crate) fn continuation(&self, index: u32, header: u32) -> Option<*const u8> {
        let loops = lock(&self.loops);
        let found = loops.iter().find(|found| (found.index, found.header) == (index, header))?;
        (found.code != WANTED && found.code != DECLINED).then_some(found.code as *const u8)
    }

    /// The words for the code of a function's loops, which have these headers.
    pub(crate) fn islands(
        &self,
        index: u32,
        headers: Buf<u32>,
        budget: &Budget,
    ) -> Result<*const AtomicPtr<u8>, Error> {
        let mut islands = lock(&self.islands);
        if let Some(found) = islands.iter().find(|found| found.index == index) {
            return Ok(found.words.as_ptr());
        }
        let (words, a) = table(budget, headers.len(), || AtomicPtr::new(core::ptr::null_mut()))?;
        let (headers, b) = headers.into_boxed()?;
        let at = words.as_ptr();
        islands.try_push(Islands { index, headers, words, _charges: [a, b] })?;
        Ok(at)
    }

    /// Has the loop with this header be entered at its beginning by way of `code`.
    pub(super) fn enter_island(&self, index: u32, header: u32, code: *const u8) {
        let islands = lock(&self.islands);
        let Some(found) = islands.iter().find(|found| found.index == index) else { return };
        if let Ok(n) = found.headers.binary_search(&header) {
            found.words[n].store(code.cast_mut(), Ordering::Release);
        }
    }

    /// Has no island be entered any more.
    fn leave_islands(&self) {
        let islands = lock(&self.islands);
        let words = islands.iter().flat_map(|found| &found.words);
        words.for_each(|word| word.store(core::ptr::null_mut(), Ordering::Release));
    }

    /// Throws away all compiled code of a module, because there was no room for more. What is hot will be compiled
    /// again. The caller makes sure that no thread is in that code or about to enter it.
    pub(crate) fn throw_away(&self, module: &ModuleShared) {
        let mut times = lock(&self.handing);
        *times += 1;
        let words = self.natives.iter().chain(&self.stubs).chain(&self.trampolines);
        words.for_each(|word| word.store(core::ptr::null_mut(), Ordering::Release));
        self.samples.iter().for_each(|samples| samples.store(0, Ordering::Relaxed));
        lock(&self.loops).clear();
        self.leave_islands();
        module.code.leave_natives(Left::Dropped);
        lock(&self.kept).clear();
        self.full.store(false, Ordering::Relaxed);
    }

    /// Whether code may rely on the guard regions of memories.
    pub(crate) fn is_guarded(&self) -> bool {
        self.guarded.load(Ordering::Acquire)
    }

    /// Has all code check bounds from now on, because an instance has a memory without a guard region. That instance
    /// hasn't executed anything yet. Other instances may be in code that relies on guards, so that code is kept, but
    /// unlinked.
    pub(crate) fn begin_checks(&self, module: &ModuleShared) {
        let mut times = lock(&self.handing);
        if !self.is_guarded() {
            return;
        }
        *times += 1;
        self.natives.iter().for_each(|word| word.store(core::ptr::null_mut(), Ordering::Release));
        self.samples.iter().for_each(|samples| samples.store(0, Ordering::Relaxed));
        lock(&self.loops).clear();
        self.leave_islands();
        module.code.leave_natives(Left::Kept);
        // Last: once another thread sees this, it may execute whatever code is linked.
        self.guarded.store(false, Ordering::Release);
    }

    /// Whether compiled code should be thrown away.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Counts a hotness sample. Returns whether the activation is to be watched for OSR.
    pub(crate) fn sample(
        &self,
        tier: &dyn Tier,
        module: &Module,
        index: u32,
        header: Option<u32>,
        stop: Stop<'_>,
    ) -> bool {
        let Some(samples) = self.samples.get(index as usize) else { return false };
        // Relaxed: the count synchronizes nothing.
        let mut seen = samples.load(Ordering::Relaxed) & !FLAGS;
        if seen < MOST_SAMPLES {
            samples.fetch_add(1, Ordering::Relaxed);
            seen += 1;
        }
        tier.sampled(module, index, header, seen, Some(stop))
    }
}
