//! Pairs that save less than 0.0225 % of the workloads' dispatches for a kilobyte of machine code: builds for size leave them out.

use super::super::vector::{Lane, Rotate};
use super::*;
use crate::ops::{extract as e, shift as h, vector_unary as vu, vectors as v};

type OnAccRight<O> = (Bin<O, Slot, Acc, ToAcc>, Bin<O, Slot, Acc, ToSlot>);
type Floats<M, P, N> = (
    Bin<M, Slot, Slot, ToAcc>,
    Bin<M, Slot, Slot, ToSlot>,
    Bin<M, Acc, Slot, ToAcc>,
    Bin<M, Acc, Slot, ToSlot>,
    Bin<P, Slot, Slot, ToAcc>,
    Bin<P, Acc, Slot, ToAcc>,
    Bin<P, Acc, Slot, ToSlot>,
    Bin<N, Slot, Slot, ToAcc>,
    Bin<N, Slot, Slot, ToSlot>,
    Bin<N, Acc, Slot, ToAcc>,
    Bin<N, Acc, Slot, ToSlot>,
    Bin<N, Slot, Acc, ToAcc>,
    Bin<N, Slot, Acc, ToSlot>,
);
type F64s = Floats<c::F64Mul, c::F64Add, o::F64Sub>;
type F32s = (
    Bin<c::F32Mul, Slot, Slot, ToAcc>,
    Bin<c::F32Mul, Acc, Slot, ToAcc>,
    Bin<c::F32Mul, Acc, Slot, ToSlot>,
    Bin<c::F32Add, Acc, Slot, ToAcc>,
    Bin<c::F32Add, Acc, Slot, ToSlot>,
    Bin<o::F32Sub, Acc, Slot, ToAcc>,
    Bin<o::F32Sub, Slot, Acc, ToAcc>,
);
type F32Compares = (
    Cmp<f::F32Lt, Slot, Slot, ToAcc>,
    Cmp<f::F32Lt, Acc, Slot, ToAcc>,
    Cmp<f::F32Gt, Slot, Slot, ToAcc>,
    Cmp<f::F32Gt, Acc, Slot, ToAcc>,
);
type VectorLogic = (
    Bin<v::V128Xor, Slot, Slot, ToAcc>,
    Bin<v::V128Xor, Acc, Slot, ToAcc>,
    Bin<v::V128Xor, Acc, Slot, ToSlot>,
    Bin<v::V128Or, Acc, Slot, ToAcc>,
    Bin<v::V128Or, Acc, Slot, ToSlot>,
    Bin<v::V128And, Acc, Slot, ToAcc>,
    Bin<v::V128And, Slot, Slot, ToAcc>,
    Bin<v::I32x4Add, Acc, Slot, ToAcc>,
    Bin<v::I32x4Add, Acc, Slot, ToSlot>,
    Bin<v::I32x4Add, Slot, Slot, ToAcc>,
    Bin<v::I16x8Add, Acc, Slot, ToAcc>,
    Bin<v::I16x8Add, Slot, Slot, ToAcc>,
);
type VectorShifts = (
    Bin<h::I32x4Shl, Acc, Imm, ToAcc>,
    Bin<h::I32x4Shl, Slot, Imm, ToAcc>,
    Bin<h::I32x4Shl, Acc, Imm, ToSlot>,
    Bin<h::I32x4ShrU, Acc, Imm, ToAcc>,
    Bin<h::I32x4ShrU, Slot, Imm, ToAcc>,
    Bin<h::I16x8Shl, Acc, Imm, ToAcc>,
    Bin<h::I16x8ShrU, Acc, Imm, ToAcc>,
);
type VectorFloats<M, P, N> = (
    Bin<M, Slot, Slot, ToAcc>,
    Bin<M, Slot, Slot, ToSlot>,
    Bin<M, Acc, Slot, ToAcc>,
    Bin<M, Acc, Slot, ToSlot>,
    Bin<P, Slot, Slot, ToAcc>,
    Bin<P, Acc, Slot, ToAcc>,
    Bin<P, Acc, Slot, ToSlot>,
    Bin<P, Slot, Acc, ToAcc>,
    Bin<P, Slot, Acc, ToSlot>,
    Bin<N, Slot, Slot, ToAcc>,
    Bin<N, Acc, Slot, ToAcc>,
    Bin<N, Acc, Slot, ToSlot>,
    Bin<N, Slot, Acc, ToAcc>,
);
type F32x4s = VectorFloats<v::F32x4Mul, v::F32x4Add, v::F32x4Sub>;
type F64x2s = VectorFloats<v::F64x2Mul, v::F64x2Add, v::F64x2Sub>;
type VectorLoads = (
    Ld<load::V128Load, Slot, ToAcc, Memory0>,
    Ld<load::V128Load, Slot, ToSlot, Memory0>,
    Ld<load::V128Load, Acc, ToAcc, Memory0>,
    Ld<load::V128Load, Acc, ToSlot, Memory0>,
);
type SplatLoads = (
    Ld<load::V128Load32Splat, Acc, ToAcc, Memory0>,
    Ld<load::V128Load32Splat, Acc, ToSlot, Memory0>,
    Ld<load::V128Load32Splat, Slot, ToSlot, Memory0>,
);
/// Loads that extend or splat what they load, at a computed address.
type WideLoads = (
    Ld<load::V128Load8x8U, Acc, ToAcc, Memory0>,
    Ld<load::V128Load8x8S, Acc, ToAcc, Memory0>,
    Ld<load::V128Load16x4U, Acc, ToAcc, Memory0>,
    Ld<load::V128Load16x4S, Acc, ToAcc, Memory0>,
    Ld<load::V128Load64Zero, Acc, ToAcc, Memory0>,
    Ld<load::V128Load32Splat, Acc, ToAcc, Memory0>,
    Ld<load::V128Load32Splat, Acc, ToSlot, Memory0>,
);
type Rotates =
    (Rotate<u32, Slot, ToAcc>, Rotate<u32, Slot, ToSlot>, Rotate<u32, Acc, ToAcc>, Rotate<u32, Acc, ToSlot>);
