//! SSE2, which is part of x86_64: that is why every `unsafe` here is sound.
//!
//! A swizzle and a shuffle have no SSE2 form that beats the portable one, and of `i64x2.shr_s` LLVM makes the best.

use super::{NUMBERS_8, NUMBERS_16, NUMBERS_32, NUMBERS_64, Register};
use crate::value::V128;
use core::arch::x86_64::*;

#[allow(unused_imports, reason = "what stands below shadows it, as far as it goes")]
pub(crate) use crate::value::v128::*;

registers! { __m128i __m128 __m128d }

parts! {
    zero() -> __m128i = _mm_setzero_si128();
    not(x: __m128i) -> __m128i = _mm_xor_si128(x, _mm_set1_epi32(-1));
    select(mask: __m128i, x: __m128i, y: __m128i) -> __m128i =
        _mm_or_si128(_mm_and_si128(mask, x), _mm_andnot_si128(mask, y));
    sign_32(x: __m128i) -> __m128i = _mm_srai_epi32::<31>(x);
    sign_64(x: __m128i) -> __m128i = _mm_shuffle_epi32::<0b11_11_01_01>(sign_32(x));
    eq_64(x: __m128i, y: __m128i) -> __m128i = {
        let eq = _mm_cmpeq_epi32(x, y);
        _mm_and_si128(eq, _mm_shuffle_epi32::<0b10_11_00_01>(eq))
    };
    // Where the high halves are equal, the difference borrows from them just if the low ones decide.
    gt_64(x: __m128i, y: __m128i) -> __m128i = {
        let low = _mm_and_si128(_mm_cmpeq_epi32(x, y), _mm_sub_epi64(y, x));
        _mm_shuffle_epi32::<0b11_11_01_01>(_mm_or_si128(low, _mm_cmpgt_epi32(x, y)))
    };
    // Unsigned lanes in the order of signed ones.
    bias_8(x: __m128i) -> __m128i = _mm_xor_si128(x, _mm_set1_epi8(i8::MIN));
    bias_16(x: __m128i) -> __m128i = _mm_xor_si128(x, _mm_set1_epi16(i16::MIN));
    bias_32(x: __m128i) -> __m128i = _mm_xor_si128(x, _mm_set1_epi32(i32::MIN));
    low_8_s(x: __m128i) -> __m128i = _mm_srai_epi16::<8>(_mm_unpacklo_epi8(x, x));
    high_8_s(x: __m128i) -> __m128i = _mm_srai_epi16::<8>(_mm_unpackhi_epi8(x, x));
    low_8_u(x: __m128i) -> __m128i = _mm_unpacklo_epi8(x, zero());
    high_8_u(x: __m128i) -> __m128i = _mm_unpackhi_epi8(x, zero());
    low_16_s(x: __m128i) -> __m128i = _mm_srai_epi32::<16>(_mm_unpacklo_epi16(x, x));
    low_16_u(x: __m128i) -> __m128i = _mm_unpacklo_epi16(x, zero());
    low_32_s(x: __m128i) -> __m128i = _mm_unpacklo_epi32(x, sign_32(x));
    low_32_u(x: __m128i) -> __m128i = _mm_unpacklo_epi32(x, zero());
    // The product's high half, if a negative factor was taken for 2^32 more, has the other too much in it.
    mul_even_32_s(x: __m128i, y: __m128i) -> __m128i = {
        let excess = _mm_add_epi32(_mm_and_si128(sign_32(x), y), _mm_and_si128(sign_32(y), x));
        _mm_sub_epi64(_mm_mul_epu32(x, y), _mm_slli_epi64::<32>(excess))
    };
    // A product fills a word with copies at less cost than shuffles do.
    lane_8(n: u8) -> __m128i =
        _mm_cmpeq_epi8(_mm_set1_epi32(n as i32 * 0x0101_0101), Register::of(NUMBERS_8));
    lane_16(n: u8) -> __m128i = _mm_cmpeq_epi16(_mm_set1_epi16(n.into()), Register::of(NUMBERS_16));
    lane_32(n: u8) -> __m128i = _mm_cmpeq_epi32(_mm_set1_epi32(n.into()), Register::of(NUMBERS_32));
    lane_64(n: u8) -> __m128i = _mm_cmpeq_epi32(_mm_set1_epi32(n.into()), Register::of(NUMBERS_64));
    word(x: u64) -> __m128i = _mm_cvtsi64_si128(x as i64);
    count(n: u32) -> __m128i = _mm_cvtsi32_si128(n as i32);
}

