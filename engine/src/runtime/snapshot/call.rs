//! The suspended call: its frames by functions and instructions, their values by types.

mod read;
mod write;

pub(super) use read::read_call;

use super::format::Reader;
use super::names::{Name, Names};
use super::site::{Does, Site};
use super::{Writer, refused, wrong};
use crate::memory::{Budget, Buf, Kind, MemoryError, try_text};
use crate::module::types::{FuncType, ValType};
use crate::ops::Class;
use crate::runtime::error::Error;
use crate::runtime::exec::{Callee, Frozen, FrozenFrame, Innermost};
use crate::runtime::store::{StoreInner, Ticket};
use crate::runtime::vmctx::FuncObj;
use crate::translate::Held;
use crate::{Breakpoint, Trap};
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
