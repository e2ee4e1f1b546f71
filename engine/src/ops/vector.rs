//! The vector rows. Loads and stores stand with the other memory ops.
//!
//! A relaxed instruction is an alias of the one that does what the specification's deterministic profile wants; what is
//! left of them is made of several cells (see `translate/relaxed.rs`).

use super::{Op, family};
use crate::value::{V128, simd};

macro_rules! vector_unary_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := op(R[b])`. Forms: operand in acc, in slot.
            VectorUnaryOp, vector_unary, stride 4, forms (numeric::unary_forms), shape unary, only feature = "simd";
            V128Not(x: V128) -> V128 { simd::v128_not(x) }
            I8x16Abs(x: V128) -> V128 { simd::i8x16_abs(x) }
            I8x16Neg(x: V128) -> V128 { simd::i8x16_neg(x) }
            I8x16Popcnt(x: V128) -> V128 { simd::i8x16_popcnt(x) }
            I16x8ExtAddPairwiseI8x16S(x: V128) -> V128 { simd::i16x8_extadd_pairwise_i8x16_s(x) }
            I16x8ExtAddPairwiseI8x16U(x: V128) -> V128 { simd::i16x8_extadd_pairwise_i8x16_u(x) }
            I16x8Abs(x: V128) -> V128 { simd::i16x8_abs(x) }
            I16x8Neg(x: V128) -> V128 { simd::i16x8_neg(x) }
            I16x8ExtendLowI8x16S(x: V128) -> V128 { simd::i16x8_extend_low_i8x16_s(x) }
            I16x8ExtendHighI8x16S(x: V128) -> V128 { simd::i16x8_extend_high_i8x16_s(x) }
            I16x8ExtendLowI8x16U(x: V128) -> V128 { simd::i16x8_extend_low_i8x16_u(x) }
            I16x8ExtendHighI8x16U(x: V128) -> V128 { simd::i16x8_extend_high_i8x16_u(x) }
            I32x4ExtAddPairwiseI16x8S(x: V128) -> V128 { simd::i32x4_extadd_pairwise_i16x8_s(x) }
            I32x4ExtAddPairwiseI16x8U(x: V128) -> V128 { simd::i32x4_extadd_pairwise_i16x8_u(x) }
            I32x4Abs(x: V128) -> V128 { simd::i32x4_abs(x) }
            I32x4Neg(x: V128) -> V128 { simd::i32x4_neg(x) }
            I32x4ExtendLowI16x8S(x: V128) -> V128 { simd::i32x4_extend_low_i16x8_s(x) }
            I32x4ExtendHighI16x8S(x: V128) -> V128 { simd::i32x4_extend_high_i16x8_s(x) }
            I32x4ExtendLowI16x8U(x: V128) -> V128 { simd::i32x4_extend_low_i16x8_u(x) }
            I32x4ExtendHighI16x8U(x: V128) -> V128 { simd::i32x4_extend_high_i16x8_u(x) }
            I64x2Abs(x: V128) -> V128 { simd::i64x2_abs(x) }
            I64x2Neg(x: V128) -> V128 { simd::i64x2_neg(x) }
            I64x2ExtendLowI32x4S(x: V128) -> V128 { simd::i64x2_extend_low_i32x4_s(x) }
            I64x2ExtendHighI32x4S(x: V128) -> V128 { simd::i64x2_extend_high_i32x4_s(x) }
            I64x2ExtendLowI32x4U(x: V128) -> V128 { simd::i64x2_extend_low_i32x4_u(x) }
            I64x2ExtendHighI32x4U(x: V128) -> V128 { simd::i64x2_extend_high_i32x4_u(x) }
            F32x4Abs(x: V128) -> V128 { simd::f32x4_abs(x) }
            F32x4Neg(x: V128) -> V128 { simd::f32x4_neg(x) }
            F64x2Abs(x: V128) -> V128 { simd::f64x2_abs(x) }
            F64x2Neg(x: V128) -> V128 { simd::f64x2_neg(x) }
            I32x4TruncSatF32x4S [I32x4RelaxedTruncF32x4S] (x: V128) -> V128 { simd::i32x4_trunc_sat_f32x4_s(x) }
            I32x4TruncSatF32x4U [I32x4RelaxedTruncF32x4U] (x: V128) -> V128 { simd::i32x4_trunc_sat_f32x4_u(x) }
            F32x4ConvertI32x4S(x: V128) -> V128 { simd::f32x4_convert_i32x4_s(x) }
            F32x4ConvertI32x4U(x: V128) -> V128 { simd::f32x4_convert_i32x4_u(x) }
            I32x4TruncSatF64x2SZero [I32x4RelaxedTruncF64x2SZero] (x: V128) -> V128 { simd::i32x4_trunc_sat_f64x2_s_zero(x) }
            I32x4TruncSatF64x2UZero [I32x4RelaxedTruncF64x2UZero] (x: V128) -> V128 { simd::i32x4_trunc_sat_f64x2_u_zero(x) }
            F64x2ConvertLowI32x4S(x: V128) -> V128 { simd::f64x2_convert_low_i32x4_s(x) }
            F64x2ConvertLowI32x4U(x: V128) -> V128 { simd::f64x2_convert_low_i32x4_u(x) }
            F32x4Ceil(x: V128) -> V128 { simd::f32x4_ceil(x) } => F32x4
            F32x4Floor(x: V128) -> V128 { simd::f32x4_floor(x) } => F32x4
            F32x4Trunc(x: V128) -> V128 { simd::f32x4_trunc(x) } => F32x4
            F32x4Nearest(x: V128) -> V128 { simd::f32x4_nearest(x) } => F32x4
            F32x4Sqrt(x: V128) -> V128 { simd::f32x4_sqrt(x) } => F32x4
            F32x4DemoteF64x2Zero(x: V128) -> V128 { simd::f32x4_demote_f64x2_zero(x) } => F32x4
            F64x2Ceil(x: V128) -> V128 { simd::f64x2_ceil(x) } => F64x2
            F64x2Floor(x: V128) -> V128 { simd::f64x2_floor(x) } => F64x2
            F64x2Trunc(x: V128) -> V128 { simd::f64x2_trunc(x) } => F64x2
            F64x2Nearest(x: V128) -> V128 { simd::f64x2_nearest(x) } => F64x2
            F64x2Sqrt(x: V128) -> V128 { simd::f64x2_sqrt(x) } => F64x2
            F64x2PromoteLowF32x4(x: V128) -> V128 { simd::f64x2_promote_low_f32x4(x) } => F64x2
            V128AnyTrue(x: V128) -> u32 { simd::v128_any_true(x) }
            I8x16AllTrue(x: V128) -> u32 { simd::i8x16_all_true(x) }
            I8x16Bitmask(x: V128) -> u32 { simd::i8x16_bitmask(x) }
            I16x8AllTrue(x: V128) -> u32 { simd::i16x8_all_true(x) }
            I16x8Bitmask(x: V128) -> u32 { simd::i16x8_bitmask(x) }
            I32x4AllTrue(x: V128) -> u32 { simd::i32x4_all_true(x) }
            I32x4Bitmask(x: V128) -> u32 { simd::i32x4_bitmask(x) }
            I64x2AllTrue(x: V128) -> u32 { simd::i64x2_all_true(x) }
            I64x2Bitmask(x: V128) -> u32 { simd::i64x2_bitmask(x) }
            I8x16Splat(x: u32) -> V128 { simd::i8x16_splat(x) }
            I16x8Splat(x: u32) -> V128 { simd::i16x8_splat(x) }
            I32x4Splat(x: u32) -> V128 { simd::i32x4_splat(x) }
            I64x2Splat(x: u64) -> V128 { simd::i64x2_splat(x) }
            F32x4Splat(x: f32) -> V128 { simd::f32x4_splat(x) }
            F64x2Splat(x: f64) -> V128 { simd::f64x2_splat(x) }
        }
    };
}
pub(crate) use vector_unary_rows;
vector_unary_rows!(family);

macro_rules! vectors_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := op(x, y)`.
            VectorOp, vectors, stride 10, forms (numeric::vector_forms), shape vector, only feature = "simd";
            I8x16Swizzle [I8x16RelaxedSwizzle] (x: V128, y: V128) -> V128 { simd::i8x16_swizzle(x, y) }
            I8x16Eq(x: V128, y: V128) -> V128 { simd::i8x16_eq(x, y) }
            I8x16Ne(x: V128, y: V128) -> V128 { simd::i8x16_ne(x, y) }
            I8x16LtS(x: V128, y: V128) -> V128 { simd::i8x16_lt_s(x, y) }
            I8x16LtU(x: V128, y: V128) -> V128 { simd::i8x16_lt_u(x, y) }
            I8x16GtS(x: V128, y: V128) -> V128 { simd::i8x16_gt_s(x, y) }
            I8x16GtU(x: V128, y: V128) -> V128 { simd::i8x16_gt_u(x, y) }
            I8x16LeS(x: V128, y: V128) -> V128 { simd::i8x16_le_s(x, y) }
            I8x16LeU(x: V128, y: V128) -> V128 { simd::i8x16_le_u(x, y) }
            I8x16GeS(x: V128, y: V128) -> V128 { simd::i8x16_ge_s(x, y) }
            I8x16GeU(x: V128, y: V128) -> V128 { simd::i8x16_ge_u(x, y) }
            I16x8Eq(x: V128, y: V128) -> V128 { simd::i16x8_eq(x, y) }
            I16x8Ne(x: V128, y: V128) -> V128 { simd::i16x8_ne(x, y) }
            I16x8LtS(x: V128, y: V128) -> V128 { simd::i16x8_lt_s(x, y) }
            I16x8LtU(x: V128, y: V128) -> V128 { simd::i16x8_lt_u(x, y) }
            I16x8GtS(x: V128, y: V128) -> V128 { simd::i16x8_gt_s(x, y) }
            I16x8GtU(x: V128, y: V128) -> V128 { simd::i16x8_gt_u(x, y) }
            I16x8LeS(x: V128, y: V128) -> V128 { simd::i16x8_le_s(x, y) }
            I16x8LeU(x: V128, y: V128) -> V128 { simd::i16x8_le_u(x, y) }
            I16x8GeS(x: V128, y: V128) -> V128 { simd::i16x8_ge_s(x, y) }
            I16x8GeU(x: V128, y: V128) -> V128 { simd::i16x8_ge_u(x, y) }
            I32x4Eq(x: V128, y: V128) -> V128 { simd::i32x4_eq(x, y) }
            I32x4Ne(x: V128, y: V128) -> V128 { simd::i32x4_ne(x, y) }
            I32x4LtS(x: V128, y: V128) -> V128 { simd::i32x4_lt_s(x, y) }
            I32x4LtU(x: V128, y: V128) -> V128 { simd::i32x4_lt_u(x, y) }
            I32x4GtS(x: V128, y: V128) -> V128 { simd::i32x4_gt_s(x, y) }
            I32x4GtU(x: V128, y: V128) -> V128 { simd::i32x4_gt_u(x, y) }
            I32x4LeS(x: V128, y: V128) -> V128 { simd::i32x4_le_s(x, y) }
            I32x4LeU(x: V128, y: V128) -> V128 { simd::i32x4_le_u(x, y) }
            I32x4GeS(x: V128, y: V128) -> V128 { simd::i32x4_ge_s(x, y) }
            I32x4GeU(x: V128, y: V128) -> V128 { simd::i32x4_ge_u(x, y) }
            I64x2Eq(x: V128, y: V128) -> V128 { simd::i64x2_eq(x, y) }
            I64x2Ne(x: V128, y: V128) -> V128 { simd::i64x2_ne(x, y) }
            I64x2LtS(x: V128, y: V128) -> V128 { simd::i64x2_lt_s(x, y) }
            I64x2GtS(x: V128, y: V128) -> V128 { simd::i64x2_gt_s(x, y) }
            I64x2LeS(x: V128, y: V128) -> V128 { simd::i64x2_le_s(x, y) }
            I64x2GeS(x: V128, y: V128) -> V128 { simd::i64x2_ge_s(x, y) }
            F32x4Eq(x: V128, y: V128) -> V128 { simd::f32x4_eq(x, y) }
            F32x4Ne(x: V128, y: V128) -> V128 { simd::f32x4_ne(x, y) }
            F32x4Lt(x: V128, y: V128) -> V128 { simd::f32x4_lt(x, y) }
            F32x4Gt(x: V128, y: V128) -> V128 { simd::f32x4_gt(x, y) }
            F32x4Le(x: V128, y: V128) -> V128 { simd::f32x4_le(x, y) }
            F32x4Ge(x: V128, y: V128) -> V128 { simd::f32x4_ge(x, y) }
            F64x2Eq(x: V128, y: V128) -> V128 { simd::f64x2_eq(x, y) }
            F64x2Ne(x: V128, y: V128) -> V128 { simd::f64x2_ne(x, y) }
            F64x2Lt(x: V128, y: V128) -> V128 { simd::f64x2_lt(x, y) }
            F64x2Gt(x: V128, y: V128) -> V128 { simd::f64x2_gt(x, y) }
            F64x2Le(x: V128, y: V128) -> V128 { simd::f64x2_le(x, y) }
            F64x2Ge(x: V128, y: V128) -> V128 { simd::f64x2_ge(x, y) }
            V128And(x: V128, y: V128) -> V128 { simd::v128_and(x, y) }
            V128AndNot(x: V128, y: V128) -> V128 { simd::v128_andnot(x, y) }
            V128Or(x: V128, y: V128) -> V128 { simd::v128_or(x, y) }
            V128Xor(x: V128, y: V128) -> V128 { simd::v128_xor(x, y) }
            I8x16NarrowI16x8S(x: V128, y: V128) -> V128 { simd::i8x16_narrow_i16x8_s(x, y) }
            I8x16NarrowI16x8U(x: V128, y: V128) -> V128 { simd::i8x16_narrow_i16x8_u(x, y) }
            I8x16Add(x: V128, y: V128) -> V128 { simd::i8x16_add(x, y) }
            I8x16AddSatS(x: V128, y: V128) -> V128 { simd::i8x16_add_sat_s(x, y) }
            I8x16AddSatU(x: V128, y: V128) -> V128 { simd::i8x16_add_sat_u(x, y) }
            I8x16Sub(x: V128, y: V128) -> V128 { simd::i8x16_sub(x, y) }
            I8x16SubSatS(x: V128, y: V128) -> V128 { simd::i8x16_sub_sat_s(x, y) }
            I8x16SubSatU(x: V128, y: V128) -> V128 { simd::i8x16_sub_sat_u(x, y) }
            I8x16MinS(x: V128, y: V128) -> V128 { simd::i8x16_min_s(x, y) }
            I8x16MinU(x: V128, y: V128) -> V128 { simd::i8x16_min_u(x, y) }
            I8x16MaxS(x: V128, y: V128) -> V128 { simd::i8x16_max_s(x, y) }
            I8x16MaxU(x: V128, y: V128) -> V128 { simd::i8x16_max_u(x, y) }
            I8x16AvgrU(x: V128, y: V128) -> V128 { simd::i8x16_avgr_u(x, y) }
            I16x8Q15MulrSatS [I16x8RelaxedQ15mulrS] (x: V128, y: V128) -> V128 { simd::i16x8_q15mulr_sat_s(x, y) }
            I16x8NarrowI32x4S(x: V128, y: V128) -> V128 { simd::i16x8_narrow_i32x4_s(x, y) }
            I16x8NarrowI32x4U(x: V128, y: V128) -> V128 { simd::i16x8_narrow_i32x4_u(x, y) }
            I16x8Add(x: V128, y: V128) -> V128 { simd::i16x8_add(x, y) }
            I16x8AddSatS(x: V128, y: V128) -> V128 { simd::i16x8_add_sat_s(x, y) }
            I16x8AddSatU(x: V128, y: V128) -> V128 { simd::i16x8_add_sat_u(x, y) }
            I16x8Sub(x: V128, y: V128) -> V128 { simd::i16x8_sub(x, y) }
            I16x8SubSatS(x: V128, y: V128) -> V128 { simd::i16x8_sub_sat_s(x, y) }
            I16x8SubSatU(x: V128, y: V128) -> V128 { simd::i16x8_sub_sat_u(x, y) }
            I16x8Mul(x: V128, y: V128) -> V128 { simd::i16x8_mul(x, y) }
            I16x8MinS(x: V128, y: V128) -> V128 { simd::i16x8_min_s(x, y) }
            I16x8MinU(x: V128, y: V128) -> V128 { simd::i16x8_min_u(x, y) }
            I16x8MaxS(x: V128, y: V128) -> V128 { simd::i16x8_max_s(x, y) }
            I16x8MaxU(x: V128, y: V128) -> V128 { simd::i16x8_max_u(x, y) }
            I16x8AvgrU(x: V128, y: V128) -> V128 { simd::i16x8_avgr_u(x, y) }
            I16x8ExtMulLowI8x16S(x: V128, y: V128) -> V128 { simd::i16x8_extmul_low_i8x16_s(x, y) }
            I16x8ExtMulHighI8x16S(x: V128, y: V128) -> V128 { simd::i16x8_extmul_high_i8x16_s(x, y) }
            I16x8ExtMulLowI8x16U(x: V128, y: V128) -> V128 { simd::i16x8_extmul_low_i8x16_u(x, y) }
            I16x8ExtMulHighI8x16U(x: V128, y: V128) -> V128 { simd::i16x8_extmul_high_i8x16_u(x, y) }
            I32x4Add(x: V128, y: V128) -> V128 { simd::i32x4_add(x, y) }
            I32x4Sub(x: V128, y: V128) -> V128 { simd::i32x4_sub(x, y) }
            I32x4Mul(x: V128, y: V128) -> V128 { simd::i32x4_mul(x, y) }
            I32x4MinS(x: V128, y: V128) -> V128 { simd::i32x4_min_s(x, y) }
            I32x4MinU(x: V128, y: V128) -> V128 { simd::i32x4_min_u(x, y) }
            I32x4MaxS(x: V128, y: V128) -> V128 { simd::i32x4_max_s(x, y) }
            I32x4MaxU(x: V128, y: V128) -> V128 { simd::i32x4_max_u(x, y) }
            I32x4DotI16x8S(x: V128, y: V128) -> V128 { simd::i32x4_dot_i16x8_s(x, y) }
            I32x4ExtMulLowI16x8S(x: V128, y: V128) -> V128 { simd::i32x4_extmul_low_i16x8_s(x, y) }
            I32x4ExtMulHighI16x8S(x: V128, y: V128) -> V128 { simd::i32x4_extmul_high_i16x8_s(x, y) }
            I32x4ExtMulLowI16x8U(x: V128, y: V128) -> V128 { simd::i32x4_extmul_low_i16x8_u(x, y) }
            I32x4ExtMulHighI16x8U(x: V128, y: V128) -> V128 { simd::i32x4_extmul_high_i16x8_u(x, y) }
            I64x2Add(x: V128, y: V128) -> V128 { simd::i64x2_add(x, y) }
            I64x2Sub(x: V128, y: V128) -> V128 { simd::i64x2_sub(x, y) }
            I64x2Mul(x: V128, y: V128) -> V128 { simd::i64x2_mul(x, y) }
            I64x2ExtMulLowI32x4S(x: V128, y: V128) -> V128 { simd::i64x2_extmul_low_i32x4_s(x, y) }
            I64x2ExtMulHighI32x4S(x: V128, y: V128) -> V128 { simd::i64x2_extmul_high_i32x4_s(x, y) }
            I64x2ExtMulLowI32x4U(x: V128, y: V128) -> V128 { simd::i64x2_extmul_low_i32x4_u(x, y) }
            I64x2ExtMulHighI32x4U(x: V128, y: V128) -> V128 { simd::i64x2_extmul_high_i32x4_u(x, y) }
            F32x4PMin(x: V128, y: V128) -> V128 { simd::f32x4_pmin(x, y) }
            F32x4PMax(x: V128, y: V128) -> V128 { simd::f32x4_pmax(x, y) }
            F64x2PMin(x: V128, y: V128) -> V128 { simd::f64x2_pmin(x, y) }
            F64x2PMax(x: V128, y: V128) -> V128 { simd::f64x2_pmax(x, y) }
            F32x4Add(x: V128, y: V128) -> V128 { simd::f32x4_add(x, y) } => F32x4
            F32x4Sub(x: V128, y: V128) -> V128 { simd::f32x4_sub(x, y) } => F32x4
            F32x4Mul(x: V128, y: V128) -> V128 { simd::f32x4_mul(x, y) } => F32x4
            F32x4Div(x: V128, y: V128) -> V128 { simd::f32x4_div(x, y) } => F32x4
            F32x4Min [F32x4RelaxedMin] (x: V128, y: V128) -> V128 { simd::f32x4_min(x, y) } => F32x4
            F32x4Max [F32x4RelaxedMax] (x: V128, y: V128) -> V128 { simd::f32x4_max(x, y) } => F32x4
            F64x2Add(x: V128, y: V128) -> V128 { simd::f64x2_add(x, y) } => F64x2
            F64x2Sub(x: V128, y: V128) -> V128 { simd::f64x2_sub(x, y) } => F64x2
            F64x2Mul(x: V128, y: V128) -> V128 { simd::f64x2_mul(x, y) } => F64x2
            F64x2Div(x: V128, y: V128) -> V128 { simd::f64x2_div(x, y) } => F64x2
            F64x2Min [F64x2RelaxedMin] (x: V128, y: V128) -> V128 { simd::f64x2_min(x, y) } => F64x2
            F64x2Max [F64x2RelaxedMax] (x: V128, y: V128) -> V128 { simd::f64x2_max(x, y) } => F64x2
            I16x8RelaxedDotI8x16I7x16S(x: V128, y: V128) -> V128 { simd::i16x8_relaxed_dot_i8x16_i7x16_s(x, y) }
        }
    };
}
pub(crate) use vectors_rows;
vectors_rows!(family);

