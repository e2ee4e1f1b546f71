//! Exceptions: how they are thrown, and where they are caught.
//!
//! Interpreter frames are searched from the position that the execution has published, through calls between instances,
//! up to where the segment was entered. If a clause of a handler table catches the exception, dispatch goes on there.
//! Otherwise dispatch ends with an error, like for a trap, which unwinds what is around the segment: compiled frames, or
//! a host function. The interpreter's segment below takes it up where it ends dispatch after a failed call.
//!
//! Compiled frames are searched likewise, up to where they were entered ([`pass`]), by what the tier knows of each
//! call's return address. One jump leads to the frame that catches, or to where the segment was entered.

use super::native::{store_of, tier};
use super::operand::A;
use super::regs::{Backend, Regs, handlers};
use super::sample::{self, Position};
use super::slow::{self, execution, reload};
use super::{Execution, Stop, builtins, walk};
use crate::module::MANY_CATCHES;
use crate::module::trap::Trap;
use crate::ops::handlers::{Catches, Clause, NO_SLOT};
use crate::runtime::error::{Error, ThrownException};
use crate::runtime::store::StoreInner;
use crate::runtime::store::exceptions::ExnObj;
use crate::runtime::tier::{Search, layout};
use crate::runtime::vmctx::{TagObj, VmCtx};
use core::ops::ControlFlow;
use core::ptr::NonNull;

/// What throwing costs, in fuel, besides the instruction's own unit; and how many clauses a function's handler table,
/// which is looked at, may have for another unit.
const THROW: u64 = 16;
const CLAUSES_A_UNIT: u64 = MANY_CATCHES as u64;

/// Makes an exception with the tag in `word` of the context, which carries the slots from `values` on, and has it
/// pending. The execution's position is published, or compiled code executes.
#[inline(never)]
pub(super) unsafe fn make(vm: *mut VmCtx, word: u32, values: *const u64) -> Result<(), Error> {
    // SAFETY: the caller has a live context, whose layout has that tag, and the slots of its values.
    unsafe {
        let store = &mut *store_of(vm);
        let tag = NonNull::new_unchecked(VmCtx::pointer::<TagObj>(vm, word));
        let count = tag.as_ref().slots as usize;
        charge(store)?;
        let values = core::slice::from_raw_parts(values, count);
        let made = store.new_exception(tag, values, values.as_ptr_range().end);
        store.exceptions.set_pending(made.map_err(Error::at_run_time)?);
        Ok(())
    }
}

/// Has an exception pending that the guest has a reference to.
#[inline(never)]
pub(super) unsafe fn again(vm: *mut VmCtx, reference: u64) -> Result<(), Error> {
    // SAFETY: the caller has a live context, and the reference is null or of its store.
    unsafe {
        let store = &mut *store_of(vm);
        let exception = NonNull::new(reference as *mut ExnObj).ok_or(Trap::NullExceptionReference)?;
        charge(store)?;
        store.exceptions.set_pending(exception);
        Ok(())
    }
}

unsafe fn charge(store: &mut StoreInner) -> Result<(), Error> {
    if (store.vm.slice as u64) < THROW {
        // SAFETY: the callers keep the contract.
        unsafe { sample::refill(store, THROW, core::ptr::null_mut(), 0)? };
    }
    Ok(store.charge_bulk(THROW)?)
}

/// The frame that catches the pending exception, and how.
struct Found {
    clause: Clause,
    code: *const u64,
    sp: *mut u64,
    vm: *mut VmCtx,
}

/// Looks for a clause that catches `exception`, outwards from the execution's position; in the first frame, of a block
/// that is at most `deepest` deep.
unsafe fn search(store: *mut StoreInner, exception: NonNull<ExnObj>, mut deepest: u32) -> Option<Found> {
    // SAFETY: the caller keeps the contract; the execution's position is published.
    unsafe {
        let exec: *mut Execution = execution(&mut *store);
        let (mut found, mut looked, mut leaves) = (None, 0, (*exec).leaves);
        let tag = exception.as_ref().tag.as_ptr();
        let _ = walk::frames((*exec).at, (*store).engine.dispatch(), false, &mut |frame| {
            if core::mem::take(&mut leaves) {
                return ControlFlow::Continue(());
            }
            let is_tag = |word| VmCtx::pointer::<TagObj>(frame.vm, word) == tag;
            let shared = frame.module.shared();
            looked += u64::from(shared.data.many_catches(frame.func)) / CLAUSES_A_UNIT;
            match shared.code.handler(frame.ip, core::mem::replace(&mut deepest, u32::MAX), is_tag) {
                Some((clause, code)) => {
                    found = Some(Found { clause, code, sp: frame.sp, vm: frame.vm });
                    ControlFlow::Break(())
                }
                None => ControlFlow::Continue(()),
            }
        });
        if looked > 0 {
            (*store).charge_afterwards(looked);
        }
        found
    }
}

