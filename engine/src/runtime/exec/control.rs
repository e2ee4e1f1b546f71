//! Handlers of branches, calls and returns.
//!
//! A frame is `[params | header | other locals | operands]` from `sp` on, where the header begins at slot `h`, the
//! larger of the callee's params and results: the instruction pointer to return to and the caller's `sp`. A
//! callee's frame begins at the caller's argument slots, and its results land there. A call's cell says the
//! callee's `h`; a return's its own.

use super::cell::Cell;
use super::place::{A, Acc, B as FB, C, D, Slot, Src, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use super::slow;
use crate::module::trap::Trap;
use crate::ops::cells::{PROLOGUE, Prologue};
use crate::ops::frame::HEADER;
use crate::ops::{Classed, Op, SpecialOp};
use crate::runtime::vmctx::{FuncObj, TableObj, VmCtx};
use core::marker::PhantomData;
use core::sync::atomic::Ordering;

/// Where the branch cell at `ip` goes: its `c d` is the distance in words.
#[inline(always)]
pub(crate) unsafe fn target(r: &Regs) -> *const u64 {
    // SAFETY: translated branches stay in their code.
    unsafe { r.ip.offset(r.wide() as i32 as isize) }
}

/// Keeps the two ends of a branch from being merged into one dispatch with a selected `ip`, which would make every
/// next cell wait for the comparison.
#[inline(always)]
pub(crate) fn keep_apart(mut ip: *const u64) -> *const u64 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read through it here")]
    // SAFETY: no instructions.
    unsafe {
        core::arch::asm!("/* {0} */", inout(reg) ip, options(pure, nomem, nostack, preserves_flags))
    };
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        ip = core::hint::black_box(ip);
    }
    ip
}

/// `x`, of which the compiler knows nothing then.
#[inline(always)]
pub(crate) fn opaque(x: u64) -> u64 {
    keep_apart(core::ptr::without_provenance(x as usize)).addr() as u64
}

/// Which way a branch goes.
pub(crate) trait Direction {
    const BACK: bool;
    /// Goes to the cell's target. What a loop costs is in extension word `word`.
    unsafe fn go<B: Backend>(r: Regs, word: usize) -> B::Out;
}

pub(crate) enum Forward {}
/// To a loop header, which charges the loop.
pub(crate) enum Back {}

impl Direction for Forward {
    const BACK: bool = false;
    #[inline(always)]
    unsafe fn go<B: Backend>(mut r: Regs, _: usize) -> B::Out {
        // SAFETY: translated branches lead to cells.
        unsafe {
            r.ip = target(&r);
            B::next(r)
        }
    }
}

impl Direction for Back {
    const BACK: bool = true;
    #[inline(always)]
    unsafe fn go<B: Backend>(r: Regs, word: usize) -> B::Out {
        // SAFETY: as above.
        unsafe { charge_and_go::<B>(r, word) }
    }
}

/// `goto`
pub(crate) struct Br<D>(PhantomData<D>);

impl<D: Direction> Cell for Br<D> {
    const OP: Op = Op(SpecialOp::Br.op().0 + D::BACK as u16);
    #[inline(always)]
    unsafe fn finish<B: Backend>(r: Regs) -> B::Out {
        // SAFETY: passed on.
        unsafe { D::go::<B>(r, 0) }
    }
}

/// `if x != 0: goto`, or `if x == 0: goto`
pub(crate) struct BrIf<S, N, D>(PhantomData<(S, N, D)>);

impl<S: Src, N: Polarity, D: Direction> Cell for BrIf<S, N, D> {
    const OP: Op = Op(N::OP + if S::CODE == Acc::CODE { 2 } else { 0 } + D::BACK as u16);
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the cell is of this op.
        unsafe {
            if N::holds(S::get::<u64>(&r, A)) {
                D::go::<B>(r, 0)
            } else {
                r.ip = keep_apart(r.ip.add(2 + D::BACK as usize));
                B::next(r)
            }
        }
    }
}

/// Goes to extension word `min(x, c d)`, which is a distance from this cell.
pub(crate) struct BrTable<S>(PhantomData<S>);

impl<S: Src> Cell for BrTable<S> {
    const OP: Op = Op(SpecialOp::BrTable.op().0 + (S::CODE == Acc::CODE) as u16);
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the cell is of this op.
        unsafe {
            let last = r.wide();
            let mut i = S::get::<u32>(&r, A);
            if i > last {
                i = last;
            }
            let by = r.ext(i as usize) as isize;
            r.ip = r.ip.offset(by);
            B::next(r)
        }
    }
}

