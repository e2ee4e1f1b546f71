//! Calls from the host into the interpreter, and returns to it.

use super::regs::{Backend, Loop, Regs, Stub, Tail, to_vector};
use super::slow::{need_stack, prepare, reload};
use super::{Dispatch, Stop, deopt, sample, suspend, walk};
use crate::module::trap::Trap;
use crate::ops::cells::{PROLOGUE, Prologue};
use crate::ops::frame::HEADER;
use crate::runtime::error::Error;
use crate::runtime::store::{CallHook, StoreInner};
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::sys;
use crate::value::V128;
use core::ptr::null_mut;

/// How deeply guest and host may call each other before that is a stack overflow: each level takes native stack.
const MAX_DEPTH: u32 = 100;

/// Bytes of native stack that must be left for such a call, where that is known.
const NATIVE_ROOM: usize = 32 << 10;

/// A call from the host, counted until it is dropped (an RAII guard).
struct Level(*mut StoreInner);

impl Level {
    /// # Safety
    /// `store` is live for as long as the level.
    unsafe fn enter(store: *mut StoreInner) -> Result<Self, Trap> {
        // SAFETY: the caller keeps the contract.
        unsafe {
            if (*store).depth >= MAX_DEPTH
                || sys::stack_left(NATIVE_ROOM).is_some_and(|left| left < NATIVE_ROOM)
            {
                return Err(Trap::StackOverflow);
            }
            (*store).depth += 1;
            Self::changed(store);
        }
        Ok(Self(store))
    }

    /// A nested call can't be suspended by itself.
    ///
    /// # Safety
    /// As for `enter`.
    #[inline]
    unsafe fn changed(store: *mut StoreInner) {
        // SAFETY: the caller keeps the contract.
        let store = unsafe { &*store };
        if store.exec.as_ref().is_some_and(|exec| exec.suspends_at != 0) {
            store.interrupt.set_suspends(store.suspends());
        }
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        // SAFETY: it is live.
        unsafe {
            (*self.0).depth -= 1;
            Self::changed(self.0);
        }
    }
}

/// Registers with nothing in them.
pub(crate) const fn idle() -> Regs {
    Regs {
        ip: core::ptr::null(),
        sp: null_mut(),
        mem: null_mut(),
        len: 0,
        vm: null_mut(),
        acc: 0,
        f32: 0.0,
        f64: 0.0,
        v128: to_vector(V128([0; 16])),
    }
}

/// Calls `func`. Its arguments are in `slots`, `func.header` of them, and its results replace them.
///
/// # Errors
/// What the host function returned, or why the guest stopped, with a backtrace.
///
/// # Safety
/// `store` is a live store with an execution, `func` one of its functions, and no reference into the store is held.
pub(crate) unsafe fn invoke(
    store: *mut StoreInner,
    func: *mut FuncObj,
    slots: &mut [u64],
) -> Result<(), Error> {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let _level = Level::enter(store)?;
        // A call that doesn't use up its slice of fuel wouldn't look at the flag.
        if (*store).interrupt.take() {
            return Err(Trap::Interrupt.into());
        }
        if (*func).vm.is_null() {
            return StoreInner::call_host(store, func, null_mut(), slots);
        }
        if (*store).engine.tier().is_some() {
            sample::make_room(&*store, (*func).vm);
        }
        StoreInner::pass(store, CallHook::CallingWasm)?;
        let base = exec(store).top;
        let stop = run(store, func, base, slots);
        exec(store).top = base;
        let passed = StoreInner::pass(store, CallHook::ReturningFromWasm);
        match stop {
            Stop::Done => passed,
            Stop::Error(mut e) => {
                name_exception(store, &mut e);
                Err(e)
            }
            Stop::Panic(payload) => sys::resume_panic(payload),
        }
    }
}

/// Has an error that stands for an exception say which.
unsafe fn name_exception(store: *mut StoreInner, e: &mut Error) {
    // SAFETY: the callers keep the contract of `invoke`.
    let store = unsafe { &*store };
    if e.is_exception()
        && let Some(exception) = store.exceptions.pending()
    {
        e.name_exception(store.uncaught(exception));
    }
}

unsafe fn exec<'a>(store: *mut StoreInner) -> &'a mut super::Execution {
    // SAFETY: the caller of `invoke` keeps its contract.
    unsafe { (*store).exec.as_deref_mut().expect("the store has made its execution") }
}

unsafe fn run(store: *mut StoreInner, func: *mut FuncObj, base: *mut u64, slots: &mut [u64]) -> Stop {
    // SAFETY: as for `invoke`; `prepare` makes code and stack for the frame at `base` before it is written.
    unsafe {
        let (vm, header) = ((*func).vm, (*func).header as usize);
        exec(store).at = idle().position();
        exec(store).leaves = false;
        let entry = need_stack(&mut *store, base.wrapping_add(header + 2))
            .map_err(Error::from)
            .and_then(|()| prepare(vm, (*func).index, base));
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => return Stop::Error(e),
        };
        core::ptr::copy_nonoverlapping(slots.as_ptr(), base, header);
        begin(store, vm, entry, base);
        match finish(store) {
            Ok(()) => {
                core::ptr::copy_nonoverlapping(base, slots.as_mut_ptr(), header);
                Stop::Done
            }
            Err(stop) => stop,
        }
    }
}

