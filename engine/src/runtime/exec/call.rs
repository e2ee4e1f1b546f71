//! Handlers of calls and returns.
//!
//! A frame is `[params | header | other locals | operands]` from `sp` on. The header is the return address and the
//! caller's `sp`. It begins at slot `h`, the larger of the numbers of parameter and result slots. A callee's frame
//! begins at the caller's argument slots, and its results replace them. The cell of a call holds the callee's `h`, the
//! cell of a return that of its own function.

use super::cell::Cell;
use super::control::keep_apart;
use super::operand::{A, Acc, B as FB, C, D, Slot, Src, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use super::slow;
use crate::module::trap::Trap;
use crate::ops::cells::{PROLOGUE, Prologue};
use crate::ops::frame::HEADER;
use crate::ops::{Classed, Op, SpecialOp};
use crate::runtime::vmctx::{FuncObj, TableObj, VmCtx};
use core::marker::PhantomData;
use core::sync::atomic::Ordering;

/// Calls function `c d` of the module with its frame at `R[a]` and its header at slot `b` of that.
pub(crate) struct Call;

impl Cell for Call {
    const OP: Op = SpecialOp::Call.op();
    #[inline(always)]
    unsafe fn finish<B: Backend>(r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let entry = entry_of(&r, r.wide());
            enter_hot::<B>(r, entry, r.ip.add(2), slow::enter_call::<B>)
        }
    }
}

/// Returns without a result.
pub(crate) struct Return;

