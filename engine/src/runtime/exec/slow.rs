//! The cold path of handlers: traps, fuel, untranslated functions, stack growth, calls out of the instance, and the end of
//! an execution.
//!
//! A handler that needs something first (fuel, code, stack) jumps here with its cell unchanged. What the cell doesn't
//! say, it puts into `VmStore::pending`. A call is completed here; any other cell is retried.

use super::call::enter_prepared;
use super::control::{give_back, target};
use super::host_call::call_host;
use super::native;
use super::operand::{A, B as FB, D, Value};
use super::regs::{Backend, Handler, Regs, Stub, handlers, to_vector};
use super::sample;
use super::suspend;
use super::throw;
use super::{Execution, Stop};
use crate::module::trap::Trap;
use crate::ops::cells::Prologue;
use crate::runtime::debug::Breakpoint;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{FuncObj, VmCtx};
use crate::value::V128;
use core::sync::atomic::Ordering;

/// Words of the record that a call between instances leaves below the callee's frame: the caller's context, the return
/// address, the caller's `sp`, and where to copy how many slots of results.
pub(crate) const RECORD: usize = 4;

/// Reloads the copies of memory 0.
#[inline(always)]
pub(crate) unsafe fn reload(r: &mut Regs) {
    // SAFETY: `vm` is live and always has a memory 0, though it may be an empty one.
    unsafe {
        let m = (*r.vm).mem0;
        r.mem = (*m).base;
        r.len = (*m).len;
    }
}

#[inline(always)]
unsafe fn store<'a>(r: &Regs) -> &'a mut StoreInner {
    // SAFETY: the store outlives its executions, and handlers hold no reference to it across dispatches.
    unsafe { &mut *(*(*r.vm).store).store }
}

#[inline(always)]
pub(super) fn execution(store: &mut StoreInner) -> &mut Execution {
    store.exec.as_deref_mut().expect("dispatch runs on the store's execution")
}

/// Publishes the execution's position, for stack walks. With `leaves`, a tail call is replacing the function there.
///
/// Functions that handlers call find the position in the store, or get parts of the registers. A pointer to the registers
/// would be an alternative, but while one may be live, the compiler can't make jumps of a handler's last calls. So only
/// functions behind which dispatch ends take one.
#[inline(always)]
pub(super) unsafe fn stand(r: &Regs, leaves: bool) {
    // SAFETY: the handler contract (`Backend`): the store outlives its executions.
    unsafe {
        let exec = execution(store(r));
        exec.at = r.position();
        exec.leaves = leaves;
    }
}

/// Ends dispatch, with the cell at `r.ip` as the position. The execution can't be resumed, though a debugger may look at it.
#[cold]
#[inline(never)]
pub(crate) unsafe fn halt(r: &Regs, stop: Stop) {
    // SAFETY: the handler contract (`Backend`): the store outlives its executions.
    unsafe {
        let suspension = match &stop {
            Stop::Error(e) => suspend::kept_for_debugger(r, e),
            _ => None,
        };
        let exec = execution(store(r));
        if matches!(stop, Stop::Error(_)) {
            exec.stopped_with(r);
        }
        exec.stop = stop;
        exec.suspension = suspension;
        exec.at = r.position();
        exec.leaves = false;
    }
}

/// Ends dispatch at the cell at `r.ip`, before its effect. If `e` is about fuel or an interruption, the execution can
/// resume by retrying the cell.
#[inline(always)]
pub(crate) unsafe fn stop<B: Backend>(r: Regs, e: Error) -> B::Out {
    // SAFETY: the handler contract (`Backend`), passed on.
    unsafe { suspend::note(&r, e, 0) };
    B::stop()
}

/// The same, if the position is published already.
#[inline(always)]
pub(super) unsafe fn stop_there<B: Backend>(r: Regs, e: Error) -> B::Out {
    // SAFETY: the handler contract (`Backend`), passed on.
    unsafe { suspend::note_there(&r, e, 0) };
    B::stop()
}

