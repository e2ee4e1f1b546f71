//! The call, laid out again.

use super::{AWAITS, BEFORE, CALLS, CallState, IN_CALL, INNERMOST_FRAME, RestoredCall, Why, store_value};
use crate::memory::{Buf, Kind};
use crate::module::types::{FuncType, ValType};
use crate::runtime::error::Error;
use crate::runtime::exec::{Resumed, Thaw, ThawedFrame};
use crate::runtime::snapshot::format::Reader;
use crate::runtime::snapshot::names::Found;
use crate::runtime::snapshot::site::Sites;
use crate::runtime::snapshot::{Part, wrong};
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::FuncObj;
use crate::{Module, Trap};
use core::ptr::NonNull;
use std::io::Read;

/// The call, if there is one; and the store's fuel.
///
/// # Safety
/// The store is live, and used in no other way meanwhile; what was found is in it.
pub(in super::super) unsafe fn read_call<R: Read>(
    from: &mut Reader<R>,
    store: *mut StoreInner,
    found: &Found,
) -> Result<Option<RestoredCall>, Error> {
    from.part(Part::Call)?;
    let (counts, fuel) = (from.u8()?, from.u64()?);
    // SAFETY: the caller's contract; no reference is held longer than a statement.
    unsafe {
        match (counts, (*store).engine.consumes_fuel()) {
            (1, true) => (*store).set_fuel(fuel)?,
            (0, false) => {}
            (1, false) => {
                return Err(Error::msg(
                    "the snapshot is of an engine that counts fuel, and this one doesn't",
                ));
            }
            (0, true) => {
                return Err(Error::msg(
                    "the snapshot is of an engine that doesn't count fuel, and this one does",
                ));
            }
            _ => return Err(wrong("whether there is fuel")),
        }
        match from.u8()? {
            0 => return Ok(None),
            1 => {}
            _ => return Err(wrong("whether there is a call")),
        }
        let func = named_func(from, &mut *store, found)?;
        let reason = Why::read(from, &(*store).budget)?.error()?;
        let frames = from.u32()?;
        if frames == 0 {
            return not_begun(from, store, found, func, reason).map(Some);
        }
        let ty = (*store).engine.known_type(func.as_ref().sig);
        let mut reason = Some(reason);
        let lay_out = || {
            let mut decoder = Decoder { from, store, found, thaw: Thaw::new(store), results: ty };
            decoder.frames(frames)?;
            Ok(Resumed::Stopped(reason.take().unwrap_or_else(|| Trap::Interrupt.into())))
        };
        let (reason, ticket) = StoreInner::make_suspended(store, lay_out)?;
        Ok(Some(RestoredCall { func, reason, state: CallState::Begun(ticket) }))
    }
}

/// A function that isn't null.
fn named_func<R: Read>(
    from: &mut Reader<R>,
    store: &mut StoreInner,
    found: &Found,
) -> Result<NonNull<FuncObj>, Error> {
    let name = from.name()?.ok_or_else(|| wrong("a function has no name"))?;
    found.func(store, name)?.ok_or_else(|| wrong("a name is of no function"))
}

/// Whether a function with these results can be called where others are awaited.
fn fits(store: &StoreInner, found: &FuncType, wanted: &FuncType) -> bool {
    let (mut found, mut wanted) = (found.results(), wanted.results());
    found.len() == wanted.len()
        && found
            .by_ref()
            .zip(wanted.by_ref())
            .all(|(found, wanted)| store.engine.value_matches(found, wanted))
}

unsafe fn not_begun<R: Read>(
    from: &mut Reader<R>,
    store: *mut StoreInner,
    found: &Found,
    func: NonNull<FuncObj>,
    reason: Error,
) -> Result<RestoredCall, Error> {
    // SAFETY: the caller's contract.
    unsafe {
        if from.u8()? != CALLS {
            return Err(wrong("a call without frames doesn't begin with one"));
        }
        let callee = named_func(from, &mut *store, found)?;
        let wanted = (*store).engine.known_type(func.as_ref().sig);
        let ty = (*store).engine.known_type(callee.as_ref().sig);
        if !fits(&*store, &ty, &wanted) {
            return Err(wrong("a function gives other results than are awaited"));
        }
        let mut slots = Buf::new(&(*store).budget, Kind::Host);
        slots.try_resize(callee.as_ref().header as usize, 0)?;
        let mut slot = 0;
        for ty in ty.params() {
            let value = from.value(&mut *store, found, ty, false)?;
            store_value(slots.as_mut_ptr().add(slot as usize), ty, value);
            slot += ty.slots();
        }
        Ok(RestoredCall { func: callee, reason, state: CallState::NotBegun(slots) })
    }
}

