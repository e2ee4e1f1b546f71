//! What SSSE3, SSE4.1 and SSE4.2 do better than SSE2; all else is taken over.
//!
//! Sound only in handlers that are chosen once the processor was seen to have SSE4.2, and with it the two before. They
//! say `#[target_feature(enable = "sse4.2")]` themselves, and the functions here are inlined into them: a function with
//! the attribute could not be inlined always.
//!
//! By shape, so that it is easy to see which handlers gain:
//!
//! - unary: `i8x16`, `i16x8`, `i32x4` `abs`; `popcnt`; the low `extend`s, and `i64x2.extend_high_i32x4_s`;
//!   `i16x8.extadd_pairwise`; `ceil`, `floor`, `trunc`, `nearest`; `i32x4.trunc_sat_f64x2_u_zero`;
//!   `f32x4.convert_i32x4_u`;
//! - binary: `swizzle`; `min` and `max` of integers; unsigned comparisons of `i16x8` and `i32x4`, all of `i64x2`;
//!   `i16x8.narrow_i32x4_u`; `q15mulr_sat_s`; `i32x4.mul`; `extmul` of low `i8x16`, and signed of `i32x4`;
//! - to a number: `any_true`, the `all_true`s;
//! - shift: none;
//! - splat: `i8x16`;
//! - lane: none;
//! - load: those that extend, `load8_splat`;
//! - lanes by number: `i8x16.shuffle`.

use super::Register;
use crate::value::V128;
use core::arch::x86_64::*;

pub(crate) use super::sse2::*;

parts! {
    zero() -> __m128i = _mm_setzero_si128();
    not(x: __m128i) -> __m128i = _mm_xor_si128(x, _mm_set1_epi32(-1));
    word(x: u64) -> __m128i = _mm_cvtsi64_si128(x as i64);
    splat_8(x: u32) -> __m128i = _mm_shuffle_epi8(_mm_cvtsi32_si128(x as i32), zero());
    // Any number from 16 on gets its high bit set, which picks a zero.
    pick(x: __m128i, lanes: __m128i) -> __m128i =
        _mm_shuffle_epi8(x, _mm_adds_epu8(lanes, _mm_set1_epi8(0x70)));
}

/// The first and the second two lanes of four, each at the place where a product of 64 bits will be.
const LOW: i32 = 0b01_01_00_00;
const HIGH: i32 = 0b11_11_10_10;

// Unary.
vectors! {
    i8x16_abs(x) = _mm_abs_epi8(x);
    i16x8_abs(x) = _mm_abs_epi16(x);
    i32x4_abs(x) = _mm_abs_epi32(x);
    i8x16_popcnt(x) = {
        let counts = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        let nibble = _mm_set1_epi8(0x0f);
        let low = _mm_shuffle_epi8(counts, _mm_and_si128(x, nibble));
        _mm_add_epi8(low, _mm_shuffle_epi8(counts, _mm_and_si128(_mm_srli_epi16::<4>(x), nibble)))
    };
    i16x8_extend_low_i8x16_s(x) = _mm_cvtepi8_epi16(x);
    i16x8_extend_low_i8x16_u(x) = _mm_cvtepu8_epi16(x);
    i32x4_extend_low_i16x8_s(x) = _mm_cvtepi16_epi32(x);
    i32x4_extend_low_i16x8_u(x) = _mm_cvtepu16_epi32(x);
    i64x2_extend_low_i32x4_s(x) = _mm_cvtepi32_epi64(x);
    i64x2_extend_low_i32x4_u(x) = _mm_cvtepu32_epi64(x);
    i64x2_extend_high_i32x4_s(x) = _mm_cvtepi32_epi64(_mm_shuffle_epi32::<0b11_10>(x));
    // Of the two factors the first is unsigned.
    i16x8_extadd_pairwise_i8x16_s(x) = _mm_maddubs_epi16(_mm_set1_epi8(1), x);
    i16x8_extadd_pairwise_i8x16_u(x) = _mm_maddubs_epi16(x, _mm_set1_epi8(1));
    f32x4_ceil(x) = _mm_ceil_ps(x);
    f32x4_floor(x) = _mm_floor_ps(x);
    f32x4_trunc(x) = _mm_round_ps::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(x);
    f32x4_nearest(x) = _mm_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    f64x2_ceil(x) = _mm_ceil_pd(x);
    f64x2_floor(x) = _mm_floor_pd(x);
    f64x2_trunc(x) = _mm_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(x);
    f64x2_nearest(x) = _mm_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    // The sum with 2^52 has the integer in the low half of its fraction.
    i32x4_trunc_sat_f64x2_u_zero(x) = {
        let x = _mm_min_pd(_mm_max_pd(x, _mm_setzero_pd()), _mm_set1_pd(4294967295.0));
        let whole = _mm_round_pd::<{ _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC }>(x);
        let sum = _mm_add_pd(whole, _mm_set1_pd(4503599627370496.0));
        _mm_shuffle_ps::<0b10_00_10_00>(_mm_castpd_ps(sum), _mm_setzero_ps())
    };
    // As with SSE2, but a blend puts in what stands above a half.
    f32x4_convert_i32x4_u(x) = {
        let low = _mm_blend_epi16::<0b1010_1010>(x, _mm_set1_epi32(0x4b00_0000));
        let high = _mm_blend_epi16::<0b1010_1010>(_mm_srli_epi32::<16>(x), _mm_set1_epi32(0x5300_0000));
        let high = _mm_sub_ps(_mm_castsi128_ps(high), _mm_set1_ps(549764202496.0));
        _mm_add_ps(_mm_castsi128_ps(low), high)
    };
}

