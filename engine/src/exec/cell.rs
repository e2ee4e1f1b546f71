//! What a cell does, apart from being dispatched: so that one handler can do the work of two cells in a row.

use super::place::{Acc, Imm, Slot, Src};
use super::regs::{Backend, Regs, handlers};
use super::slow;
use crate::ops::{Op, Row};
use crate::trap::Trap;

/// A cell's work, its way on included.
pub(crate) trait Cell {
    /// The op in the form that this is.
    const OP: Op;
    /// # Safety
    /// As for a handler: `r` is at a cell of this op.
    unsafe fn finish<B: Backend>(r: Regs) -> B::Out;
}

/// A cell's work that always goes on with the next cell, or traps.
pub(crate) trait Body {
    const OP: Op;
    /// Does the work and moves `r` to the next cell; or traps and leaves `r` at this one.
    ///
    /// # Safety
    /// As for a handler: `r` is at a cell of this op.
    unsafe fn run(r: &mut Regs) -> Result<(), Trap>;
}

impl<P: Body> Cell for P {
    const OP: Op = P::OP;
    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: passed on.
        unsafe {
            match P::run(&mut r) {
                Ok(()) => B::next(r),
                Err(trap) => slow::trap::<B>(r, trap),
            }
        }
    }
}

handlers! {
    fn cell<B, P: Cell>(mut r) {
        P::finish::<B>(r)
    }

    // The cell and the next one.
    fn pair<B, P: Body, Q: Cell>(mut r) {
        match P::run(&mut r) {
            Ok(()) => Q::finish::<B>(r),
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }
}

/// The number of a two-operand form: see [`crate::ops::Forms`].
pub(crate) const fn form_of<O: Row, X: Src, Y: Src>() -> u16 {
    match (X::CODE, Y::CODE) {
        (Slot::CODE, Slot::CODE) => 0,
        (Acc::CODE, Slot::CODE) => 2,
        (Slot::CODE, Imm::CODE) => 4,
        (Acc::CODE, Imm::CODE) => 6,
        (Slot::CODE, Acc::CODE) => O::RIGHT,
        (Imm::CODE, Slot::CODE) => 10,
        (Imm::CODE, Acc::CODE) => 12,
        _ => panic!("no such form"),
    }
}