impl Cell for Return {
    const OP: Op = SpecialOp::Return.op();
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`): the frame's header was written when it was entered.
        unsafe {
            let h = r.slot(FB);
            r.ip = *h as *const u64;
            r.sp = *h.add(1) as *mut u64;
            B::next(r)
        }
    }
}

/// Returns one value, in slot 0 and the accumulator.
pub(crate) struct ReturnValue<T, S>(PhantomData<(T, S)>);

impl<T: Value + Classed, S: Src> Cell for ReturnValue<T, S> {
    const OP: Op = Op(SpecialOp::ReturnInt.op().0
        + match S::CODE {
            Slot::CODE => T::CLASS as u16,
            Acc::CODE => T::CLASS as u16 + 4,
            _ => 8,
        });
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: as for `Return`.
        unsafe {
            let x: T = if S::IMM { T::load(r.ip.add(2)) } else { S::get(&r, A) };
            let h = r.slot(FB);
            r.ip = *h as *const u64;
            let caller = *h.add(1) as *mut u64;
            x.store(r.sp);
            x.set_acc(&mut r);
            r.sp = caller;
            B::next(r)
        }
    }
}

/// Locals that every call zeroes.
const FEW: usize = 2;

/// Begins the frame at `sp` of the code at `entry`, which has been charged for and fits the stack. Writes its header at
/// `h`: it will return to `ret` in the frame at `caller`.
///
/// # Safety
///
/// The [handler contract](Backend#safety), but for the frame: the one at `sp` is claimed for the code at `entry`, which
/// belongs to `r.vm`'s module.
#[inline(always)]
unsafe fn begin<B: Backend>(
    mut r: Regs,
    entry: *const u64,
    sp: *mut u64,
    h: *mut u64,
    ret: *const u64,
    caller: *mut u64,
) -> B::Out {
    // SAFETY: the caller's contract: an entry is a prologue followed by cells, and the header lies in the frame.
    unsafe {
        *h = ret as u64;
        *h.add(1) = caller as u64;
        // Two locals at once, which is enough for most functions. Where there are fewer, nothing is in these slots yet, and
        // every frame has them.
        h.add(HEADER as usize).cast::<[u64; FEW]>().write([0; FEW]);
        r.sp = sp;
        r.ip = entry.add(PROLOGUE);
        if (*Prologue::at(entry)).zeros > FEW as u32 {
            // In a handler of its own: a loop here would need more registers than there are, and cause spills.
            return B::jump(r, zero_locals::<B>);
        }
        // Otherwise LLVM shares the code above between the two exits, which takes another register.
        r.ip = keep_apart(r.ip);
        B::next(r)
    }
}

/// Charges for and begins the frame at `sp` of the code at `entry`, for which `slow::prepare` has claimed the stack and
/// made sure of the fuel.
#[inline(always)]
pub(crate) unsafe fn enter_prepared<B: Backend>(
    r: Regs,
    entry: *const u64,
    sp: *mut u64,
    header: usize,
    ret: *const u64,
    caller: *mut u64,
) -> B::Out {
    // SAFETY: as for `begin`.
    unsafe {
        (*(*r.vm).store).slice -= (*Prologue::at(entry)).cost as i64;
        begin::<B>(r, entry, sp, sp.add(header), ret, caller)
    }
}

/// Whether the frame at `sp`, which is in the stack, goes beyond the stack's `end`. It does if its size is that of
/// [`LAZY`](crate::ops::cells::LAZY).
#[inline(always)]
fn overflows(sp: *mut u64, frame: u32, end: *mut u64) -> bool {
    if size_of::<usize>() > size_of::<u32>() {
        sp.wrapping_byte_add(frame as usize) > end
    } else {
        // The sum might not be an address.
        frame as usize > end.addr() - sp.addr()
    }
}

/// The fast path of a call: enters the code at `entry` from the call at `r.ip`, with the frame at `R[a]`. If stack or
/// fuel don't suffice, `slow` does it, and undoes the charge.
#[inline(always)]
unsafe fn enter_hot<B: Backend>(mut r: Regs, entry: *const u64, ret: *const u64, slow: Handler<B>) -> B::Out {
    // SAFETY: as for `begin`. A function without code has a prologue whose frame is too large for any stack, so one
    // comparison checks for both.
    unsafe {
        // The accumulator is dead at a call, so it serves as a scratch register. `slow` reads the entry from it.
        r.acc = entry as u64;
        let store = (*r.vm).store;
        let sp = r.slot(A);
        if overflows(sp, (*Prologue::at(entry)).frame, (*store).stack_end) {
            return B::jump(r, slow);
        }
        let left = (*store).slice - (*Prologue::at(entry)).cost as i64;
        (*store).slice = left;
        if left < 0 {
            return B::jump(r, slow);
        }
        let h = sp.add(r.field(FB));
        let caller = r.sp;
        begin::<B>(r, entry, sp, h, ret, caller)
    }
}

#[inline(always)]
unsafe fn entry_of(r: &Regs, index: u32) -> *const u64 {
    // SAFETY: the handler contract (`Backend`): the index is of a function that the module defines.
    unsafe { (*(*r.vm).entries.add(index as usize)).load(Ordering::Relaxed) }
}

/// The function in the table element that the index operand selects, checked to be in bounds, not null and of the
/// expected type; or the trap.
#[inline(always)]
unsafe fn lookup<S: Src>(r: &Regs) -> Result<*mut FuncObj, Trap> {
    // SAFETY: the handler contract (`Backend`); elements are null or function objects.
    unsafe {
        let t: *mut TableObj = VmCtx::pointer(r.vm, r.ext(0) as u32);
        let i = S::get::<u32>(r, C) as u64;
        if i >= (*t).len {
            return Err(Trap::UndefinedElement);
        }
        let f = *(*t).base.add(i as usize) as *mut FuncObj;
        if f.is_null() {
            return Err(Trap::IndirectCallToNull);
        }
        if (*f).sig != (r.ext(0) >> 32) as u32 {
            (*(*r.vm).store).pending.func = f;
            return Err(Trap::BadSignature);
        }
        Ok(f)
    }
}

/// The function that `R[c]` refers to; validation has seen to its type.
#[inline(always)]
unsafe fn referenced(r: &Regs) -> Result<*mut FuncObj, Trap> {
    // SAFETY: the handler contract (`Backend`); references to functions are null or function objects.
    let f = unsafe { Slot::get::<u64>(r, C) } as *mut FuncObj;
    if f.is_null() { Err(Trap::NullReference) } else { Ok(f) }
}

/// Calls `f`, of this instance, another one or the host, from a cell of `LEN` words. Its frame is at `R[a]` and its
/// header at slot `b` of that.
#[inline(always)]
unsafe fn call_func<B: Backend, const LEN: usize>(r: Regs, f: *mut FuncObj) -> B::Out {
    // SAFETY: the handler contract (`Backend`); function objects live as long as the store.
    unsafe {
        (*(*r.vm).store).pending.func = f;
        if (*f).vm == r.vm {
            let entry = (*(*f).entry).load(Ordering::Relaxed);
            return enter_hot::<B>(r, entry, r.ip.add(LEN), slow::enter_func::<B, LEN>);
        }
        B::jump(r, slow::call_out::<B, LEN>)
    }
}

/// Tail-calls `f`, of this instance, another one or the host, with `d` slots of arguments at `R[a]`. The current
/// frame's header is at `R[b]`.
#[inline(always)]
unsafe fn return_call_func<B: Backend>(r: Regs, f: *mut FuncObj) -> B::Out {
    // SAFETY: the handler contract (`Backend`); function objects live as long as the store.
    unsafe {
        (*(*r.vm).store).pending.func = f;
        if (*f).vm == r.vm {
            let entry = (*(*f).entry).load(Ordering::Relaxed);
            return replace_frame::<B>(r, entry, slow::prepare_func::<B>);
        }
        B::jump(r, slow::return_call_out::<B>)
    }
}

/// The fast path of a tail call: enters the code at `entry` in place of the current frame. If stack or fuel don't
/// suffice, `slow` sees to that and retries the cell, so the arguments are moved only once the frame is known to fit.
#[inline(always)]
unsafe fn replace_frame<B: Backend>(mut r: Regs, entry: *const u64, slow: Handler<B>) -> B::Out {
    // SAFETY: the handler contract (`Backend`): the arguments and the current header lie in the frame.
    unsafe {
        // As in `enter_hot`.
        r.acc = entry as u64;
        let store = (*r.vm).store;
        if overflows(r.sp, (*Prologue::at(entry)).frame, (*store).stack_end) {
            return B::jump(r, slow);
        }
        let left = (*store).slice - (*Prologue::at(entry)).cost as i64;
        if left < 0 {
            return B::jump(r, slow);
        }
        (*store).slice = left;
        // The arguments may overwrite the header, and there are too few registers to keep it in.
        let h = r.slot(FB);
        (*store).pending.header = [*h, *h.add(1)];
        move_down(&r, r.sp.add(r.field(D)));
        let (entry, sp) = (r.acc as *const u64, r.sp);
        let header = (*Prologue::at(entry)).header as usize;
        let [ret, caller] = (*(*r.vm).store).pending.header;
        begin::<B>(r, entry, sp, sp.add(header), ret as *const u64, caller as *mut u64)
    }
}

/// Moves slots from `R[a]` on to the frame's beginning, up to `end`.
#[inline(always)]
unsafe fn move_down(r: &Regs, end: *mut u64) {
    // SAFETY: the handler contract (`Backend`): both places lie in the frame; slots only move down, in ascending
    // order.
    unsafe {
        let distance = r.field(A);
        let mut to = r.sp;
        while to != end {
            // Volatile, or LLVM makes a call of memmove of this, which spills every register. The barrier hides the
            // trip count, or LLVM unrolls the loop, for which there are too few registers.
            to.write_volatile(*to.add(distance));
            to = keep_apart(to.add(1)).cast_mut();
        }
    }
}

handlers! {
    // Zeroes the locals that the prologue before this first cell counts: more than two.
    #[inline(never)]
    fn zero_locals<B>(mut r) {
        let prologue = &*Prologue::at(r.ip.sub(PROLOGUE));
        let mut slot = r.sp.add((prologue.header + HEADER) as usize);
        let end = slot.add(prologue.zeros as usize);
        slot = slot.add(FEW);
        loop {
            // Volatile, or LLVM makes a call of memset of this, which spills every register.
            slot.write_volatile(0);
            slot = slot.add(1);
            if slot == end {
                return B::next(r);
            }
        }
    }

    // Calls the imported function whose object is in word `c d` of the context.
    fn call_import<B>(mut r) {
        let f: *mut FuncObj = VmCtx::pointer(r.vm, r.wide());
        call_func::<B, 2>(r, f)
    }

    fn call_indirect<B, S: Src>(mut r) {
        match lookup::<S>(&r) {
            Ok(f) => call_func::<B, 3>(r, f),
            Err(Trap::BadSignature) => B::jump(r, call_subtype::<B>),
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    // Calls `pending.func` if its type is a subtype of the one that the cell asks for.
    #[cold]
    #[inline(never)]
    fn call_subtype<B>(mut r) {
        let f = (*(*r.vm).store).pending.func;
        if slow::is_subtype(r.vm, (*f).sig, (r.ext(0) >> 32) as u32) {
            return call_func::<B, 3>(r, f);
        }
        slow::trap::<B>(r, Trap::BadSignature)
    }

    // The same for a tail call.
    #[cold]
    #[inline(never)]
    fn return_call_subtype<B>(mut r) {
        let f = (*(*r.vm).store).pending.func;
        if slow::is_subtype(r.vm, (*f).sig, (r.ext(0) >> 32) as u32) {
            return return_call_func::<B>(r, f);
        }
        slow::trap::<B>(r, Trap::BadSignature)
    }

    fn call_ref<B>(mut r) {
        match referenced(&r) {
            Ok(f) => call_func::<B, 2>(r, f),
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    fn return_call<B>(mut r) {
        let entry = entry_of(&r, r.ext(0) as u32);
        replace_frame::<B>(r, entry, slow::prepare_call::<B>)
    }

    fn return_call_import<B>(mut r) {
        let f: *mut FuncObj = VmCtx::pointer(r.vm, r.ext(0) as u32);
        return_call_func::<B>(r, f)
    }

    fn return_call_indirect<B>(mut r) {
        match lookup::<Slot>(&r) {
            Ok(f) => return_call_func::<B>(r, f),
            Err(Trap::BadSignature) => B::jump(r, return_call_subtype::<B>),
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    fn return_call_ref<B>(mut r) {
        match referenced(&r) {
            Ok(f) => return_call_func::<B>(r, f),
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    // Returns `c` slots of values from `R[a]` on.
    fn ret_values<B>(mut r) {
        // The accumulator is dead behind this cell, so it serves as a scratch register.
        r.acc = r.sp.add(r.field(C)) as u64;
        move_down(&r, r.acc as *mut u64);
        let h = r.slot(FB);
        r.ip = *h as *const u64;
        r.sp = *h.add(1) as *mut u64;
        B::next(r)
    }
}