/// Catches the pending exception in the current segment, if a frame there does: see [`search`]. Then the execution's
/// position is where to go on.
pub(super) unsafe fn catch(store: *mut StoreInner, deepest: u32) -> bool {
    // SAFETY: the caller keeps the contract. A clause's slots are in its frame, and the exception's values fit there.
    unsafe {
        let Some(exception) = (*store).exceptions.pending() else { return false };
        let Some(Found { clause, code, sp, vm }) = search(store, exception, deepest) else { return false };
        (*store).exceptions.take_pending();
        if let Catches::Tag(_) = clause.catches {
            let values = &exception.as_ref().values;
            core::ptr::copy_nonoverlapping(values.as_ptr(), sp.add(clause.slot as usize), values.len());
        }
        let refers = clause.reference != NO_SLOT;
        if refers {
            *sp.add(clause.reference as usize) = exception.as_ptr() as u64;
        }
        (*store).exceptions.caught(exception, refers);
        let exec = execution(&mut *store);
        exec.stop = Stop::Done;
        exec.suspension = None;
        exec.leaves = false;
        exec.at = Position { ip: code.add(clause.target as usize), sp, vm, returned: false };
        true
    }
}

/// Throws the pending exception from the execution's position: where it isn't caught, notes that as the reason to stop.
#[cold]
#[inline(never)]
unsafe fn throw_there(vm: *mut VmCtx) -> bool {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let store = store_of(vm);
        if catch(store, u32::MAX) {
            return true;
        }
        let exec = execution(&mut *store);
        exec.suspension = None;
        exec.stop = Stop::Error(ThrownException.into());
        false
    }
}

/// Throws the pending exception from compiled code, through its frames from that of a stub or of the bridge on: goes on
/// where one of them catches it, or unwinds them all. The reason to stop is in `exec.stop`.
#[cold]
#[inline(never)]
pub(super) unsafe fn pass(vm: *mut VmCtx, frame: *const u8) -> ! {
    // SAFETY: the caller keeps the contract: a stub or the bridge has called a builtin, with its frame, and nothing that
    // must be dropped is held. Compiled frames of a segment are all of one instance.
    unsafe {
        let store = store_of(vm);
        let (tier, mut looked) = (tier(store), 0);
        let landing = (*store).exceptions.pending().and_then(|exception| {
            let tag = exception.as_ref().tag.as_ptr();
            let data = &(*(*vm).instance).module.shared().data;
            let mut looks_at =
                |index| looked += u64::from(data.many_catches(data.imported_funcs + index)) / CLAUSES_A_UNIT;
            let mut is_tag = |word| VmCtx::pointer::<TagObj>(vm, word) == tag;
            let looks_at: Option<&mut dyn FnMut(u32)> =
                if data.catches.is_empty() { None } else { Some(&mut looks_at) };
            tier.handler(frame, &mut Search { is_tag: &mut is_tag, looks_at })
        });
        if looked > 0 {
            (*store).charge_afterwards(looked);
        }
        let exec: *mut Execution = execution(&mut *store);
        (*exec).suspension = None;
        match landing {
            Some(landing) if landing.leaves => tier.fail(frame, Some(landing)),
            Some(landing) => {
                (*exec).stop = Stop::Done;
                tier.land(landing)
            }
            None => tier.fail(frame, None),
        }
    }
}

/// The end of a builtin that throws.
unsafe fn thrown(vm: *mut VmCtx, made: Result<(), Error>, frame: *const u8) -> u32 {
    // SAFETY: as for `pass`.
    unsafe {
        match made {
            Ok(()) => {
                execution(&mut *store_of(vm)).stop = Stop::Error(ThrownException.into());
                pass(vm, frame)
            }
            Err(e) => builtins::failed(vm, e),
        }
    }
}

/// [`BUILTIN_THROW`](layout::BUILTIN_THROW).
pub(crate) unsafe extern "C" fn throw_compiled(vm: *mut VmCtx, values: *mut u64, frame: *const u8) -> u32 {
    // SAFETY: compiled code calls this with the values in slots, by the bridge, and no reference into the store is held.
    unsafe {
        let word = (*(*vm).store).thrown as u32;
        thrown(vm, make(vm, word, values), frame)
    }
}