macro_rules! shift_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := x shifted by y`, which is taken modulo the lane's width.
            ShiftOp, shift, stride 8, forms (numeric::commutative_forms), shape shift, only feature = "simd";
            I8x16Shl(x: V128, y: u32) -> V128 { simd::i8x16_shl(x, y) }
            I8x16ShrS(x: V128, y: u32) -> V128 { simd::i8x16_shr_s(x, y) }
            I8x16ShrU(x: V128, y: u32) -> V128 { simd::i8x16_shr_u(x, y) }
            I16x8Shl(x: V128, y: u32) -> V128 { simd::i16x8_shl(x, y) }
            I16x8ShrS(x: V128, y: u32) -> V128 { simd::i16x8_shr_s(x, y) }
            I16x8ShrU(x: V128, y: u32) -> V128 { simd::i16x8_shr_u(x, y) }
            I32x4Shl(x: V128, y: u32) -> V128 { simd::i32x4_shl(x, y) }
            I32x4ShrS(x: V128, y: u32) -> V128 { simd::i32x4_shr_s(x, y) }
            I32x4ShrU(x: V128, y: u32) -> V128 { simd::i32x4_shr_u(x, y) }
            I64x2Shl(x: V128, y: u32) -> V128 { simd::i64x2_shl(x, y) }
            I64x2ShrS(x: V128, y: u32) -> V128 { simd::i64x2_shr_s(x, y) }
            I64x2ShrU(x: V128, y: u32) -> V128 { simd::i64x2_shr_u(x, y) }
        }
    };
}
pub(crate) use shift_rows;
shift_rows!(family);

macro_rules! extract_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := lane c of R[b]`.
            ExtractOp, extract, stride 2, forms (vector::extract_forms), shape extract, only feature = "simd";
            I8x16ExtractLaneS(x: i8) -> u32 { x as u32 }
            I8x16ExtractLaneU(x: u8) -> u32 { x as u32 }
            I16x8ExtractLaneS(x: i16) -> u32 { x as u32 }
            I16x8ExtractLaneU(x: u16) -> u32 { x as u32 }
            I32x4ExtractLane(x: u32) -> u32 { x }
            I64x2ExtractLane(x: u64) -> u64 { x }
            F32x4ExtractLane(x: f32) -> f32 { x }
            F64x2ExtractLane(x: f64) -> f64 { x }
        }
    };
}
pub(crate) use extract_rows;
extract_rows!(family);

macro_rules! replace_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := R[b] with lane d replaced by R[c]`.
            ReplaceOp, replace, stride 6, forms (vector::replace_forms), shape replace, only feature = "simd";
            I8x16ReplaceLane(x: V128, lane: u8, y: u32) -> V128 { simd::i8x16_replace_lane(x, lane, y) }
            I16x8ReplaceLane(x: V128, lane: u8, y: u32) -> V128 { simd::i16x8_replace_lane(x, lane, y) }
            I32x4ReplaceLane(x: V128, lane: u8, y: u32) -> V128 { simd::i32x4_replace_lane(x, lane, y) }
            I64x2ReplaceLane(x: V128, lane: u8, y: u64) -> V128 { simd::i64x2_replace_lane(x, lane, y) }
            F32x4ReplaceLane(x: V128, lane: u8, y: f32) -> V128 { simd::f32x4_replace_lane(x, lane, y) }
            F64x2ReplaceLane(x: V128, lane: u8, y: f64) -> V128 { simd::f64x2_replace_lane(x, lane, y) }
        }
    };
}
pub(crate) use replace_rows;
replace_rows!(family);
