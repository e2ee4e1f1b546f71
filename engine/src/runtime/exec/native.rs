//! Calls from the interpreter into compiled code. (`builtins` has those from compiled code to whatever isn't compiled.)
//!
//! Frames form alternating segments of interpreted and of compiled frames. A handler enters a segment of compiled
//! frames, which is an [`Activation`]; from it, a builtin starts dispatch for another segment of interpreted frames. An
//! error unwinds segment by segment, and each adds its frames to the backtrace. A tail call out of a segment's
//! outermost function leaves the segment first, so that tail calls between interpreted and compiled code take no stack.

use super::call::enter_prepared;
use super::control::target;
use super::entry::idle;
use super::operand::B as FB;
use super::regs::{Backend, Regs, handlers};
use super::sample::{self, Position};
use super::slow::{self, Callee, accumulate, execution, need_stack, prepare, reload, stop_there};
use super::throw::{self, stop_or_land};
use super::{Execution, Stop, deopt, suspend};
use crate::module::trap::Trap;
use crate::ops::cells::CELL;
use crate::runtime::backtrace::InstanceId;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::tier::layout::{LANDING_DEPTH, LANDING_THROWS};
use crate::runtime::tier::{Call, HostFn, Left, Tier, Trapped};
use crate::runtime::vmctx::{FuncObj, VmCtx};
use core::cell::Cell;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A segment of compiled frames.
pub(super) struct Activation {
    /// The innermost interpreter frame whose code they may come back to: that of the loop that was entered, or the one
    /// that they return to.
    pub(super) keeps: Position,
    /// The next outer one.
    pub(super) outer: *const Activation,
    /// The native frame of the stub by which they have called a function that is interpreted, while that executes.
    pub(super) called_from: Cell<*const u8>,
}

/// How a segment of compiled code ended.
enum SegmentEnd {
    Returned,
    /// The code of a loop left it: the interpreter goes on at this word of the function's code, in its frame.
    Landed(usize),
    /// The same, and the pending exception is thrown there, in blocks that are at most so deep.
    Threw(usize, u32),
    /// It tail-calls `VmStore::callee`, whose arguments are in the frame's first slots.
    TailCalls,
    /// `exec.stop` says why.
    Stopped,
    /// It wasn't entered, for want of a native stack.
    NoStack,
}

/// Bytes of native stack that a builtin may use. Compiled frames have a bound of their own, and host functions run on
/// another stack.
pub(super) const STACK_FOR_BUILTINS: usize = 32 << 10;

pub(super) unsafe fn tier<'a>(store: *mut StoreInner) -> &'a dyn Tier {
    // SAFETY: the caller has a live store, whose engine it keeps alive.
    unsafe { (*store).engine.tier().expect("compiled code comes from a tier") }
}

pub(super) unsafe fn store_of(vm: *mut VmCtx) -> *mut StoreInner {
    // SAFETY: contexts belong to a live store.
    unsafe { (*(*vm).store).store }
}

