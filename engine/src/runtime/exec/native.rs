//! Calls from the interpreter into compiled code, and from compiled code to whatever isn't compiled.
//!
//! Frames form alternating segments of interpreted and of compiled frames. A handler enters a segment of compiled
//! frames, which is an [`Activation`]; from it, a builtin starts dispatch for another segment of interpreted frames. An
//! error unwinds segment by segment, and each adds its frames to the backtrace. A tail call out of a segment's
//! outermost function leaves the segment first, so that tail calls between interpreted and compiled code take no stack.

use super::control::{enter_prepared, target};
use super::entry::{dispatch, idle};
use super::operand::B as FB;
use super::regs::{Backend, Regs, handlers};
use super::sample::{self, Position};
use super::slow::{
    RECORD, accumulate, call_host, execution, need_stack, prepare, reload, stop_there, tail_call_out,
};
use super::{Execution, Stop, deopt, suspend, walk};
use crate::module::trap::Trap;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::tier::{Call, HostFn, Left, Tier, Trapped};
use crate::runtime::vmctx::{FuncObj, VmCtx};
use core::sync::atomic::Ordering;

/// A segment of compiled frames.
pub(super) struct Activation {
    /// The interpreter's position below them: where they return to.
    pub(super) at: Position,
    /// The next outer one.
    pub(super) outer: *const Activation,
}

/// How a segment of compiled code ended.
enum SegmentEnd {
    Returned,
    /// It tail-calls `VmStore::callee`, whose arguments are in the frame's first slots.
    TailCalls,
    /// `exec.stop` says why.
    Stopped,
    /// It wasn't entered, for want of a native stack.
    NoStack,
}

/// Bytes of native stack that a builtin may use. Compiled frames have a bound of their own, and host functions run on
/// another stack.
const STACK_FOR_BUILTINS: usize = 32 << 10;

unsafe fn tier<'a>(store: *mut StoreInner) -> &'a dyn Tier {
    // SAFETY: the caller has a live store, whose engine it keeps alive.
    unsafe { (*store).engine.tier().expect("compiled code comes from a tier") }
}

unsafe fn store_of(vm: *mut VmCtx) -> *mut StoreInner {
    // SAFETY: contexts belong to a live store.
    unsafe { (*(*vm).store).store }
}

/// Whether the execution has a stack for compiled code, and this thread can use it.
unsafe fn has_stack(store: *mut StoreInner) -> bool {
    // SAFETY: a live store with an execution, and no reference to the store's parts is held.
    unsafe {
        let exec: *mut Execution = execution(&mut *store);
        if (*exec).interprets || !tier(store).is_ready() {
            return false;
        }
        (*exec).code_stack.is_some()
    }
}

/// Calls `f(data)`, which may run the embedder's code, on the stack that the embedder called from. Returns false,
/// without calling, if too little of the compiled code's stack is left for builtins of code that `f` may call back.
///
/// # Safety
/// The store is live and no reference to its parts is held; its execution has an activation. `data` is what `f`
/// expects.
#[inline(always)]
pub(super) unsafe fn on_host_stack(store: *mut StoreInner, f: HostFn, data: *mut ()) -> bool {
    // SAFETY: the caller's contract; the execution keeps its stack as long as it has an activation.
    unsafe {
        let exec: *mut Execution = execution(&mut *store);
        let Some(stack) = (*exec).code_stack.as_deref() else { return false };
        tier(store).on_host_stack(&raw const *stack, STACK_FOR_BUILTINS, f, data)
    }
}

/// Whether there are compiled frames: then the current native stack may not be the embedder's.
pub(super) fn is_entered(exec: &Execution) -> bool {
    !exec.native.is_null()
}

