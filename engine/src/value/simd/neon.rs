//! NEON, which all but special targets of aarch64 have, and those don't get this module: that is why every `unsafe` here
//! is sound.

use super::{NUMBERS_8, NUMBERS_16, NUMBERS_32, NUMBERS_64, Register};
use crate::value::V128;
use core::arch::aarch64::*;

#[allow(unused_imports, reason = "what stands below shadows it, as far as it goes")]
pub(crate) use crate::value::v128::*;

registers! {
    uint8x16_t int8x16_t uint16x8_t int16x8_t uint32x4_t int32x4_t uint64x2_t int64x2_t float32x4_t float64x2_t
}

parts! {
    lane_8(n: u8) -> uint8x16_t = vceqq_u8(vdupq_n_u8(n), Register::of(NUMBERS_8));
    lane_16(n: u8) -> uint16x8_t = vceqq_u16(vdupq_n_u16(n.into()), Register::of(NUMBERS_16));
    lane_32(n: u8) -> uint32x4_t = vceqq_u32(vdupq_n_u32(n.into()), Register::of(NUMBERS_32));
    lane_64(n: u8) -> uint64x2_t =
        vreinterpretq_u64_u32(vceqq_u32(vdupq_n_u32(n.into()), Register::of(NUMBERS_64)));
}

