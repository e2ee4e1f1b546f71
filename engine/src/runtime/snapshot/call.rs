//! The suspended call: its frames by functions and instructions, their values by types.

use super::format::Reader;
use super::names::{Found, Name, Names};
use super::read::instance_func;
use super::site::{Does, Site, Sites};
use super::write::Encoder;
use super::{Part, Writer, refused, wrong};
use crate::memory::{Budget, Buf, Kind, MemoryError, try_text};
use crate::module::types::{FuncType, ValType};
use crate::ops::Class;
use crate::runtime::error::Error;
use crate::runtime::exec::{Callee, Frozen, FrozenFrame, Innermost, Resumed, Thaw, ThawedFrame};
use crate::runtime::store::{StoreInner, Ticket};
use crate::runtime::vmctx::FuncObj;
use crate::translate::Held;
use crate::{Breakpoint, Module, Trap};
use core::ptr::NonNull;
use std::io::Read;

/// Where a frame is.
pub(super) const IN_CALL: u8 = 0;
pub(super) const BEFORE: u8 = 1;
pub(super) const OWES: u8 = 2;

/// What goes on first.
const INNERMOST_FRAME: u8 = 0;
pub(super) const CALLS: u8 = 1;
pub(super) const AWAITS: u8 = 2;

/// Why a call stopped.
pub(super) const OUT_OF_FUEL: u8 = 0;
pub(super) const INTERRUPTED: u8 = 1;
pub(super) const HOST_FAILED: u8 = 2;

/// The most bytes of a host function's error that are kept.
pub(super) const MOST_TEXT: usize = 4096;

/// Why a call stopped, as a snapshot has it.
pub(super) enum Why {
    OutOfFuel,
    Interrupted,
    /// A host function failed, and said this.
    HostFailed(Buf<u8>),
}

