//! Resumable calls: what is saved when an execution stops, and how it resumes.
//!
//! An execution that runs out of fuel or is interrupted stops before the effect of a cell, and all other state is in
//! slots. So it is enough to save the registers and the handler that retries the cell. After a host function failed
//! with an error of its own, the execution resumes behind the call, with results that the embedder supplies.

use super::entry::{enter_frame, finish, idle};
use super::host_call::call_host;
use super::regs::{Backend, Loop, Regs, Stub, Tail};
use super::sample::Position;
use super::slow::{RECORD, accumulate, execution, lay_out, prepare, reload};
use super::{Dispatch, Stop, native, throw};
use crate::module::trap::Trap;
use crate::runtime::debug::Breakpoint;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{FuncObj, VmCtx};

/// Where and how a stopped execution resumes.
pub(crate) struct Suspension {
    regs: Regs,
    how: How,
    /// The value of `Pending::func`, which some handlers read.
    pending: *mut FuncObj,
}

#[derive(Clone, Copy)]
pub(super) enum How {
    /// Run a handler at the cell; 0 means the cell's own.
    Handler(usize),
    /// Continue behind a call of a host function, with its results in these slots.
    Results { of: *mut FuncObj, to: *mut u64 },
    /// Call a host function with these arguments, then continue behind the call.
    Call { f: *mut FuncObj, args: *mut u64 },
    /// Charge for the arrival at a loop header or an arm, then continue there.
    Owes(u32),
    /// Enter this function of the module. Its frame's header is written already.
    Enter(u32),
    /// Don't: it has trapped, and is only looked at.
    Ends(Trap),
}

impl How {
    /// After a call of a host function that failed with `e`, if no cell retries it.
    pub(super) fn after_host(f: *mut FuncObj, args: *mut u64, e: &Error) -> Self {
        if is_retried(e) { How::Call { f, args } } else { How::Results { of: f, to: args } }
    }
}

/// Whether an execution that stopped with `e` resumes by retrying what it stopped at.
pub(super) fn is_retried(e: &Error) -> bool {
    matches!(e.trap(), Some(Trap::OutOfFuel | Trap::Interrupt))
        || e.is_pending()
        || e.downcast_ref::<Breakpoint>().is_some()
}

/// How an execution that has trapped at `r.ip` is kept for a debugger, if there is one. It doesn't go on.
pub(super) unsafe fn kept_for_debugger(r: &Regs, e: &Error) -> Option<Suspension> {
    // SAFETY: a context of a live store.
    let debugs = unsafe { (*(*(*r.vm).store).store).debugging.is_some() };
    let trap = e.trap().filter(|_| debugs)?;
    Some(Suspension::new(*r, How::Ends(trap)))
}

/// Records that dispatch ends at the cell at `r.ip`, with error `e`. If the cell can be retried, `handler` does it; 0
/// means the cell's own.
#[cold]
#[inline(never)]
pub(super) unsafe fn note(r: &Regs, e: Error, handler: usize) {
    // SAFETY: a context of a live store, and no reference to the store's parts is held.
    unsafe {
        let exec = execution(&mut *(*(*r.vm).store).store);
        exec.at = r.position();
        exec.leaves = false;
        note_there(r, e, handler);
    }
}

/// The same, if the position is published already.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_there(r: &Regs, e: Error, handler: usize) {
    // SAFETY: as for `note`.
    unsafe {
        let pending = (*(*r.vm).store).pending.func;
        let exec = execution(&mut *(*(*r.vm).store).store);
        let suspension = Suspension { regs: *r, how: How::Handler(handler), pending };
        exec.suspension = if is_retried(&e) { Some(suspension) } else { kept_for_debugger(r, &e) };
        exec.stopped_with(r);
        exec.stop = Stop::Error(e);
    }
}

/// Records that function `index` of the module of `vm` still has to be entered. Its arguments are in the frame at `sp`,
/// with the header at `header`; it returns to `back`.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_entry(
    (vm, index): (*mut VmCtx, u32),
    sp: *mut u64,
    header: *mut u64,
    e: Error,
    back: (*const u64, *mut u64),
) {
    // SAFETY: as for `note`; the header lies in the frame of the function that is replaced, or in stack that entering
    // claims.
    unsafe {
        let exec = execution(&mut *(*(*vm).store).store);
        if is_retried(&e) {
            *header = back.0 as u64;
            *header.add(1) = back.1 as u64;
            let regs = Regs { ip: back.0, sp, vm, ..idle() };
            exec.suspension = Some(Suspension::new(regs, How::Enter(index)));
        } else {
            exec.suspension = None;
        }
        exec.stop = Stop::Error(e);
        exec.at = Position { ip: back.0, sp: back.1, vm, returned: true };
    }
}

/// Records how to resume after a failed call of `f`, whose error is in `exec.stop`. Either `handler` retries the call,
/// or the call's results are put into the slots from `to` on and it returns to `back`, a cell and a frame.
#[cold]
#[inline(never)]
pub(super) unsafe fn note_call(
    r: &Regs,
    f: *mut FuncObj,
    handler: usize,
    to: *mut u64,
    back: (*const u64, *mut u64),
) {
    // SAFETY: as for `note`.
    unsafe {
        let pending = (*(*r.vm).store).pending.func;
        let exec = execution(&mut *(*(*r.vm).store).store);
        exec.suspension = match &exec.stop {
            Stop::Error(e) if is_retried(e) => {
                Some(Suspension { regs: *r, how: How::Handler(handler), pending })
            }
            Stop::Error(e) if !(*f).vm.is_null() => kept_for_debugger(r, e),
            Stop::Error(e) => after_host(r.vm, f, to, e, back),
            _ => None,
        };
    }
}