vectors! {
    v128_and(x, y) = vandq_u8(x, y);
    v128_or(x, y) = vorrq_u8(x, y);
    v128_xor(x, y) = veorq_u8(x, y);
    v128_andnot(x, y) = vbicq_u8(x, y);
    v128_not(x) = vmvnq_u8(x);
    v128_bitselect(x, y, mask) = vbslq_u8(mask, x, y);

    // A number that picks nothing gives 0.
    i8x16_swizzle(x, lanes) = vqtbl1q_u8(x, lanes);
    // A number with its high bit set is beyond the table, which gives zero.
    x86_pshufb(x, lanes) = vqtbl1q_u8(x, vandq_u8(lanes, vdupq_n_u8(0x8f)));
    i8x16_shuffle(x, y; lanes: [u8; 16]) = vqtbl2q_u8(uint8x16x2_t(x, y), Register::of(V128(lanes)));

    i8x16_neg(x) = vnegq_s8(x);
    i8x16_abs(x) = vabsq_s8(x);
    i8x16_popcnt(x) = vcntq_u8(x);
    i8x16_add(x, y) = vaddq_u8(x, y);
    i8x16_sub(x, y) = vsubq_u8(x, y);
    i8x16_add_sat_s(x, y) = vqaddq_s8(x, y);
    i8x16_add_sat_u(x, y) = vqaddq_u8(x, y);
    i8x16_sub_sat_s(x, y) = vqsubq_s8(x, y);
    i8x16_sub_sat_u(x, y) = vqsubq_u8(x, y);
    i8x16_min_s(x, y) = vminq_s8(x, y);
    i8x16_min_u(x, y) = vminq_u8(x, y);
    i8x16_max_s(x, y) = vmaxq_s8(x, y);
    i8x16_max_u(x, y) = vmaxq_u8(x, y);
    i8x16_avgr_u(x, y) = vrhaddq_u8(x, y);
    i8x16_eq(x, y) = vceqq_u8(x, y);
    i8x16_ne(x, y) = vmvnq_u8(vceqq_u8(x, y));
    i8x16_lt_s(x, y) = vcltq_s8(x, y);
    i8x16_lt_u(x, y) = vcltq_u8(x, y);
    i8x16_gt_s(x, y) = vcgtq_s8(x, y);
    i8x16_gt_u(x, y) = vcgtq_u8(x, y);
    i8x16_le_s(x, y) = vcleq_s8(x, y);
    i8x16_le_u(x, y) = vcleq_u8(x, y);
    i8x16_ge_s(x, y) = vcgeq_s8(x, y);
    i8x16_ge_u(x, y) = vcgeq_u8(x, y);
    i8x16_narrow_i16x8_s(x, y) = vqmovn_high_s16(vqmovn_s16(x), y);
    i8x16_narrow_i16x8_u(x, y) = vqmovun_high_s16(vqmovun_s16(x), y);

    i16x8_neg(x) = vnegq_s16(x);
    i16x8_abs(x) = vabsq_s16(x);
    i16x8_add(x, y) = vaddq_u16(x, y);
    i16x8_sub(x, y) = vsubq_u16(x, y);
    i16x8_mul(x, y) = vmulq_u16(x, y);
    i16x8_add_sat_s(x, y) = vqaddq_s16(x, y);
    i16x8_add_sat_u(x, y) = vqaddq_u16(x, y);
    i16x8_sub_sat_s(x, y) = vqsubq_s16(x, y);
    i16x8_sub_sat_u(x, y) = vqsubq_u16(x, y);
    i16x8_q15mulr_sat_s(x, y) = vqrdmulhq_s16(x, y);
    i16x8_min_s(x, y) = vminq_s16(x, y);
    i16x8_min_u(x, y) = vminq_u16(x, y);
    i16x8_max_s(x, y) = vmaxq_s16(x, y);
    i16x8_max_u(x, y) = vmaxq_u16(x, y);
    i16x8_avgr_u(x, y) = vrhaddq_u16(x, y);
    i16x8_eq(x, y) = vceqq_u16(x, y);
    i16x8_ne(x, y) = vmvnq_u16(vceqq_u16(x, y));
    i16x8_lt_s(x, y) = vcltq_s16(x, y);
    i16x8_lt_u(x, y) = vcltq_u16(x, y);
    i16x8_gt_s(x, y) = vcgtq_s16(x, y);
    i16x8_gt_u(x, y) = vcgtq_u16(x, y);
    i16x8_le_s(x, y) = vcleq_s16(x, y);
    i16x8_le_u(x, y) = vcleq_u16(x, y);
    i16x8_ge_s(x, y) = vcgeq_s16(x, y);
    i16x8_ge_u(x, y) = vcgeq_u16(x, y);
    i16x8_narrow_i32x4_s(x, y) = vqmovn_high_s32(vqmovn_s32(x), y);
    i16x8_narrow_i32x4_u(x, y) = vqmovun_high_s32(vqmovun_s32(x), y);
    i16x8_extend_low_i8x16_s(x) = vmovl_s8(vget_low_s8(x));
    i16x8_extend_low_i8x16_u(x) = vmovl_u8(vget_low_u8(x));
    i16x8_extend_high_i8x16_s(x) = vmovl_high_s8(x);
    i16x8_extend_high_i8x16_u(x) = vmovl_high_u8(x);
    i16x8_extmul_low_i8x16_s(x, y) = vmull_s8(vget_low_s8(x), vget_low_s8(y));
    i16x8_extmul_low_i8x16_u(x, y) = vmull_u8(vget_low_u8(x), vget_low_u8(y));
    i16x8_extmul_high_i8x16_s(x, y) = vmull_high_s8(x, y);
    i16x8_extmul_high_i8x16_u(x, y) = vmull_high_u8(x, y);
    i16x8_extadd_pairwise_i8x16_s(x) = vpaddlq_s8(x);
    i16x8_extadd_pairwise_i8x16_u(x) = vpaddlq_u8(x);

    i32x4_neg(x) = vnegq_s32(x);
    i32x4_abs(x) = vabsq_s32(x);
    i32x4_add(x, y) = vaddq_u32(x, y);
    i32x4_sub(x, y) = vsubq_u32(x, y);
    i32x4_mul(x, y) = vmulq_u32(x, y);
    i32x4_dot_i16x8_s(x, y) = vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y));
    i32x4_min_s(x, y) = vminq_s32(x, y);
    i32x4_min_u(x, y) = vminq_u32(x, y);
    i32x4_max_s(x, y) = vmaxq_s32(x, y);
    i32x4_max_u(x, y) = vmaxq_u32(x, y);
    i32x4_eq(x, y) = vceqq_u32(x, y);
    i32x4_ne(x, y) = vmvnq_u32(vceqq_u32(x, y));
    i32x4_lt_s(x, y) = vcltq_s32(x, y);
    i32x4_lt_u(x, y) = vcltq_u32(x, y);
    i32x4_gt_s(x, y) = vcgtq_s32(x, y);
    i32x4_gt_u(x, y) = vcgtq_u32(x, y);
    i32x4_le_s(x, y) = vcleq_s32(x, y);
    i32x4_le_u(x, y) = vcleq_u32(x, y);
    i32x4_ge_s(x, y) = vcgeq_s32(x, y);
    i32x4_ge_u(x, y) = vcgeq_u32(x, y);
    i32x4_extend_low_i16x8_s(x) = vmovl_s16(vget_low_s16(x));
    i32x4_extend_low_i16x8_u(x) = vmovl_u16(vget_low_u16(x));
    i32x4_extend_high_i16x8_s(x) = vmovl_high_s16(x);
    i32x4_extend_high_i16x8_u(x) = vmovl_high_u16(x);
    i32x4_extmul_low_i16x8_s(x, y) = vmull_s16(vget_low_s16(x), vget_low_s16(y));
    i32x4_extmul_low_i16x8_u(x, y) = vmull_u16(vget_low_u16(x), vget_low_u16(y));
    i32x4_extmul_high_i16x8_s(x, y) = vmull_high_s16(x, y);
    i32x4_extmul_high_i16x8_u(x, y) = vmull_high_u16(x, y);
    i32x4_extadd_pairwise_i16x8_s(x) = vpaddlq_s16(x);
    i32x4_extadd_pairwise_i16x8_u(x) = vpaddlq_u16(x);

    i64x2_neg(x) = vnegq_s64(x);
    i64x2_abs(x) = vabsq_s64(x);
    i64x2_add(x, y) = vaddq_u64(x, y);
    i64x2_sub(x, y) = vsubq_u64(x, y);
    // The products of unlike halves count by their low halves alone, in the high half of the result.
    i64x2_mul(x, y) = {
        let unlike = vpaddlq_u32(vmulq_u32(vreinterpretq_u32_u64(x), vrev64q_u32(vreinterpretq_u32_u64(y))));
        vmlal_u32(vshlq_n_u64::<32>(unlike), vmovn_u64(x), vmovn_u64(y))
    };
    i64x2_eq(x, y) = vceqq_u64(x, y);
    i64x2_ne(x, y) = vmvnq_u32(vreinterpretq_u32_u64(vceqq_u64(x, y)));
    i64x2_lt_s(x, y) = vcltq_s64(x, y);
    i64x2_gt_s(x, y) = vcgtq_s64(x, y);
    i64x2_le_s(x, y) = vcleq_s64(x, y);
    i64x2_ge_s(x, y) = vcgeq_s64(x, y);
    i64x2_extend_low_i32x4_s(x) = vmovl_s32(vget_low_s32(x));
    i64x2_extend_low_i32x4_u(x) = vmovl_u32(vget_low_u32(x));
    i64x2_extend_high_i32x4_s(x) = vmovl_high_s32(x);
    i64x2_extend_high_i32x4_u(x) = vmovl_high_u32(x);
    i64x2_extmul_low_i32x4_s(x, y) = vmull_s32(vget_low_s32(x), vget_low_s32(y));
    i64x2_extmul_low_i32x4_u(x, y) = vmull_u32(vget_low_u32(x), vget_low_u32(y));
    i64x2_extmul_high_i32x4_s(x, y) = vmull_high_s32(x, y);
    i64x2_extmul_high_i32x4_u(x, y) = vmull_high_u32(x, y);

    f32x4_add(x, y) = vaddq_f32(x, y);
    f32x4_sub(x, y) = vsubq_f32(x, y);
    f32x4_mul(x, y) = vmulq_f32(x, y);
    f32x4_div(x, y) = vdivq_f32(x, y);
    f32x4_sqrt(x) = vsqrtq_f32(x);
    f32x4_abs(x) = vabsq_f32(x);
    f32x4_neg(x) = vnegq_f32(x);
    // These give a NaN for a NaN and order the zeros, as WebAssembly does; the instructions that end in "nm" don't.
    f32x4_min(x, y) = vminq_f32(x, y);
    f32x4_max(x, y) = vmaxq_f32(x, y);
    f32x4_pmin(x, y) = vbslq_f32(vcltq_f32(y, x), y, x);
    f32x4_pmax(x, y) = vbslq_f32(vcltq_f32(x, y), y, x);
    f32x4_ceil(x) = vrndpq_f32(x);
    f32x4_floor(x) = vrndmq_f32(x);
    f32x4_trunc(x) = vrndq_f32(x);
    f32x4_nearest(x) = vrndnq_f32(x);
    f32x4_eq(x, y) = vceqq_f32(x, y);
    f32x4_ne(x, y) = vmvnq_u32(vceqq_f32(x, y));
    f32x4_lt(x, y) = vcltq_f32(x, y);
    f32x4_gt(x, y) = vcgtq_f32(x, y);
    f32x4_le(x, y) = vcleq_f32(x, y);
    f32x4_ge(x, y) = vcgeq_f32(x, y);

    f64x2_add(x, y) = vaddq_f64(x, y);
    f64x2_sub(x, y) = vsubq_f64(x, y);
    f64x2_mul(x, y) = vmulq_f64(x, y);
    f64x2_div(x, y) = vdivq_f64(x, y);
    f64x2_sqrt(x) = vsqrtq_f64(x);
    f64x2_abs(x) = vabsq_f64(x);
    f64x2_neg(x) = vnegq_f64(x);
    f64x2_min(x, y) = vminq_f64(x, y);
    f64x2_max(x, y) = vmaxq_f64(x, y);
    f64x2_pmin(x, y) = vbslq_f64(vcltq_f64(y, x), y, x);
    f64x2_pmax(x, y) = vbslq_f64(vcltq_f64(x, y), y, x);
    f64x2_ceil(x) = vrndpq_f64(x);
    f64x2_floor(x) = vrndmq_f64(x);
    f64x2_trunc(x) = vrndq_f64(x);
    f64x2_nearest(x) = vrndnq_f64(x);
    f64x2_eq(x, y) = vceqq_f64(x, y);
    f64x2_ne(x, y) = vmvnq_u32(vreinterpretq_u32_u64(vceqq_f64(x, y)));
    f64x2_lt(x, y) = vcltq_f64(x, y);
    f64x2_gt(x, y) = vcgtq_f64(x, y);
    f64x2_le(x, y) = vcleq_f64(x, y);
    f64x2_ge(x, y) = vcgeq_f64(x, y);

    // The machine saturates, and gives 0 for a NaN; and twice saturated is saturated.
    i32x4_trunc_sat_f32x4_s(x) = vcvtq_s32_f32(x);
    i32x4_trunc_sat_f32x4_u(x) = vcvtq_u32_f32(x);
    i32x4_trunc_sat_f64x2_s_zero(x) = vcombine_s32(vqmovn_s64(vcvtq_s64_f64(x)), vdup_n_s32(0));
    i32x4_trunc_sat_f64x2_u_zero(x) = vcombine_u32(vqmovn_u64(vcvtq_u64_f64(x)), vdup_n_u32(0));
    f32x4_convert_i32x4_s(x) = vcvtq_f32_s32(x);
    f32x4_convert_i32x4_u(x) = vcvtq_f32_u32(x);
    f64x2_convert_low_i32x4_s(x) = vcvtq_f64_s64(vmovl_s32(vget_low_s32(x)));
    f64x2_convert_low_i32x4_u(x) = vcvtq_f64_u64(vmovl_u32(vget_low_u32(x)));
    f32x4_demote_f64x2_zero(x) = vcombine_f32(vcvt_f32_f64(x), vdup_n_f32(0.0));
    f64x2_promote_low_f32x4(x) = vcvt_f64_f32(vget_low_f32(x));
}