/// The same, if the cell is to be retried by `handler` instead of its own one.
#[inline(always)]
unsafe fn stop_in<B: Backend>(r: Regs, e: Error, handler: Handler<B>) -> B::Out {
    // SAFETY: the handler contract (`Backend`), passed on.
    unsafe { suspend::note(&r, e, handler as usize) };
    B::stop()
}

/// Stops with `trap`. All the work is outlined into a cold handler, to keep the hot one free of spills and calls.
#[inline(always)]
pub(crate) unsafe fn trap<B: Backend>(mut r: Regs, trap: Trap) -> B::Out {
    // SAFETY: the handler contract (`Backend`): the same registers and cell.
    unsafe {
        match trap {
            // The accumulator would hold the result, so it has nothing else to keep, and is a register to spare.
            Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger => {
                r.acc = trap as u64;
                B::jump(r, trap_in_acc::<B>)
            }
            // The length can be loaded again, should the cell be retried. A core dump tells what accumulators hold.
            Trap::MemoryOutOfBounds => {
                r.len = trap as u64;
                B::jump(r, out_of_bounds::<B>)
            }
            _ => {
                r.len = trap as u64;
                B::jump(r, trap_in_len::<B>)
            }
        }
    }
}

/// Whether a function type of the engine is a subtype of another one.
#[cold]
#[inline(never)]
pub(super) unsafe fn is_subtype(vm: *mut VmCtx, sig: u32, wanted: u32) -> bool {
    // SAFETY: the handler contract (`Backend`): the store outlives its executions.
    unsafe { (*native::store_of(vm)).engine.is_subtype(sig, wanted) }
}

/// Whether a debugger wants the stop with this number, at the cell at `ip` in the frame at `sp`.
#[cold]
#[inline(never)]
unsafe fn debugger_stops(vm: *mut VmCtx, number: u32, ip: *const u64, sp: *mut u64) -> bool {
    // SAFETY: the handler contract (`Backend`): the store outlives its executions, instances their store's.
    unsafe {
        let store = &mut *native::store_of(vm);
        let resumable = execution(store).resumable;
        let module = &(*(*vm).instance).module;
        let place = (ip as usize, sp as usize);
        store
            .debugging
            .as_deref_mut()
            .is_some_and(|debugging| resumable && debugging.stops(module, number, place))
    }
}

/// Whether a memory of the instance has grown, as other threads make shared ones grow, since this store last looked.
#[cold]
#[inline(never)]
unsafe fn memory_has_grown(vm: *mut VmCtx) -> bool {
    // SAFETY: the handler contract (`Backend`): instances and their memories live as long as the store.
    unsafe { (*(*vm).instance).refresh_memories() }
}

/// Extends the charged part of the value stack to `end`, if need be. Fails if the stack is full or the budget refuses.
pub(crate) fn need_stack(store: &mut StoreInner, end: *mut u64) -> Result<(), Trap> {
    if end <= store.vm.stack_end {
        return Ok(());
    }
    let limit = execution(store).extend(end)?;
    store.vm.stack_end = limit;
    store.interrupt.set_stack_end(limit as usize);
    Ok(())
}

/// Makes function `index` of `vm`'s module ready to be called with its frame at `sp`: code, stack, fuel for the entry.
/// The execution's position is published. Returns the entry to use: the caller must not load the word of the entry
/// table again, because other threads compile, and unlink code that relies on guard regions, at any time.
pub(crate) unsafe fn prepare(vm: *mut VmCtx, index: u32, sp: *mut u64) -> Result<*const u64, Error> {
    // SAFETY: `vm` and its instance are live.
    unsafe {
        let store = &mut *(*(*vm).store).store;
        let module = (*(*vm).instance).module.shared();
        let word = (*vm).entries.add(index as usize);
        loop {
            let mut entry = (*word).load(Ordering::Acquire).cast_const();
            if crate::ops::cells::is_lazy(entry)
                && execution(store).enters_compiled()
                && let Some(tier) = store.engine.tier()
            {
                tier.called(&(*(*vm).instance).module, index, Some(&|| store.interrupt.is_set()));
                entry = (*word).load(Ordering::Acquire);
            }
            if crate::ops::cells::is_lazy(entry) {
                entry = module.translated(index, &sample::Standing(store))?;
            }
            let prologue = &*Prologue::at(entry);
            need_stack(store, sp.wrapping_byte_add(prologue.frame as usize))?;
            if store.vm.slice >= prologue.cost as i64 {
                return Ok(entry);
            }
            // Code may be dropped here, so the entry has to be looked up again.
            sample::refill(store, prologue.cost as u64, vm, index)?;
        }
    }
}

