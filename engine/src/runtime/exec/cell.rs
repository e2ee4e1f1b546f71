//! A cell's work, separate from its dispatch, so that one handler can do the work of several (superinstructions: see
//! `pairs`).

#![cfg_attr(not(feature = "common-pairs"), allow(dead_code, reason = "pairs alone ask what may follow what"))]

use super::operand::{Acc, Dst, Imm, Slot, Src, ToAcc};
use super::regs::{Backend, Regs, handlers};
use super::slow;
use crate::module::trap::Trap;
use crate::ops::{Class, Op};
use core::marker::PhantomData;

/// A cell's work, including the dispatch of the next cell.
pub(crate) trait Cell {
    /// The op, in this form.
    const OP: Op;
    /// The accumulator that it overwrites without reading it.
    const CLOBBERS: Option<Class> = None;
    /// # Safety
    /// The [handler contract](Backend#safety) holds for `r`, which is at a cell of this op.
    unsafe fn finish<B: Backend>(r: Regs) -> B::Out;
}

/// A cell's work that either falls through to the next cell or traps.
pub(crate) trait Body {
    const OP: Op;
    const CLOBBERS: Option<Class> = None;
    /// The accumulator that holds the only copy of its result.
    const LEAVES: Option<Class> = None;
    /// Does the work and advances `r` to the next cell. If it traps, `r` stays at this cell.
    ///
    /// # Safety
    /// The [handler contract](Backend#safety) holds for `r`, which is at a cell of this op.
    unsafe fn run(r: &mut Regs) -> Result<(), Trap>;
    /// Ends the cell that `run` has refused.
    ///
    /// # Safety
    /// As for `run`.
    #[inline(always)]
    unsafe fn fail<B: Backend>(r: Regs, trap: Trap) -> B::Out {
        // SAFETY: the handler contract (`Backend`), passed on.
        unsafe { slow::trap::<B>(r, trap) }
    }
}

impl<P: Body> Cell for P {
    const OP: Op = P::OP;
    const CLOBBERS: Option<Class> = P::CLOBBERS;
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`), passed on.
        unsafe {
            match P::run(&mut r) {
                Ok(()) => B::next(r),
                Err(trap) => P::fail::<B>(r, trap),
            }
        }
    }
}

/// The work of a cell and of what comes behind it: another cell, or several.
pub(crate) struct Then<P, Q>(PhantomData<(P, Q)>);

impl<P: Body, Q: Cell> Cell for Then<P, Q> {
    const OP: Op = P::OP;
    const CLOBBERS: Option<Class> = P::CLOBBERS;
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`), passed on; `run` has left `r` at the next cell.
        unsafe {
            match P::run(&mut r) {
                Ok(()) => Q::finish::<B>(r),
                Err(trap) => P::fail::<B>(r, trap),
            }
        }
    }
}

handlers! {
    fn cell<B, P: Cell>(mut r) {
        P::finish::<B>(r)
    }

    // Only reached on machines with SSE4.2.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "sse4.2")]
    fn cell_sse42<B, P: Cell>(mut r) {
        P::finish::<B>(r)
    }
}

/// The number of a two-operand form: see [`crate::ops::Forms`].
pub(crate) const fn form_of<X: Src, Y: Src>() -> u16 {
    match (X::CODE, Y::CODE) {
        (Slot::CODE, Slot::CODE) => 0,
        (Acc::CODE, Slot::CODE) => 2,
        (Slot::CODE, Imm::CODE) => 4,
        (Acc::CODE, Imm::CODE) => 6,
        (Slot::CODE, Acc::CODE) => 8,
        (Imm::CODE, Slot::CODE) => 10,
        (Imm::CODE, Acc::CODE) => 12,
        _ => panic!("no such form"),
    }
}

/// Whether `Q` can follow `P`: it can't if it would overwrite the only copy of `P`'s result, which the translator never
/// lets happen.
pub(crate) const fn may_follow<P: Body, Q: Cell>() -> bool {
    match (P::LEAVES, Q::CLOBBERS) {
        (Some(left), Some(clobbered)) => left as u8 != clobbered as u8,
        _ => true,
    }
}

/// The accumulator that holds the only copy of a result with destination `T`.
pub(crate) const fn leaves<T: Dst>(class: Class) -> Option<Class> {
    if T::CODE == ToAcc::CODE { Some(class) } else { None }
}

/// The accumulator that a result overwrites, unless an operand is read from it.
pub(crate) const fn clobbers<X: Src, Y: Src>(class: Class, x: Class, y: Class) -> Option<Class> {
    let from_x = X::CODE == Acc::CODE && x as u8 == class as u8;
    let from_y = Y::CODE == Acc::CODE && y as u8 == class as u8;
    if from_x || from_y { None } else { Some(class) }
}