/// [`BUILTIN_THROW_REF`](layout::BUILTIN_THROW_REF).
pub(crate) unsafe extern "C" fn throw_ref_compiled(vm: *mut VmCtx, reference: u64, frame: *const u8) -> u32 {
    // SAFETY: as for `throw_compiled`; the reference is null or of this store.
    unsafe { thrown(vm, again(vm, reference), frame) }
}

/// [`BUILTIN_CAUGHT`](layout::BUILTIN_CAUGHT).
pub(crate) unsafe extern "C" fn caught_compiled(vm: *mut VmCtx, slots: *mut u64, what: u64) -> u32 {
    // SAFETY: compiled code calls this at a landing, with slots of its frame that are enough for what it wants.
    unsafe {
        let exceptions = &mut (*store_of(vm)).exceptions;
        if let Some(exception) = exceptions.take_pending() {
            let (wants_values, refers) =
                (what & layout::CAUGHT_VALUES as u64 != 0, what & layout::CAUGHT_REFERENCE as u64 != 0);
            let values: &[u64] = if wants_values { &exception.as_ref().values } else { &[] };
            core::ptr::copy_nonoverlapping(values.as_ptr(), slots, values.len());
            if refers {
                *slots.add(values.len()) = exception.as_ptr() as u64;
            }
            exceptions.caught(exception, refers);
        }
    }
    0
}

/// Whether dispatch, which was about to end with the reason in `exec.stop`, goes on instead: that is an exception, and
/// a frame of this segment catches it.
#[cold]
#[inline(never)]
pub(super) unsafe fn goes_on(vm: *mut VmCtx, deepest: u32) -> bool {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let store = store_of(vm);
        match &execution(&mut *store).stop {
            Stop::Error(error) if error.is_exception() => catch(store, deepest),
            _ => false,
        }
    }
}

/// Goes on at the execution's position.
#[inline(always)]
pub(super) unsafe fn land<B: Backend>(mut r: Regs) -> B::Out {
    // SAFETY: the handler contract (`Backend`): a clause's target is a cell, and its frame is as the label wants it.
    unsafe {
        let Position { ip, sp, vm, .. } = execution(&mut *store_of(r.vm)).at;
        (r.ip, r.sp, r.vm) = (ip, sp, vm);
        reload(&mut r);
        B::next(r)
    }
}

/// Ends dispatch after a call that failed, with the reason in `exec.stop`; or goes on where that is caught.
#[inline(always)]
pub(super) unsafe fn stop_or_land<B: Backend>(r: Regs) -> B::Out {
    // SAFETY: the handler contract (`Backend`), and the execution's position is published.
    unsafe { if goes_on(r.vm, u32::MAX) { land::<B>(r) } else { B::stop() } }
}

/// The same where the code of a loop has been left with an exception. The loop's header is at `r.ip`, and first the blocks
/// around it are searched, which are at most `deepest` deep.
#[inline(always)]
pub(super) unsafe fn on_leaving<B: Backend>(r: Regs, deepest: u32) -> B::Out {
    // SAFETY: as for `stop_or_land`; the cell is of the frame's function.
    unsafe { if is_caught_there(r.vm, r.ip, r.sp, deepest) { land::<B>(r) } else { B::stop() } }
}

#[inline(never)]
unsafe fn is_caught_there(vm: *mut VmCtx, ip: *const u64, sp: *mut u64, deepest: u32) -> bool {
    // SAFETY: the handler contract (`Backend`).
    unsafe {
        let exec: *mut Execution = execution(&mut *store_of(vm));
        // The loop's function is in the backtrace already.
        let behind = (*exec).at;
        (*exec).at = Position { ip, sp, vm, returned: false };
        (*exec).leaves = false;
        let caught = goes_on(vm, deepest);
        if !caught {
            (*exec).at = behind;
        }
        caught
    }
}

handlers! {
    #[cold]
    #[inline(never)]
    fn throw<B>(mut r) {
        slow::stand(&r, false);
        match make(r.vm, r.wide(), r.slot(A)) {
            Ok(()) if throw_there(r.vm) => land::<B>(r),
            Ok(()) => B::stop(),
            Err(e) => slow::stop::<B>(r, e),
        }
    }

    #[cold]
    #[inline(never)]
    fn throw_ref<B>(mut r) {
        slow::stand(&r, false);
        match again(r.vm, *r.slot(A)) {
            Ok(()) if throw_there(r.vm) => land::<B>(r),
            Ok(()) => B::stop(),
            Err(e) => slow::stop::<B>(r, e),
        }
    }
}