/// The outcome of a call out of the instance.
pub(super) enum Callee {
    /// A host function ran; its results are in place.
    Done,
    /// A function of another instance, with its frame prepared here, for [`enter_other`]. With one more word this enum
    /// would be returned through memory, and a handler in which a local's address escapes doesn't end in a jump.
    Enter(*mut u64),
    /// It failed, and `exec.stop` says why.
    Stopped,
}

/// Writes the record by which a function of another instance returns to `(ret, caller)` in `vm`. Of its results, `n` slots
/// go to `results`.
pub(super) unsafe fn write_record(
    record: *mut u64,
    vm: *mut VmCtx,
    (ret, caller): (*const u64, *mut u64),
    results: *mut u64,
    n: usize,
) {
    // SAFETY: the callers have claimed the record's stack, which is above the results.
    unsafe {
        *record = vm as u64;
        *record.add(1) = ret as u64;
        *record.add(2) = caller as u64;
        *record.add(3) = (record.offset_from(results) as u64) << 32 | n as u64;
    }
}

/// Writes such a record behind the arguments of `f`, and copies those to the frame behind that, whose stack has been
/// claimed. Returns the frame.
pub(super) unsafe fn lay_out(
    vm: *mut VmCtx,
    f: *mut FuncObj,
    args: *mut u64,
    results: *mut u64,
    back: (*const u64, *mut u64),
) -> *mut u64 {
    // SAFETY: record and frame lie in stack that has been claimed.
    unsafe {
        let header = (*f).header as usize;
        let record = args.add(header);
        write_record(record, vm, back, results, header);
        let sp = record.add(RECORD);
        core::ptr::copy(args, sp, header);
        sp
    }
}

/// Runs a host function; or, for a function of another instance, prepares its frame behind a record that returns to
/// `back` in `vm`. `args` are the arguments; results will go to `results`. The execution's position is published.
#[inline(never)]
unsafe fn call_other(
    vm: *mut VmCtx,
    f: *mut FuncObj,
    args: *mut u64,
    results: *mut u64,
    back: (*const u64, *mut u64),
) -> Callee {
    // SAFETY: the caller's frame reaches to the end of `args`; what lies beyond is free once the stack is known to
    // reach there.
    unsafe {
        let store = &mut *(*(*vm).store).store;
        let header = (*f).header as usize;
        let made = if (*f).vm.is_null() {
            need_stack(store, args.wrapping_add(header))
                .map_err(|t| Stop::Error(t.into()))
                .and_then(|()| call_host(vm, f, args))
                .map(|()| Callee::Done)
        } else {
            let sp = args.wrapping_add(header + RECORD);
            need_stack(store, sp.wrapping_add(header))
                .map_err(Error::from)
                .and_then(|()| prepare((*f).vm, (*f).index, sp))
                .map_err(Stop::Error)
                .map(|entry| {
                    lay_out(vm, f, args, results, back);
                    *sp.add(header) = entry as u64;
                    Callee::Enter(sp)
                })
        };
        made.unwrap_or_else(|why| {
            execution(&mut *(*(*vm).store).store).stop = why;
            Callee::Stopped
        })
    }
}

