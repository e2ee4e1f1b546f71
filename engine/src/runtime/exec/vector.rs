//! Handlers of vector ops with a lane, and of those with operands of their own.

use super::cell::{Body, cell, clobbers, leaves};
use super::control::before_what_follows;
use super::memory::{Memory0, MemoryN, Which, before, end};
use super::memory64::end64;
use super::operand::{A, Acc, B as FB, C, D, Dst, ExtractRow, ReplaceRow, Slot, Src, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use super::slow;
#[cfg(target_arch = "x86_64")]
use super::sse42::Sse42;
use crate::module::trap::Trap;
use crate::ops::{Class, Classed, LaneLoad, LaneStore, Op, SpecialOp};
use crate::value::raw::Raw;
use crate::value::{V128, simd};
use core::marker::PhantomData;

/// `R[a] := lane c of R[b]`. The lane is read from the slot: no processor extracts a lane by a variable number from a
/// register.
pub(crate) struct Lane<O, T>(PhantomData<(O, T)>);

impl<O: ExtractRow, T: Dst> Body for Lane<O, T> {
    const OP: Op = Op(O::OP.0 + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(O::Out::CLASS);
    const CLOBBERS: Option<Class> = Some(O::Out::CLASS);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: `b` names the first of two slots, and validation has seen the lane's number.
        unsafe {
            let lane = *r.slot(FB).cast::<O::Lane>().add(r.field(C));
            T::put(r, O::eval(lane));
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// An instruction set.
pub(crate) trait Set {
    fn shuffle(x: V128, y: V128, lanes: V128) -> V128;
}
/// The baseline instruction set of the architecture.
pub(crate) enum Baseline {}

impl Set for Baseline {
    #[inline(always)]
    fn shuffle(x: V128, y: V128, lanes: V128) -> V128 {
        simd::i8x16_shuffle(x, y, lanes.0)
    }
}

#[cfg(target_arch = "x86_64")]
impl Set for Sse42 {
    #[inline(always)]
    fn shuffle(x: V128, y: V128, lanes: V128) -> V128 {
        simd::sse42::i8x16_shuffle(x, y, lanes.0)
    }
}

/// `R[a] := lanes of R[b], R[c]` as the extension words say.
pub(crate) struct Shuffle<I, T>(PhantomData<(I, T)>);

impl<I: Set, T: Dst> Body for Shuffle<I, T> {
    const OP: Op = Op(SpecialOp::Shuffle.op().0 + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(Class::V128);
    const CLOBBERS: Option<Class> = Some(Class::V128);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let lanes = V128::load(r.ip.add(2));
            T::put(r, I::shuffle(V128::load(r.slot(FB)), V128::load(r.slot(C)), lanes));
            r.ip = r.ip.add(4);
        }
        Ok(())
    }
}

/// A lane type of vector rotations.
pub(crate) trait Rotating {
    const OP: SpecialOp;
    fn rotate(x: V128, n: u32) -> V128;
}
impl Rotating for u32 {
    const OP: SpecialOp = SpecialOp::I32x4Rotl;
    #[inline(always)]
    fn rotate(x: V128, n: u32) -> V128 {
        simd::v128_or(simd::i32x4_shl(x, n), simd::i32x4_shr_u(x, n.wrapping_neg()))
    }
}
impl Rotating for u64 {
    const OP: SpecialOp = SpecialOp::I64x2Rotl;
    #[inline(always)]
    fn rotate(x: V128, n: u32) -> V128 {
        simd::v128_or(simd::i64x2_shl(x, n), simd::i64x2_shr_u(x, n.wrapping_neg()))
    }
}

/// `R[a] := lanes of x rotated left by c d`
pub(crate) struct Rotate<L, S, T>(PhantomData<(L, S, T)>);

impl<L: Rotating, S: Src, T: Dst> Body for Rotate<L, S, T> {
    const OP: Op = Op(L::OP.op().0 + if S::CODE == Acc::CODE { 2 } else { 0 } + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(Class::V128);
    const CLOBBERS: Option<Class> = clobbers::<S, Slot>(Class::V128, Class::V128, Class::V128);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op.
        unsafe {
            let x = L::rotate(S::get(r, FB), r.wide());
            T::put(r, x);
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}

/// Where a lane is loaded from or stored to.
///
/// # Safety
///
/// As for [`Which`]; for `end`: the current cell is such an access, of this form.
pub(crate) trait LanePlace: Which {
    /// Where its bytes end: the address is in `R[b]`, the offset in extension word 0.
    unsafe fn end(r: &Regs, size: u64) -> u64;
}

/// A memory with 64-bit addresses, whose word is in extension word `word`.
pub(crate) enum Memory64 {}

impl Which for Memory64 {
    const WORDS: usize = 1;
    #[inline(always)]
    unsafe fn memory(r: &Regs, word: usize) -> (*mut u8, u64) {
        // SAFETY: the caller's contract.
        unsafe { MemoryN::memory(r, word) }
    }
}

impl LanePlace for Memory0 {
    #[inline(always)]
    unsafe fn end(r: &Regs, size: u64) -> u64 {
        // SAFETY: the caller's contract.
        unsafe { end(u32::load(r.slot(FB)) as u64 + r.ext(0), size) }
    }
}

impl LanePlace for MemoryN {
    #[inline(always)]
    unsafe fn end(r: &Regs, size: u64) -> u64 {
        // SAFETY: the caller's contract.
        unsafe { Memory0::end(r, size) }
    }
}

impl LanePlace for Memory64 {
    #[inline(always)]
    unsafe fn end(r: &Regs, size: u64) -> u64 {
        // SAFETY: the caller's contract.
        unsafe { end64(u64::load(r.slot(FB)), r.ext(0), size) }
    }
}

handlers! {
    fn replace<B, O: ReplaceRow, X: Src, Y: Src, T: Dst>(mut r) {
        let x = O::eval(X::get(&r, FB), r.field(D) as u8, Y::get(&r, C));
        T::put(&mut r, x);
        r.ip = r.ip.add(2);
        B::next(r)
    }

    // The offset is the low half of extension word 0, the memory's word extension word 1.
    fn load_lane<B, O: LaneLoad, M: LanePlace>(mut r) {
        let (mem, len) = M::memory(&r, 1);
        let end = M::end(&r, O::Raw::SIZE);
        if end > len {
            return slow::trap::<B>(r, Trap::MemoryOutOfBounds);
        }
        let x = O::eval(V128::load(r.slot(C)), r.field(D) as u8, O::Raw::read(before(mem, end, O::Raw::SIZE)));
        ToSlot::put(&mut r, x);
        r.ip = r.ip.add(3 + M::WORDS);
        B::next(r)
    }

    fn store_lane<B, O: LaneStore, M: LanePlace>(mut r) {
        let (mem, len) = M::memory(&r, 1);
        let end = M::end(&r, O::Raw::SIZE);
        if end > len {
            return slow::trap::<B>(r, Trap::MemoryOutOfBounds);
        }
        let to = before(mem, end, O::Raw::SIZE).expose_provenance() as u64;
        let to = core::ptr::with_exposed_provenance_mut(before_what_follows(&mut r, to) as usize);
        let lane = *r.slot(C).cast::<O::Raw>().add(r.field(D));
        O::eval(lane).write(to);
        r.ip = r.ip.add(3 + M::WORDS);
        B::next(r)
    }

    fn bitselect<B, T: Dst>(mut r) {
        let (x, y, z) = (V128::load(r.slot(FB)), V128::load(r.slot(C)), V128::load(r.slot(D)));
        T::put(&mut r, simd::v128_bitselect(x, y, z));
        r.ip = r.ip.add(2);
        B::next(r)
    }

    fn constant<B>(mut r) {
        V128::load(r.ip.add(2)).store(r.slot(A));
        r.ip = r.ip.add(4);
        B::next(r)
    }
}

pub(crate) const fn extract_forms<B: Backend, O: ExtractRow>() -> [Handler<B>; 2] {
    [cell::<B, Lane<O, ToAcc>>, cell::<B, Lane<O, ToSlot>>]
}

pub(crate) const fn replace_forms<B: Backend, O: ReplaceRow>() -> [Handler<B>; 6] {
    [
        replace::<B, O, Slot, Slot, ToAcc>,
        replace::<B, O, Slot, Slot, ToSlot>,
        replace::<B, O, Acc, Slot, ToAcc>,
        replace::<B, O, Acc, Slot, ToSlot>,
        replace::<B, O, Slot, Acc, ToAcc>,
        replace::<B, O, Slot, Acc, ToSlot>,
    ]
}

pub(crate) const fn load_lane_forms<B: Backend, O: LaneLoad>() -> [Handler<B>; 3] {
    [load_lane::<B, O, Memory0>, load_lane::<B, O, MemoryN>, load_lane::<B, O, Memory64>]
}

pub(crate) const fn store_lane_forms<B: Backend, O: LaneStore>() -> [Handler<B>; 3] {
    [store_lane::<B, O, Memory0>, store_lane::<B, O, MemoryN>, store_lane::<B, O, Memory64>]
}
