//! Executions that stopped and can go on: what is noted when they stop, and how they go on.
//!
//! Whatever stops for want of fuel or because of an interruption stops before a cell's effect, and has all else in
//! slots. So it is enough to note the registers, and by which handler the cell is tried again. A call of a host
//! function that failed with an error of its own goes on behind the call, with results that somebody gives.

use super::entry::finish;
use super::regs::{Backend, Loop, Regs, Tail};
use super::slow::{accumulate, execution, reload};
use super::{Dispatch, Stop};
use crate::error::Error;
use crate::store::StoreInner;
use crate::trap::Trap;
use crate::vmctx::FuncObj;

/// Where an execution that stopped goes on.
pub(crate) struct Suspension {
    regs: Regs,
    how: How,
    /// `Pending::func`, for handlers that look there.
    pending: *mut FuncObj,
}

#[derive(Clone, Copy)]
enum How {
    /// By a handler, at the cell; 0 is the cell's own.
    Handler(usize),
    /// Behind a call of a host function, whose results are put there.
    Results { of: *mut FuncObj, to: *mut u64 },
}

/// Whether an execution that stops with `e` can go on with what it stopped at.
fn is_retried(e: &Error) -> bool {
    matches!(e.trap(), Some(Trap::OutOfFuel | Trap::Interrupt))
}

/// Notes why dispatch ends at the cell at `r.ip`; if that can be tried again, by `handler`, or if it is 0 by its own.
#[cold]
#[inline(never)]
pub(super) unsafe fn note(r: &Regs, e: Error, handler: usize) {
    // SAFETY: a context of a live store, to whose parts nobody holds a reference.
    unsafe {
        let pending = (*(*r.vm).store).pending.func;
        let exec = execution(&mut *(*(*r.vm).store).store);
        let suspension = Suspension { regs: *r, how: How::Handler(handler), pending };
        exec.suspension = is_retried(&e).then_some(suspension);
        exec.stop = Stop::Error(e);
        exec.at = r.position();
    }
}

/// Notes how to go on after a call of `f` that the execution knows to have failed: by trying it again, by `handler`; or
/// else with results, in the slots from `to` on, for the call to return to `back`: a cell and a frame.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_call(
    r: &Regs,
    f: *mut FuncObj,
    handler: usize,
    to: *mut u64,
    back: (*const u64, *mut u64),
) {
    // SAFETY: as above.
    unsafe {
        let pending = (*(*r.vm).store).pending.func;
        let exec = execution(&mut *(*(*r.vm).store).store);
        let Stop::Error(e) = &exec.stop else {
            exec.suspension = None;
            return;
        };
        exec.suspension = if is_retried(e) {
            Some(Suspension { regs: *r, how: How::Handler(handler), pending })
        } else if (*f).vm.is_null() {
            let regs = Regs { ip: back.0, sp: back.1, ..*r };
            Some(Suspension { regs, how: How::Results { of: f, to }, pending })
        } else {
            None
        };
    }
}

impl Suspension {
    /// The host function whose results are wanted.
    pub(crate) fn wants_results_of(&self) -> Option<*mut FuncObj> {
        match self.how {
            How::Handler(_) => None,
            How::Results { of, .. } => Some(of),
        }
    }
}

/// Goes on with the store's execution, which has `suspension`. `results` are the slots of a host function's results, if they are
/// wanted.
///
/// # Safety
/// As for [`invoke`](super::invoke): the suspension is of the store's execution as it is.
pub(super) unsafe fn go_on(
    store: *mut StoreInner,
    suspension: Suspension,
    results: &[u64],
) -> Result<(), Stop> {
    let Suspension { regs: mut r, how, pending } = suspension;
    // SAFETY: the caller's contract: the frames are as they were left, and the cells have been kept.
    unsafe {
        reload(&mut r);
        (*(*r.vm).store).pending.func = pending;
        let handler = match how {
            How::Handler(handler) => handler,
            How::Results { to, .. } => {
                core::ptr::copy_nonoverlapping(results.as_ptr(), to, results.len());
                accumulate(&mut r, to);
                0
            }
        };
        match (*store).engine.dispatch() {
            Dispatch::Tail => Tail::run_at(r, handler),
            Dispatch::Loop => Loop::run_at(r, handler),
            // It has no handlers, but numbers; whoever counts doesn't suspend.
            Dispatch::Count => {
                return Err(Stop::Error(Error::msg("an engine that counts dispatches can't resume")));
            }
        }
        finish(store)
    }
}