/// Calls function `index` of the module, whose arguments are in the slots from `base` on, where its results will be.
///
/// # Safety
/// As for [`invoke`]; `vm` is a context of the store, and the arguments' slots are claimed.
pub(super) unsafe fn dispatch(
    store: *mut StoreInner,
    vm: *mut VmCtx,
    index: u32,
    base: *mut u64,
) -> Result<(), Stop> {
    // SAFETY: the caller keeps the contract.
    unsafe {
        exec(store).at = idle().position();
        exec(store).leaves = false;
        let entry = prepare(vm, index, base).map_err(Stop::Error)?;
        begin(store, vm, entry, base);
        match &exec(store).stop {
            // The frames become part of those around them, and are found with these.
            Stop::Error(e) if deopt::leaves(store, e) => {
                Err(core::mem::replace(&mut exec(store).stop, Stop::Done))
            }
            _ => finish(store),
        }
    }
}

/// Runs a function that has been prepared, with its entry at `entry`, until dispatch ends.
unsafe fn begin(store: *mut StoreInner, vm: *mut VmCtx, entry: *const u64, base: *mut u64) {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let ip = enter_frame(store, entry, base);
        let header = (*Prologue::at(ip.sub(PROLOGUE))).header as usize;
        let mut r = Regs { ip, sp: base, vm, ..idle() };
        reload(&mut r);
        let dispatch = (*store).engine.dispatch();
        *base.add(header) = dispatch.stub(Stub::Exit) as u64;
        *base.add(header + 1) = base as u64;
        match dispatch {
            Dispatch::Tail => Tail::run(r),
            Dispatch::Loop => Loop::run(r),
            Dispatch::Count => {
                let counts = &raw mut exec(store).counts;
                super::count::run(r, counts);
            }
        }
    }
}

/// Charges for the entry of a prepared function, and zeroes the locals of its frame at `base`. Returns its first cell.
///
/// # Safety
/// As for [`invoke`].
pub(super) unsafe fn enter_frame(store: *mut StoreInner, entry: *const u64, base: *mut u64) -> *const u64 {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let prologue = &*Prologue::at(entry);
        (*store).vm.slice -= prologue.cost as i64;
        let locals = base.add(prologue.header as usize + HEADER as usize);
        core::ptr::write_bytes(locals, 0, prologue.zeros as usize);
        entry.add(PROLOGUE)
    }
}

/// Turns the recorded [`Stop`] into a result, and adds the frames to an error's backtrace.
///
/// # Safety
/// As for [`invoke`]: dispatch has just ended.
pub(super) unsafe fn finish(store: *mut StoreInner) -> Result<(), Stop> {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let dispatch = (*store).engine.dispatch();
        let exec = exec(store);
        match core::mem::replace(&mut exec.stop, Stop::Done) {
            Stop::Done => Ok(()),
            // It goes on, and nobody looks at the reason.
            Stop::Error(e) if e.is_pending() && exec.waits_at != 0 => Err(Stop::Error(e)),
            Stop::Error(e) => {
                let (at, leaves) = (exec.at, exec.leaves);
                #[cfg(feature = "coredump")]
                let mut values = {
                    let regs = exec.regs.take();
                    let wanted = (*store).engine.config().coredump_on_trap;
                    wanted.then(|| super::locals::values(&(*store).budget, regs))
                };
                #[cfg(feature = "coredump")]
                let values: Option<walk::ValuesOf<'_>> = values.as_mut().map(|values| values as _);
                #[cfg(not(feature = "coredump"))]
                let values = None;
                let mut e = walk::with_backtrace(e, at, leaves, dispatch, values);
                locate(store, &mut e);
                Err(Stop::Error(e))
            }
            panic => Err(panic),
        }
    }
}

/// Finds the offsets of the frames in the backtrace of `e`, with which dispatch has just ended, if the memory for that
/// may be lacking later.
unsafe fn locate(store: *mut StoreInner, e: &mut Error) {
    let Some(backtrace) = e.existing_backtrace_mut() else { return };
    // SAFETY: the caller of `invoke` keeps its contract.
    unsafe {
        let goes_on = exec(store).resumable && exec(store).suspension.is_some();
        if goes_on || !exec(store).native.is_null() {
            return backtrace.locate(&sample::Standing(&*store));
        }
        backtrace.locate(&sample::Failed(&*store));
        // The frames' code may have been dropped, so the position is cleared. A resumable execution keeps its position,
        // which tells that it had begun; it is dropped right away.
        if !exec(store).resumable {
            exec(store).at = idle().position();
        }
    }
}

/// The outcome of resuming an execution.
pub(crate) enum Resumed {
    /// The function returned, and its results are in the slots.
    Finished,
    /// It stopped, and can be resumed again if it has a suspension.
    Stopped(Error),
}