/// Sets every accumulator from slot 0 of the results, whatever their type.
#[inline(always)]
pub(super) unsafe fn accumulate(r: &mut Regs, results: *const u64) {
    // SAFETY: the caller's frame has at least two slots after the results' first (a header would be there).
    unsafe {
        r.acc = *results;
        r.f32 = f32::load(results);
        r.f64 = f64::load(results);
        // By halves: in builds with checks, reading bytes takes a local's address.
        let [low, high] = *results.cast::<[u64; 2]>();
        r.v128 = to_vector(V128::from(u128::from(high) << 64 | u128::from(low)));
    }
}

/// Enters a prepared function that returns through a record. Until the header is written, its slot holds the entry.
#[inline(always)]
unsafe fn enter_other<B: Backend>(mut r: Regs, f: *mut FuncObj, vm: *mut VmCtx, sp: *mut u64) -> B::Out {
    // SAFETY: the handler contract (`Backend`); `call_other` or `replace` has prepared the code and the frame.
    unsafe {
        r.vm = vm;
        reload(&mut r);
        let entry = *sp.add((*f).header as usize) as *const u64;
        let ret = B::stub(Stub::CrossReturn);
        let record = sp.sub(RECORD);
        enter_prepared::<B>(r, entry, sp, (*f).header as usize, ret, record)
    }
}

/// Enters function `index` of the module, after the fast path of a call found that something is missing.
#[inline(always)]
unsafe fn finish_call<B: Backend>(r: Regs, index: u32, ret: *const u64, again: Handler<B>) -> B::Out {
    // SAFETY: the handler contract (`Backend`); `prepare` makes the code and claims the frame.
    unsafe {
        let vm_store = (*r.vm).store;
        if (*vm_store).slice < 0 {
            // The fast path has charged more than there was: undo that. The cost is the one of the entry that it
            // loaded, which is in the accumulator, because another thread may have replaced the word in the entry table
            // since.
            (*vm_store).slice += (*Prologue::at(r.acc as *const u64)).cost as i64;
        }
        let sp = r.slot(A);
        stand(&r, false);
        match prepare(r.vm, index, sp) {
            Ok(entry) => enter_prepared::<B>(r, entry, sp, r.field(FB), ret, r.sp),
            Err(e) => stop_in::<B>(r, e, again),
        }
    }
}

/// Makes function `index` of the module ready to replace the current frame, then retries the cell.
#[inline(always)]
unsafe fn prepare_and_retry<B: Backend>(r: Regs, index: u32) -> B::Out {
    // SAFETY: the handler contract (`Backend`): the same registers and cell.
    unsafe {
        stand(&r, true);
        match prepare(r.vm, index, r.sp) {
            Ok(_) => B::next(r),
            Err(e) => stop_there::<B>(r, e),
        }
    }
}

/// Refills the slice to cover `cost`, then retries the cell.
#[inline(always)]
unsafe fn refill_and_retry<B: Backend>(r: Regs, cost: u64) -> B::Out {
    // SAFETY: the handler contract (`Backend`): the same registers and cell.
    unsafe {
        stand(&r, false);
        match sample::refill(store(&r), cost, core::ptr::null_mut(), 0) {
            Ok(()) => B::next(r),
            Err(t) => stop::<B>(r, t.into()),
        }
    }
}