type Lanes32 = (Lane<e::I32x4ExtractLane, ToAcc>, Lane<e::I32x4ExtractLane, ToSlot>);
type Lanes64 = (Lane<e::I64x2ExtractLane, ToAcc>, Lane<e::I64x2ExtractLane, ToSlot>);
/// The forms of an op that take constants.
type Masks<O> =
    (Bin<O, Slot, Imm, ToAcc>, Bin<O, Slot, Imm, ToSlot>, Bin<O, Acc, Imm, ToAcc>, Bin<O, Acc, Imm, ToSlot>);
/// Vector comparisons whose lanes are extracted.
type LaneCompares<L, G> = (
    Bin<L, Acc, Imm, ToSlot>,
    Bin<L, Acc, Slot, ToSlot>,
    Bin<G, Acc, Imm, ToSlot>,
    Bin<G, Acc, Slot, ToSlot>,
);
/// Byte comparisons, and the reductions over their lanes.
type ByteCompares = (
    Bin<v::I8x16Eq, Slot, Imm, ToAcc>,
    Bin<v::I8x16Eq, Acc, Imm, ToAcc>,
    Bin<v::I8x16Eq, Slot, Slot, ToAcc>,
    Bin<v::I8x16Eq, Acc, Slot, ToAcc>,
    Bin<v::I8x16LtU, Acc, Imm, ToAcc>,
    Bin<v::V128Or, Acc, Slot, ToAcc>,
    Bin<v::V128And, Acc, Slot, ToAcc>,
);
type Summaries =
    (Un<vu::V128AnyTrue, Acc, ToAcc>, Un<vu::I8x16AllTrue, Acc, ToAcc>, Un<vu::I8x16Bitmask, Acc, ToAcc>);
type Addresses = (
    Bin<c::I32Add, Slot, Slot, ToAcc>,
    Bin<c::I32Add, Acc, Slot, ToAcc>,
    Bin<c::I32Add, Slot, Imm, ToAcc>,
    Bin<c::I32Add, Acc, Imm, ToAcc>,
);