// One instruction shifts either way, by a count of its own for each lane: to the right where it is negative.
vectors! {
    i8x16_shl(x; n: u32) = vshlq_s8(x, vdupq_n_s8((n % 8) as i8));
    i8x16_shr_s(x; n: u32) = vshlq_s8(x, vdupq_n_s8(-((n % 8) as i8)));
    i8x16_shr_u(x; n: u32) = vshlq_u8(x, vdupq_n_s8(-((n % 8) as i8)));
    i16x8_shl(x; n: u32) = vshlq_s16(x, vdupq_n_s16((n % 16) as i16));
    i16x8_shr_s(x; n: u32) = vshlq_s16(x, vdupq_n_s16(-((n % 16) as i16)));
    i16x8_shr_u(x; n: u32) = vshlq_u16(x, vdupq_n_s16(-((n % 16) as i16)));
    i32x4_shl(x; n: u32) = vshlq_s32(x, vdupq_n_s32((n % 32) as i32));
    i32x4_shr_s(x; n: u32) = vshlq_s32(x, vdupq_n_s32(-((n % 32) as i32)));
    i32x4_shr_u(x; n: u32) = vshlq_u32(x, vdupq_n_s32(-((n % 32) as i32)));
    i64x2_shl(x; n: u32) = vshlq_s64(x, vdupq_n_s64((n % 64) as i64));
    i64x2_shr_s(x; n: u32) = vshlq_s64(x, vdupq_n_s64(-((n % 64) as i64)));
    i64x2_shr_u(x; n: u32) = vshlq_u64(x, vdupq_n_s64(-((n % 64) as i64)));
}