/// Enters compiled code, with its frame at `sp`. It will return to `ret` in the frame at `caller`.
#[inline(never)]
unsafe fn enter(
    vm: *mut VmCtx,
    sp: *mut u64,
    (ret, caller): (*const u64, *mut u64),
    (trampoline, code): (*const u8, *const u8),
) -> SegmentEnd {
    // SAFETY: the store and its execution outlive the code that they execute; no reference to them is held meanwhile.
    unsafe {
        let store = store_of(vm);
        let tier = tier(store);
        let at = Position { ip: ret, sp: caller, vm, returned: true };
        let exec: *mut Execution = execution(&mut *store);
        (*exec).leaves = false;
        if !has_stack(store) {
            (*exec).at = at;
            return SegmentEnd::NoStack;
        }
        (*exec).at = at;
        // A function's continuation is entered from itself, and seldom.
        if !trampoline.is_null() {
            sample::cross(&mut *store, core::ptr::null_mut(), 0);
        }
        let Some(stack) = (*exec).code_stack.as_deref() else { return SegmentEnd::NoStack };
        let activation = Activation { at, outer: (*exec).native };
        (*exec).native = &raw const activation;
        (*exec).at = idle().position();
        let call = Call { trampoline, vm: vm.cast(), frame: sp, code, on_trap, data: vm.cast() };
        let left = tier.enter(&raw const *stack, &call);
        (*exec).native = activation.outer;
        (*exec).at = at;
        (*exec).leaves = false;
        match left {
            Left::Returned if (*store).vm.leaving != 0 => {
                deopt::settle(vm, (ret, caller));
                SegmentEnd::Stopped
            }
            Left::Returned => SegmentEnd::Returned,
            Left::Unwound if core::mem::take(&mut (*exec).tail) => SegmentEnd::TailCalls,
            Left::Unwound => SegmentEnd::Stopped,
        }
    }
}

/// Makes the error for a trap in compiled code, or takes the one that a builtin left in `exec.stop`, and adds the
/// compiled frames to its backtrace. The trap handler calls it before it unwinds.
unsafe fn on_trap(data: *mut (), trapped: Trapped<'_>) {
    // SAFETY: `data` is the context that `enter` passed; while compiled code traps, no reference into the store is
    // held.
    unsafe {
        let vm = data.cast::<VmCtx>();
        let exec: *mut Execution = execution(&mut *store_of(vm));
        let mut error = match (trapped.trap, core::mem::replace(&mut (*exec).stop, Stop::Done)) {
            (Some(trap), _) => {
                if trap == Trap::Interrupt {
                    // The poll page's fault found the interruption. No builtin has taken the flag, so it is taken here.
                    (*store_of(vm)).interrupt.answer();
                }
                Error::from(trap)
            }
            (None, Stop::Error(error)) => error,
            (None, other) => {
                (*exec).stop = other;
                return;
            }
        };
        if let Some(backtrace) = error.backtrace_mut() {
            let module = &(*(*vm).instance).module;
            let imported = module.shared().data.imported_funcs;
            (trapped.frames)(&mut |index, offset| backtrace.push_compiled(module, imported + index, offset));
        }
        (*exec).stop = Stop::Error(error);
    }
}

/// Enters compiled code from a cell; then the interpreter continues at the return address.
#[inline(always)]
unsafe fn go_native<B: Backend>(
    mut r: Regs,
    back: (*const u64, *mut u64),
    code: (*const u8, *const u8),
) -> B::Out {
    // SAFETY: the handler contract (`Backend`): the frame at `sp` is claimed, and it returns to a cell and its frame.
    unsafe {
        match enter(r.vm, r.sp, back, code) {
            SegmentEnd::Returned => {
                let results = r.sp;
                (r.ip, r.sp) = back;
                accumulate(&mut r, results);
                reload(&mut r);
                B::next(r)
            }
            SegmentEnd::TailCalls => tail_call::<B>(r, back),
            SegmentEnd::Stopped => B::stop(),
            SegmentEnd::NoStack => match interpret(r.vm, r.ip, r.sp) {
                Ok(entry) => {
                    let header = (*crate::ops::cells::Prologue::at(entry)).header as usize;
                    enter_prepared::<B>(r, entry, r.sp, header, back.0, back.1)
                }
                Err(e) => stop_there::<B>(r, e),
            },
        }
    }
}

/// The fallback when compiled code can't be entered: finds or makes the cells of the function whose native entry is at
/// `ip`, and prepares them to be entered with the frame at `sp`.
#[inline(never)]
unsafe fn interpret(vm: *mut VmCtx, ip: *const u64, sp: *mut u64) -> Result<*const u64, Error> {
    // SAFETY: a context of a live store that is executing its module's code.
    unsafe {
        let store = &mut *store_of(vm);
        let module = (*(*vm).instance).module.shared();
        let (index, _) = module.code.find(ip, false).expect("it is being executed");
        let entry = module.cells(index, &sample::Standing(store))?;
        let prologue = &*crate::ops::cells::Prologue::at(entry);
        need_stack(store, sp.wrapping_byte_add(prologue.frame as usize))?;
        if store.vm.slice < prologue.cost as i64 {
            sample::refill(store, prologue.cost as u64, vm, index)?;
        }
        Ok(entry)
    }
}

