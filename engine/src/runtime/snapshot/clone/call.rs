//! The suspended call of clones: its frames by places in cells, which every translation puts where they were.

use super::super::call::{
    BEFORE, CallState, IN_CALL, OWES, RestoredCall, Why, callee_of, kind_of_frame, load, operand, store_value,
};
use super::super::names::{Found, Name, Names};
use super::super::site::{Site, Sites};
use super::super::write::{Call, Standing};
use super::{Value, reference};
use crate::memory::{Budget, Buf, Kind};
use crate::module::types::FuncType;
use crate::runtime::error::Error;
use crate::runtime::exec::{FrozenFrame, Innermost, Resumed, Thaw, ThawedFrame, call_end, charge_at};
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::FuncObj;
use core::ptr::NonNull;

/// Values with their slots.
type Slots = Buf<(u32, Value)>;

/// A call, as it stood.
pub(super) struct Kept {
    func: Name,
    why: Why,
    /// From the outermost.
    frames: Buf<Frame>,
    next: Next,
}

struct Frame {
    instance: u32,
    /// Among the functions that the module defines.
    index: u32,
    values: Slots,
    place: Place,
}

/// Where a frame is: words of its function's code.
enum Place {
    InCall {
        end: usize,
        args: u32,
    },
    /// The offset of the instruction.
    Before(u64),
    Owes {
        word: usize,
        cost: u32,
    },
}

/// What goes on first.
enum Next {
    Frame,
    Calls(Name, Slots),
    Awaits(Name),
}

fn misplaced() -> Error {
    super::refused("a frame is where it can't be read")
}

impl Kept {
    /// # Safety
    /// The store is live, and used in no other way meanwhile; the call is one of its.
    pub(super) unsafe fn take(
        store: *mut StoreInner,
        names: &mut Names<'_>,
        call: &Call<'_>,
        sites: &mut Sites,
        budget: &Budget,
    ) -> Result<Self, Error> {
        // SAFETY: the caller's contract; objects live as long as the store.
        unsafe {
            let func = names.func(call.func.as_ptr())?;
            let why = Why::of(call.reason, budget)?;
            let mut frames = Buf::new(budget, Kind::Host);
            let execution = match call.at {
                Standing::Begun(execution) => execution,
                Standing::NotBegun(args) => {
                    let ty = (*store).engine.known_type(call.func.as_ref().sig);
                    let next = Next::Calls(func, arguments(names, &ty, args.as_ptr(), budget)?);
                    return Ok(Self { func, why, frames, next });
                }
            };
            let frozen = execution.freeze((*store).engine.dispatch(), budget)?;
            for (number, frame) in frozen.frames.iter().enumerate().rev() {
                let innermost = (number == 0).then_some(&frozen);
                let instance = &(*(*frame.vm).instance).module;
                if instance.shared().data.digest.is_none() {
                    return Err(super::refused(
                        "the engine wasn't configured for that, by Config::snapshots",
                    ));
                }
                let site = sites.at(instance, frame.func, frame.offset)?;
                let kind = kind_of_frame(innermost);
                let types = site.operands_at(kind).ok_or_else(misplaced)?;
                let mut values = Buf::new(budget, Kind::Host);
                for (ty, slot) in site.locals(instance.shared()) {
                    let value = load(frame.sp.add(slot as usize), ty);
                    values.try_push((slot, Value::take(names, ty, value)?))?;
                }
                for (number, (ty, slot)) in site.operands(types).enumerate() {
                    let value = operand(frame, innermost, site, (number, ty, slot), budget)?;
                    values.try_push((slot, Value::take(names, ty, value)?))?;
                }
                frames.try_push(Frame::take(frame, names, (kind, site), values, budget)?)?;
            }
            let next = match frozen.innermost {
                Innermost::Before | Innermost::Owes => Next::Frame,
                Innermost::Awaits(func) => Next::Awaits(names.func(func)?),
                Innermost::Calls(callee, args) => {
                    let (name, ty) = callee_of(names, &*store, callee)?;
                    Next::Calls(name, arguments(names, &ty, args, budget)?)
                }
            };
            Ok(Self { func, why, frames, next })
        }
    }