/// The first and the second two lanes of four, each at the place where a product of 64 bits will be.
const LOW: i32 = 0b01_01_00_00;
const HIGH: i32 = 0b11_11_10_10;

vectors! {
    v128_and(x, y) = _mm_and_si128(x, y);
    v128_or(x, y) = _mm_or_si128(x, y);
    v128_xor(x, y) = _mm_xor_si128(x, y);
    v128_andnot(x, y) = _mm_andnot_si128(y, x);
    v128_not(x) = not(x);
    v128_bitselect(x, y, mask) = select(mask, x, y);

    i8x16_neg(x) = _mm_sub_epi8(zero(), x);
    i8x16_abs(x) = _mm_min_epu8(x, _mm_sub_epi8(zero(), x));
    i8x16_popcnt(x) = {
        let threes = _mm_set1_epi8(0x33);
        let x = _mm_sub_epi8(x, _mm_and_si128(_mm_srli_epi16::<1>(x), _mm_set1_epi8(0x55)));
        let x = _mm_add_epi8(_mm_and_si128(x, threes), _mm_and_si128(_mm_srli_epi16::<2>(x), threes));
        _mm_and_si128(_mm_add_epi8(x, _mm_srli_epi16::<4>(x)), _mm_set1_epi8(0x0f))
    };
    i8x16_add(x, y) = _mm_add_epi8(x, y);
    i8x16_sub(x, y) = _mm_sub_epi8(x, y);
    i8x16_add_sat_s(x, y) = _mm_adds_epi8(x, y);
    i8x16_add_sat_u(x, y) = _mm_adds_epu8(x, y);
    i8x16_sub_sat_s(x, y) = _mm_subs_epi8(x, y);
    i8x16_sub_sat_u(x, y) = _mm_subs_epu8(x, y);
    i8x16_min_s(x, y) = bias_8(_mm_min_epu8(bias_8(x), bias_8(y)));
    i8x16_min_u(x, y) = _mm_min_epu8(x, y);
    i8x16_max_s(x, y) = bias_8(_mm_max_epu8(bias_8(x), bias_8(y)));
    i8x16_max_u(x, y) = _mm_max_epu8(x, y);
    i8x16_avgr_u(x, y) = _mm_avg_epu8(x, y);
    i8x16_eq(x, y) = _mm_cmpeq_epi8(x, y);
    i8x16_ne(x, y) = not(_mm_cmpeq_epi8(x, y));
    i8x16_lt_s(x, y) = _mm_cmpgt_epi8(y, x);
    i8x16_gt_s(x, y) = _mm_cmpgt_epi8(x, y);
    i8x16_le_s(x, y) = not(_mm_cmpgt_epi8(x, y));
    i8x16_ge_s(x, y) = not(_mm_cmpgt_epi8(y, x));
    i8x16_lt_u(x, y) = not(_mm_cmpeq_epi8(_mm_max_epu8(x, y), x));
    i8x16_gt_u(x, y) = not(_mm_cmpeq_epi8(_mm_min_epu8(x, y), x));
    i8x16_le_u(x, y) = _mm_cmpeq_epi8(_mm_min_epu8(x, y), x);
    i8x16_ge_u(x, y) = _mm_cmpeq_epi8(_mm_max_epu8(x, y), x);
    i8x16_narrow_i16x8_s(x, y) = _mm_packs_epi16(x, y);
    i8x16_narrow_i16x8_u(x, y) = _mm_packus_epi16(x, y);

    i16x8_neg(x) = _mm_sub_epi16(zero(), x);
    i16x8_abs(x) = _mm_max_epi16(x, _mm_sub_epi16(zero(), x));
    i16x8_add(x, y) = _mm_add_epi16(x, y);
    i16x8_sub(x, y) = _mm_sub_epi16(x, y);
    i16x8_mul(x, y) = _mm_mullo_epi16(x, y);
    i16x8_add_sat_s(x, y) = _mm_adds_epi16(x, y);
    i16x8_add_sat_u(x, y) = _mm_adds_epu16(x, y);
    i16x8_sub_sat_s(x, y) = _mm_subs_epi16(x, y);
    i16x8_sub_sat_u(x, y) = _mm_subs_epu16(x, y);
    // Only -1 * -1 is saturated.
    i16x8_q15mulr_sat_s(x, y) = {
        let (low, high) = (_mm_mullo_epi16(x, y), _mm_mulhi_epi16(x, y));
        let half = _mm_set1_epi32(0x4000);
        let first = _mm_srai_epi32::<15>(_mm_add_epi32(_mm_unpacklo_epi16(low, high), half));
        let second = _mm_srai_epi32::<15>(_mm_add_epi32(_mm_unpackhi_epi16(low, high), half));
        _mm_packs_epi32(first, second)
    };
    i16x8_min_s(x, y) = _mm_min_epi16(x, y);
    i16x8_min_u(x, y) = _mm_sub_epi16(x, _mm_subs_epu16(x, y));
    i16x8_max_s(x, y) = _mm_max_epi16(x, y);
    i16x8_max_u(x, y) = _mm_add_epi16(y, _mm_subs_epu16(x, y));
    i16x8_avgr_u(x, y) = _mm_avg_epu16(x, y);
    i16x8_eq(x, y) = _mm_cmpeq_epi16(x, y);
    i16x8_ne(x, y) = not(_mm_cmpeq_epi16(x, y));
    i16x8_lt_s(x, y) = _mm_cmpgt_epi16(y, x);
    i16x8_gt_s(x, y) = _mm_cmpgt_epi16(x, y);
    i16x8_le_s(x, y) = not(_mm_cmpgt_epi16(x, y));
    i16x8_ge_s(x, y) = not(_mm_cmpgt_epi16(y, x));
    i16x8_lt_u(x, y) = _mm_cmpgt_epi16(bias_16(y), bias_16(x));
    i16x8_gt_u(x, y) = _mm_cmpgt_epi16(bias_16(x), bias_16(y));
    i16x8_le_u(x, y) = _mm_cmpeq_epi16(_mm_subs_epu16(x, y), zero());
    i16x8_ge_u(x, y) = _mm_cmpeq_epi16(_mm_subs_epu16(y, x), zero());
    i16x8_narrow_i32x4_s(x, y) = _mm_packs_epi32(x, y);
    // Moved down to where saturation of i16 is right; what wrapped then was negative, and is told by its sign.
    i16x8_narrow_i32x4_u(x, y) = {
        let bias = _mm_set1_epi32(0x8000);
        let narrow = bias_16(_mm_packs_epi32(_mm_sub_epi32(x, bias), _mm_sub_epi32(y, bias)));
        _mm_andnot_si128(_mm_srai_epi16::<15>(_mm_packs_epi32(x, y)), narrow)
    };
    i16x8_extend_low_i8x16_s(x) = low_8_s(x);
    i16x8_extend_low_i8x16_u(x) = low_8_u(x);
    i16x8_extend_high_i8x16_s(x) = high_8_s(x);
    i16x8_extend_high_i8x16_u(x) = high_8_u(x);
    i16x8_extmul_low_i8x16_s(x, y) = _mm_mullo_epi16(low_8_s(x), low_8_s(y));
    i16x8_extmul_low_i8x16_u(x, y) = _mm_mullo_epi16(low_8_u(x), low_8_u(y));
    i16x8_extmul_high_i8x16_s(x, y) = _mm_mullo_epi16(high_8_s(x), high_8_s(y));
    i16x8_extmul_high_i8x16_u(x, y) = _mm_mullo_epi16(high_8_u(x), high_8_u(y));
    i16x8_extadd_pairwise_i8x16_s(x) =
        _mm_add_epi16(_mm_srai_epi16::<8>(_mm_slli_epi16::<8>(x)), _mm_srai_epi16::<8>(x));
    i16x8_extadd_pairwise_i8x16_u(x) =
        _mm_add_epi16(_mm_and_si128(x, _mm_set1_epi16(0xff)), _mm_srli_epi16::<8>(x));

    i32x4_neg(x) = _mm_sub_epi32(zero(), x);
    i32x4_abs(x) = _mm_sub_epi32(_mm_xor_si128(x, sign_32(x)), sign_32(x));
    i32x4_add(x, y) = _mm_add_epi32(x, y);
    i32x4_sub(x, y) = _mm_sub_epi32(x, y);
    i32x4_mul(x, y) = {
        let even = _mm_mul_epu32(x, y);
        let odd = _mm_mul_epu32(_mm_srli_epi64::<32>(x), _mm_srli_epi64::<32>(y));
        _mm_unpacklo_epi32(_mm_shuffle_epi32::<0b10_00>(even), _mm_shuffle_epi32::<0b10_00>(odd))
    };
    i32x4_dot_i16x8_s(x, y) = _mm_madd_epi16(x, y);
    i32x4_min_s(x, y) = select(_mm_cmpgt_epi32(y, x), x, y);
    i32x4_min_u(x, y) = select(_mm_cmpgt_epi32(bias_32(y), bias_32(x)), x, y);
    i32x4_max_s(x, y) = select(_mm_cmpgt_epi32(x, y), x, y);
    i32x4_max_u(x, y) = select(_mm_cmpgt_epi32(bias_32(x), bias_32(y)), x, y);
    i32x4_eq(x, y) = _mm_cmpeq_epi32(x, y);
    i32x4_ne(x, y) = not(_mm_cmpeq_epi32(x, y));
    i32x4_lt_s(x, y) = _mm_cmpgt_epi32(y, x);
    i32x4_gt_s(x, y) = _mm_cmpgt_epi32(x, y);
    i32x4_le_s(x, y) = not(_mm_cmpgt_epi32(x, y));
    i32x4_ge_s(x, y) = not(_mm_cmpgt_epi32(y, x));
    i32x4_lt_u(x, y) = _mm_cmpgt_epi32(bias_32(y), bias_32(x));
    i32x4_gt_u(x, y) = _mm_cmpgt_epi32(bias_32(x), bias_32(y));
    i32x4_le_u(x, y) = not(_mm_cmpgt_epi32(bias_32(x), bias_32(y)));
    i32x4_ge_u(x, y) = not(_mm_cmpgt_epi32(bias_32(y), bias_32(x)));
    i32x4_extend_low_i16x8_s(x) = low_16_s(x);
    i32x4_extend_low_i16x8_u(x) = low_16_u(x);
    i32x4_extend_high_i16x8_s(x) = _mm_srai_epi32::<16>(_mm_unpackhi_epi16(x, x));
    i32x4_extend_high_i16x8_u(x) = _mm_unpackhi_epi16(x, zero());
    i32x4_extmul_low_i16x8_s(x, y) = _mm_madd_epi16(_mm_unpacklo_epi16(x, zero()), _mm_unpacklo_epi16(y, y));
    i32x4_extmul_low_i16x8_u(x, y) = _mm_unpacklo_epi16(_mm_mullo_epi16(x, y), _mm_mulhi_epu16(x, y));
    i32x4_extmul_high_i16x8_s(x, y) = _mm_madd_epi16(_mm_unpackhi_epi16(x, zero()), _mm_unpackhi_epi16(y, y));
    i32x4_extmul_high_i16x8_u(x, y) = _mm_unpackhi_epi16(_mm_mullo_epi16(x, y), _mm_mulhi_epu16(x, y));
    i32x4_extadd_pairwise_i16x8_s(x) = _mm_madd_epi16(x, _mm_set1_epi16(1));
    i32x4_extadd_pairwise_i16x8_u(x) =
        _mm_add_epi32(_mm_and_si128(x, _mm_set1_epi32(0xffff)), _mm_srli_epi32::<16>(x));

    i64x2_neg(x) = _mm_sub_epi64(zero(), x);
    i64x2_abs(x) = _mm_sub_epi64(_mm_xor_si128(x, sign_64(x)), sign_64(x));
    i64x2_add(x, y) = _mm_add_epi64(x, y);
    i64x2_sub(x, y) = _mm_sub_epi64(x, y);
    i64x2_mul(x, y) = {
        let x_high_y = _mm_mul_epu32(_mm_srli_epi64::<32>(x), y);
        let x_y_high = _mm_mul_epu32(x, _mm_srli_epi64::<32>(y));
        _mm_add_epi64(_mm_mul_epu32(x, y), _mm_slli_epi64::<32>(_mm_add_epi64(x_high_y, x_y_high)))
    };
    i64x2_eq(x, y) = eq_64(x, y);
    i64x2_ne(x, y) = not(eq_64(x, y));
    i64x2_lt_s(x, y) = gt_64(y, x);
    i64x2_gt_s(x, y) = gt_64(x, y);
    i64x2_le_s(x, y) = not(gt_64(x, y));
    i64x2_ge_s(x, y) = not(gt_64(y, x));
    i64x2_extend_low_i32x4_s(x) = low_32_s(x);
    i64x2_extend_low_i32x4_u(x) = low_32_u(x);
    i64x2_extend_high_i32x4_s(x) = _mm_unpackhi_epi32(x, sign_32(x));
    i64x2_extend_high_i32x4_u(x) = _mm_unpackhi_epi32(x, zero());
    i64x2_extmul_low_i32x4_s(x, y) = mul_even_32_s(_mm_shuffle_epi32::<LOW>(x), _mm_shuffle_epi32::<LOW>(y));
    i64x2_extmul_low_i32x4_u(x, y) = _mm_mul_epu32(_mm_shuffle_epi32::<LOW>(x), _mm_shuffle_epi32::<LOW>(y));
    i64x2_extmul_high_i32x4_s(x, y) = mul_even_32_s(_mm_shuffle_epi32::<HIGH>(x), _mm_shuffle_epi32::<HIGH>(y));
    i64x2_extmul_high_i32x4_u(x, y) = _mm_mul_epu32(_mm_shuffle_epi32::<HIGH>(x), _mm_shuffle_epi32::<HIGH>(y));
}

