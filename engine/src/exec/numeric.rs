//! Handlers of unary, binary and comparison ops, and of branches on comparisons.

use super::place::{A, Acc, B as FB, C, Dst, Imm, Slot, Src, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, handlers};
use super::{control, slow};
use crate::ops::{Binary, Compare, Unary};

handlers! {
    fn unary<B, O: Unary, S: Src, T: Dst>(mut r) {
        match O::eval(S::get(&r, FB)) {
            Ok(x) => {
                T::put(&mut r, x);
                r.ip = r.ip.add(2);
                B::next(r)
            }
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    fn binary<B, O: Binary, X: Src, Y: Src, T: Dst>(mut r) {
        // With an immediate on the left the right operand's slot is in `b`, since `c d` hold the immediate.
        let y = Y::get::<O::R>(&r, if X::IMM { FB } else { C });
        match O::eval(X::get(&r, FB), y) {
            Ok(x) => {
                T::put(&mut r, x);
                let imm = if X::IMM { O::L::IMM_WORDS } else if Y::IMM { O::R::IMM_WORDS } else { 0 };
                r.ip = r.ip.add(2 + imm);
                B::next(r)
            }
            Err(trap) => slow::trap::<B>(r, trap),
        }
    }

    fn compare<B, O: Compare, X: Src, Y: Src, T: Dst>(mut r) {
        let x = O::test(X::get(&r, FB), Y::get(&r, C));
        T::put(&mut r, x as u32);
        r.ip = r.ip.add(2 + if Y::IMM { <O::In as Value>::IMM_WORDS } else { 0 });
        B::next(r)
    }

    // `if R[a] cmp R[b]: goto` forwards.
    fn branch<B, O: Compare, X: Src, Y: Src>(mut r) {
        let taken = if Y::IMM {
            O::test(X::get(&r, A), Value::load(r.ip.add(2)))
        } else {
            O::test(X::get(&r, A), Y::get(&r, FB))
        };
        if taken {
            r.ip = control::target(&r);
            B::next(r)
        } else {
            r.ip = control::keep_apart(r.ip.add(2 + Y::IMM as usize));
            B::next(r)
        }
    }

    // The same to a loop header, which charges the loop.
    fn branch_back<B, O: Compare, X: Src, Y: Src>(mut r) {
        let taken = if Y::IMM {
            O::test(X::get(&r, A), Value::load(r.ip.add(2)))
        } else {
            O::test(X::get(&r, A), Y::get(&r, FB))
        };
        if taken {
            control::charge_and_go::<B>(r, r.ext(Y::IMM as usize))
        } else {
            r.ip = control::keep_apart(r.ip.add(3 + Y::IMM as usize));
            B::next(r)
        }
    }
}

pub(crate) const fn unary_forms<B: Backend, O: Unary>() -> [Handler<B>; 4] {
    [
        unary::<B, O, Acc, ToAcc>,
        unary::<B, O, Acc, ToSlot>,
        unary::<B, O, Slot, ToAcc>,
        unary::<B, O, Slot, ToSlot>,
    ]
}

pub(crate) const fn commutative_forms<B: Backend, O: Binary>() -> [Handler<B>; 8] {
    [
        binary::<B, O, Slot, Slot, ToAcc>,
        binary::<B, O, Slot, Slot, ToSlot>,
        binary::<B, O, Acc, Slot, ToAcc>,
        binary::<B, O, Acc, Slot, ToSlot>,
        binary::<B, O, Slot, Imm, ToAcc>,
        binary::<B, O, Slot, Imm, ToSlot>,
        binary::<B, O, Acc, Imm, ToAcc>,
        binary::<B, O, Acc, Imm, ToSlot>,
    ]
}

pub(crate) const fn ordered_forms<B: Backend, O: Binary>() -> [Handler<B>; 14] {
    [
        binary::<B, O, Slot, Slot, ToAcc>,
        binary::<B, O, Slot, Slot, ToSlot>,
        binary::<B, O, Acc, Slot, ToAcc>,
        binary::<B, O, Acc, Slot, ToSlot>,
        binary::<B, O, Slot, Imm, ToAcc>,
        binary::<B, O, Slot, Imm, ToSlot>,
        binary::<B, O, Acc, Imm, ToAcc>,
        binary::<B, O, Acc, Imm, ToSlot>,
        binary::<B, O, Slot, Acc, ToAcc>,
        binary::<B, O, Slot, Acc, ToSlot>,
        binary::<B, O, Imm, Slot, ToAcc>,
        binary::<B, O, Imm, Slot, ToSlot>,
        binary::<B, O, Imm, Acc, ToAcc>,
        binary::<B, O, Imm, Acc, ToSlot>,
    ]
}

pub(crate) const fn vector_forms<B: Backend, O: Binary>() -> [Handler<B>; 6] {
    [
        binary::<B, O, Slot, Slot, ToAcc>,
        binary::<B, O, Slot, Slot, ToSlot>,
        binary::<B, O, Acc, Slot, ToAcc>,
        binary::<B, O, Acc, Slot, ToSlot>,
        binary::<B, O, Slot, Acc, ToAcc>,
        binary::<B, O, Slot, Acc, ToSlot>,
    ]
}

pub(crate) const fn compare_forms<B: Backend, O: Compare>() -> [Handler<B>; 8] {
    [
        compare::<B, O, Slot, Slot, ToAcc>,
        compare::<B, O, Slot, Slot, ToSlot>,
        compare::<B, O, Acc, Slot, ToAcc>,
        compare::<B, O, Acc, Slot, ToSlot>,
        compare::<B, O, Slot, Imm, ToAcc>,
        compare::<B, O, Slot, Imm, ToSlot>,
        compare::<B, O, Acc, Imm, ToAcc>,
        compare::<B, O, Acc, Imm, ToSlot>,
    ]
}

pub(crate) const fn int_compare_forms<B: Backend, O: Compare>() -> [Handler<B>; 16] {
    let v = compare_forms::<B, O>();
    [
        v[0],
        v[1],
        v[2],
        v[3],
        v[4],
        v[5],
        v[6],
        v[7],
        branch::<B, O, Slot, Slot>,
        branch_back::<B, O, Slot, Slot>,
        branch::<B, O, Acc, Slot>,
        branch_back::<B, O, Acc, Slot>,
        branch::<B, O, Slot, Imm>,
        branch_back::<B, O, Slot, Imm>,
        branch::<B, O, Acc, Imm>,
        branch_back::<B, O, Acc, Imm>,
    ]
}
