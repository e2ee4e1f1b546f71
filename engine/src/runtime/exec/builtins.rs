//! What compiled code calls: functions that aren't compiled, more stack, more fuel, and an end when the store is
//! interrupted.

use super::entry::{dispatch, idle};
use super::host_call::call_host;
use super::native::{STACK_FOR_BUILTINS, header_in, store_of, tier};
use super::sample::{self, Position};
use super::slow::{RECORD, execution, need_stack};
use super::{Execution, Stop, deopt, throw, walk};
use crate::module::trap::Trap;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{FuncObj, VmCtx};
use core::sync::atomic::Ordering;

/// Makes the return value of a builtin: 0, or 1 for a failure, whose reason goes into `exec.stop`.
unsafe fn done(store: *mut StoreInner, result: Result<(), Stop>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(why) => {
            // SAFETY: the store is live, and no reference to its parts is held.
            unsafe { execution(&mut *store).stop = why };
            1
        }
    }
}

/// The same for a builtin that can be retried later. If it failed for want of fuel or by an interruption, compiled code
/// deoptimises rather than traps, where it can: then this returns 0.
unsafe fn done_or_leave(vm: *mut VmCtx, result: Result<(), Error>) -> u32 {
    // SAFETY: as for `done`.
    unsafe {
        match result {
            Ok(()) => 0,
            Err(e) => {
                execution(&mut *store_of(vm)).suspension = None;
                let leaves = deopt::begins(vm, &e);
                let _ = done(store_of(vm), Err(Stop::Error(e)));
                u32::from(!leaves)
            }
        }
    }
}

fn error(e: impl Into<Error>) -> Stop {
    Stop::Error(e.into())
}

/// [`BUILTIN_CALL`](crate::runtime::tier::layout::BUILTIN_CALL).
pub(crate) unsafe extern "C" fn call(vm: *mut VmCtx, args: *mut u64, frame: *const u8) -> u32 {
    // SAFETY: a stub calls this. Its arguments are in slots of the caller, or of the stub's own frame if a tail call
    // replaced the caller.
    unsafe {
        let store = store_of(vm);
        let tier = tier(store);
        let exec: *mut Execution = execution(&mut *store);
        if frame.is_null() || tier.is_outermost(frame) {
            (*exec).tail = true;
            tier.unwind();
        }
        let callee = (*store).vm.callee;
        let f = callee as *mut FuncObj;
        let result = if callee & 1 == 0 && (*f).vm.is_null() {
            let end = args.wrapping_add((*f).header as usize);
            match end <= (*store).vm.stack_end {
                true => call_host(vm, f, args),
                false => need_stack(&mut *store, end).map_err(error).and_then(|()| call_host(vm, f, args)),
            }
        } else {
            // Compiled code executes, so it has been entered.
            let activation = &*(*exec).native;
            activation.called_from.set(frame);
            let result = call_guest(store, vm, callee, args);
            activation.called_from.set(core::ptr::null());
            result
        };
        let stood = core::mem::replace(&mut (*exec).at, idle().position());
        (*exec).leaves = false;
        match result {
            Ok(()) => 0,
            Err(Stop::Error(error)) if error.is_exception() => {
                (*exec).stop = Stop::Error(error);
                throw::pass(vm, frame)
            }
            Err(why) => call_failed(vm, callee, args, stood, why),
        }
    }
}

/// Calls a guest function that isn't compiled, or wasn't when the calling code was made.
#[inline(never)]
unsafe fn call_guest(
    store: *mut StoreInner,
    vm: *mut VmCtx,
    callee: u64,
    args: *mut u64,
) -> Result<(), Stop> {
    // SAFETY: as for `call`; `callee` names a function of the context's module, or a function object.
    unsafe {
        let stack = execution(&mut *store).code_stack.as_deref();
        if !stack.is_some_and(|stack| tier(store).ensures_stack(stack, STACK_FOR_BUILTINS)) {
            return Err(error(Trap::StackOverflow));
        }
        if callee & 1 != 0 {
            let index = (callee >> 1) as u32;
            sample::cross(&mut *store, vm, index);
            return dispatch(store, vm, index, args);
        }
        let f = callee as *mut FuncObj;
        if (*f).vm == vm {
            // If it has been compiled since, later calls through the object bypass this builtin.
            (*f).code = (*(*vm).natives.add((*f).index as usize)).load(Ordering::Acquire);
            sample::cross(&mut *store, vm, (*f).index);
            dispatch(store, vm, (*f).index, args)
        } else {
            call_instance(store, f, args)
        }
    }
}

