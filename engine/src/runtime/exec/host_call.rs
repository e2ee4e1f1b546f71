//! Calls of host functions, which may panic, call the guest again, and run on another stack than compiled code.

use super::native;
use super::sample::HostCall;
use super::slow::execution;
use super::{Execution, Stop};
use crate::module::trap::Trap;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::sys::{Payload, catch_panic};

/// Calls a host function. A panic becomes a [`Stop`], since it must not unwind through handlers.
pub(super) unsafe fn call_host(vm: *mut VmCtx, f: *mut FuncObj, args: *mut u64) -> Result<(), Stop> {
    // SAFETY: the arguments are in the stack, which a nested execution continues after them.
    unsafe {
        let whole = (*(*vm).store).store;
        let header = (*f).header as usize;
        let exec = execution(&mut *whole);
        let outer = core::mem::replace(&mut exec.top, args.add(header));
        let leaves = exec.leaves;
        let call = HostCall { at: exec.at, outer: exec.host_call };
        exec.host_call = &raw const call;
        let done = if native::is_entered(exec) {
            let mut run = Run { vm, f, args, done: false };
            if !native::on_host_stack(whole, Run::run, (&raw mut run).cast()) {
                execution(&mut *whole).stop = Stop::Error(Trap::StackOverflow.into());
            }
            run.done
        } else {
            run_host(vm, f, args)
        };
        let exec = execution(&mut *whole);
        exec.top = outer;
        exec.at = call.at;
        exec.leaves = leaves;
        exec.host_call = call.outer;
        if done { Ok(()) } else { Err(take_stop(exec)) }
    }
}

#[cold]
#[inline(never)]
fn take_stop(exec: &mut Execution) -> Stop {
    core::mem::replace(&mut exec.stop, Stop::Done)
}

/// Calls a host function. Returns false if it failed, with the reason in `exec.stop`: a single bit is cheap to return,
/// also from another stack.
#[inline(always)]
unsafe fn run_host(vm: *mut VmCtx, f: *mut FuncObj, args: *mut u64) -> bool {
    // SAFETY: as for `call_host`.
    unsafe {
        let slots = core::slice::from_raw_parts_mut(args, (*f).header as usize);
        let whole = (*(*vm).store).store;
        match catch_panic(|| StoreInner::call_host(whole, f, vm, slots)) {
            Ok(Ok(())) => true,
            failed => {
                note_host(whole, failed);
                false
            }
        }
    }
}

/// Notes why a host function failed.
#[cold]
#[inline(never)]
unsafe fn note_host(store: *mut StoreInner, failed: Result<Result<(), Error>, Payload>) {
    // SAFETY: as for `call_host`.
    unsafe {
        execution(&mut *store).stop = match failed {
            Ok(Ok(())) => Stop::Done,
            Ok(Err(e)) => Stop::Error(e),
            Err(payload) => Stop::Panic(payload),
        };
    }
}

/// The arguments of [`run_host`], and its result.
struct Run {
    vm: *mut VmCtx,
    f: *mut FuncObj,
    args: *mut u64,
    done: bool,
}

impl Run {
    unsafe extern "C" fn run(this: *mut ()) {
        // SAFETY: `this` is a `Run` that `call_host` filled in and doesn't touch meanwhile.
        unsafe {
            let this = &mut *this.cast::<Self>();
            this.done = run_host(this.vm, this.f, this.args);
        }
    }
}
