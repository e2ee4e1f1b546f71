//! Handlers of arithmetic on 128 bits.

use super::cell::Body;
use super::control::before_what_follows;
use super::operand::{A, B, C, D, Value};
use super::regs::Regs;
use crate::module::trap::Trap;
use crate::ops::{Op, SpecialOp};
use core::marker::PhantomData;

/// A sum or a difference.
pub(crate) trait Adds {
    const OP: SpecialOp;
    /// Of two halves.
    fn of(x: u64, y: u64) -> u64;
    /// Of the low halves, and whether one is carried or borrowed.
    fn low(x: u64, y: u64) -> (u64, bool);
}
/// `x + y`
pub(crate) enum Add {}
/// `x - y`
pub(crate) enum Sub {}

impl Adds for Add {
    const OP: SpecialOp = SpecialOp::I64Add128;
    #[inline(always)]
    fn of(x: u64, y: u64) -> u64 {
        x.wrapping_add(y)
    }
    #[inline(always)]
    fn low(x: u64, y: u64) -> (u64, bool) {
        x.overflowing_add(y)
    }
}

impl Adds for Sub {
    const OP: SpecialOp = SpecialOp::I64Sub128;
    #[inline(always)]
    fn of(x: u64, y: u64) -> u64 {
        x.wrapping_sub(y)
    }
    #[inline(always)]
    fn low(x: u64, y: u64) -> (u64, bool) {
        x.overflowing_sub(y)
    }
}

/// A factor, as its sign is understood.
pub(crate) trait Factor {
    const OP: SpecialOp;
    fn product(x: u64, y: u64) -> u128;
}

impl Factor for i64 {
    const OP: SpecialOp = SpecialOp::I64MulWideS;
    #[inline(always)]
    fn product(x: u64, y: u64) -> u128 {
        (i128::from(x as i64) * i128::from(y as i64)) as u128
    }
}

impl Factor for u64 {
    const OP: SpecialOp = SpecialOp::I64MulWideU;
    #[inline(always)]
    fn product(x: u64, y: u64) -> u128 {
        u128::from(x) * u128::from(y)
    }
}

/// Writes the halves to slots `a` and the next.
///
/// # Safety
/// The handler contract holds, and field `a` names the first of two slots.
#[inline(always)]
unsafe fn put(r: &Regs, low: u64, high: u64) {
    // SAFETY: the caller's contract.
    unsafe {
        low.store(r.slot(A));
        high.store(r.slot(A).add(1));
    }
}

/// See [`SpecialOp::I64Add128`].
pub(crate) struct Sum<O>(PhantomData<O>);

impl<O: Adds> Body for Sum<O> {
    const OP: Op = O::OP.op();

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op, and its extension names a slot.
        unsafe {
            let (low, carried) = O::low(u64::load(r.slot(B)), u64::load(r.slot(D)));
            let carried = before_what_follows(r, carried.into());
            let high = O::of(u64::load(r.slot(C)), carried);
            let high = before_what_follows(r, high);
            let high = O::of(high, u64::load(r.sp.add(r.ext(0) as usize)));
            put(r, low, high);
            r.ip = r.ip.add(3);
        }
        Ok(())
    }
}

/// See [`SpecialOp::I64MulWideS`].
pub(crate) struct Product<T>(PhantomData<T>);

impl<T: Factor> Body for Product<T> {
    const OP: Op = T::OP.op();

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let product = T::product(u64::load(r.slot(B)), u64::load(r.slot(C)));
            put(r, product as u64, (product >> 64) as u64);
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}