/// By what is left of a byte when its lane of 16 bits was shifted.
static SHIFTED_LEFT: [V128; 8] = shifted([0xff, 0xfe, 0xfc, 0xf8, 0xf0, 0xe0, 0xc0, 0x80]);
static SHIFTED_RIGHT: [V128; 8] = shifted([0xff, 0x7f, 0x3f, 0x1f, 0x0f, 0x07, 0x03, 0x01]);

const fn shifted(bytes: [u8; 8]) -> [V128; 8] {
    let mut masks = [V128([0; 16]); 8];
    let mut n = 0;
    while n < 8 {
        masks[n] = V128([bytes[n]; 16]);
        n += 1;
    }
    masks
}

vectors! {
    i8x16_shl(x; n: u32) =
        _mm_and_si128(_mm_sll_epi16(x, count(n % 8)), Register::of(SHIFTED_LEFT[n as usize % 8]));
    i8x16_shr_u(x; n: u32) =
        _mm_and_si128(_mm_srl_epi16(x, count(n % 8)), Register::of(SHIFTED_RIGHT[n as usize % 8]));
    i8x16_shr_s(x; n: u32) = {
        let n = count(n % 8 + 8);
        _mm_packs_epi16(_mm_sra_epi16(_mm_unpacklo_epi8(x, x), n), _mm_sra_epi16(_mm_unpackhi_epi8(x, x), n))
    };
    i16x8_shl(x; n: u32) = _mm_sll_epi16(x, count(n % 16));
    i16x8_shr_s(x; n: u32) = _mm_sra_epi16(x, count(n % 16));
    i16x8_shr_u(x; n: u32) = _mm_srl_epi16(x, count(n % 16));
    i32x4_shl(x; n: u32) = _mm_sll_epi32(x, count(n % 32));
    i32x4_shr_s(x; n: u32) = _mm_sra_epi32(x, count(n % 32));
    i32x4_shr_u(x; n: u32) = _mm_srl_epi32(x, count(n % 32));
    i64x2_shl(x; n: u32) = _mm_sll_epi64(x, count(n % 64));
    i64x2_shr_u(x; n: u32) = _mm_srl_epi64(x, count(n % 64));

    i8x16_splat(; x: u32) = _mm_set1_epi8(x as i8);
    i16x8_splat(; x: u32) = _mm_set1_epi16(x as i16);
    i32x4_splat(; x: u32) = _mm_set1_epi32(x as i32);
    i64x2_splat(; x: u64) = _mm_set1_epi64x(x as i64);
    f32x4_splat(; x: f32) = _mm_set1_ps(x);
    f64x2_splat(; x: f64) = _mm_set1_pd(x);

    i8x16_replace_lane(x; lane: u8, y: u32) = select(lane_8(lane), _mm_set1_epi8(y as i8), x);
    i16x8_replace_lane(x; lane: u8, y: u32) = select(lane_16(lane), _mm_set1_epi16(y as i16), x);
    i32x4_replace_lane(x; lane: u8, y: u32) = select(lane_32(lane), _mm_set1_epi32(y as i32), x);
    i64x2_replace_lane(x; lane: u8, y: u64) = select(lane_64(lane), _mm_set1_epi64x(y as i64), x);
    f32x4_replace_lane(x; lane: u8, y: f32) = select(lane_32(lane), _mm_castps_si128(_mm_set1_ps(y)), x);
    f64x2_replace_lane(x; lane: u8, y: f64) = select(lane_64(lane), _mm_castpd_si128(_mm_set1_pd(y)), x);

    v128_load8x8_s(; x: u64) = low_8_s(word(x));
    v128_load8x8_u(; x: u64) = low_8_u(word(x));
    v128_load16x4_s(; x: u64) = low_16_s(word(x));
    v128_load16x4_u(; x: u64) = low_16_u(word(x));
    v128_load32x2_s(; x: u64) = low_32_s(word(x));
    v128_load32x2_u(; x: u64) = low_32_u(word(x));
    v128_load8_splat(; x: u8) = _mm_set1_epi8(x as i8);
    v128_load16_splat(; x: u16) = _mm_set1_epi16(x as i16);
    v128_load32_splat(; x: u32) = _mm_set1_epi32(x as i32);
    v128_load64_splat(; x: u64) = _mm_set1_epi64x(x as i64);
    v128_load32_zero(; x: u32) = _mm_cvtsi32_si128(x as i32);
    v128_load64_zero(; x: u64) = word(x);
}