struct Decoder<'a, R> {
    from: &'a mut Reader<R>,
    store: *mut StoreInner,
    found: &'a Found,
    thaw: Thaw,
    /// The type whose results are awaited of what is called next.
    results: FuncType,
}

/// # Safety
/// The store is live, has an execution in which nothing has begun, and is used in no other way meanwhile.
impl<R: Read> Decoder<'_, R> {
    unsafe fn frames(&mut self, count: u32) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let mut sites = Sites::new(&(*self.store).budget);
            let mut goes_on = false;
            for _ in 0..count {
                if goes_on {
                    return Err(wrong("a frame that isn't in a call has a callee"));
                }
                goes_on = self.frame(&mut sites)?;
            }
            let innermost = self.from.u8()?;
            if goes_on != (innermost == INNERMOST_FRAME) {
                return Err(wrong("the innermost frame isn't what goes on"));
            }
            match innermost {
                INNERMOST_FRAME => Ok(()),
                CALLS => self.calls(),
                AWAITS => {
                    let func = self.callee()?;
                    if !func.as_ref().vm.is_null() {
                        return Err(wrong("results are awaited of a guest's function"));
                    }
                    self.thaw.awaits(func.as_ptr())
                }
                _ => Err(wrong("nothing goes on")),
            }
        }
    }

    unsafe fn callee(&mut self) -> Result<NonNull<FuncObj>, Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let func = named_func(self.from, &mut *self.store, self.found)?;
            let ty = (*self.store).engine.known_type(func.as_ref().sig);
            self.fits(&ty)?;
            Ok(func)
        }
    }

    unsafe fn fits(&self, ty: &FuncType) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        match fits(unsafe { &*self.store }, ty, &self.results) {
            true => Ok(()),
            false => Err(wrong("a function gives other results than are awaited")),
        }
    }

    unsafe fn calls(&mut self) -> Result<(), Error> {
        // SAFETY: the caller's contract; the place of the arguments is claimed.
        unsafe {
            let func = self.callee()?;
            let args = self.thaw.call(func.as_ptr())?;
            let ty = (*self.store).engine.known_type(func.as_ref().sig);
            let mut slot = 0;
            for ty in ty.params() {
                self.value(args.add(slot as usize), ty, false)?;
                slot += ty.slots();
            }
            Ok(())
        }
    }

    unsafe fn value(&mut self, slot: *mut u64, ty: ValType, or_null: bool) -> Result<(), Error> {
        // SAFETY: the caller's contract; the slots are in a frame that was claimed.
        unsafe {
            let value = self.from.value(&mut *self.store, self.found, ty, or_null)?;
            store_value(slot, ty, value);
            Ok(())
        }
    }

    /// Lays out a frame; tells whether it goes on by itself.
    unsafe fn frame(&mut self, sites: &mut Sites) -> Result<bool, Error> {
        let (instance, func, offset, kind) =
            (self.from.u32()?, self.from.u32()?, self.from.u32()?, self.from.u8()?);
        // SAFETY: the caller's contract: objects live as long as the store; slots are of the frame, by validation.
        unsafe {
            let instance = self.found.defining(instance, func)?;
            let (module, vm): (&Module, _) = (&instance.as_ref().module, instance.as_ref().vm());
            let shared = module.shared();
            let index = func - shared.data.imported_funcs;
            self.fits(shared.data.func_type(func))?;
            let offset = shared.data.bodies.file_offset(index) + u64::from(offset);
            let site = sites.at(module, func, offset)?;
            let operands = site.operands_at(kind).ok_or_else(|| wrong("a frame is where none can be"))?;
            let frame: ThawedFrame = self.thaw.enter(vm, index)?;
            if self.from.u32()? != site.locals.len() as u32 {
                return Err(wrong("a function has other locals"));
            }
            for (ty, slot) in site.locals(shared) {
                self.value(frame.sp.add(slot as usize), ty, true)?;
            }
            if self.from.u32()? != operands.len() as u32 {
                return Err(wrong("a frame has other operands"));
            }
            for (ty, slot) in site.operands(operands) {
                self.value(frame.sp.add(slot as usize), ty, false)?;
            }
            match (kind, site.below_call()) {
                (IN_CALL, Some((ty, below))) => {
                    self.results = shared.data.types[ty as usize].clone();
                    self.thaw.calls(&frame, offset, site.behind(below))?;
                    Ok(false)
                }
                (BEFORE, _) => self.thaw.before(&frame, offset).map(|()| true),
                _ => self.thaw.owes(&frame, offset).map(|()| true),
            }
        }
    }
}