/// What names a context's instance.
///
/// # Safety
/// The context is live.
pub(super) unsafe fn instance_of(vm: *mut VmCtx) -> InstanceId {
    // SAFETY: the caller's contract; and contexts belong to a live store.
    unsafe { ((*store_of(vm)).id, (*(*vm).instance).handle) }
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

/// Whether compiled code may be entered from a loop of the frame at `sp`. It needn't be, so that is only done where enough
/// native stack is left for functions that are compiled, as far as the value stack goes.
unsafe fn may_enter_loop(store: *mut StoreInner, sp: *mut u64) -> bool {
    // SAFETY: as for `has_stack`; the frame is on the execution's stack.
    unsafe {
        if !has_stack(store) {
            return false;
        }
        let exec: *mut Execution = execution(&mut *store);
        let left = ((*exec).end as usize).saturating_sub(sp as usize);
        (*exec).code_stack.as_deref().is_some_and(|stack| tier(store).has_room(stack, left))
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

/// Enters compiled code, with its frame at `sp`, from the cell at `cell`. It will return to `ret` in the frame at
/// `caller`.
#[inline(never)]
unsafe fn enter(
    vm: *mut VmCtx,
    sp: *mut u64,
    (ret, caller): (*const u64, *mut u64),
    (trampoline, code): (*const u8, *const u8),
    cell: *const u64,
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
        let keeps = if trampoline.is_null() { Position { ip: cell, sp, vm, returned: false } } else { at };
        let called_from = Cell::new(core::ptr::null());
        let activation = Activation { keeps, outer: (*exec).native, called_from };
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
            Left::Returned => match core::mem::take(&mut (*store).vm.landing) {
                0 => SegmentEnd::Returned,
                word if word & LANDING_THROWS != 0 => {
                    let deepest = (word ^ LANDING_THROWS) >> LANDING_DEPTH;
                    SegmentEnd::Threw(word as u32 as usize - 1, deepest as u32)
                }
                word => SegmentEnd::Landed(word as usize - 1),
            },
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
            let instance = instance_of(vm);
            (trapped.frames)(&mut |index, offset| {
                backtrace.push_compiled((instance, module, imported + index), offset);
            });
        }
        (*exec).stop = Stop::Error(error);
    }
}

/// Enters compiled code from a cell; then the interpreter continues at the return address. The code of a loop may also
/// return into its function, whose code begins at `start`.
#[inline(always)]
unsafe fn go_native<B: Backend>(
    mut r: Regs,
    back: (*const u64, *mut u64),
    code: (*const u8, *const u8),
    start: *const u64,
) -> B::Out {
    // SAFETY: the handler contract (`Backend`): the frame at `sp` is claimed, and it returns to a cell and its frame. A
    // loop's code names a label of its function, whose code stays, since a position in it is listed.
    unsafe {
        match enter(r.vm, r.sp, back, code, r.ip) {
            SegmentEnd::Landed(word) => {
                r.ip = start.add(word);
                reload(&mut r);
                B::next(r)
            }
            SegmentEnd::Returned => {
                let results = r.sp;
                (r.ip, r.sp) = back;
                accumulate(&mut r, results);
                reload(&mut r);
                B::next(r)
            }
            SegmentEnd::Threw(word, deepest) => {
                r.ip = start.add(word);
                throw::on_leaving::<B>(r, deepest)
            }
            SegmentEnd::TailCalls => tail_call::<B>(r, back),
            SegmentEnd::Stopped => stop_or_land::<B>(r),
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
            let called = tail_call_out(r.vm, f, r.sp, (ret, caller));
            return slow::replaced::<B>(r, f, called, (ret, caller));
        };
        match prepare(r.vm, index, r.sp) {
            Ok(entry) => {
                let header = (*crate::ops::cells::Prologue::at(entry)).header as usize;
                enter_prepared::<B>(r, entry, r.sp, header, ret, caller)
            }
            Err(e) => {
                let header = header_in(r.vm, index, r.sp);
                suspend::note_entry((r.vm, index), r.sp, header, e, (ret, caller));
                B::stop()
            }
        }
    }
}

/// The same for a function out of the instance: runs it or prepares it, see [`slow::replace`].
#[cold]
#[inline(never)]
unsafe fn tail_call_out(
    vm: *mut VmCtx,
    f: *mut FuncObj,
    sp: *mut u64,
    back: (*const u64, *mut u64),
) -> Callee {
    // SAFETY: as for `tail_call`.
    unsafe {
        let called = slow::replace(vm, f, (sp, (*f).header as usize), sp, back);
        if let Callee::Stopped = called {
            suspend::note_tail_call(vm, f, sp, back);
        }
        called
    }
}

/// The OSR entry for the loop that the cell at `r.ip` branches back to, or null. The execution's position is published.
#[inline(always)]
pub(super) unsafe fn continuation(r: &Regs) -> *const u8 {
    // SAFETY: the handler contract (`Backend`): `r` is at a back edge.
    unsafe { continuation_of(r.vm, r.sp, target(r)) }
}

#[inline(never)]
unsafe fn continuation_of(vm: *mut VmCtx, sp: *mut u64, header: *const u64) -> *const u8 {
    // SAFETY: a context of a live store.
    unsafe {
        let module = (*(*vm).instance).module.shared();
        let found = (*store_of(vm)).engine.tier().and_then(|_| module.code.find(header, false));
        let code = found.and_then(|(index, word)| module.tiered.continuation(index, word as u32));
        let Some(code) = code.filter(|_| may_enter_loop(store_of(vm), sp)) else { return core::ptr::null() };
        // There is code for a loop, so watching for one can end.
        (*store_of(vm)).watch = None;
        code
    }
}

/// The header of function `index`'s frame at `sp`.
pub(super) unsafe fn header_in(vm: *mut VmCtx, index: u32, sp: *mut u64) -> *mut u64 {
    // SAFETY: a context of a live store.
    unsafe { sp.add((*(*vm).instance).module.shared().header(index) as usize) }
}

/// The header of the frame of the function that the cell at `ip` is in, and where its code begins.
#[inline(never)]
unsafe fn header_of(vm: *mut VmCtx, ip: *const u64, sp: *mut u64) -> (*mut u64, *const u64) {
    // SAFETY: a context of a live store; the frame at `sp` is of that function.
    unsafe {
        let module = (*(*vm).instance).module.shared();
        let (index, word) = module.code.find(ip, false).expect("it is being executed");
        (sp.add(module.header(index) as usize), ip.sub(word))
    }
}

/// The code that the cell of a loop at `r` enters, or null.
#[inline(always)]
unsafe fn island_code(r: &Regs) -> *const u8 {
    // SAFETY: the handler contract (`Backend`): the cell is of this op, and its word lives as long as the module.
    unsafe { (*(r.ext(0) as *const AtomicPtr<u8>)).load(Ordering::Acquire) }
}

handlers! {
    #[cold]
    #[inline(never)]
    fn enter_native<B>(mut r) {
        let h = r.slot(FB);
        let back = (*h as *const u64, *h.add(1) as *mut u64);
        let code = (r.ext(1) as *const u8, r.ext(0) as *const u8);
        go_native::<B>(r, back, code, core::ptr::null())
    }

    fn island<B>(mut r) {
        if island_code(&r).is_null() {
            r.ip = r.ip.add(CELL + 1);
            return B::next(r);
        }
        B::jump(r, enter_island::<B>)
    }

    #[cold]
    #[inline(never)]
    fn enter_island<B>(mut r) {
        let code = island_code(&r);
        if code.is_null() || !may_enter_loop(store_of(r.vm), r.sp) {
            r.ip = r.ip.add(CELL + 1);
            return B::next(r);
        }
        let h = r.slot(FB);
        let back = (*h as *const u64, *h.add(1) as *mut u64);
        let start = r.ip.sub(r.wide() as usize);
        go_native::<B>(r, back, (core::ptr::null(), code), start)
    }

    // OSR: continues a loop in compiled code, whose address is in the accumulator.
    #[cold]
    #[inline(never)]
    fn enter_continuation<B>(mut r) {
        let (h, start) = header_of(r.vm, r.ip, r.sp);
        let back = (*h as *const u64, *h.add(1) as *mut u64);
        let code = (core::ptr::null(), r.acc as *const u8);
        go_native::<B>(r, back, code, start)
    }
}