/// For each lane, the bit that its sign is in the mask of all.
const BITS_8: V128 = V128([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
const BITS_16: V128 = V128([1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 32, 0, 64, 0, 128, 0]);
const BITS_32: V128 = V128([1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0]);

bits! {
    v128_any_true(x) = vmaxvq_u32(x) != 0;
    i8x16_all_true(x) = vminvq_u8(x) != 0;
    i16x8_all_true(x) = vminvq_u16(x) != 0;
    i32x4_all_true(x) = vminvq_u32(x) != 0;
    i64x2_all_true(x) = vmaxvq_u32(vreinterpretq_u32_u64(vceqzq_u64(x))) == 0;
    // Each byte of the upper half goes beside its like of the lower one, so that one sum is enough.
    i8x16_bitmask(x) = {
        let bits = vandq_u8(vreinterpretq_u8_s8(vshrq_n_s8::<7>(x)), Register::of(BITS_8));
        vaddvq_u16(vreinterpretq_u16_u8(vzip1q_u8(bits, vextq_u8::<8>(bits, bits))))
    };
    i16x8_bitmask(x) = {
        let signs = vreinterpretq_u16_s16(vshrq_n_s16::<15>(x));
        vaddvq_u16(vandq_u16(signs, Register::of(BITS_16)))
    };
    i32x4_bitmask(x) = {
        let signs = vreinterpretq_u32_s32(vshrq_n_s32::<31>(x));
        vaddvq_u32(vandq_u32(signs, Register::of(BITS_32)))
    };
    i64x2_bitmask(x) = {
        let signs = vshrq_n_u64::<63>(x);
        vgetq_lane_u64::<0>(vsliq_n_u64::<1>(signs, vextq_u64::<1>(signs, signs)))
    };
}

vectors! {
    i8x16_splat(; x: u32) = vdupq_n_u8(x as u8);
    i16x8_splat(; x: u32) = vdupq_n_u16(x as u16);
    i32x4_splat(; x: u32) = vdupq_n_u32(x);
    i64x2_splat(; x: u64) = vdupq_n_u64(x);
    f32x4_splat(; x: f32) = vdupq_n_f32(x);
    f64x2_splat(; x: f64) = vdupq_n_f64(x);

    i8x16_replace_lane(x; lane: u8, y: u32) = vbslq_u8(lane_8(lane), vdupq_n_u8(y as u8), x);
    i16x8_replace_lane(x; lane: u8, y: u32) = vbslq_u16(lane_16(lane), vdupq_n_u16(y as u16), x);
    i32x4_replace_lane(x; lane: u8, y: u32) = vbslq_u32(lane_32(lane), vdupq_n_u32(y), x);
    i64x2_replace_lane(x; lane: u8, y: u64) = vbslq_u64(lane_64(lane), vdupq_n_u64(y), x);
    f32x4_replace_lane(x; lane: u8, y: f32) = vbslq_f32(lane_32(lane), vdupq_n_f32(y), x);
    f64x2_replace_lane(x; lane: u8, y: f64) = vbslq_f64(lane_64(lane), vdupq_n_f64(y), x);

    v128_load8x8_s(; x: u64) = vmovl_s8(vcreate_s8(x));
    v128_load8x8_u(; x: u64) = vmovl_u8(vcreate_u8(x));
    v128_load16x4_s(; x: u64) = vmovl_s16(vcreate_s16(x));
    v128_load16x4_u(; x: u64) = vmovl_u16(vcreate_u16(x));
    v128_load32x2_s(; x: u64) = vmovl_s32(vcreate_s32(x));
    v128_load32x2_u(; x: u64) = vmovl_u32(vcreate_u32(x));
    v128_load8_splat(; x: u8) = vdupq_n_u8(x);
    v128_load16_splat(; x: u16) = vdupq_n_u16(x);
    v128_load32_splat(; x: u32) = vdupq_n_u32(x);
    v128_load64_splat(; x: u64) = vdupq_n_u64(x);
    v128_load32_zero(; x: u32) = vsetq_lane_u32::<0>(x, vdupq_n_u32(0));
    v128_load64_zero(; x: u64) = vsetq_lane_u64::<0>(x, vdupq_n_u64(0));
}