impl Why {
    pub(super) fn of(reason: &Error, budget: &Budget) -> Result<Self, Error> {
        match reason.trap() {
            Some(Trap::OutOfFuel) => return Ok(Why::OutOfFuel),
            Some(Trap::Interrupt) => return Ok(Why::Interrupted),
            _ => {}
        }
        if reason.is_pending() || reason.downcast_ref::<Breakpoint>().is_some() {
            return Err(refused("a debugger has stopped the call, or it is an asynchronous one"));
        }
        let text = try_text(reason).map_err(MemoryError::OutOfMemory)?;
        let end = (0..=text.len().min(MOST_TEXT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let mut kept = Buf::with_capacity(budget, Kind::Host, end)?;
        kept.try_extend_from_slice(&text.as_bytes()[..end])?;
        Ok(Why::HostFailed(kept))
    }

    fn write(&self, to: &mut Writer<'_>) -> Result<(), Error> {
        match self {
            Why::OutOfFuel => to.u8(OUT_OF_FUEL),
            Why::Interrupted => to.u8(INTERRUPTED),
            Why::HostFailed(text) => {
                to.u8(HOST_FAILED)?;
                to.counted(text)
            }
        }
    }

    fn read<R: Read>(from: &mut Reader<R>, budget: &Budget) -> Result<Self, Error> {
        match from.u8()? {
            OUT_OF_FUEL => Ok(Why::OutOfFuel),
            INTERRUPTED => Ok(Why::Interrupted),
            HOST_FAILED => Ok(Why::HostFailed(from.counted(budget, MOST_TEXT as u32)?)),
            _ => Err(wrong("a call stopped for no reason")),
        }
    }

    pub(super) fn error(&self) -> Result<Error, Error> {
        Ok(match self {
            Why::OutOfFuel => Trap::OutOfFuel.into(),
            Why::Interrupted => Trap::Interrupt.into(),
            Why::HostFailed(text) => {
                Error::msg(core::str::from_utf8(text).map_err(|_| wrong("a text isn't UTF-8"))?)
            }
        })
    }
}

/// How a store's call goes on.
pub(crate) enum CallState {
    Begun(Ticket),
    /// With these arguments.
    NotBegun(Buf<u64>),
}

/// # Safety
/// As for [`Encoder`].
impl Encoder<'_, '_> {
    /// The store's fuel, and the call.
    pub(super) unsafe fn call(&mut self, frozen: Option<&Frozen>, sites: &mut Sites) -> Result<(), Error> {
        self.to.part(Part::Call)?;
        // SAFETY: the caller's contract.
        let fuel = unsafe { (*self.store).get_fuel() };
        self.to.u8(fuel.is_ok().into())?;
        self.to.u64(fuel.unwrap_or(0))?;
        let Some(call) = self.call else { return self.to.u8(0) };
        self.to.u8(1)?;
        let name = self.names.func(call.func.as_ptr())?;
        self.to.name(name)?;
        // SAFETY: the caller's contract.
        let why = Why::of(call.reason, unsafe { &(*self.store).budget })?;
        why.write(&mut self.to)?;
        let Some(frozen) = frozen else {
            self.to.u32(0)?;
            // SAFETY: function objects live as long as the store.
            let ty = unsafe { (*self.store).engine.known_type(call.func.as_ref().sig) };
            let args = call.args();
            // SAFETY: the arguments are those of the function.
            return unsafe { self.calls(name, &ty, args.as_ptr()) };
        };
        self.to.u32(frozen.frames.len() as u32)?;
        for (number, frame) in frozen.frames.iter().enumerate().rev() {
            // SAFETY: a frozen execution stays as it is.
            unsafe { self.frame(frame, (number == 0).then_some(frozen), sites)? };
        }
        match frozen.innermost {
            Innermost::Before | Innermost::Owes => self.to.u8(INNERMOST_FRAME),
            Innermost::Awaits(func) => {
                self.to.u8(AWAITS)?;
                let name = self.names.func(func)?;
                self.to.name(name)
            }
            // SAFETY: the arguments are those of the function; objects live as long as the store.
            Innermost::Calls(callee, args) => unsafe {
                let (name, ty) = callee_of(&mut self.names, &*self.store, callee)?;
                self.calls(name, &ty, args)
            },
        }
    }

    unsafe fn calls(&mut self, name: Name, ty: &FuncType, args: *const u64) -> Result<(), Error> {
        self.to.u8(CALLS)?;
        self.to.name(name)?;
        let mut slot = 0;
        for ty in ty.params() {
            // SAFETY: the caller's contract.
            unsafe { self.to.value(&mut self.names, ty, load(args.add(slot as usize), ty))? };
            slot += ty.slots();
        }
        Ok(())
    }

    unsafe fn frame(
        &mut self,
        frame: &FrozenFrame,
        innermost: Option<&Frozen>,
        sites: &mut Sites,
    ) -> Result<(), Error> {
        let FrozenFrame { vm, sp, func, offset } = *frame;
        // SAFETY: the caller's contract.
        let (instance, budget) = unsafe { (&*(*vm).instance, (*self.store).budget.clone()) };
        let shared = instance.module.shared();
        let kind = kind_of_frame(innermost);
        let site = sites.at(&instance.module, func, offset)?;
        let operands = site.operands_at(kind).ok_or_else(|| refused("a frame is where it can't be read"))?;
        self.to.u32(self.names.number(instance))?;
        self.to.u32(func)?;
        self.to.u32((offset - shared.data.bodies.file_offset(func - shared.data.imported_funcs)) as u32)?;
        self.to.u8(kind)?;
        self.to.u32(site.locals.len() as u32)?;
        for (ty, slot) in site.locals(shared) {
            // SAFETY: the frame has this slot.
            let value = unsafe { load(sp.add(slot as usize), ty) };
            self.to.value(&mut self.names, ty, value)?;
        }
        self.to.u32(operands.len() as u32)?;
        for (number, (ty, slot)) in site.operands(operands).enumerate() {
            // SAFETY: a frozen execution stays as it is.
            let value = unsafe { operand(frame, innermost, site, (number, ty, slot), &budget)? };
            self.to.value(&mut self.names, ty, value)?;
        }
        Ok(())
    }
}

/// What is called next, and its type.
///
/// # Safety
/// It is of the store, which is live.
pub(super) unsafe fn callee_of(
    names: &mut Names<'_>,
    store: &StoreInner,
    callee: Callee,
) -> Result<(Name, FuncType), Error> {
    // SAFETY: the caller's contract.
    unsafe {
        match callee {
            Callee::Object(func) => Ok((names.func(func)?, store.engine.known_type((*func).sig))),
            Callee::Defined(vm, index) => {
                let instance = &*(*vm).instance;
                let data = &instance.module.shared().data;
                let func = data.imported_funcs + index;
                Ok((Name::Defined(names.number(instance), func), data.func_type(func).clone()))
            }
        }
    }
}

/// How a frame stands that is the innermost, or isn't.
pub(super) fn kind_of_frame(innermost: Option<&Frozen>) -> u8 {
    match innermost.map(|frozen| frozen.innermost) {
        Some(Innermost::Before) => BEFORE,
        Some(Innermost::Owes) => OWES,
        _ => IN_CALL,
    }
}

/// The operand with this number, which belongs in `slot`, wherever it is.
///
/// # Safety
/// The frame is at the site.
pub(super) unsafe fn operand(
    frame: &FrozenFrame,
    innermost: Option<&Frozen>,
    site: &Site,
    (number, ty, slot): (usize, ValType, u32),
    budget: &Budget,
) -> Result<[u64; 2], Error> {
    // SAFETY: the caller's contract: an instance lives as long as its store.
    let shared = unsafe { (*(*frame.vm).instance).module.shared() };
    let owes = kind_of_frame(innermost) == OWES;
    let held = if owes { None } else { site.held(shared, number, budget)? };
    let slot = match (held, innermost) {
        (None | Some(Held::Accumulator(_)), None) | (None, _) => slot,
        (Some(Held::Slot(slot)), _) => slot.into(),
        (Some(Held::Bits(bits)), _) => return Ok(bits),
        (Some(Held::Accumulator(class)), Some(frozen)) => return Ok(frozen.accumulator(class)),
    };
    // SAFETY: the frame has these slots.
    Ok(unsafe { load(frame.sp.add(slot as usize), ty) })
}

/// The slots of a value.
///
/// # Safety
/// They are there.
pub(super) unsafe fn load(slot: *const u64, ty: ValType) -> [u64; 2] {
    // SAFETY: the caller's contract.
    unsafe { [*slot, if Class::of(ty) == Class::V128 { *slot.add(1) } else { 0 }] }
}

/// # Safety
/// The slots are there.
pub(super) unsafe fn store_value(slot: *mut u64, ty: ValType, [low, high]: [u64; 2]) {
    // SAFETY: the caller's contract.
    unsafe {
        *slot = low;
        if Class::of(ty) == Class::V128 {
            *slot.add(1) = high;
        }
    }
}

impl Site {
    /// The operands of a frame that stands so; `None` if none can.
    pub(super) fn operands_at(&self, kind: u8) -> Option<&[ValType]> {
        match kind {
            IN_CALL => Some(self.below_call()?.1),
            BEFORE if self.does == Does::BeginsAgain => self.before.as_deref(),
            OWES => self.behind.as_deref(),
            _ => None,
        }
    }
}

/// What a call that is restored needs to be handled.
pub(crate) struct RestoredCall {
    pub(crate) func: NonNull<FuncObj>,
    pub(crate) reason: Error,
    pub(crate) state: CallState,
}

/// The call, if there is one; and the store's fuel.
///
/// # Safety
/// The store is live, and used in no other way meanwhile; what was found is in it.
pub(super) unsafe fn read_call<R: Read>(
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
            let instance = instance_func(self.found, instance, func)?;
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