// Binary.
vectors! {
    i8x16_swizzle(x, lanes) = pick(x, lanes);
    i8x16_min_s(x, y) = _mm_min_epi8(x, y);
    i8x16_max_s(x, y) = _mm_max_epi8(x, y);
    i16x8_min_u(x, y) = _mm_min_epu16(x, y);
    i16x8_max_u(x, y) = _mm_max_epu16(x, y);
    i32x4_min_s(x, y) = _mm_min_epi32(x, y);
    i32x4_min_u(x, y) = _mm_min_epu32(x, y);
    i32x4_max_s(x, y) = _mm_max_epi32(x, y);
    i32x4_max_u(x, y) = _mm_max_epu32(x, y);
    i16x8_lt_u(x, y) = not(_mm_cmpeq_epi16(_mm_max_epu16(x, y), x));
    i16x8_gt_u(x, y) = not(_mm_cmpeq_epi16(_mm_min_epu16(x, y), x));
    i16x8_le_u(x, y) = _mm_cmpeq_epi16(_mm_min_epu16(x, y), x);
    i16x8_ge_u(x, y) = _mm_cmpeq_epi16(_mm_max_epu16(x, y), x);
    i32x4_lt_u(x, y) = not(_mm_cmpeq_epi32(_mm_max_epu32(x, y), x));
    i32x4_gt_u(x, y) = not(_mm_cmpeq_epi32(_mm_min_epu32(x, y), x));
    i32x4_le_u(x, y) = _mm_cmpeq_epi32(_mm_min_epu32(x, y), x);
    i32x4_ge_u(x, y) = _mm_cmpeq_epi32(_mm_max_epu32(x, y), x);
    i64x2_eq(x, y) = _mm_cmpeq_epi64(x, y);
    i64x2_ne(x, y) = not(_mm_cmpeq_epi64(x, y));
    i64x2_lt_s(x, y) = _mm_cmpgt_epi64(y, x);
    i64x2_gt_s(x, y) = _mm_cmpgt_epi64(x, y);
    i64x2_le_s(x, y) = not(_mm_cmpgt_epi64(x, y));
    i64x2_ge_s(x, y) = not(_mm_cmpgt_epi64(y, x));
    i16x8_narrow_i32x4_u(x, y) = _mm_packus_epi32(x, y);
    // The instruction does not saturate -1 * -1, which alone gives the least number.
    i16x8_q15mulr_sat_s(x, y) = {
        let product = _mm_mulhrs_epi16(x, y);
        _mm_xor_si128(product, _mm_cmpeq_epi16(product, _mm_set1_epi16(i16::MIN)))
    };
    i32x4_mul(x, y) = _mm_mullo_epi32(x, y);
    i16x8_extmul_low_i8x16_s(x, y) = _mm_mullo_epi16(_mm_cvtepi8_epi16(x), _mm_cvtepi8_epi16(y));
    i16x8_extmul_low_i8x16_u(x, y) = _mm_mullo_epi16(_mm_cvtepu8_epi16(x), _mm_cvtepu8_epi16(y));
    i64x2_extmul_low_i32x4_s(x, y) = _mm_mul_epi32(_mm_shuffle_epi32::<LOW>(x), _mm_shuffle_epi32::<LOW>(y));
    i64x2_extmul_high_i32x4_s(x, y) = _mm_mul_epi32(_mm_shuffle_epi32::<HIGH>(x), _mm_shuffle_epi32::<HIGH>(y));
}

// To a number.
bits! {
    v128_any_true(x) = _mm_testz_si128(x, x) == 0;
    i8x16_all_true(x) = {
        let zeros = _mm_cmpeq_epi8(x, zero());
        _mm_testz_si128(zeros, zeros)
    };
    i16x8_all_true(x) = {
        let zeros = _mm_cmpeq_epi16(x, zero());
        _mm_testz_si128(zeros, zeros)
    };
    i32x4_all_true(x) = {
        let zeros = _mm_cmpeq_epi32(x, zero());
        _mm_testz_si128(zeros, zeros)
    };
    i64x2_all_true(x) = {
        let zeros = _mm_cmpeq_epi64(x, zero());
        _mm_testz_si128(zeros, zeros)
    };
}

// Splat, load, and lanes by number.
vectors! {
    i8x16_splat(; x: u32) = splat_8(x);

    v128_load8x8_s(; x: u64) = _mm_cvtepi8_epi16(word(x));
    v128_load8x8_u(; x: u64) = _mm_cvtepu8_epi16(word(x));
    v128_load16x4_s(; x: u64) = _mm_cvtepi16_epi32(word(x));
    v128_load16x4_u(; x: u64) = _mm_cvtepu16_epi32(word(x));
    v128_load32x2_s(; x: u64) = _mm_cvtepi32_epi64(word(x));
    v128_load32x2_u(; x: u64) = _mm_cvtepu32_epi64(word(x));
    v128_load8_splat(; x: u8) = splat_8(x.into());

    // Validation has bounded the numbers by 32. Of those below 16, sixteen less has the high bit set.
    i8x16_shuffle(x, y; lanes: [u8; 16]) = {
        let lanes = Register::of(V128(lanes));
        _mm_or_si128(pick(x, lanes), _mm_shuffle_epi8(y, _mm_sub_epi8(lanes, _mm_set1_epi8(16))))
    };
}