/// How to resume after a call of a host function that failed with `e`, if no cell retries it.
unsafe fn after_host(
    vm: *mut VmCtx,
    f: *mut FuncObj,
    args: *mut u64,
    e: &Error,
    (ip, sp): (*const u64, *mut u64),
) -> Option<Suspension> {
    let regs = Regs { ip, sp, vm, ..idle() };
    (!e.is_exception()).then(|| Suspension::new(regs, How::after_host(f, args, e)))
}

/// Records how to resume after a failed tail call of `f`, a host function or one of another instance, out of compiled
/// code, whose error is in `exec.stop`. No cell can retry it. Its arguments are in the frame at `sp`, which it replaces;
/// it returns to `back`.
pub(super) unsafe fn note_tail_call(
    vm: *mut VmCtx,
    f: *mut FuncObj,
    sp: *mut u64,
    back: (*const u64, *mut u64),
) {
    // SAFETY: as for `note`. Of the errors that are retried, entering a function has only those about fuel, and by then it
    // has claimed the stack for record and frame.
    unsafe {
        let store = (*(*vm).store).store;
        let exec = execution(&mut *store);
        exec.suspension = None;
        match core::mem::replace(&mut exec.stop, Stop::Done) {
            Stop::Error(e) if is_retried(&e) && !(*f).vm.is_null() => {
                let cross = (*store).engine.dispatch().stub(Stub::CrossReturn);
                let (sp, back) = if back.0 == cross {
                    (sp, back)
                } else {
                    let sp = lay_out(vm, f, sp, sp, back);
                    (sp, (cross, sp.sub(RECORD)))
                };
                note_entry(((*f).vm, (*f).index), sp, sp.add((*f).header as usize), e, back);
            }
            stop => {
                if let Stop::Error(e) = &stop
                    && (*f).vm.is_null()
                {
                    exec.suspension = after_host(vm, f, sp, e, back);
                }
                exec.stop = stop;
            }
        }
    }
}

impl Suspension {
    pub(super) fn new(regs: Regs, how: How) -> Self {
        Self { regs, how, pending: core::ptr::null_mut() }
    }

    /// Whether this is a host function's call that returns to `ip` directly, because it replaced the calling frame.
    pub(super) fn goes_back_to(&self, ip: *const u64) -> bool {
        matches!(self.how, How::Results { .. } | How::Call { .. }) && self.regs.ip == ip
    }

    /// The frame header of the function that is entered next, if there is one that returns to `ip`.
    ///
    /// # Safety
    /// The suspension is of a store's execution.
    pub(super) unsafe fn enters_from(&self, ip: *const u64) -> Option<*mut u64> {
        match self.how {
            // SAFETY: the caller's contract.
            How::Enter(index) if self.regs.ip == ip => unsafe {
                Some(native::header_in(self.regs.vm, index, self.regs.sp))
            },
            _ => None,
        }
    }

    /// Has the function that is entered next return to another cell. Its header is written already.
    pub(super) fn enter_from(&mut self, ip: *const u64) {
        self.regs.ip = ip;
    }

    /// The registers, how it resumes, and the callee that some handlers read.
    #[cfg(feature = "snapshot")]
    pub(super) fn parts(&self) -> (Regs, How, *mut FuncObj) {
        (self.regs, self.how, self.pending)
    }

    /// The accumulator of integers and references.
    pub(super) fn accumulator(&self) -> u64 {
        self.regs.acc
    }

    /// Has it return to another cell, in the frame at `sp`.
    pub(super) fn go_back_to(&mut self, ip: *const u64, sp: *mut u64) {
        (self.regs.ip, self.regs.sp) = (ip, sp);
    }

    /// The host function whose results the embedder has to supply, if that is how this resumes.
    pub(crate) fn wants_results_of(&self) -> Option<*mut FuncObj> {
        match self.how {
            How::Results { of, .. } => Some(of),
            _ => None,
        }
    }
}

/// Resumes the store's execution from `suspension`. `results` are the slots of a host function's results, if the
/// suspension needs them.
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
        if let Some(debugging) = &mut (*store).debugging {
            debugging.goes_on((r.ip as usize, r.sp as usize));
        }
        let handler = match how {
            How::Handler(handler) => handler,
            How::Results { to, .. } => {
                core::ptr::copy_nonoverlapping(results.as_ptr(), to, results.len());
                accumulate(&mut r, to);
                0
            }
            How::Call { f, args } => {
                execution(&mut *store).at = Position { returned: true, ..r.position() };
                match call_host(r.vm, f, args) {
                    Ok(()) => accumulate(&mut r, args),
                    Err(Stop::Error(e)) if e.is_exception() => {
                        if !throw::catch(store, u32::MAX) {
                            return Err(Stop::Error(e));
                        }
                        let Position { ip, sp, vm, .. } = execution(&mut *store).at;
                        (r.ip, r.sp, r.vm) = (ip, sp, vm);
                    }
                    Err(stop) => {
                        if let Stop::Error(e) = &stop {
                            let how = How::after_host(f, args, e);
                            execution(&mut *store).suspension = Some(Suspension { regs: r, how, pending });
                        }
                        let exec = execution(&mut *store);
                        exec.leaves = false;
                        exec.stop = stop;
                        return finish(store);
                    }
                }
                reload(&mut r);
                0
            }
            How::Ends(trap) => return Err(Stop::Error(trap.into())),
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
                // The position is where the function returns to: it hasn't been entered.
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
            // Its cells hold op numbers, not handlers. Counting doesn't support suspension.
            Dispatch::Count => {
                return Err(Stop::Error(Error::msg("an engine that counts dispatches can't resume")));
            }
        }
        finish(store)
    }
}