pub(super) const RARE: &Lists = &[
    // Addresses.
    after::<Slots<c::I32Add>, IntStores>(),
    // Counters.
    after::<Slots<c::I32Add>, Slots<c::I32Add>>(),
    after::<Imms<c::I32Add>, Truths>(),
    after::<Imms<c::I32Add>, OnAccBranches<Slot, Forward>>(),
    // What was loaded.
    after::<IntLoads, OnAccBranches<Imm, Back>>(),
    after::<IntLoads, IntStores>(),
    after::<IntLoads, Tables>(),
    after::<IntLoads, OnAccImm<c::I32And>>(),
    after::<IntLoads, OnAccImm<o::I32ShrU>>(),
    after::<IntLoads, OnAcc<o::I32Sub>>(),
    after::<IntLoads, OnAccRight<o::I32Sub>>(),
    after::<IntLoads, OnAcc<c::I32Xor>>(),
    // What was stored.
    after::<IntStores, Copies>(),
    after::<IntStores, IntLoads>(),
    after::<IntStores, IntStores>(),
    // Moves.
    after::<(ConstantWide,), (Copy<u64>, Constant)>(),
    // Flags.
    after::<Flags, OnAcc<c::I32And>>(),
    after::<Flags, OnAcc<c::I32Or>>(),
    after::<(Bin<c::I32And, Slot, Imm, ToAcc>,), OnAccBranches<Imm, Forward>>(),
    after::<Selects, Tables>(),
    // Bits.
    after::<Logic32, Logic32>(),
    after::<Logic32, Shift32>(),
    after::<Logic64, Logic64>(),
    after::<Logic64, Shift64>(),
    after::<Slots<c::I64Add>, Mul64>(),
    after::<Logic64, Mul64>(),
    after::<Mul64, Shift64>(),
    after::<Shift64, Mul64>(),
    after::<FloatLoads<load::I64Load>, OnAcc<c::I64Add>>(),
    after::<FloatLoads<load::I64Load>, FloatStores<store::I64Store>>(),
    // Floats.
    after::<F64s, F64s>(),
    after::<FloatLoads<load::F64Load>, F64s>(),
    after::<F64s, FloatLoads<load::F64Load>>(),
    after::<F64s, FloatStores<store::F64Store>>(),
    after::<F64s, F64Compares>(),
    after::<F64Compares, Loops>(),
    after::<FloatStores<store::F64Store>, FloatLoads<load::F64Load>>(),
    after::<F32s, F32s>(),
    after::<FloatLoads<load::F32Load>, F32s>(),
    after::<F32s, FloatStores<store::F32Store>>(),
    after::<F32Compares, Truths>(),
    // Vectors.
    after::<F32x4s, F32x4s>(),
    after::<F64x2s, F64x2s>(),
    after::<VectorLoads, F32x4s>(),
    after::<SplatLoads, F32x4s>(),
    after::<VectorLoads, SplatLoads>(),
    after::<VectorLoads, F64x2s>(),
    after::<F32x4s, VectorLoads>(),
    after::<VectorLoads, VectorLoads>(),
    after::<VectorLoads, VectorStores>(),
    after::<(Ld<load::V128Load, Slot, ToAcc, Memory0>, Ld<load::V128Load, Acc, ToAcc, Memory0>), VectorLogic>(
    ),
    after::<F32x4s, VectorStores>(),
    after::<F64x2s, VectorStores>(),
    after::<VectorLogic, VectorLogic>(),
    after::<VectorLogic, VectorShifts>(),
    after::<VectorShifts, VectorLogic>(),
    after::<VectorShifts, VectorShifts>(),
    after::<VectorLogic, VectorStores>(),
    after::<Addresses, WideLoads>(),
    after::<VectorLogic, Rotates>(),
    after::<Rotates, VectorLogic>(),
    after::<Masks<v::V128And>, VectorLogic>(),
    after::<VectorLogic, Masks<v::V128And>>(),
    after::<VectorShifts, Masks<v::V128And>>(),
    after::<F32x4s, LaneCompares<v::F32x4Le, v::F32x4Ge>>(),
    after::<F64x2s, LaneCompares<v::F64x2Le, v::F64x2Ge>>(),
    after::<LaneCompares<v::F32x4Le, v::F32x4Ge>, Lanes32>(),
    after::<LaneCompares<v::F64x2Le, v::F64x2Ge>, Lanes64>(),
    after::<Lanes32, Lanes32>(),
    after::<Lanes64, Lanes64>(),
    after::<Lanes32, OnAcc<c::I32Or>>(),
    after::<Lanes32, OnAcc<c::I32Add>>(),
    after::<Lanes64, OnAcc<c::I64Or>>(),
    after::<Lanes64, OnAcc<c::I64Add>>(),
    after::<OnAcc<c::I32Or>, Lanes32>(),
    after::<OnAcc<c::I32Or>, Truths>(),
    after::<Lanes32, IntStores>(),
    after::<Lanes32, LoadsAt<Acc>>(),
    after::<ByteCompares, Summaries>(),
    after::<Summaries, Truths>(),
    after::<(Un<u::I64Extend32S, Acc, ToAcc>, Un<u::I64Extend32S, Slot, ToAcc>), Slots<c::I64Add>>(),
];
