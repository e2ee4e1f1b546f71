//! Handlers of unary, binary and comparison ops, and of branches on comparisons.

#[cfg(target_arch = "x86_64")]
use super::cell::cell_sse42;
use super::cell::{Body, Cell, cell, clobbers, form_of, leaves};
use super::control::{self, Back, Direction, Forward};
use super::operand::{
    A, Acc, B as FB, BinaryRow, C, CompareRow, Dst, Imm, Slot, Src, ToAcc, ToSlot, UnaryRow, Value,
};
use super::regs::{Backend, Handler, Regs};
use crate::module::trap::Trap;
use crate::ops::{Class, Classed, Op};
use core::marker::PhantomData;

/// `R[a] := op(x)`
pub(crate) struct Un<O, S, T>(PhantomData<(O, S, T)>);

impl<O: UnaryRow, S: Src, T: Dst> Body for Un<O, S, T> {
    const OP: Op = Op(O::OP.0 + if S::CODE == Acc::CODE { 0 } else { 2 } + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(O::Out::CLASS);
    const CLOBBERS: Option<Class> = clobbers::<S, Slot>(O::Out::CLASS, O::In::CLASS, O::In::CLASS);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let x = O::eval(S::get(r, FB))?;
            T::put(r, x);
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// `R[a] := op(x, y)`
pub(crate) struct Bin<O, X, Y, T>(PhantomData<(O, X, Y, T)>);

impl<O: BinaryRow, X: Src, Y: Src, T: Dst> Body for Bin<O, X, Y, T> {
    const OP: Op = Op(O::OP.0 + form_of::<X, Y>() + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(O::Out::CLASS);
    const CLOBBERS: Option<Class> = clobbers::<X, Y>(O::Out::CLASS, O::L::CLASS, O::R::CLASS);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            // With an immediate on the left, the right operand's slot is in `b`, since `c d` may hold the immediate.
            let y = Y::get::<O::R>(r, if X::IMM { FB } else { C });
            let x = O::eval(X::get(r, FB), y)?;
            T::put(r, x);
            let imm = if X::IMM {
                O::L::IMM.words()
            } else if Y::IMM {
                O::R::IMM.words()
            } else {
                0
            };
            r.ip = r.ip.add(2 + imm);
        }
        Ok(())
    }
}

/// `R[a] := x cmp y`
pub(crate) struct Cmp<O, X, Y, T>(PhantomData<(O, X, Y, T)>);

impl<O: CompareRow, X: Src, Y: Src, T: Dst> Body for Cmp<O, X, Y, T> {
    const OP: Op = Op(O::OP.0 + form_of::<X, Y>() + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(Class::Int);
    const CLOBBERS: Option<Class> = clobbers::<X, Y>(Class::Int, O::In::CLASS, O::In::CLASS);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let x = O::test(X::get(r, FB), Y::get(r, C));
            T::put(r, x as u32);
            r.ip = r.ip.add(2 + if Y::IMM { <O::In as Classed>::IMM.words() } else { 0 });
        }
        Ok(())
    }
}

/// `if R[a] cmp R[b]: goto`, forwards, or back to a loop header, which charges the loop.
pub(crate) struct Branch<O, X, Y, D>(PhantomData<(O, X, Y, D)>);

impl<O: CompareRow, X: Src, Y: Src, D: Direction> Cell for Branch<O, X, Y, D> {
    const OP: Op = Op(O::OP.0 + 8 + form_of::<X, Y>() + D::BACK as u16);

    #[inline(always)]
    unsafe fn finish<B: Backend>(mut r: Regs) -> B::Out {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let taken = if Y::IMM {
                O::test(X::get(&r, A), Value::load(r.ip.add(2)))
            } else {
                O::test(X::get(&r, A), Y::get(&r, FB))
            };
            if taken {
                D::go::<B>(r, Y::IMM as usize)
            } else {
                r.ip = control::keep_apart(r.ip.add(2 + Y::IMM as usize + D::BACK as usize));
                B::next(r)
            }
        }
    }
}