/// Tail-calls `f`, a host function or one of another instance, in place of the frame at `sp`: runs it or prepares it.
/// `args` are the place and number of its argument slots; it returns to `(ret, caller)`, and a host function's results
/// are where the frame was. The execution's position is published.
#[cold]
#[inline(never)]
pub(super) unsafe fn replace(
    vm: *mut VmCtx,
    f: *mut FuncObj,
    (args, n): (*mut u64, usize),
    sp: *mut u64,
    (ret, caller): (*const u64, *mut u64),
) -> Callee {
    // SAFETY: the arguments lie in the frame, which can be replaced.
    unsafe {
        let store = native::store_of(vm);
        if (*f).vm.is_null() || ret != (*store).engine.dispatch().stub(Stub::CrossReturn) {
            // The frame stays below the record, dead. The callee's own cross-instance tail calls find the record and
            // reuse it.
            let callee = call_other(vm, f, args, sp, (ret, caller));
            if let Callee::Done = callee {
                core::ptr::copy(args, sp, (*f).header as usize);
            }
            return callee;
        }
        // The frame returns through a record already, so the callee can reuse that record and replace the frame: a chain
        // of such calls takes no stack.
        match prepare((*f).vm, (*f).index, sp) {
            Ok(entry) => {
                core::ptr::copy(args, sp, n);
                *sp.add((*f).header as usize) = entry as u64;
                Callee::Enter(sp)
            }
            Err(e) => {
                execution(&mut *store).stop = Stop::Error(e);
                Callee::Stopped
            }
        }
    }
}

/// Goes on after [`replace`]. If that failed, how to resume has been noted.
#[inline(always)]
pub(super) unsafe fn replaced<B: Backend>(
    mut r: Regs,
    f: *mut FuncObj,
    callee: Callee,
    (ret, caller): (*const u64, *mut u64),
) -> B::Out {
    // SAFETY: the handler contract (`Backend`) at a tail call.
    unsafe {
        match callee {
            Callee::Done => {
                let results = r.sp;
                (r.ip, r.sp) = (ret, caller);
                accumulate(&mut r, results);
                reload(&mut r);
                B::next(r)
            }
            Callee::Enter(sp) => enter_other::<B>(r, f, (*f).vm, sp),
            Callee::Stopped => throw::stop_or_land::<B>(r),
        }
    }
}

/// Ends dispatch after a call of `f` that failed, with the reason in `exec.stop`, or goes on where that is caught. See
/// [`suspend::note_call`].
#[inline(always)]
unsafe fn call_failed<B: Backend>(
    r: Regs,
    f: *mut FuncObj,
    again: usize,
    to: *mut u64,
    back: (*const u64, *mut u64),
) -> B::Out {
    // SAFETY: the handler contract (`Backend`), passed on.
    unsafe {
        if throw::goes_on(r.vm, u32::MAX) {
            return throw::land::<B>(r);
        }
        suspend::note_call(&r, f, again, to, back);
        B::stop()
    }
}