/// Tail-calls `VmStore::callee`. Its arguments are in the frame's first slots already.
#[inline(always)]
unsafe fn tail_call<B: Backend>(r: Regs, (ret, caller): (*const u64, *mut u64)) -> B::Out {
    // SAFETY: `callee` names a function of the context's module, or a function object: compiled code set it.
    unsafe {
        let callee = (*(*r.vm).store).callee;
        let f = callee as *mut FuncObj;
        let index = if callee & 1 != 0 {
            (callee >> 1) as u32
        } else if (*f).vm == r.vm {
            (*f).index
        } else {
            let n = (*f).header as usize;
            return tail_call_out::<B>(r, f, (r.sp, n), (ret, caller), suspend::NO_CELL);
        };
        match prepare(r.vm, index, r.sp) {
            Ok(entry) => {
                let header = (*crate::ops::cells::Prologue::at(entry)).header as usize;
                enter_prepared::<B>(r, entry, r.sp, header, ret, caller)
            }
            Err(e) => {
                let header = header_in(r.vm, index, r.sp);
                suspend::note_entry(&r, e, index, header, (ret, caller));
                B::stop()
            }
        }
    }
}

/// The OSR entry for the loop that the cell at `r.ip` branches back to, or null. The execution's position is published.
#[inline(always)]
pub(super) unsafe fn continuation(r: &Regs) -> *const u8 {
    // SAFETY: the handler contract (`Backend`): `r` is at a back edge.
    unsafe { continuation_of(r.vm, target(r)) }
}

#[inline(never)]
unsafe fn continuation_of(vm: *mut VmCtx, header: *const u64) -> *const u8 {
    // SAFETY: a context of a live store.
    unsafe {
        let module = (*(*vm).instance).module.shared();
        let found = (*store_of(vm)).engine.tier().and_then(|_| module.code.find(header, false));
        let code = found.and_then(|(index, word)| module.tiered.continuation(index, word as u32));
        let Some(code) = code.filter(|_| has_stack(store_of(vm))) else { return core::ptr::null() };
        // There is code for a loop, so watching for one can end.
        (*store_of(vm)).watch = None;
        code
    }
}

/// The header of function `index`'s frame at `sp`.
unsafe fn header_in(vm: *mut VmCtx, index: u32, sp: *mut u64) -> *mut u64 {
    // SAFETY: a context of a live store.
    unsafe { sp.add((*(*vm).instance).module.shared().header(index) as usize) }
}

/// The header of the frame of the function that the cell at `ip` is in.
#[inline(never)]
unsafe fn header_of(vm: *mut VmCtx, ip: *const u64, sp: *mut u64) -> *mut u64 {
    // SAFETY: a context of a live store; the frame at `sp` is of that function.
    unsafe {
        let module = (*(*vm).instance).module.shared();
        let (index, _) = module.code.find(ip, false).expect("it is being executed");
        sp.add(module.header(index) as usize)
    }
}

handlers! {
    #[cold]
    #[inline(never)]
    fn enter_native<B>(mut r) {
        let h = r.slot(FB);
        let back = (*h as *const u64, *h.add(1) as *mut u64);
        let code = (r.ext(1) as *const u8, r.ext(0) as *const u8);
        go_native::<B>(r, back, code)
    }

    // OSR: continues a loop in compiled code, whose address is in the accumulator.
    #[cold]
    #[inline(never)]
    fn enter_continuation<B>(mut r) {
        let h = header_of(r.vm, r.ip, r.sp);
        let back = (*h as *const u64, *h.add(1) as *mut u64);
        let code = (core::ptr::null(), r.acc as *const u8);
        go_native::<B>(r, back, code)
    }
}

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
            call_guest(store, vm, callee, args)
        };
        let stood = core::mem::replace(&mut (*exec).at, idle().position());
        (*exec).leaves = false;
        match result {
            Ok(()) => 0,
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
pub(crate) unsafe extern "C" fn refill(vm: *mut VmCtx, cost: u64, _: u64) -> u32 {
    // SAFETY: as for `stack`.
    unsafe {
        let store = store_of(vm);
        let result = sample::refill(&mut *store, cost, core::ptr::null_mut(), 0);
        done_or_leave(vm, result.map_err(Error::from))
    }
}

/// The return value of a builtin that failed with `e`.
pub(super) unsafe fn failed(vm: *mut VmCtx, e: Error) -> u32 {
    // SAFETY: as for `stack`.
    unsafe { done_or_leave(vm, Err(e)) }
}