    /// Makes the call again.
    ///
    /// # Safety
    /// The store is live, and used in no other way meanwhile; what was found is in it.
    pub(super) unsafe fn lay_out(
        &self,
        store: *mut StoreInner,
        found: &Found,
    ) -> Result<RestoredCall, Error> {
        // SAFETY: the caller's contract; slots are of frames, arguments or functions' headers, as they were.
        unsafe {
            let func = function(self.func, &mut *store, found)?;
            let reason = self.why.error()?;
            if self.frames.is_empty() {
                let Next::Calls(_, args) = &self.next else { return Err(misplaced()) };
                let mut slots = Buf::new(&(*store).budget, Kind::Host);
                slots.try_resize(func.as_ref().header as usize, 0)?;
                write(args, slots.as_mut_ptr(), store, found)?;
                return Ok(RestoredCall { func, reason, state: CallState::NotBegun(slots) });
            }
            let mut reason = Some(reason);
            let frames = || {
                let mut thaw = Thaw::new(store);
                for frame in self.frames.iter() {
                    frame.lay_out(&mut thaw, store, found)?;
                }
                match &self.next {
                    Next::Frame => {}
                    Next::Awaits(name) => thaw.awaits(function(*name, &mut *store, found)?.as_ptr())?,
                    Next::Calls(name, args) => {
                        let to = thaw.call(function(*name, &mut *store, found)?.as_ptr())?;
                        write(args, to, store, found)?;
                    }
                }
                Ok(Resumed::Stopped(reason.take().unwrap_or_else(misplaced)))
            };
            let (reason, ticket) = StoreInner::make_suspended(store, frames)?;
            Ok(RestoredCall { func, reason, state: CallState::Begun(ticket) })
        }
    }
}

impl Frame {
    /// # Safety
    /// The frame is of a live store.
    unsafe fn take(
        frame: &FrozenFrame,
        names: &Names<'_>,
        (kind, site): (u8, &Site),
        values: Slots,
        budget: &Budget,
    ) -> Result<Self, Error> {
        // SAFETY: the caller's contract.
        let instance = unsafe { &*(*frame.vm).instance };
        let shared = instance.module.shared();
        let index = frame.func - shared.data.imported_funcs;
        let place = match kind {
            IN_CALL => {
                let (_, below) = site.below_call().ok_or_else(misplaced)?;
                let end = call_end(shared, index, frame.offset, budget)?;
                Place::InCall { end, args: site.behind(below) }
            }
            OWES => {
                let (word, cost) = charge_at(shared, index, frame.offset, budget)?;
                Place::Owes { word, cost }
            }
            BEFORE => Place::Before(frame.offset),
            _ => return Err(misplaced()),
        };
        Ok(Self { instance: names.number(instance), index, values, place })
    }

    /// # Safety
    /// As for [`Kept::lay_out`]; frames around it are laid out.
    unsafe fn lay_out(&self, thaw: &mut Thaw, store: *mut StoreInner, found: &Found) -> Result<(), Error> {
        let instance = found.instance(self.instance).ok_or_else(misplaced)?;
        // SAFETY: the caller's contract.
        unsafe {
            let frame: ThawedFrame = thaw.enter(instance.as_ref().vm(), self.index)?;
            write(&self.values, frame.sp, store, found)?;
            match self.place {
                Place::InCall { end, args } => thaw.calls_before(&frame, end, args),
                Place::Before(offset) => thaw.before(&frame, offset),
                Place::Owes { word, cost } => thaw.owes_before(&frame, word, cost),
            }
        }
    }
}

/// # Safety
/// `args` are arguments of a function of this type, in a live store.
unsafe fn arguments(
    names: &mut Names<'_>,
    ty: &FuncType,
    args: *const u64,
    budget: &Budget,
) -> Result<Slots, Error> {
    let (mut values, mut slot) = (Buf::new(budget, Kind::Host), 0);
    for ty in ty.params() {
        // SAFETY: the caller's contract.
        let value = unsafe { load(args.add(slot as usize), ty) };
        values.try_push((slot, Value::take(names, ty, value)?))?;
        slot += ty.slots();
    }
    Ok(values)
}

/// # Safety
/// The slots from `to` on are there; the store is live.
unsafe fn write(values: &Slots, to: *mut u64, store: *mut StoreInner, found: &Found) -> Result<(), Error> {
    for (slot, value) in values.iter() {
        // SAFETY: the caller's contract.
        unsafe {
            let to = to.add(*slot as usize);
            match *value {
                Value::Bits(ty, bits) => store_value(to, ty, bits),
                Value::Func(name) => *to = reference(name, &mut *store, found)?,
            }
        }
    }
    Ok(())
}

fn function(name: Name, store: &mut StoreInner, found: &Found) -> Result<NonNull<FuncObj>, Error> {
    found.func(store, name)?.ok_or_else(misplaced)
}
