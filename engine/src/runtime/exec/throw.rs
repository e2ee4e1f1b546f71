//! Exceptions: how they are thrown, and where they are caught.
//!
//! Interpreter frames are searched from the position that the execution has published, through calls between instances,
//! up to where the segment was entered. If a clause of a handler table catches the exception, dispatch goes on there.
//! Otherwise dispatch ends with an error, like for a trap, which unwinds what is around the segment: compiled frames, or
//! a host function. The interpreter's segment below takes it up where it ends dispatch after a failed call.

use super::native::store_of;
use super::operand::A;
use super::regs::{Backend, Regs, handlers};
use super::sample::{self, Position};
use super::slow::{self, execution, reload};
use super::{Execution, Stop, builtins, walk};
use crate::module::trap::Trap;
use crate::ops::handlers::{Catches, Clause, NO_SLOT};
use crate::runtime::error::{Error, ThrownException};
use crate::runtime::store::StoreInner;
use crate::runtime::store::exceptions::ExnObj;
use crate::runtime::vmctx::{TagObj, VmCtx};
use core::ops::ControlFlow;
use core::ptr::NonNull;

/// What throwing costs, in fuel, besides the instruction's own unit; and how many clauses of handler tables may be
/// looked at for another unit.
const THROW: u64 = 16;
const CLAUSES_A_UNIT: u64 = 16;

/// Makes an exception with the tag in `word` of the context, which carries the slots from `values` on, and has it
/// pending. The execution's position is published, or compiled code executes.
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

/// Looks for a clause that catches `exception`, outwards from the execution's position.
unsafe fn search(store: *mut StoreInner, exception: NonNull<ExnObj>) -> Option<Found> {
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
            let (caught, seen) = frame.module.shared().code.handler(frame.ip, is_tag);
            looked += seen / CLAUSES_A_UNIT;
            match caught {
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

/// Catches the pending exception in the current segment, if a frame there does. Then the execution's position is
/// where to go on.
pub(super) unsafe fn catch(store: *mut StoreInner) -> bool {
    // SAFETY: the caller keeps the contract. A clause's slots are in its frame, and the exception's values fit there.
    unsafe {
        let Some(exception) = (*store).exceptions.pending() else { return false };
        let Some(Found { clause, code, sp, vm }) = search(store, exception) else { return false };
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
        if catch(store) {
            return true;
        }
        let exec = execution(&mut *store);
        exec.suspension = None;
        exec.stop = Stop::Error(ThrownException.into());
        false
    }
}

/// [`BUILTIN_THROW`](crate::runtime::tier::layout::BUILTIN_THROW).
pub(crate) unsafe extern "C" fn throw_compiled(vm: *mut VmCtx, values: *mut u64, word: u64) -> u32 {
    // SAFETY: compiled code calls this with the values in slots, and no reference into the store is held.
    unsafe {
        match make(vm, word as u32, values) {
            Ok(()) => {
                let exec = execution(&mut *store_of(vm));
                exec.suspension = None;
                exec.stop = Stop::Error(ThrownException.into());
                1
            }
            Err(e) => builtins::failed(vm, e),
        }
    }
}

/// Whether dispatch, which was about to end with the reason in `exec.stop`, goes on instead: that is an exception, and
/// a frame of this segment catches it.
#[cold]
#[inline(never)]
unsafe fn goes_on(vm: *mut VmCtx) -> bool {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let store = store_of(vm);
        match &execution(&mut *store).stop {
            Stop::Error(error) if error.is_exception() => catch(store),
            _ => false,
        }
    }
}

/// Goes on at the execution's position.
#[inline(always)]
unsafe fn land<B: Backend>(mut r: Regs) -> B::Out {
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
    unsafe { if goes_on(r.vm) { land::<B>(r) } else { B::stop() } }
}

#[inline(never)]
unsafe fn made(r: &Regs) -> Result<bool, Error> {
    // SAFETY: the handler contract (`Backend`).
    unsafe {
        slow::stand(r, false);
        make(r.vm, r.wide(), r.slot(A))?;
        Ok(throw_there(r.vm))
    }
}

#[inline(never)]
unsafe fn made_again(r: &Regs) -> Result<bool, Error> {
    // SAFETY: the handler contract (`Backend`).
    unsafe {
        slow::stand(r, false);
        again(r.vm, *r.slot(A))?;
        Ok(throw_there(r.vm))
    }
}

handlers! {
    #[cold]
    #[inline(never)]
    fn throw<B>(mut r) {
        match made(&r) {
            Ok(true) => land::<B>(r),
            Ok(false) => B::stop(),
            Err(e) => slow::stop::<B>(r, e),
        }
    }

    #[cold]
    #[inline(never)]
    fn throw_ref<B>(mut r) {
        match made_again(&r) {
            Ok(true) => land::<B>(r),
            Ok(false) => B::stop(),
            Err(e) => slow::stop::<B>(r, e),
        }
    }
}
