//! Handlers of branches.

use super::cell::{Body, Cell};
use super::operand::{A, Acc, Src};
use super::regs::{Backend, Regs, handlers};
use super::slow;
use crate::module::trap::Trap;
use crate::ops::{Op, SpecialOp};
use core::marker::PhantomData;

/// Where the branch cell at `ip` goes: its `c d` is the distance in words.
#[inline(always)]
pub(crate) unsafe fn target(r: &Regs) -> *const u64 {
    // SAFETY: the handler contract (`Backend`): translated branches lead to cells of their function.
    unsafe { r.ip.offset(r.wide() as i32 as isize) }
}

/// An optimisation barrier for `ip`. Without it, LLVM merges the two ends of a branch into one dispatch with an `ip`
/// selected by a conditional move, and every next cell would wait for the comparison.
#[inline(always)]
pub(crate) fn keep_apart(mut ip: *const u64) -> *const u64 {
    // Not the standard library's barrier, which takes a local's address.
    #[cfg(any(
        target_arch = "x86_64",
        target_arch = "aarch64",
        target_arch = "arm",
        target_arch = "riscv64"
    ))]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read through it here")]
    // SAFETY: no instructions.
    unsafe {
        core::arch::asm!("/* {0} */", inout(reg) ip, options(pure, nomem, nostack, preserves_flags))
    };
    ip
}

/// An optimisation barrier for `x`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn opaque(x: u64) -> u64 {
    keep_apart(core::ptr::without_provenance(x as usize)).addr() as u64
}

/// Has what is read by way of `r.ip` from now on be read after `x` is known. Without it, LLVM reads early, and x86_64 has
/// registers for three values at a time. A 32-bit machine has no register for `x`.
#[cfg_attr(
    target_pointer_width = "32",
    allow(unused_mut, unused_variables, reason = "nothing is done there")
)]
#[inline(always)]
pub(crate) fn before_what_follows(r: &mut Regs, mut x: u64) -> u64 {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    #[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read through it here")]
    // SAFETY: no instructions.
    unsafe {
        core::arch::asm!("/* {0} {1} */", inout(reg) x, inout(reg) r.ip, options(pure, nomem, nostack, preserves_flags))
    };
    x
}

/// The direction of a branch.
pub(crate) trait Direction {
    const BACK: bool;
    /// Goes to the cell's target. For a back edge, the cost of the loop is in extension word `word`.
    ///
    /// # Safety
    ///
    /// The [handler contract](Backend#safety) holds, and the cell is a branch.
    unsafe fn go<B: Backend>(r: Regs, word: usize) -> B::Out;
}

pub(crate) enum Forward {}
/// A back edge: to a loop header, which charges for the iteration.
pub(crate) enum Back {}

impl Direction for Forward {
    const BACK: bool = false;
    #[inline(always)]
    unsafe fn go<B: Backend>(mut r: Regs, _: usize) -> B::Out {
        // SAFETY: the handler contract (`Backend`): translated branches lead to cells.
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
        // SAFETY: passed on.
        unsafe { charge_and_go::<B>(r, word) }
    }
}

/// `goto`
pub(crate) struct Br<D>(PhantomData<D>);

impl<D: Direction> Cell for Br<D> {
    const OP: Op = Op(SpecialOp::Br.op().0 + D::BACK as u16);
    #[inline(always)]
    unsafe fn finish<B: Backend>(r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`), passed on.
        unsafe { D::go::<B>(r, 0) }
    }
}

/// `if x != 0: goto`, or `if x == 0: goto`
pub(crate) struct BrIf<S, N, D>(PhantomData<(S, N, D)>);

impl<S: Src, N: Polarity, D: Direction> Cell for BrIf<S, N, D> {
    const OP: Op = Op(N::OP + if S::CODE == Acc::CODE { 2 } else { 0 } + D::BACK as u16);
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
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

/// Branches by extension word `min(x, c d)`: a distance in words from this cell, and [where](Backend::next_near) the handler of
/// the cell there is, so that the jump needn't wait for that cell's first word.
pub(crate) struct BrTable<S>(PhantomData<S>);

impl<S: Src> Cell for BrTable<S> {
    const OP: Op = Op(SpecialOp::BrTable.op().0 + (S::CODE == Acc::CODE) as u16);
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let last = r.wide();
            let mut i = S::get::<u32>(&r, A);
            if i > last {
                i = last;
            }
            let entry = r.ext(i as usize);
            r.ip = r.ip.offset(entry as i32 as isize);
            B::next_near(r, (entry >> 32) as u32)
        }
    }
}

/// Takes `cost` from the slice. Returns whether it was enough; if not, the cold path gives `cost` back first.
#[inline(always)]
pub(super) unsafe fn pay(r: &Regs, cost: u64) -> bool {
    // SAFETY: the handler contract (`Backend`).
    unsafe {
        let store = (*r.vm).store;
        // Stored at once, so that one machine instruction does all of it.
        let left = (*store).slice - cost as i64;
        (*store).slice = left;
        left >= 0
    }
}

/// Undoes [`pay`].
#[inline(always)]
pub(super) unsafe fn give_back(r: &Regs, cost: u64) {
    // SAFETY: the handler contract (`Backend`).
    unsafe { (*(*r.vm).store).slice += cost as i64 }
}

/// Takes the back edge: charges the cost in extension word `word`, then goes to the cell's target. If the slice is too
/// small, the cold path refills it and retries the cell.
#[inline(always)]
unsafe fn charge_and_go<B: Backend>(mut r: Regs, word: usize) -> B::Out {
    // SAFETY: the handler contract (`Backend`).
    unsafe {
        if !pay(&r, r.ext(word)) {
            return B::jump(r, if word == 0 { slow::refill_back::<B, 0> } else { slow::refill_back::<B, 1> });
        }
        r.ip = target(&r);
        B::next(r)
    }
}

/// Charges for an arm, or for the first arrival at a loop header, which falls through to it. As for a back edge, the
/// cold path may refill the slice and retry the cell.
pub(crate) struct Charge;

impl Body for Charge {
    const OP: Op = SpecialOp::Charge.op();
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            if !pay(r, r.wide() as u64) {
                return Err(Trap::OutOfFuel);
            }
            r.ip = r.ip.add(2);
            Ok(())
        }
    }

    #[inline(always)]
    unsafe fn fail<B: Backend>(r: Regs, _: Trap) -> B::Out {
        // SAFETY: the handler contract (`Backend`), passed on.
        unsafe { B::jump(r, slow::refill::<B>) }
    }
}

handlers! {
    fn unreachable<B>(mut r) {
        slow::trap::<B>(r, Trap::UnreachableCodeReached)
    }

    fn trap_if_null<B>(mut r) {
        if *r.slot(A) == 0 {
            return slow::trap::<B>(r, Trap::NullReference);
        }
        r.ip = keep_apart(r.ip.add(2));
        B::next(r)
    }
}

/// Whether a branch is taken if its condition is nonzero, or if it is zero.
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