handlers! {
    #[cold]
    #[inline(never)]
    fn trap_in_acc<B>(mut r) {
        halt(&r, Stop::Error(Trap::from_code(r.acc as u8).into()));
        B::stop()
    }

    #[cold]
    #[inline(never)]
    fn trap_in_len<B>(mut r) {
        halt(&r, Stop::Error(Trap::from_code(r.len as u8).into()));
        B::stop()
    }

    // The same for an access out of bounds, which may be retried.
    #[cold]
    #[inline(never)]
    fn out_of_bounds<B>(mut r) {
        if memory_has_grown(r.vm) {
            reload(&mut r);
            return B::next(r);
        }
        halt(&r, Stop::Error(Trap::from_code(r.len as u8).into()));
        B::stop()
    }

    #[cold]
    #[inline(never)]
    fn refill<B>(mut r) {
        let cost = r.wide() as u64;
        give_back(&r, cost);
        refill_and_retry::<B>(r, cost)
    }

    // For a back edge, whose cost is in extension word `WORD`.
    #[cold]
    #[inline(never)]
    fn refill_back<B; const WORD: usize>(mut r) {
        let cost = r.ext(WORD);
        give_back(&r, cost);
        stand(&r, false);
        if let Err(t) = sample::refill_at_loop(store(&r), cost, target(&r)) {
            return stop::<B>(r, t.into());
        }
        let code = native::continuation(&r);
        if code.is_null() {
            return B::next(r);
        }
        // The compiled code charges for the loop itself. The accumulator is dead behind a branch that isn't retried, so
        // it can carry the address.
        r.acc = code as u64;
        B::jump(r, native::enter_continuation::<B>)
    }

    // Before each instruction that a debugger may stop at: the values of locals and operands are in their slots.
    #[cold]
    #[inline(never)]
    fn breakpoint<B>(mut r) {
        if debugger_stops(r.vm, r.wide(), r.ip, r.sp) {
            return stop::<B>(r, Error::host(Breakpoint));
        }
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // Makes the function in extension word 0 ready to replace the current frame, then retries the tail call.
    #[cold]
    #[inline(never)]
    fn prepare_call<B>(mut r) {
        let index = r.ext(0) as u32;
        prepare_and_retry::<B>(r, index)
    }

    // The same for `pending.func`, of this instance.
    #[cold]
    #[inline(never)]
    fn prepare_func<B>(mut r) {
        let index = (*(*(*r.vm).store).pending.func).index;
        prepare_and_retry::<B>(r, index)
    }

    // Completes the call at `r.ip`, of function `c d` of the module, with its frame at `R[a]`.
    #[cold]
    #[inline(never)]
    fn enter_call<B>(mut r) {
        let ret = r.ip.add(2);
        finish_call::<B>(r, r.wide(), ret, enter_call::<B>)
    }

    // The same for `pending.func`, of this instance, called by a cell of `LEN` words.
    #[cold]
    #[inline(never)]
    fn enter_func<B; const LEN: usize>(mut r) {
        let f = (*(*r.vm).store).pending.func;
        let ret = r.ip.add(LEN);
        finish_call::<B>(r, (*f).index, ret, enter_func::<B, LEN>)
    }

    // Calls `pending.func`, a host function or one of another instance, for a cell of `LEN` words.
    #[cold]
    #[inline(never)]
    fn call_out<B; const LEN: usize>(mut r) {
        let f = (*(*r.vm).store).pending.func;
        let (sp, ret) = (r.slot(A), r.ip.add(LEN));
        stand(&r, false);
        match call_other(r.vm, f, sp, sp, (ret, r.sp)) {
            Callee::Done => {
                accumulate(&mut r, sp);
                reload(&mut r);
                r.ip = ret;
                B::next(r)
            }
            Callee::Enter(sp) => enter_other::<B>(r, f, (*f).vm, sp),
            Callee::Stopped => {
                call_failed::<B>(r, f, call_out::<B, LEN> as *const () as usize, sp, (ret, r.sp))
            }
        }
    }

    // Tail-calls `pending.func`, a host function or one of another instance; arguments at `R[a]`, `d` slots of
    // them, header at `R[b]`.
    #[cold]
    #[inline(never)]
    fn return_call_out<B>(mut r) {
        let f = (*(*r.vm).store).pending.func;
        let h = r.slot(FB);
        let args = (r.slot(A), r.field(D));
        stand(&r, true);
        let back = (*h as *const u64, *h.add(1) as *mut u64);
        match replace(r.vm, f, args, r.sp, back) {
            Callee::Stopped => call_failed::<B>(r, f, 0, r.sp, back),
            callee => replaced::<B>(r, f, callee, back),
        }
    }

    // The return stub of calls between instances: `sp` is at the record.
    #[cold]
    #[inline(never)]
    fn cross_return<B>(mut r) {
        let record = r.sp;
        r.vm = *record as *mut VmCtx;
        r.ip = *record.add(1) as *const u64;
        r.sp = *record.add(2) as *mut u64;
        let (distance, n) = ((*record.add(3) >> 32) as usize, *record.add(3) as u32 as usize);
        core::ptr::copy(record.add(RECORD), record.sub(distance), n);
        reload(&mut r);
        B::next(r)
    }

    // Ends the process, since nothing may unwind through handlers.
    #[cold]
    #[inline(never)]
    fn dropped<B>(mut r) {
        panic!("code was dropped that is still executed")
    }

    #[cold]
    #[inline(never)]
    fn exit<B>(mut r) {
        halt(&r, Stop::Done);
        B::stop()
    }
}
