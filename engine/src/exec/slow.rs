//! Where handlers go when the fast path ends: traps, fuel, untranslated functions, stack growth, host functions,
//! calls between instances, and the end of an execution.
//!
//! A handler that needs something first (fuel, code, stack) comes here with its cell unchanged, says what it needs
//! in `VmStore::pending`, and is tried again.

use super::place::{A, B as FB, D, Value};
use super::regs::{Backend, Regs, Stub, handlers, to_vector};
use super::{Execution, Stop};
use crate::error::Error;
use crate::store::StoreInner;
use crate::trap::Trap;
use crate::value::V128;
use crate::vmctx::{FuncObj, VmCtx};
use core::sync::atomic::{AtomicPtr, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Words of the record that a call between instances leaves below the callee's frame: the caller's instance,
/// where to return to, the caller's `sp`, and how many slots of results to take where.
pub(crate) const RECORD: usize = 4;

/// Reloads the copies of memory 0.
#[inline(always)]
pub(crate) unsafe fn reload(r: &mut Regs) {
    // SAFETY: `vm` is live and always has a memory 0, if an empty one.
    unsafe {
        let m = (*r.vm).mem0;
        r.mem = (*m).base;
        r.len = (*m).len;
    }
}

unsafe fn store<'a>(r: &Regs) -> &'a mut StoreInner {
    // SAFETY: the store outlives its executions, and handlers hold no reference to it across dispatches.
    unsafe { &mut *(*(*r.vm).store).store }
}

fn execution(store: &mut StoreInner) -> &mut Execution {
    store.exec.as_deref_mut().expect("dispatch runs on the store's execution")
}

/// Ends dispatch with the cell at `r.ip` as the place where it happened.
#[cold]
#[inline(never)]
pub(crate) unsafe fn halt(r: &Regs, stop: Stop) {
    // SAFETY: as for `store`.
    unsafe {
        let exec = execution(store(r));
        exec.stop = stop;
        exec.at = *r;
    }
}

#[inline(always)]
pub(crate) unsafe fn stop<B: Backend>(r: Regs, e: Error) -> B::Out {
    // SAFETY: passed on.
    unsafe { halt(&r, Stop::Error(e)) };
    B::stop()
}

/// Stops with `trap`, from a hot handler: everything happens in a cold one.
#[inline(always)]
pub(crate) unsafe fn trap<B: Backend>(mut r: Regs, trap: Trap) -> B::Out {
    r.acc = trap as u64;
    // SAFETY: the same registers and cell.
    unsafe { B::jump(r, trap_in_acc::<B>) }
}

/// Has the stack extended to `end`, at the latest the frame's end. Fails when the stack may not grow.
pub(crate) fn need_stack(store: &mut StoreInner, end: *mut u64) -> Result<(), Trap> {
    if end <= store.vm.stack_end {
        return Ok(());
    }
    let limit = execution(store).extend(end)?;
    store.vm.stack_end = limit;
    Ok(())
}

/// Makes function `index` of `vm`'s module callable with its frame at `sp`: code, stack, fuel for the entry.
pub(crate) unsafe fn prepare(vm: *mut VmCtx, index: u32, sp: *mut u64) -> Result<(), Error> {
    // SAFETY: `vm` and its instance are live.
    unsafe {
        let store = &mut *(*(*vm).store).store;
        let module = (*(*vm).instance).module.shared();
        let mut entry = (*(*vm).entries.add(index as usize)).load(Ordering::Relaxed);
        if crate::code::is_lazy(entry) {
            entry = module.translated(index)?.cast_mut();
        }
        let (frame, cost) = (*entry as u32 as usize, *entry >> 32);
        need_stack(store, sp.wrapping_byte_add(frame))?;
        if store.vm.slice < cost as i64 {
            store.refill(cost)?;
        }
        Ok(())
    }
}

/// What a call out of the instance comes to.
enum Callee {
    /// A host function ran; its results are in place.
    Done,
    /// Function of another instance, with its frame ready at `sp`.
    Enter { vm: *mut VmCtx, sp: *mut u64 },
}

/// Runs a host function, or makes the frame of one of another instance after a record for the way back to
/// `(ret, caller)`; `args` are its arguments, and results will go to `results`.
unsafe fn call_other(
    r: &Regs,
    f: *mut FuncObj,
    args: *mut u64,
    results: *mut u64,
    ret: *const u64,
    caller: *mut u64,
) -> Result<Callee, Stop> {
    // SAFETY: the caller's frame reaches to the end of `args`; what lies beyond is free once the stack is known to
    // reach there.
    unsafe {
        let store = store(r);
        let header = (*f).header as usize;
        if (*f).vm.is_null() {
            need_stack(store, args.wrapping_add(header)).map_err(|t| Stop::Error(t.into()))?;
            call_host(r, store, f, args)?;
            return Ok(Callee::Done);
        }
        let record = args.add(header);
        let sp = record.wrapping_add(RECORD);
        need_stack(store, sp.wrapping_add(header)).map_err(|t| Stop::Error(t.into()))?;
        prepare((*f).vm, (*f).index, sp).map_err(Stop::Error)?;
        *record = r.vm as u64;
        *record.add(1) = ret as u64;
        *record.add(2) = caller as u64;
        *record.add(3) = (record.offset_from(results) as u64) << 32 | header as u64;
        core::ptr::copy(args, sp, header);
        Ok(Callee::Enter { vm: (*f).vm, sp })
    }
}

/// Calls a host function. A panic becomes a reason to stop, since it may not unwind through handlers.
unsafe fn call_host(r: &Regs, store: &mut StoreInner, f: *mut FuncObj, args: *mut u64) -> Result<(), Stop> {
    // SAFETY: the arguments are in the stack, which a nested execution continues after them.
    unsafe {
        let header = (*f).header as usize;
        let exec = execution(store);
        let outer = core::mem::replace(&mut exec.top, args.add(header));
        let at = core::mem::replace(&mut exec.at, *r);
        let slots = core::slice::from_raw_parts_mut(args, header);
        let whole: *mut StoreInner = store;
        let done = catch_unwind(AssertUnwindSafe(|| StoreInner::call_host(whole, f, r.vm, slots)));
        let store = &mut *whole;
        let exec = execution(store);
        exec.top = outer;
        exec.at = at;
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) => Err(Stop::Error(e)),
            Err(payload) => Err(Stop::Panic(payload)),
        }
    }
}

