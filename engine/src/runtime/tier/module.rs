//! A module as a tier sees it, and the code that the tier has published for it.

use super::{Stop, Tier};
use crate::memory::{Budget, Buf, Charge, Kind, Shared};
use crate::module::types::{FuncType, GlobalType, MemoryType, TableType};
use crate::module::{ElemItems, ModuleInner};
use crate::ops::SpecialOp;
use crate::ops::cells::Prologue;
use crate::runtime::code::Left;
use crate::runtime::loaded::ModuleShared;
use crate::translate::Wanted;
use crate::{Engine, Error, Module, Trap};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::any::Any;
use std::sync::{Mutex, MutexGuard};

/// How many entries of element segments are examined for a likely callee.
const MOST_ELEMENTS: usize = 4096;

/// The compiled code of a module: the tables that contexts point to, and the owners of the code.
pub(crate) struct Tiered {
    natives: Box<[AtomicPtr<u8>]>,
    stubs: Box<[AtomicPtr<u8>]>,
    trampolines: Box<[AtomicPtr<u8>]>,
    /// The hotness samples of each function, in the bits below [`CLAIMED`].
    samples: Box<[AtomicU32]>,
    loops: Mutex<Buf<Continuation>>,
    /// Held while code is published or thrown away. Counts how often code was thrown away.
    handing: Mutex<u64>,
    /// Whether code may rely on the guard regions of memories. It changes at most once, while `handing` is held.
    guarded: AtomicBool,
    /// Whether there was no room for some code.
    full: AtomicBool,
    /// Whether the module's last owner is gone.
    pub(super) dropped: AtomicBool,
    /// The owners of the code, with their charges.
    kept: Mutex<Buf<(Box<dyn Any + Send + Sync>, Charge)>>,
    _charges: [Charge; 4],
}

/// In a function's samples: the flag that its compilation has been requested.
const CLAIMED: u32 = 1 << 31;

/// Counting saturates here, far enough below [`CLAIMED`] for threads that count at once.
const MOST_SAMPLES: u32 = CLAIMED >> 1;

/// Instead of the address of code: its compilation was requested, or failed for good.
const WANTED: usize = 0;
const DECLINED: usize = 1;

/// The OSR entry of a loop.
struct Continuation {
    index: u32,
    header: u32,
    code: usize,
}

fn table<T>(budget: &Budget, n: usize, make: impl Fn() -> T) -> Result<(Box<[T]>, Charge), Error> {
    let mut words = Buf::with_capacity(budget, Kind::Metadata, n)?;
    for _ in 0..n {
        words.try_push(make())?;
    }
    Ok(words.into_boxed()?)
}

/// Whether the memories that loading has filled have guard regions.
fn images_are_guarded(data: &ModuleInner) -> bool {
    lock(&data.images).iter().all(|image| image.pages.is_guarded())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Whether an OSR entry for a loop can be requested: it wasn't before, and no other one of the function is pending. One
/// at a time suffices, because with the first one the activation leaves the interpreter.
fn may_want(loops: &[Continuation], index: u32, header: u32) -> bool {
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
            loops: Mutex::new(Buf::new(&data.budget, Kind::Metadata)),
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

    /// Throws away all compiled code of a module, because there was no room for more. What is hot will be compiled
    /// again. The caller makes sure that no thread is in that code or about to enter it.
    pub(crate) fn throw_away(&self, module: &ModuleShared) {
        let mut times = lock(&self.handing);
        *times += 1;
        let words = self.natives.iter().chain(&self.stubs).chain(&self.trampolines);
        words.for_each(|word| word.store(core::ptr::null_mut(), Ordering::Release));
        self.samples.iter().for_each(|samples| samples.store(0, Ordering::Relaxed));
        lock(&self.loops).clear();
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
        let mut seen = samples.load(Ordering::Relaxed) & !CLAIMED;
        if seen < MOST_SAMPLES {
            samples.fetch_add(1, Ordering::Relaxed);
            seen += 1;
        }
        tier.sampled(module, index, header, seen, Some(stop))
    }
}

/// Properties of a function's interpreted code that compiled code must reproduce.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The size of a frame in bytes, as it counts towards the stack.
    pub frame: u32,
    /// Fuel for an entry.
    pub cost: u32,
    /// The slot of the frame's header: the larger of the numbers of parameter and result slots.
    pub header: u32,
    /// The first slot for operands.
    pub operands: u32,
    /// Its loops.
    pub loops: Loops,
}

impl Shape {
    /// What the native entry needs to know.
    pub fn entry(&self) -> Entry {
        Entry { frame: self.frame, header: self.header }
    }
}

/// How the interpreter enters a function's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The bytes of a frame.
    pub frame: u32,
    /// Slots in front of a frame's header.
    pub header: u32,
}