bits! {
    v128_any_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi8(x, zero())) != 0xffff;
    i8x16_all_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi8(x, zero())) == 0;
    i16x8_all_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi16(x, zero())) == 0;
    i32x4_all_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi32(x, zero())) == 0;
    i64x2_all_true(x) = _mm_movemask_epi8(eq_64(x, zero())) == 0;
    i8x16_bitmask(x) = _mm_movemask_epi8(x);
    i16x8_bitmask(x) = _mm_movemask_epi8(_mm_packs_epi16(x, zero()));
    i32x4_bitmask(x) = _mm_movemask_ps(_mm_castsi128_ps(x));
    i64x2_bitmask(x) = _mm_movemask_pd(_mm_castsi128_pd(x));
}

/// Both shapes of floats. Shifted right by `$significant`, a mask of a lane covers just the bits that a canonical NaN
/// has not.
macro_rules! floats {
    ($register:ident $set1:ident $and:ident $andnot:ident $or:ident $xor:ident $cmp_lt:ident $cmp_le:ident
     $cmp_eq:ident $cmp_ne:ident $unordered:ident
     $add_:ident $sub_:ident $mul_:ident $div_:ident $sqrt_:ident $min_:ident $max_:ident
     $cast:ident $back:ident $shift:ident $significant:literal $integral_from:literal;
     $abs:ident $neg:ident $sqrt:ident $ceil:ident $floor:ident $trunc:ident $nearest:ident $add:ident $sub:ident
     $mul:ident $div:ident $min:ident $max:ident $pmin:ident $pmax:ident $eq:ident $ne:ident $lt:ident $gt:ident
     $le:ident $ge:ident $magnitude:ident $sign:ident $round:ident $nan:ident) => {
        parts! {
            $magnitude(x: $register) -> $register = $andnot($set1(-0.0), x);
            $sign(x: $register) -> $register = $and($set1(-0.0), x);
            // To the nearest integer, ties to even: the sum has no bits for a fraction. Greater numbers have none
            // either and are let be, but a NaN gets quiet.
            $round(magnitude: $register) -> $register = {
                let limit = $set1($integral_from);
                let limit = $and($cmp_lt(magnitude, limit), limit);
                $sub_($add_(magnitude, limit), limit)
            };
            // The canonical NaN where an operand is one, else the result.
            $nan(x: $register, y: $register, result: $register) -> $register = {
                let nan = $unordered(x, y);
                $andnot($back($shift::<$significant>($cast(nan))), $or(result, nan))
            };
        }

        vectors! {
            $abs(x) = $magnitude(x);
            $neg(x) = $xor($set1(-0.0), x);
            $sqrt(x) = $sqrt_(x);
            $nearest(x) = $or($round($magnitude(x)), $sign(x));
            $trunc(x) = {
                let magnitude = $magnitude(x);
                let near = $round(magnitude);
                $or($sub_(near, $and($cmp_lt(magnitude, near), $set1(1.0))), $sign(x))
            };
            $floor(x) = {
                let near = $or($round($magnitude(x)), $sign(x));
                $sub_(near, $and($cmp_lt(x, near), $set1(1.0)))
            };
            // From (-1, 0) the result is -0.
            $ceil(x) = {
                let near = $or($round($magnitude(x)), $sign(x));
                $or($add_(near, $and($cmp_lt(near, x), $set1(1.0))), $sign(x))
            };
            $add(x, y) = $add_(x, y);
            $sub(x, y) = $sub_(x, y);
            $mul(x, y) = $mul_(x, y);
            $div(x, y) = $div_(x, y);
            // Of zeros that differ in sign the machine gives the second: either way, and the signs together.
            $min(x, y) = $nan(x, y, $or($min_(x, y), $min_(y, x)));
            $max(x, y) = $nan(x, y, $and($max_(x, y), $max_(y, x)));
            // A lesser operand wins, and of two that aren't ordered the second: just what pseudo-minimum means.
            $pmin(x, y) = $min_(y, x);
            $pmax(x, y) = $max_(y, x);
            $eq(x, y) = $cmp_eq(x, y);
            $ne(x, y) = $cmp_ne(x, y);
            $lt(x, y) = $cmp_lt(x, y);
            $gt(x, y) = $cmp_lt(y, x);
            $le(x, y) = $cmp_le(x, y);
            $ge(x, y) = $cmp_le(y, x);
        }
    };
}

