//! Executions that stopped and can go on: what is noted when they stop, and how they go on.
//!
//! Whatever stops for want of fuel or because of an interruption stops before a cell's effect, and has all else in
//! slots. So it is enough to note the registers, and by which handler the cell is tried again. A call of a host
//! function that failed with an error of its own goes on behind the call, with results that somebody gives.

use super::entry::{enter_frame, finish};
use super::regs::{Backend, Loop, Regs, Tail};
use super::sample::Position;
use super::slow::{accumulate, call_host, execution, prepare, reload};
use super::{Dispatch, Stop};
use crate::module::trap::Trap;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::FuncObj;

/// Where an execution that stopped goes on.
pub(crate) struct Suspension {
    regs: Regs,
    how: How,
    /// `Pending::func`, for handlers that look there.
    pending: *mut FuncObj,
}

#[derive(Clone, Copy)]
pub(super) enum How {
    /// By a handler, at the cell; 0 is the cell's own.
    Handler(usize),
    /// Behind a call of a host function, whose results are put there.
    Results { of: *mut FuncObj, to: *mut u64 },
    /// By calling a host function, with these arguments, and then behind the call.
    Call { f: *mut FuncObj, args: *mut u64 },
    /// At a loop's header, whose arrival is to be paid.
    Owes(u32),
    /// By entering this function of the module, in a frame that has its header.
    Enter(u32),
}

/// In place of a handler: there is no cell that would make the call.
pub(super) const NO_CELL: usize = usize::MAX;

/// Whether an execution that stops with `e` can go on with what it stopped at.
pub(super) fn is_retried(e: &Error) -> bool {
    matches!(e.trap(), Some(Trap::OutOfFuel | Trap::Interrupt))
}

/// Notes why dispatch ends at the cell at `r.ip`; if that can be tried again, by `handler`, or if it is 0 by its own.
#[cold]
#[inline(never)]
pub(super) unsafe fn note(r: &Regs, e: Error, handler: usize) {
    // SAFETY: a context of a live store, to whose parts nobody holds a reference.
    unsafe {
        let exec = execution(&mut *(*(*r.vm).store).store);
        exec.at = r.position();
        exec.leaves = false;
        note_there(r, e, handler);
    }
}

/// The same; the execution has said already where it stands.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_there(r: &Regs, e: Error, handler: usize) {
    // SAFETY: as above.
    unsafe {
        let pending = (*(*r.vm).store).pending.func;
        let exec = execution(&mut *(*(*r.vm).store).store);
        let suspension = Suspension { regs: *r, how: How::Handler(handler), pending };
        exec.suspension = is_retried(&e).then_some(suspension);
        exec.stop = Stop::Error(e);
    }
}

/// Notes that function `index` of the module is still to be entered, in a frame at `r.sp` that has its arguments and goes
/// back to `back`.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_entry(
    r: &Regs,
    e: Error,
    index: u32,
    header: *mut u64,
    back: (*const u64, *mut u64),
) {
    // SAFETY: as above; the header lies in what the former function's frame had, or in what is claimed when it is entered.
    unsafe {
        let exec = execution(&mut *(*(*r.vm).store).store);
        if is_retried(&e) {
            *header = back.0 as u64;
            *header.add(1) = back.1 as u64;
            let regs = Regs { ip: back.0, ..*r };
            exec.suspension =
                Some(Suspension { regs, how: How::Enter(index), pending: core::ptr::null_mut() });
        } else {
            exec.suspension = None;
        }
        exec.stop = Stop::Error(e);
        exec.at = Position { ip: back.0, sp: back.1, vm: r.vm, returned: true };
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
        let regs = Regs { ip: back.0, sp: back.1, ..*r };
        exec.suspension = if is_retried(e) && handler != NO_CELL {
            Some(Suspension { regs: *r, how: How::Handler(handler), pending })
        } else if !(*f).vm.is_null() {
            None
        } else if is_retried(e) {
            Some(Suspension { regs, how: How::Call { f, args: to }, pending })
        } else {
            Some(Suspension { regs, how: How::Results { of: f, to }, pending })
        };
    }
}

impl Suspension {
    pub(super) fn new(regs: Regs, how: How) -> Self {
        Self { regs, how, pending: core::ptr::null_mut() }
    }

    /// Whether a host function's call goes back to `ip` itself: it has replaced the frame that would.
    pub(super) fn goes_back_to(&self, ip: *const u64) -> bool {
        matches!(self.how, How::Results { .. } | How::Call { .. }) && self.regs.ip == ip
    }

    /// Has it go back to another cell, in the frame at `sp`.
    pub(super) fn go_back_to(&mut self, ip: *const u64, sp: *mut u64) {
        (self.regs.ip, self.regs.sp) = (ip, sp);
    }

    /// The host function whose results are wanted.
    pub(crate) fn wants_results_of(&self) -> Option<*mut FuncObj> {
        match self.how {
            How::Results { of, .. } => Some(of),
            _ => None,
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
            How::Call { f, args } => {
                execution(&mut *store).at = r.position();
                match call_host(r.vm, f, args) {
                    Ok(()) => accumulate(&mut r, args),
                    Err(stop) => {
                        if let Stop::Error(e) = &stop {
                            let how = if is_retried(e) {
                                How::Call { f, args }
                            } else {
                                How::Results { of: f, to: args }
                            };
                            execution(&mut *store).suspension = Some(Suspension { regs: r, how, pending });
                        }
                        return Err(stop);
                    }
                }
                reload(&mut r);
                0
            }
            How::Owes(cost) => {
                if (*store).vm.slice < i64::from(cost)
                    && let Err(trap) = (*store).refill(cost.into())
                {
                    execution(&mut *store).suspension = Some(Suspension { regs: r, how, pending });
                    return Err(Stop::Error(trap.into()));
                }
                (*store).vm.slice -= i64::from(cost);
                0
            }
            How::Enter(index) => {
                // It stands where the function goes back to, in that frame.
                let header = r.sp.add((*(*r.vm).instance).module.shared().header(index) as usize);
                let (ip, sp) = (*header as *const u64, *header.add(1) as *mut u64);
                execution(&mut *store).at = Position { ip, sp, vm: r.vm, returned: true };
                match prepare(r.vm, index, r.sp) {
                    Ok(entry) => r.ip = enter_frame(store, entry, r.sp),
                    Err(e) => {
                        if is_retried(&e) {
                            execution(&mut *store).suspension = Some(Suspension { regs: r, how, pending });
                        }
                        return Err(Stop::Error(e));
                    }
                }
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
