//! How a tier claims what is to be compiled, and publishes the code.

use super::shape::Entry;
use super::tiered::{CLAIMED, Continuation, DECLINED, TOO_LARGE, WANTED, lock, may_want};
use super::view::View;
use crate::Error;
use crate::memory::{Budget, Buf, Charge, Kind};
use crate::ops::SpecialOp;
use crate::ops::cells::Prologue;
use alloc::boxed::Box;
use core::any::Any;
use core::sync::atomic::Ordering;

impl<'m> View<'m> {
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

    /// Publishes the code of a loop alone: the same, but it may also return at another place of the function, which it
    /// notes in [`STORE_LANDING`](super::layout::STORE_LANDING), with all state in slots. It is entered from the loop's
    /// beginning too, so it can't rely on the slice of fuel.
    ///
    /// # Errors
    /// As for [`View::publish_loop`].
    ///
    /// # Safety
    /// As for [`View::publish_func`].
    pub unsafe fn publish_island(self, index: u32, header: u32, code: *const u8) -> Result<(), Error> {
        // SAFETY: passed on.
        unsafe { self.publish_loop(index, header, code)? };
        self.module.tiered.enter_island(index, header, code);
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

    /// Notes that a function is too large to be compiled as a whole.
    pub fn find_too_large(self, index: u32) {
        if let Some(samples) = self.module.tiered.samples.get(index as usize) {
            samples.fetch_or(TOO_LARGE, Ordering::Relaxed);
        }
    }

    /// Whether a function was found to be too large to be compiled as a whole, since code was last thrown away.
    pub fn is_too_large(self, index: u32) -> bool {
        let samples = self.module.tiered.samples.get(index as usize);
        samples.is_some_and(|samples| samples.load(Ordering::Relaxed) & TOO_LARGE != 0)
    }

    /// How many pieces of code of a function are there, or requested, or were declined: itself, and continuations.
    pub fn pieces(self, index: u32) -> u32 {
        let samples = self.module.tiered.samples.get(index as usize);
        let claimed = samples.is_some_and(|samples| samples.load(Ordering::Relaxed) & CLAIMED != 0);
        let loops = lock(&self.module.tiered.loops).iter().filter(|found| found.index == index).count();
        u32::from(claimed || self.has_func(index)) + loops as u32
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
