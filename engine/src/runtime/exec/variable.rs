//! Handlers of copies, constants, globals and `select`.

use super::cell::{Body, cell, clobbers, leaves};
use super::operand::{A, Acc, B as FB, C, D, Dst, Slot, Src, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use crate::module::trap::Trap;
use crate::ops::{Class, Classed, Op, SelectOp, SpecialOp};
use crate::runtime::vmctx::{GlobalObj, VmCtx};
use crate::value::V128;
use core::marker::PhantomData;

/// `R[a] := R[b]`; no accumulator changes.
pub(crate) struct Copy<T>(PhantomData<T>);

impl<T: Value + Classed> Body for Copy<T> {
    const OP: Op = Op(SpecialOp::Copy.op().0 + (T::CLASS as u16 == Class::V128 as u16) as u16);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            T::load(r.slot(FB)).store(r.slot(A));
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// `R[a] := c d`; no accumulator changes.
pub(crate) struct Constant;

impl Body for Constant {
    const OP: Op = SpecialOp::Const.op();
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            (r.wide() as u64).store(r.slot(A));
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// `R[a] := extension`; no accumulator changes.
pub(crate) struct ConstantWide;

impl Body for ConstantWide {
    const OP: Op = SpecialOp::ConstWide.op();
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            r.ext(0).store(r.slot(A));
            r.ip = r.ip.add(3);
        }
        Ok(())
    }
}

/// See [`SpecialOp::ClampIndex`].
pub(crate) struct Clamp<T>(PhantomData<T>);

impl<T: Dst> Body for Clamp<T> {
    const OP: Op = Op(SpecialOp::ClampIndex.op().0 + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(Class::Int);
    const CLOBBERS: Option<Class> = Some(Class::Int);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let index = u64::load(r.slot(FB)).min(u64::from(u32::MAX));
            T::put(r, index);
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// `R[a] := R[d] != 0 ? R[b] : R[c]`
pub(crate) struct Select<T, S, O>(PhantomData<(T, S, O)>);

impl<T: Value + Classed, S: Src, O: Dst> Body for Select<T, S, O> {
    const OP: Op = Op(SelectOp::op(T::CLASS).0 + if S::CODE == Acc::CODE { 0 } else { 2 } + O::CODE);
    const LEAVES: Option<Class> = leaves::<O>(T::CLASS);
    const CLOBBERS: Option<Class> = clobbers::<S, Slot>(T::CLASS, Class::Int, Class::Int);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let (x, y) = (r.slot(FB), r.slot(C));
            let p = core::hint::select_unpredictable(S::get::<u32>(r, D) != 0, x, y);
            let v = T::load(p);
            O::put(r, v);
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// `R[a] := global c d`
pub(crate) struct GlobalGet<T, O>(PhantomData<(T, O)>);

impl<T: Value, O: Dst> Body for GlobalGet<T, O> {
    const OP: Op = Op(SpecialOp::global_get(T::CLASS).0 + O::CODE);
    const LEAVES: Option<Class> = leaves::<O>(T::CLASS);
    const CLOBBERS: Option<Class> = Some(T::CLASS);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell names a global of the instance.
        unsafe {
            let g: *mut GlobalObj = VmCtx::pointer(r.vm, r.wide());
            O::put(r, T::load((&raw const (*g).value).cast()));
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// `global c d := R[a]`
pub(crate) struct GlobalSet<T, S>(PhantomData<(T, S)>);

impl<T: Value, S: Src> Body for GlobalSet<T, S> {
    const OP: Op = SpecialOp::global_set(T::CLASS, S::CODE == Acc::CODE);
    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell names a global of the instance.
        unsafe {
            let g: *mut GlobalObj = VmCtx::pointer(r.vm, r.wide());
            S::get::<T>(r, A).store((&raw mut (*g).value).cast());
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

handlers! {
    // `R[a] := accumulator`
    fn spill<B, T: Value>(mut r) {
        T::acc(&r).store(r.slot(A));
        r.ip = r.ip.add(2);
        B::next(r)
    }

}

/// Condition in acc, in slot.
pub(crate) const fn select_forms<B: Backend, T: Value + Classed>() -> [Handler<B>; 4] {
    [
        cell::<B, Select<T, Acc, ToAcc>>,
        cell::<B, Select<T, Acc, ToSlot>>,
        cell::<B, Select<T, Slot, ToAcc>>,
        cell::<B, Select<T, Slot, ToSlot>>,
    ]
}

/// The forms of every class of `select`, in the order of [`crate::ops::Class`].
pub(crate) const fn all_selects<B: Backend>() -> [[Handler<B>; 4]; 4] {
    [select_forms::<B, u64>(), select_forms::<B, f32>(), select_forms::<B, f64>(), select_forms::<B, V128>()]
}
