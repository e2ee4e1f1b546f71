//! Handlers of copies, constants, globals and `select`.

use super::place::{A, Acc, B as FB, C, D, Dst, Slot, Src, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, handlers};
use crate::value::V128;
use crate::vmctx::{GlobalObj, VmCtx};

handlers! {
    // `R[a] := R[b]`; no accumulator changes.
    fn copy<B, T: Value>(mut r) {
        T::load(r.slot(FB)).store(r.slot(A));
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // `R[a] := accumulator`
    fn spill<B, T: Value>(mut r) {
        T::acc(&r).store(r.slot(A));
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // `R[a] := c d`; no accumulator changes.
    fn constant<B>(mut r) {
        (r.wide() as u64).store(r.slot(A));
        r.ip = r.ip.add(2);
        B::next(r)
    }

    fn constant_wide<B>(mut r) {
        r.ext(0).store(r.slot(A));
        r.ip = r.ip.add(3);
        B::next(r)
    }

    fn global_get<B, T: Value, O: Dst>(mut r) {
        let g: *mut GlobalObj = VmCtx::pointer(r.vm, r.wide());
        let x = T::load((&raw const (*g).value).cast());
        O::put(&mut r, x);
        r.ip = r.ip.add(2);
        B::next(r)
    }

    fn global_set<B, T: Value, S: Src>(mut r) {
        let g: *mut GlobalObj = VmCtx::pointer(r.vm, r.wide());
        S::get::<T>(&r, A).store((&raw mut (*g).value).cast());
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // `R[a] := R[d] != 0 ? R[b] : R[c]`
    fn select<B, T: Value, S: Src, O: Dst>(mut r) {
        let (x, y) = (r.slot(FB), r.slot(C));
        let p = core::hint::select_unpredictable(S::get::<u32>(&r, D) != 0, x, y);
        let v = T::load(p);
        O::put(&mut r, v);
        r.ip = r.ip.add(2);
        B::next(r)
    }
}

/// Condition in acc, in slot.
pub(crate) const fn select_forms<B: Backend, T: Value>() -> [Handler<B>; 4] {
    [
        select::<B, T, Acc, ToAcc>,
        select::<B, T, Acc, ToSlot>,
        select::<B, T, Slot, ToAcc>,
        select::<B, T, Slot, ToSlot>,
    ]
}

/// The forms of every class of `select`, in the order of [`crate::ops::Class`].
pub(crate) const fn all_selects<B: Backend>() -> [[Handler<B>; 4]; 4] {
    [select_forms::<B, u64>(), select_forms::<B, f32>(), select_forms::<B, f64>(), select_forms::<B, V128>()]
}