/// Resumes the store's execution, which was suspended in a call from the host. `host_results` are the slots of a host
/// function's results, if the suspension needs them. The results of the call go to `slots`.
///
/// # Errors
/// If calls between host and guest are nested too deeply.
///
/// # Safety
/// As for [`invoke`]; the execution has a suspension.
pub(crate) unsafe fn resume(
    store: *mut StoreInner,
    host_results: &[u64],
    slots: &mut [u64],
) -> Result<Resumed, Error> {
    // SAFETY: the caller keeps the contract.
    unsafe {
        let _level = Level::enter(store)?;
        if (*store).interrupt.take() {
            return Ok(Resumed::Stopped(Trap::Interrupt.into()));
        }
        StoreInner::pass(store, CallHook::CallingWasm)?;
        let suspension = exec(store).suspension.take().expect("it was suspended");
        // It panics if the code of a frame is gone.
        #[cfg(any(test, debug_assertions))]
        let _ = walk::way_back(exec(store).at, (*store).engine.dispatch());
        let result = suspend::go_on(store, suspension, host_results);
        let passed = StoreInner::pass(store, CallHook::ReturningFromWasm);
        match result {
            Ok(()) => {
                passed?;
                core::ptr::copy_nonoverlapping(exec(store).top, slots.as_mut_ptr(), slots.len());
                Ok(Resumed::Finished)
            }
            Err(Stop::Error(mut e)) => {
                name_exception(store, &mut e);
                Ok(Resumed::Stopped(e))
            }
            Err(Stop::Panic(payload)) => sys::resume_panic(payload),
            Err(Stop::Done) => unreachable!("that is no failure"),
        }
    }
}

/// Bytes of native stack that 800 cells of representative handlers consume: 0 if the compiler made jumps of the tail
/// calls.
pub(crate) fn stack_drift() -> usize {
    probe::drift()
}

mod probe {
    //! Runs cells of several kinds on the tail backend, between two handlers that note the native stack pointer.

    use super::super::cell::cell;
    use super::super::numeric::{Bin, Un};
    use super::super::operand::{Acc, Imm, Slot, ToAcc, ToSlot};
    use super::super::regs::{Handler, handlers};
    use super::super::variable::Copy;
    use super::super::vector;
    use super::*;
    use crate::ops;

    /// The slots in which the first and the last handler leave where the native stack is.
    const NOTES: [usize; 2] = [2, 3];

    #[inline(never)]
    fn here() -> u64 {
        let mark = 0u8;
        core::hint::black_box(&raw const mark) as usize as u64
    }

    handlers! {
        fn begin<B>(mut r) {
            *r.sp.add(NOTES[0]) = here();
            r.ip = r.ip.add(2);
            B::next(r)
        }

        fn end<B>(mut r) {
            *r.sp.add(NOTES[1]) = here();
            B::stop()
        }
    }

    pub(super) fn drift() -> usize {
        let add: Handler<Tail> = cell::<Tail, Bin<ops::commutative::I32Add, Acc, Imm, ToSlot>>;
        let div: Handler<Tail> = cell::<Tail, Bin<ops::ordered::I32DivU, Slot, Imm, ToAcc>>;
        let float: Handler<Tail> = cell::<Tail, Un<ops::unary::F64ConvertI32S, Acc, ToSlot>>;
        let copy: Handler<Tail> = cell::<Tail, Copy<u64>>;
        let vector: Handler<Tail> = cell::<Tail, Bin<ops::vectors::F32x4Mul, Slot, Slot, ToSlot>>;
        let lanes: Handler<Tail> = cell::<Tail, Bin<ops::vectors::I8x16Swizzle, Acc, Slot, ToSlot>>;
        let lane: Handler<Tail> = vector::replace::<Tail, ops::replace::I16x8ReplaceLane, Slot, Slot, ToAcc>;
        let select: Handler<Tail> = vector::bitselect::<Tail, ToSlot>;
        // `c d` is 1: an immediate for the ops that have one, and slots 1 and 0 for the others.
        let operands = 1 << 32;
        let kinds = [add, div, float, copy, vector, lanes, lane, select];
        let mut code = [[0; 2]; 100 * 8 + 2];
        for (cell, h) in code[1..].iter_mut().zip(kinds.iter().cycle()) {
            *cell = [*h as usize as u64, operands];
        }
        code[0] = [begin::<Tail> as *const () as usize as u64, 0];
        code[code.len() - 1] = [end::<Tail> as *const () as usize as u64, 0];
        let mut slots = [0u64; 4];
        let r = Regs { ip: code.as_flattened().as_ptr(), sp: slots.as_mut_ptr(), ..idle() };
        // SAFETY: the cells use slots 0 and 1 and end in a handler that stops.
        unsafe { Tail::run(r) };
        let [first, last] = NOTES.map(|slot| slots[slot]);
        first.abs_diff(last) as usize
    }
}

#[cfg(all(test, dunlin_optimised))]
mod tests {
    /// Every fully optimised build must use the tail backend; other builds may use the loop.
    #[test]
    fn handlers_use_no_native_stack() {
        assert!(super::stack_drift() < super::super::MAX_DRIFT, "{} bytes", super::stack_drift());
    }
}
