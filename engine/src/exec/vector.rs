//! Handlers of vector ops with a lane, and of those with operands of their own.

use super::memory::{Memory0, MemoryN, Raw, Which};
use super::place::{A, Acc, B as FB, C, D, Dst, Slot, Src, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, handlers};
use super::slow;
use crate::ops::{Extract, Replace};
use crate::trap::Trap;
use crate::value::{V128, simd};

/// A load into one lane.
pub(crate) trait LaneLoad {
    type Raw: Raw;
    fn eval(x: V128, lane: u8, y: Self::Raw) -> V128;
}

/// A store of one lane.
pub(crate) trait LaneStore {
    type Raw: Raw;
    fn eval(x: V128, lane: u8) -> Self::Raw;
}

handlers! {
    fn extract<B, O: Extract, S: Src, T: Dst>(mut r) {
        let x = O::eval(S::get(&r, FB), r.field(C) as u8);
        T::put(&mut r, x);
        r.ip = r.ip.add(2);
        B::next(r)
    }

    fn replace<B, O: Replace, X: Src, Y: Src, T: Dst>(mut r) {
        let x = O::eval(X::get(&r, FB), r.field(D) as u8, Y::get(&r, C));
        T::put(&mut r, x);
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // The offset is the low half of extension word 0, the memory's word extension word 1.
    fn load_lane<B, O: LaneLoad, M: Which>(mut r) {
        let (mem, len) = M::memory(&r, 1);
        let ea = u32::load(r.slot(FB)) as u64 + r.ext(0);
        if ea + O::Raw::SIZE > len {
            return slow::trap::<B>(r, Trap::MemoryOutOfBounds);
        }
        let x = O::eval(V128::load(r.slot(C)), r.field(D) as u8, O::Raw::read(mem.add(ea as usize)));
        ToSlot::put(&mut r, x);
        r.ip = r.ip.add(3 + M::WORDS);
        B::next(r)
    }

    fn store_lane<B, O: LaneStore, M: Which>(mut r) {
        let (mem, len) = M::memory(&r, 1);
        let ea = u32::load(r.slot(FB)) as u64 + r.ext(0);
        if ea + O::Raw::SIZE > len {
            return slow::trap::<B>(r, Trap::MemoryOutOfBounds);
        }
        O::eval(V128::load(r.slot(C)), r.field(D) as u8).write(mem.add(ea as usize));
        r.ip = r.ip.add(3 + M::WORDS);
        B::next(r)
    }

    fn bitselect<B, T: Dst>(mut r) {
        let (x, y, z) = (V128::load(r.slot(FB)), V128::load(r.slot(C)), V128::load(r.slot(D)));
        T::put(&mut r, simd::v128_bitselect(x, y, z));
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // The lanes' numbers are the extension words.
    fn shuffle<B, T: Dst>(mut r) {
        let lanes = V128::load(r.ip.add(2));
        let x = simd::i8x16_shuffle(V128::load(r.slot(FB)), V128::load(r.slot(C)), lanes.0);
        T::put(&mut r, x);
        r.ip = r.ip.add(4);
        B::next(r)
    }

    fn constant<B>(mut r) {
        V128::load(r.ip.add(2)).store(r.slot(A));
        r.ip = r.ip.add(4);
        B::next(r)
    }
}

pub(crate) const fn extract_forms<B: Backend, O: Extract>() -> [Handler<B>; 4] {
    [
        extract::<B, O, Acc, ToAcc>,
        extract::<B, O, Acc, ToSlot>,
        extract::<B, O, Slot, ToAcc>,
        extract::<B, O, Slot, ToSlot>,
    ]
}

pub(crate) const fn replace_forms<B: Backend, O: Replace>() -> [Handler<B>; 6] {
    [
        replace::<B, O, Slot, Slot, ToAcc>,
        replace::<B, O, Slot, Slot, ToSlot>,
        replace::<B, O, Acc, Slot, ToAcc>,
        replace::<B, O, Acc, Slot, ToSlot>,
        replace::<B, O, Slot, Acc, ToAcc>,
        replace::<B, O, Slot, Acc, ToSlot>,
    ]
}

pub(crate) const fn load_lane_forms<B: Backend, O: LaneLoad>() -> [Handler<B>; 2] {
    [load_lane::<B, O, Memory0>, load_lane::<B, O, MemoryN>]
}

pub(crate) const fn store_lane_forms<B: Backend, O: LaneStore>() -> [Handler<B>; 2] {
    [store_lane::<B, O, Memory0>, store_lane::<B, O, MemoryN>]
}