/// Calls function `c d` of the module with its frame at `R[a]` and its header at slot `b` of that.
pub(crate) struct Call;

impl Cell for Call {
    const OP: Op = SpecialOp::Call.op();
    #[inline(always)]
    unsafe fn finish<B: Backend>(r: Regs) -> B::Out {
        // SAFETY: the cell is of this op.
        unsafe {
            let entry = entry_of(&r, r.wide());
            enter_hot::<B>(r, entry, r.ip.add(2), slow::enter_call::<B>)
        }
    }
}

/// Returns nothing.
pub(crate) struct Return;

impl Cell for Return {
    const OP: Op = SpecialOp::Return.op();
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the frame's header was written when it was entered.
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
        // SAFETY: as above.
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

/// Charges what extension word `word` says, then goes to the cell's target; or has more fuel fetched first and tries
/// the cell again.
#[inline(always)]
unsafe fn charge_and_go<B: Backend>(mut r: Regs, word: usize) -> B::Out {
    // SAFETY: `vm` and its store are live.
    unsafe {
        let store = (*r.vm).store;
        let left = (*store).slice - r.ext(word) as i64;
        if left < 0 {
            return B::jump(r, if word == 0 { slow::refill_back::<B, 0> } else { slow::refill_back::<B, 1> });
        }
        (*store).slice = left;
        r.ip = target(&r);
        B::next(r)
    }
}

/// Begins the frame at `sp` of the code at `entry`, which is paid for and fits the stack; it will return to `ret` and
/// the frame at `caller`, as its header at `h` says.
#[inline(always)]
unsafe fn begin<B: Backend>(
    mut r: Regs,
    entry: *const u64,
    sp: *mut u64,
    h: *mut u64,
    ret: *const u64,
    caller: *mut u64,
) -> B::Out {
    // SAFETY: an entry is a prologue followed by cells, and the header lies in the frame.
    unsafe {
        *h = ret as u64;
        *h.add(1) = caller as u64;
        r.sp = sp;
        r.ip = entry.add(PROLOGUE);
        if (*Prologue::at(entry)).zeros != 0 {
            // In a handler of its own, since a loop here takes more registers than there are.
            return B::jump(r, zero_locals::<B>);
        }
        // Or what is above is done once for both ways, at the price of a register.
        r.ip = keep_apart(r.ip);
        B::next(r)
    }
}

/// Charges and begins the frame at `sp` of the code at `entry`, for which `slow::prepare` has made room and found
/// the fuel.
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

/// Enters the code at `entry` from the call at `r.ip`, with the frame at `R[a]`; or has `slow` do it, which takes
/// back the charge.
#[inline(always)]
unsafe fn enter_hot<B: Backend>(mut r: Regs, entry: *const u64, ret: *const u64, slow: Handler<B>) -> B::Out {
    // SAFETY: as for `begin`: a function without code has a frame too large for any stack, so that it needs no check
    // of its own.
    unsafe {
        // No callee looks at the accumulator: it serves as one more register, of which there are too few.
        r.acc = entry as u64;
        let store = (*r.vm).store;
        let sp = r.slot(A);
        let frame = (*Prologue::at(entry)).frame as usize;
        if sp.wrapping_byte_add(frame) > (*store).stack_end {
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
    // SAFETY: the translator names only functions of the module, whose table the instance points to.
    unsafe { (*(*r.vm).entries.add(index as usize)).load(Ordering::Relaxed) }
}

/// The function in table element `R[index]`, checked; or the trap.
#[inline(always)]
unsafe fn lookup<S: Src>(r: &Regs) -> Result<*mut FuncObj, Trap> {
    // SAFETY: tables outlive the code that names them; elements are null or function objects.
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
            return Err(Trap::BadSignature);
        }
        Ok(f)
    }
}

/// Calls `f`, which may be anything, with its frame at `R[a]` and its header at slot `b` of that, from a cell of
/// `LEN` words.
#[inline(always)]
unsafe fn call_func<B: Backend, const LEN: usize>(r: Regs, f: *mut FuncObj) -> B::Out {
    // SAFETY: function objects outlive whoever refers to them.
    unsafe {
        (*(*r.vm).store).pending.func = f;
        if (*f).vm == r.vm {
            let entry = (*(*f).entry).load(Ordering::Relaxed);
            return enter_hot::<B>(r, entry, r.ip.add(LEN), slow::enter_func::<B, LEN>);
        }
        B::jump(r, slow::call_out::<B, LEN>)
    }
}

/// Tail-calls `f`, which may be anything, with `d` slots of arguments at `R[a]`; the header is at `R[b]`.
#[inline(always)]
unsafe fn return_call_func<B: Backend>(r: Regs, f: *mut FuncObj) -> B::Out {
    // SAFETY: function objects outlive whoever refers to them.
    unsafe {
        (*(*r.vm).store).pending.func = f;
        if (*f).vm == r.vm {
            let entry = (*(*f).entry).load(Ordering::Relaxed);
            return replace_frame::<B>(r, entry, slow::prepare_func::<B>);
        }
        B::jump(r, slow::return_call_out::<B>)
    }
}

/// Enters the code at `entry` in place of the current frame; or leaves the cell to `slow`, which tries it again. The
/// arguments are moved only once the frame is known to fit.
#[inline(always)]
unsafe fn replace_frame<B: Backend>(mut r: Regs, entry: *const u64, slow: Handler<B>) -> B::Out {
    // SAFETY: the arguments and the current header lie in the frame.
    unsafe {
        // As in `enter_hot`.
        r.acc = entry as u64;
        let store = (*r.vm).store;
        if r.sp.wrapping_byte_add((*Prologue::at(entry)).frame as usize) > (*store).stack_end {
            return B::jump(r, slow);
        }
        let left = (*store).slice - (*Prologue::at(entry)).cost as i64;
        if left < 0 {
            return B::jump(r, slow);
        }
        (*store).slice = left;
        // The arguments may come to lie over the header, and there are too few registers to keep it in.
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
    // SAFETY: both lie in the frame, and what is moved comes from above.
    unsafe {
        let distance = r.field(A);
        let mut to = r.sp;
        while to != end {
            // Volatile, or this becomes a call of memmove, which saves every register. How far it is from the end is
            // kept from the compiler, or it unrolls the loop, for which there are too few.
            to.write_volatile(*to.add(distance));
            to = keep_apart(to.add(1)).cast_mut();
        }
    }
}

handlers! {
    fn unreachable<B>(mut r) {
        slow::trap::<B>(r, Trap::UnreachableCodeReached)
    }

    // Zeroes the slots that the prologue before this first cell names: one at least.
    #[inline(never)]
    fn zero_locals<B>(mut r) {
        let prologue = &*Prologue::at(r.ip.sub(PROLOGUE));
        let mut slot = r.sp.add((prologue.header + HEADER) as usize);
        let end = slot.add(prologue.zeros as usize);
        loop {
            // Volatile, or this becomes a call of memset, which spills every register.
            slot.write_volatile(0);
            slot = slot.add(1);
            if slot == end {
                return B::next(r);
            }
        }
    }

    // Pays for the first arrival at a loop header.
    fn charge<B>(mut r) {
        let store = (*r.vm).store;
        let left = (*store).slice - r.wide() as i64;
        if left < 0 {
            return B::jump(r, slow::refill::<B>);
        }
        (*store).slice = left;
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // Calls the imported function whose word is `c d`.
    fn call_import<B>(mut r) {
        let f: *mut FuncObj = VmCtx::pointer(r.vm, r.wide());
        call_func::<B, 2>(r, f)
    }

    fn call_indirect<B, S: Src>(mut r) {
        match lookup::<S>(&r) {
            Ok(f) => call_func::<B, 3>(r, f),
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
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    // Returns `c` slots of values from `R[a]` on.
    fn ret_values<B>(mut r) {
        // Nobody looks at the accumulator after it, which serves as one more register.
        r.acc = r.sp.add(r.field(C)) as u64;
        move_down(&r, r.acc as *mut u64);
        let h = r.slot(FB);
        r.ip = *h as *const u64;
        r.sp = *h.add(1) as *mut u64;
        B::next(r)
    }
}

/// Whether a branch is taken when its condition holds, or when it doesn't.
pub(crate) trait Polarity {
    /// The first of its ops.
    const OP: u16;
    fn holds(x: u64) -> bool;
}
pub(crate) enum NonZero {}
pub(crate) enum Zero {}
impl Polarity for NonZero {
    const OP: u16 = SpecialOp::BrIf.op().0;
    #[inline(always)]
    fn holds(x: u64) -> bool {
        x != 0
    }
}
impl Polarity for Zero {
    const OP: u16 = SpecialOp::BrUnless.op().0;
    #[inline(always)]
    fn holds(x: u64) -> bool {
        x == 0
    }
}