/// Sets every accumulator from slot 0 of the results, whatever their type.
unsafe fn accumulate(r: &mut Regs, results: *const u64) {
    // SAFETY: the caller's frame has at least two slots after the results' first (a header would be there).
    unsafe {
        r.acc = *results;
        r.f32 = f32::load(results);
        r.f64 = f64::load(results);
        r.v128 = to_vector(V128::load(results));
    }
}

/// Enters prepared code whose way back is through a record.
#[inline(always)]
unsafe fn enter_other<B: Backend>(mut r: Regs, f: *mut FuncObj, vm: *mut VmCtx, sp: *mut u64) -> B::Out {
    // SAFETY: `prepare` has made the code and the frame.
    unsafe {
        r.vm = vm;
        reload(&mut r);
        let entry = (*(*f).entry).load(Ordering::Relaxed);
        let ret = B::stub(Stub::CrossReturn);
        let record = sp.sub(RECORD);
        super::control::enter::<B>(r, entry, sp, (*f).header as usize, ret, record, (*f).index)
    }
}

/// Enters function `index` of the module, whose entry word is `word`, after a call found that something is missing.
#[inline(always)]
unsafe fn finish_call<B: Backend>(
    r: Regs,
    word: *const AtomicPtr<u64>,
    index: u32,
    ret: *const u64,
) -> B::Out {
    // SAFETY: `prepare` makes the code and the frame.
    unsafe {
        let vm_store = (*r.vm).store;
        if (*vm_store).slice < 0 {
            // The call has charged what wasn't there.
            (*vm_store).slice += (*(*word).load(Ordering::Relaxed) >> 32) as i64;
        }
        let sp = r.slot(A);
        match prepare(r.vm, index, sp) {
            Ok(()) => {
                let entry = (*word).load(Ordering::Relaxed);
                super::control::enter::<B>(r, entry, sp, r.field(FB), ret, r.sp, index)
            }
            Err(e) => stop::<B>(r, e),
        }
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
    fn refill<B>(mut r) {
        let store = store(&r);
        let cost = store.vm.pending.cost;
        match store.refill(cost) {
            Ok(()) => B::next(r),
            Err(t) => stop::<B>(r, t.into()),
        }
    }

    // For a branch to a loop header, whose cost is in extension word `WORD`.
    #[cold]
    #[inline(never)]
    fn refill_back<B; const WORD: usize>(mut r) {
        match store(&r).refill(r.ext(WORD)) {
            Ok(()) => B::next(r),
            Err(t) => stop::<B>(r, t.into()),
        }
    }

    #[cold]
    #[inline(never)]
    fn enter<B>(mut r) {
        let pending = &(*(*r.vm).store).pending;
        match prepare(r.vm, pending.index, pending.sp) {
            Ok(()) => B::next(r),
            Err(e) => stop::<B>(r, e),
        }
    }

    // Does what the call at `r.ip` could not: function `c d` of the module, with its frame at `R[a]`.
    #[cold]
    #[inline(never)]
    fn enter_call<B>(mut r) {
        let index = r.wide();
        let word = (*r.vm).entries.add(index as usize);
        let ret = r.ip.add(2);
        finish_call::<B>(r, word, index, ret)
    }

    // The same for `pending.func`, of this instance.
    #[cold]
    #[inline(never)]
    fn enter_func<B>(mut r) {
        let pending = &(*(*r.vm).store).pending;
        let (f, ret) = (pending.func, pending.ret);
        finish_call::<B>(r, (*f).entry, (*f).index, ret)
    }

    // Calls `pending.func`, a host function or one of another instance.
    #[cold]
    #[inline(never)]
    fn call_out<B>(mut r) {
        let pending = &(*(*r.vm).store).pending;
        let (f, sp, ret) = (pending.func, r.slot(A), pending.ret);
        match call_other(&r, f, sp, sp, ret, r.sp) {
            Ok(Callee::Done) => {
                accumulate(&mut r, sp);
                reload(&mut r);
                r.ip = ret;
                B::next(r)
            }
            Ok(Callee::Enter { vm, sp }) => enter_other::<B>(r, f, vm, sp),
            Err(why) => {
                halt(&r, why);
                B::stop()
            }
        }
    }

    // Tail-calls `pending.func`, a host function or one of another instance; arguments at `R[a]`, `d` slots of
    // them, header at `R[b]`.
    #[cold]
    #[inline(never)]
    fn return_call_out<B>(mut r) {
        let f = (*(*r.vm).store).pending.func;
        let (args, n) = (r.slot(A), r.field(D));
        let (h, base) = (r.slot(FB), r.sp);
        let (ret, caller) = (*h as *const u64, *h.add(1) as *mut u64);
        let crossed = ret == B::stub(Stub::CrossReturn);
        if !(*f).vm.is_null() && crossed {
            // The record for the way back is there already: the frame can be replaced, so that such calls take
            // no stack however many there are.
            return match prepare((*f).vm, (*f).index, r.sp) {
                Ok(()) => {
                    core::ptr::copy(args, r.sp, n);
                    enter_other::<B>(r, f, (*f).vm, r.sp)
                }
                Err(e) => stop::<B>(r, e),
            };
        }
        match call_other(&r, f, args, r.sp, ret, caller) {
            Ok(Callee::Done) => {
                core::ptr::copy(args, base, (*f).header as usize);
                r.sp = caller;
                r.ip = ret;
                accumulate(&mut r, base);
                reload(&mut r);
                B::next(r)
            }
            // The frame stays below the record, dead; the callee's own such calls find the record and replace.
            Ok(Callee::Enter { vm, sp }) => enter_other::<B>(r, f, vm, sp),
            Err(why) => {
                halt(&r, why);
                B::stop()
            }
        }
    }

    // Where a call between instances returns to: `sp` is at its record.
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

    #[cold]
    #[inline(never)]
    fn exit<B>(mut r) {
        halt(&r, Stop::Done);
        B::stop()
    }
}