floats! {
    __m128 _mm_set1_ps _mm_and_ps _mm_andnot_ps _mm_or_ps _mm_xor_ps _mm_cmplt_ps _mm_cmple_ps
    _mm_cmpeq_ps _mm_cmpneq_ps _mm_cmpunord_ps
    _mm_add_ps _mm_sub_ps _mm_mul_ps _mm_div_ps _mm_sqrt_ps _mm_min_ps _mm_max_ps
    _mm_castps_si128 _mm_castsi128_ps _mm_srli_epi32 10 8388608.0;
    f32x4_abs f32x4_neg f32x4_sqrt f32x4_ceil f32x4_floor f32x4_trunc f32x4_nearest f32x4_add f32x4_sub
    f32x4_mul f32x4_div f32x4_min f32x4_max f32x4_pmin f32x4_pmax f32x4_eq f32x4_ne f32x4_lt f32x4_gt
    f32x4_le f32x4_ge magnitude_ps sign_ps round_ps nan_ps
}
floats! {
    __m128d _mm_set1_pd _mm_and_pd _mm_andnot_pd _mm_or_pd _mm_xor_pd _mm_cmplt_pd _mm_cmple_pd
    _mm_cmpeq_pd _mm_cmpneq_pd _mm_cmpunord_pd
    _mm_add_pd _mm_sub_pd _mm_mul_pd _mm_div_pd _mm_sqrt_pd _mm_min_pd _mm_max_pd
    _mm_castpd_si128 _mm_castsi128_pd _mm_srli_epi64 13 4503599627370496.0;
    f64x2_abs f64x2_neg f64x2_sqrt f64x2_ceil f64x2_floor f64x2_trunc f64x2_nearest f64x2_add f64x2_sub
    f64x2_mul f64x2_div f64x2_min f64x2_max f64x2_pmin f64x2_pmax f64x2_eq f64x2_ne f64x2_lt f64x2_gt
    f64x2_le f64x2_ge magnitude_pd sign_pd round_pd nan_pd
}