/// The return value of `call` after a failure; `stood` is the position at which the callee stopped.
#[cold]
#[inline(never)]
unsafe fn call_failed(vm: *mut VmCtx, callee: u64, args: *mut u64, stood: Position, why: Stop) -> u32 {
    // SAFETY: as for `call`.
    unsafe {
        let store = store_of(vm);
        let exec: *mut Execution = execution(&mut *store);
        let f = callee as *mut FuncObj;
        if let Stop::Error(e) = &why {
            // A tail call may have replaced the callee, and the replacement's header may be at another slot: so look
            // for the outermost header on the stack.
            let dispatch = (*store).engine.dispatch();
            let outermost = |header| walk::way_back(stood, dispatch).unwrap_or(header);
            let dispatched = |index| {
                let header = header_in(vm, index, args);
                match stood.vm.is_null() {
                    true => deopt::Part::Entry { index, sp: args, header },
                    false => deopt::Part::Base { header: outermost(header), at: stood },
                }
            };
            let part = if callee & 1 != 0 {
                dispatched((callee >> 1) as u32)
            } else if (*f).vm.is_null() {
                (*exec).suspension = None;
                deopt::Part::Host { f, args }
            } else if (*f).vm == vm {
                dispatched((*f).index)
            } else {
                let record = args.add((*f).header as usize);
                let header = outermost(record.add(RECORD + (*f).header as usize));
                deopt::Part::Record { record, header, at: stood, f }
            };
            let host_failed = matches!(part, deopt::Part::Host { .. }) && (*exec).resumable;
            if deopt::begins(vm, e) || (host_failed && deopt::begin(vm)) {
                deopt::note(vm, part);
                let _ = done(store, Err(why));
                return 0;
            }
        }
        done(store, Err(why))
    }
}

/// Calls a function of another instance. Its frame lies where the interpreter would put it.
unsafe fn call_instance(store: *mut StoreInner, f: *mut FuncObj, args: *mut u64) -> Result<(), Stop> {
    // SAFETY: as for `call`; what lies beyond the arguments is free once the stack is known to reach there.
    unsafe {
        let header = (*f).header as usize;
        let sp = args.wrapping_add(header + RECORD);
        need_stack(&mut *store, sp.wrapping_add(header)).map_err(error)?;
        core::ptr::copy(args, sp, header);
        let record = args.add(header);
        // What the interpreter would write here, in case deoptimisation turns this into one of its calls.
        *record.add(3) = (header as u64) << 32 | header as u64;
        dispatch(store, (*f).vm, (*f).index, sp)?;
        core::ptr::copy(sp, args, header);
        Ok(())
    }
}

/// [`BUILTIN_STACK`](crate::runtime::tier::layout::BUILTIN_STACK).
pub(crate) unsafe extern "C" fn stack(vm: *mut VmCtx, end: *mut u64, _: u64) -> u32 {
    // SAFETY: compiled code calls this, and no reference into the store is held.
    unsafe {
        let store = store_of(vm);
        let result = match (*store).interrupt.take() {
            true => Err(Trap::Interrupt),
            false => need_stack(&mut *store, end),
        };
        done_or_leave(vm, result.map_err(Error::from))
    }
}

/// [`BUILTIN_POLL`](crate::runtime::tier::layout::BUILTIN_POLL).
pub(crate) unsafe extern "C" fn poll(vm: *mut VmCtx, _: u64, _: u64) -> u32 {
    // SAFETY: as for `stack`.
    unsafe {
        let store = store_of(vm);
        let result = if (*store).interrupt.take() { Err(Trap::Interrupt.into()) } else { Ok(()) };
        done_or_leave(vm, result)
    }
}

/// [`BUILTIN_REFILL`](crate::runtime::tier::layout::BUILTIN_REFILL).
pub(crate) unsafe extern "C" fn refill(vm: *mut VmCtx, cost: u64, frame: u64) -> u32 {
    // SAFETY: as for `stack`; the bridge passes its native frame.
    unsafe {
        let store = store_of(vm);
        let result = sample::refill_compiled(&mut *store, cost, frame as *const u8);
        done_or_leave(vm, result.map_err(Error::from))
    }
}

/// The return value of a builtin that failed with `e`.
pub(super) unsafe fn failed(vm: *mut VmCtx, e: Error) -> u32 {
    // SAFETY: as for `stack`.
    unsafe { done_or_leave(vm, Err(e)) }
}