/// The forms of the families that have separate handlers for an instruction-set extension; `$cell` makes the handlers.
macro_rules! forms {
    ($cell:ident: $unary:ident $commutative:ident $vector:ident) => {
        pub(crate) const fn $unary<B: Backend, O: UnaryRow>() -> [Handler<B>; 4] {
            [
                $cell::<B, Un<O, Acc, ToAcc>>,
                $cell::<B, Un<O, Acc, ToSlot>>,
                $cell::<B, Un<O, Slot, ToAcc>>,
                $cell::<B, Un<O, Slot, ToSlot>>,
            ]
        }

        pub(crate) const fn $commutative<B: Backend, O: BinaryRow>() -> [Handler<B>; 8] {
            [
                $cell::<B, Bin<O, Slot, Slot, ToAcc>>,
                $cell::<B, Bin<O, Slot, Slot, ToSlot>>,
                $cell::<B, Bin<O, Acc, Slot, ToAcc>>,
                $cell::<B, Bin<O, Acc, Slot, ToSlot>>,
                $cell::<B, Bin<O, Slot, Imm, ToAcc>>,
                $cell::<B, Bin<O, Slot, Imm, ToSlot>>,
                $cell::<B, Bin<O, Acc, Imm, ToAcc>>,
                $cell::<B, Bin<O, Acc, Imm, ToSlot>>,
            ]
        }

        pub(crate) const fn $vector<B: Backend, O: BinaryRow>() -> [Handler<B>; 10] {
            let right =
                [$cell::<B, Bin<O, Slot, Acc, ToAcc>> as Handler<B>, $cell::<B, Bin<O, Slot, Acc, ToSlot>>];
            join($commutative::<B, O>(), right)
        }
    };
}
forms! { cell: unary_forms commutative_forms vector_forms }
#[cfg(target_arch = "x86_64")]
forms! { cell_sse42: unary_forms_sse42 commutative_forms_sse42 vector_forms_sse42 }

pub(crate) const fn ordered_forms<B: Backend, O: BinaryRow>() -> [Handler<B>; 14] {
    join(
        commutative_forms::<B, O>(),
        [
            cell::<B, Bin<O, Slot, Acc, ToAcc>>,
            cell::<B, Bin<O, Slot, Acc, ToSlot>>,
            cell::<B, Bin<O, Imm, Slot, ToAcc>>,
            cell::<B, Bin<O, Imm, Slot, ToSlot>>,
            cell::<B, Bin<O, Imm, Acc, ToAcc>>,
            cell::<B, Bin<O, Imm, Acc, ToSlot>>,
        ],
    )
}

pub(crate) const fn compare_forms<B: Backend, O: CompareRow>() -> [Handler<B>; 8] {
    [
        cell::<B, Cmp<O, Slot, Slot, ToAcc>>,
        cell::<B, Cmp<O, Slot, Slot, ToSlot>>,
        cell::<B, Cmp<O, Acc, Slot, ToAcc>>,
        cell::<B, Cmp<O, Acc, Slot, ToSlot>>,
        cell::<B, Cmp<O, Slot, Imm, ToAcc>>,
        cell::<B, Cmp<O, Slot, Imm, ToSlot>>,
        cell::<B, Cmp<O, Acc, Imm, ToAcc>>,
        cell::<B, Cmp<O, Acc, Imm, ToSlot>>,
    ]
}

pub(crate) const fn int_compare_forms<B: Backend, O: CompareRow>() -> [Handler<B>; 16] {
    join(
        compare_forms::<B, O>(),
        [
            cell::<B, Branch<O, Slot, Slot, Forward>>,
            cell::<B, Branch<O, Slot, Slot, Back>>,
            cell::<B, Branch<O, Acc, Slot, Forward>>,
            cell::<B, Branch<O, Acc, Slot, Back>>,
            cell::<B, Branch<O, Slot, Imm, Forward>>,
            cell::<B, Branch<O, Slot, Imm, Back>>,
            cell::<B, Branch<O, Acc, Imm, Forward>>,
            cell::<B, Branch<O, Acc, Imm, Back>>,
        ],
    )
}

/// The forms of `first`, then those of `more`.
const fn join<H: Copy, const N: usize, const M: usize, const BOTH: usize>(
    first: [H; N],
    more: [H; M],
) -> [H; BOTH] {
    let mut all = [first[0]; BOTH];
    let mut n = 0;
    while n < BOTH {
        all[n] = if n < N { first[n] } else { more[n - N] };
        n += 1;
    }
    all
}