/// The reachable loops of a function, in the order of their instructions. They are charged to the budget as long as a
/// clone lives.
#[derive(Clone, Debug)]
pub struct Loops(Shared<(Box<[Loop]>, Charge)>);

impl core::ops::Deref for Loops {
    type Target = [Loop];

    fn deref(&self) -> &[Loop] {
        &self.0.0
    }
}

/// A reachable loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loop {
    /// The offset of its instruction in the module.
    pub offset: u64,
    /// Its header's word in the interpreter's code.
    pub header: u32,
    /// Fuel for each arrival at the header.
    pub cost: u32,
}

/// A module, as a tier sees it. Function indices count only the functions that the module defines, unless stated
/// otherwise.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "a view of a module")]
pub struct View<'m> {
    module: &'m ModuleShared,
}

impl<'m> View<'m> {
    /// Of this module.
    pub fn new(module: &'m Module) -> Self {
        View::shared(module.shared())
    }

    pub(super) fn shared(module: &'m ModuleShared) -> Self {
        View { module }
    }

    fn data(self) -> &'m ModuleInner {
        &self.module.data
    }

    /// Whether code may rely on the guard regions of memories: an access beyond a memory's end, by a 32-bit address and
    /// an offset below [`layout::GUARD`](super::layout::GUARD), faults. When that ceases to hold, all code is [thrown
    /// away](View::thrown_away).
    pub fn guards_memories(self) -> bool {
        self.module.tiered.is_guarded()
    }

    /// Whether fuel is counted.
    pub fn consumes_fuel(self) -> bool {
        self.module.engine.consumes_fuel()
    }

    /// Whether compiled code must support deoptimisation: see [`STORE_LEAVING`](super::layout::STORE_LEAVING).
    pub fn suspends(self) -> bool {
        self.module.engine.config().suspend_compiled
    }

    /// Whether NaNs are canonicalised.
    pub fn canonical_nans(self) -> bool {
        self.module.engine.canonical_nans()
    }

    /// Whether generated code is to be verified.
    pub fn checks_translation(self) -> bool {
        self.module.engine.checks_translation()
    }

    /// The features that its bytes may use.
    pub fn features(self) -> wasmparser::WasmFeatures {
        self.data().features.wasmparser()
    }

    /// The module's types.
    pub fn types(self) -> &'m [FuncType] {
        &self.data().types
    }

    /// The engine-wide number of a type of the module, which indirect calls compare.
    pub fn signature(self, ty: u32) -> u32 {
        self.module.sigs[ty as usize]
    }

    /// How many functions it imports.
    pub fn imported_funcs(self) -> u32 {
        self.data().imported_funcs
    }

    /// How many functions it defines.
    pub fn defined_funcs(self) -> u32 {
        self.data().bodies.records.len() as u32
    }

    /// The type index of a function, imports counted.
    pub fn type_of(self, func: u32) -> u32 {
        self.data().funcs[func as usize]
    }

    /// The module's memories, imports counted.
    pub fn memories(self) -> &'m [MemoryType] {
        &self.data().memories
    }

    /// The type of a table, imports counted.
    pub fn table(self, index: u32) -> TableType {
        self.data().tables[index as usize].ty
    }

    /// How many globals it imports.
    pub fn imported_globals(self) -> u32 {
        self.data().imported_globals
    }

    /// The type of a global, imports counted.
    pub fn global(self, index: u32) -> GlobalType {
        self.data().globals[index as usize].ty
    }

    /// The word of a context that points to an imported function's object.
    pub fn import_word(self, func: u32) -> u32 {
        self.module.layout.funcs + func
    }

    /// The word of a context that points to a table.
    pub fn table_word(self, index: u32) -> u32 {
        self.module.layout.tables + index
    }

    /// The word of a context that points to a memory.
    pub fn memory_word(self, index: u32) -> u32 {
        self.module.layout.memories + index
    }

    /// The word of a context that points to a global.
    pub fn global_word(self, index: u32) -> u32 {
        self.module.layout.globals + index
    }

    /// The size of a function's body in bytes.
    pub fn body_size(self, index: u32) -> u32 {
        self.data().bodies.records[index as usize].len
    }

    /// The hotness samples of a function; 0 if the engine has no tier.
    pub fn samples(self, index: u32) -> u32 {
        let samples = self.module.tiered.samples.get(index as usize);
        samples.map_or(0, |samples| samples.load(Ordering::Relaxed) & !CLAIMED)
    }

    /// Whether the module's last owner is gone, so that its code isn't wanted.
    pub fn is_dropped(self) -> bool {
        self.module.tiered.dropped.load(Ordering::Relaxed)
    }

    /// Whether a function is known to have been called.
    pub fn was_called(self, index: u32) -> bool {
        self.samples(index) > 0 || self.module.code.has_entry(index)
    }

    /// The likely callee of indirect calls of this type, of the functions that the module's element segments name: the
    /// one with more than four fifths of all their samples, or the only one.
    pub fn likely_element(self, ty: u32) -> Option<u32> {
        let data = self.data();
        let wanted = self.signature(ty);
        let named = data.elems.iter().flat_map(|segment| match &segment.items {
            ElemItems::Funcs(funcs) => &funcs[..],
            ElemItems::Exprs(_) => &[],
        });
        let (mut best, mut most, mut all, mut count) = (None, 0, 0u64, 0);
        for &func in named.take(MOST_ELEMENTS) {
            if self.module.func_sig(func) != wanted {
                continue;
            }
            count += 1;
            let Some(index) = func.checked_sub(data.imported_funcs) else { continue };
            if best == Some(index) {
                count -= 1;
                continue;
            }
            let samples = u64::from(self.samples(index));
            all += samples;
            if best.is_none() || samples > most {
                (best, most) = (Some(index), samples);
            }
        }
        best.filter(|_| count == 1 || (most > 0 && most * 5 > all * 4))
    }

    /// Calls `f` with a function's body and its offset in the module.
    ///
    /// # Errors
    /// If the body was left in a file that can't be read any more, or there is no memory for reading it.
    pub fn with_body<R>(self, index: u32, f: impl FnOnce(&[u8], u64) -> R) -> Result<R, Error> {
        let offset = self.data().bodies.file_offset(index);
        self.data().bodies.with_body(index, self.cache(), |body| f(body, offset)).map_err(|e| match e {
            crate::module::bodies::BodyError::Memory(e) => e.into(),
            _ => Trap::ModuleChanged.into(),
        })
    }

    /// The properties of a function's interpreted code.
    ///
    /// # Errors
    /// As for [`View::with_body`].
    pub fn shape(self, index: u32) -> Result<Shape, Error> {
        let translated = self.module.translate(index, Wanted::Loops, self.cache())?;
        let Prologue { frame, cost, header, zeros } = Prologue::of(&translated.words);
        let found = translated.loops.as_deref().unwrap_or_default();
        let mut loops = Buf::with_capacity(self.cache(), Kind::CompilerScratch, found.len())?;
        for &(offset, header, cost) in found {
            loops.try_push(Loop { offset, header: header as u32, cost })?;
        }
        let loops = Loops(Shared::try_new(Kind::CompilerScratch, loops.into_boxed()?)?);
        Ok(Shape { frame, cost, header, operands: header + crate::ops::frame::HEADER + zeros, loops })
    }

    /// The budget for the compiler's memory and for machine code.
    pub fn cache(self) -> &'m Budget {
        &self.module.code.cache
    }

    /// How much of that is left, apart from what the interpreter needs for the largest function.
    pub fn room(self) -> u64 {
        let room = self.cache().available().unwrap_or(u64::MAX);
        room.saturating_sub(crate::runtime::plan::least_reserve(self.data()))
    }

    /// Whether the trampoline and the stub of a type are published.
    pub fn has_type(self, ty: u32) -> bool {
        !self.module.tiered.stubs[ty as usize].load(Ordering::Acquire).is_null()
    }

    /// Whether a function is compiled.
    pub fn has_func(self, index: u32) -> bool {
        self.native(index).is_some()
    }

    /// A function's code. It stays until [all code is thrown away](View::thrown_away).
    pub fn native(self, index: u32) -> Option<*const u8> {
        let code = self.module.tiered.natives.get(index as usize)?.load(Ordering::Acquire);
        (!code.is_null()).then_some(code.cast_const())
    }

    /// How often all code was thrown away: for want of room, or because it relied on guard regions.
    pub fn thrown_away(self) -> u64 {
        *lock(&self.module.tiered.handing)
    }

    /// Calls `f`, which publishes code, with throwing away locked out. If [`thrown_away`](View::thrown_away) has
    /// changed from the given number, what `f` relies on may be gone: then it isn't called.
    pub fn hand_in<R>(self, thrown_away: u64, f: impl FnOnce() -> R) -> Option<R> {
        let times = lock(&self.module.tiered.handing);
        (*times == thrown_away).then(f)
    }

    /// Notes that there was no room for some code. Then all compiled code of the module is thrown away, as soon as no
    /// thread is in it and all of the module's instances are in one store.
    pub fn is_short_of_room(self) {
        self.module.tiered.full.store(true, Ordering::Relaxed);
    }

    /// Keeps the owner of published code, until the module is dropped or its code is thrown away.
    ///
    /// # Errors
    /// If there is no memory for the list entry.
    pub fn keep(self, code: Box<dyn Any + Send + Sync>, charge: Charge) -> Result<(), Error> {
        Ok(lock(&self.module.tiered.kept).try_push((code, charge))?)
    }

    /// Whether there is a bridge to builtins.
    pub fn has_bridge(self) -> bool {
        self.module.tiered.stubs.last().is_some_and(|bridge| !bridge.load(Ordering::Acquire).is_null())
    }

    /// Publishes the bridge to builtins, which code finds behind the stubs of all types.
    ///
    /// # Safety
    /// It is what this module's documentation says, and [kept](View::keep).
    pub unsafe fn publish_bridge(self, bridge: *const u8) {
        if let Some(word) = self.module.tiered.stubs.last() {
            word.store(bridge.cast_mut(), Ordering::Release);
        }
    }

    /// Publishes the trampoline and the stub of a type.
    ///
    /// # Safety
    /// They are what this module's documentation says, and [kept](View::keep).
    pub unsafe fn publish_type(self, ty: u32, trampoline: *const u8, stub: *const u8) {
        let tiered = &self.module.tiered;
        tiered.trampolines[ty as usize].store(trampoline.cast_mut(), Ordering::Release);
        tiered.stubs[ty as usize].store(stub.cast_mut(), Ordering::Release);
    }

    /// Publishes the code of a function: from now on, calls go there.
    ///
    /// # Errors
    /// If there is no memory for the native entry.
    ///
    /// # Safety
    /// It does what the function's body says, as this module's documentation says, and is [kept](View::keep); its
    /// type [is published](View::publish_type), and so are all types of what it calls.
    pub unsafe fn publish_func(self, index: u32, code: *const u8, entry: Entry) -> Result<(), Error> {
        let tiered = &self.module.tiered;
        let ty = self.type_of(self.imported_funcs() + index);
        let trampoline = tiered.trampolines[ty as usize].load(Ordering::Acquire);
        // The compiled code charges the fuel.
        let prologue = Prologue { frame: entry.frame, cost: 0, header: entry.header, zeros: 0 };
        let mut words = Buf::new(&self.module.code.cache, Kind::Cells);
        words.try_extend_from_slice(&prologue.words())?;
        let handler = self.module.engine.dispatch().handler(SpecialOp::Native.op());
        words.try_extend_from_slice(&[
            handler,
            u64::from(entry.header) << 16,
            code as u64,
            trampoline as u64,
        ])?;
        self.module.code.enter_native(index, words.into_boxed()?)?;
        tiered.natives[index as usize].store(code.cast_mut(), Ordering::Release);
        Ok(())
    }

    /// Publishes the OSR entry of a loop: code that is entered at its header, with all state in slots.
    ///
    /// # Errors
    /// If there is no memory for the list entry.
    ///
    /// # Safety
    /// As for [`View::publish_func`].
    pub unsafe fn publish_loop(self, index: u32, header: u32, code: *const u8) -> Result<(), Error> {
        let code = code as usize;
        let mut loops = lock(&self.module.tiered.loops);
        match loops.iter_mut().find(|found| (found.index, found.header) == (index, header)) {
            Some(found) => found.code = code,
            None => loops.try_push(Continuation { index, header, code })?,
        }
        Ok(())
    }

    /// Claims a function for compilation. True for the first caller only; the others should leave it to that one.
    pub fn claims_func(self, index: u32) -> bool {
        let samples = self.module.tiered.samples.get(index as usize);
        samples.is_some_and(|samples| samples.fetch_or(CLAIMED, Ordering::Relaxed) & CLAIMED == 0)
    }

    /// Gives up a claim, so that others can claim the function.
    pub fn leaves_func(self, index: u32) {
        if let Some(samples) = self.module.tiered.samples.get(index as usize) {
            samples.fetch_and(!CLAIMED, Ordering::Relaxed);
        }
    }

    /// Whether a loop wasn't claimed yet, and no other loop of the function is being compiled.
    pub fn may_want_loop(self, index: u32, header: u32) -> bool {
        may_want(&lock(&self.module.tiered.loops), index, header)
    }

    /// Claims a loop for compilation. True for the first caller only, and only if no other loop of the function is
    /// being compiled; the others should leave it to that one.
    pub fn wants_loop(self, index: u32, header: u32) -> bool {
        let mut loops = lock(&self.module.tiered.loops);
        may_want(&loops, index, header)
            && loops.try_push(Continuation { index, header, code: WANTED }).is_ok()
    }

    /// Gives up a claim, so that others can claim the loop.
    pub fn leaves_loop(self, index: u32, header: u32) {
        let mut loops = lock(&self.module.tiered.loops);
        if let Some(at) = loops.iter().position(|found| (found.index, found.header) == (index, header)) {
            loops.swap_remove(at);
        }
    }

    /// Notes that a claimed loop can't be compiled.
    pub fn declines_loop(self, index: u32, header: u32) {
        let mut loops = lock(&self.module.tiered.loops);
        if let Some(found) = loops.iter_mut().find(|found| (found.index, found.header) == (index, header)) {
            found.code = DECLINED;
        }
    }
}