const P31: f64 = 2147483648.0;

// What doesn't fit converts to 0x8000_0000: right where the operand is too little, mended where it is too great.
vectors! {
    i32x4_trunc_sat_f32x4_s(x) = {
        let number = _mm_and_ps(x, _mm_cmpord_ps(x, x));
        let too_great = _mm_cmpge_ps(x, _mm_set1_ps(P31 as f32));
        _mm_xor_si128(_mm_cvttps_epi32(number), _mm_castps_si128(too_great))
    };
    // From 2^31 on, what is left without it is added to just that bit. A maximum gives its second operand for a NaN.
    i32x4_trunc_sat_f32x4_u(x) = {
        let x = _mm_max_ps(x, _mm_setzero_ps());
        let low = _mm_cvttps_epi32(x);
        let high = _mm_cvttps_epi32(_mm_sub_ps(x, _mm_set1_ps(P31 as f32)));
        let too_great = _mm_castps_si128(_mm_cmpge_ps(x, _mm_set1_ps(2.0 * P31 as f32)));
        _mm_or_si128(_mm_or_si128(low, _mm_and_si128(high, sign_32(low))), too_great)
    };
    i32x4_trunc_sat_f64x2_s_zero(x) = {
        let limit = _mm_and_pd(_mm_cmpord_pd(x, x), _mm_set1_pd(P31 - 1.0));
        _mm_cvttpd_epi32(_mm_min_pd(x, limit))
    };
    i32x4_trunc_sat_f64x2_u_zero(x) = {
        let x = _mm_min_pd(_mm_max_pd(x, _mm_setzero_pd()), _mm_set1_pd(2.0 * P31 - 1.0));
        let low = _mm_cvttpd_epi32(x);
        let high = _mm_cvttpd_epi32(_mm_sub_pd(x, _mm_set1_pd(P31)));
        _mm_or_si128(low, _mm_and_si128(high, sign_32(low)))
    };
    f32x4_convert_i32x4_s(x) = _mm_cvtepi32_ps(x);
    // The halves are put into the fractions of 2^23 and 2^39, whose sum is then taken away; only the last step rounds.
    f32x4_convert_i32x4_u(x) = {
        let low = _mm_or_si128(_mm_and_si128(x, _mm_set1_epi32(0xffff)), _mm_set1_epi32(0x4b00_0000));
        let high = _mm_or_si128(_mm_srli_epi32::<16>(x), _mm_set1_epi32(0x5300_0000));
        let high = _mm_sub_ps(_mm_castsi128_ps(high), _mm_set1_ps(549764202496.0));
        _mm_add_ps(_mm_castsi128_ps(low), high)
    };
    f64x2_convert_low_i32x4_s(x) = _mm_cvtepi32_pd(x);
    // As above, in the fraction of 2^52.
    f64x2_convert_low_i32x4_u(x) = {
        let x = _mm_unpacklo_epi32(x, _mm_set1_epi32(0x4330_0000));
        _mm_sub_pd(_mm_castsi128_pd(x), _mm_set1_pd(4503599627370496.0))
    };
    f32x4_demote_f64x2_zero(x) = _mm_cvtpd_ps(x);
    f64x2_promote_low_f32x4(x) = _mm_cvtps_pd(x);
}
