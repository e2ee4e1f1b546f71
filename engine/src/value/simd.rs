//! The vector instructions as handlers use them: the machine's own, where every machine of the architecture has it
//! (SSE2 on x86_64), and otherwise the portable ones of [`super::v128`].

#[allow(unused_imports, reason = "what stands below shadows it")]
pub(crate) use super::v128::*;

#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::{
    f32x4_abs, f32x4_add, f32x4_convert_i32x4_s, f32x4_div, f32x4_eq, f32x4_ge, f32x4_gt, f32x4_le, f32x4_lt,
    f32x4_mul, f32x4_ne, f32x4_neg, f32x4_pmax, f32x4_pmin, f32x4_splat, f32x4_sqrt, f32x4_sub, f64x2_abs,
    f64x2_add, f64x2_convert_low_i32x4_s, f64x2_div, f64x2_eq, f64x2_ge, f64x2_gt, f64x2_le, f64x2_lt,
    f64x2_mul, f64x2_ne, f64x2_neg, f64x2_pmax, f64x2_pmin, f64x2_splat, f64x2_sqrt, f64x2_sub, i8x16_add,
    i8x16_add_sat_s, i8x16_add_sat_u, i8x16_all_true, i8x16_avgr_u, i8x16_bitmask, i8x16_eq, i8x16_gt_s,
    i8x16_lt_s, i8x16_max_u, i8x16_min_u, i8x16_narrow_i16x8_s, i8x16_narrow_i16x8_u, i8x16_splat, i8x16_sub,
    i8x16_sub_sat_s, i8x16_sub_sat_u, i16x8_add, i16x8_add_sat_s, i16x8_add_sat_u, i16x8_all_true,
    i16x8_avgr_u, i16x8_bitmask, i16x8_eq, i16x8_extend_high_i8x16_s, i16x8_extend_high_i8x16_u,
    i16x8_extend_low_i8x16_s, i16x8_extend_low_i8x16_u, i16x8_gt_s, i16x8_lt_s, i16x8_max_s, i16x8_min_s,
    i16x8_mul, i16x8_narrow_i32x4_s, i16x8_shl, i16x8_shr_s, i16x8_shr_u, i16x8_splat, i16x8_sub,
    i16x8_sub_sat_s, i16x8_sub_sat_u, i32x4_add, i32x4_all_true, i32x4_bitmask, i32x4_dot_i16x8_s, i32x4_eq,
    i32x4_extend_high_i16x8_s, i32x4_extend_high_i16x8_u, i32x4_extend_low_i16x8_s, i32x4_extend_low_i16x8_u,
    i32x4_gt_s, i32x4_lt_s, i32x4_mul, i32x4_shl, i32x4_shr_s, i32x4_shr_u, i32x4_splat, i32x4_sub,
    i64x2_add, i64x2_bitmask, i64x2_extend_high_i32x4_u, i64x2_extend_low_i32x4_u, i64x2_shl, i64x2_shr_u,
    i64x2_splat, i64x2_sub, v128_and, v128_andnot, v128_any_true, v128_bitselect, v128_load8x8_u,
    v128_load16x4_u, v128_load32_splat, v128_load32_zero, v128_load32x2_u, v128_load64_splat,
    v128_load64_zero, v128_not, v128_or, v128_xor,
};

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use super::super::V128;
    use core::arch::x86_64::*;

    #[inline(always)]
    fn get(v: V128) -> __m128i {
        // SAFETY: both are 16 plain bytes, and every bit pattern is a value of either.
        unsafe { core::mem::transmute::<[u8; 16], __m128i>(v.0) }
    }

    #[inline(always)]
    fn put(v: __m128i) -> V128 {
        // SAFETY: as above.
        V128(unsafe { core::mem::transmute::<__m128i, [u8; 16]>(v) })
    }

    /// Instructions on two vectors, or one.
    macro_rules! sse2 {
        ($($name:ident($($x:ident),*) = $body:expr;)*) => {$(
            #[inline(always)]
            pub(crate) fn $name($($x: V128),*) -> V128 {
                // SAFETY: SSE2 is part of x86_64.
                unsafe {
                    $(let $x = get($x);)*
                    put($body)
                }
            }
        )*};
    }

    sse2! {
        v128_and(x, y) = _mm_and_si128(x, y);
        v128_or(x, y) = _mm_or_si128(x, y);
        v128_xor(x, y) = _mm_xor_si128(x, y);
        v128_andnot(x, y) = _mm_andnot_si128(y, x);
        v128_not(x) = _mm_xor_si128(x, _mm_set1_epi32(-1));
        v128_bitselect(x, y, mask) = _mm_or_si128(_mm_and_si128(mask, x), _mm_andnot_si128(mask, y));

        i8x16_add(x, y) = _mm_add_epi8(x, y);
        i8x16_sub(x, y) = _mm_sub_epi8(x, y);
        i8x16_add_sat_s(x, y) = _mm_adds_epi8(x, y);
        i8x16_add_sat_u(x, y) = _mm_adds_epu8(x, y);
        i8x16_sub_sat_s(x, y) = _mm_subs_epi8(x, y);
        i8x16_sub_sat_u(x, y) = _mm_subs_epu8(x, y);
        i8x16_min_u(x, y) = _mm_min_epu8(x, y);
        i8x16_max_u(x, y) = _mm_max_epu8(x, y);
        i8x16_avgr_u(x, y) = _mm_avg_epu8(x, y);
        i8x16_eq(x, y) = _mm_cmpeq_epi8(x, y);
        i8x16_gt_s(x, y) = _mm_cmpgt_epi8(x, y);
        i8x16_lt_s(x, y) = _mm_cmpgt_epi8(y, x);
        i8x16_narrow_i16x8_s(x, y) = _mm_packs_epi16(x, y);
        i8x16_narrow_i16x8_u(x, y) = _mm_packus_epi16(x, y);

        i16x8_add(x, y) = _mm_add_epi16(x, y);
        i16x8_sub(x, y) = _mm_sub_epi16(x, y);
        i16x8_mul(x, y) = _mm_mullo_epi16(x, y);
        i16x8_add_sat_s(x, y) = _mm_adds_epi16(x, y);
        i16x8_add_sat_u(x, y) = _mm_adds_epu16(x, y);
        i16x8_sub_sat_s(x, y) = _mm_subs_epi16(x, y);
        i16x8_sub_sat_u(x, y) = _mm_subs_epu16(x, y);
        i16x8_min_s(x, y) = _mm_min_epi16(x, y);
        i16x8_max_s(x, y) = _mm_max_epi16(x, y);
        i16x8_avgr_u(x, y) = _mm_avg_epu16(x, y);
        i16x8_eq(x, y) = _mm_cmpeq_epi16(x, y);
        i16x8_gt_s(x, y) = _mm_cmpgt_epi16(x, y);
        i16x8_lt_s(x, y) = _mm_cmpgt_epi16(y, x);
        i16x8_narrow_i32x4_s(x, y) = _mm_packs_epi32(x, y);
        i16x8_extend_low_i8x16_u(x) = _mm_unpacklo_epi8(x, _mm_setzero_si128());
        i16x8_extend_high_i8x16_u(x) = _mm_unpackhi_epi8(x, _mm_setzero_si128());
        i16x8_extend_low_i8x16_s(x) = _mm_srai_epi16::<8>(_mm_unpacklo_epi8(x, x));
        i16x8_extend_high_i8x16_s(x) = _mm_srai_epi16::<8>(_mm_unpackhi_epi8(x, x));

        i32x4_add(x, y) = _mm_add_epi32(x, y);
        i32x4_sub(x, y) = _mm_sub_epi32(x, y);
        i32x4_mul(x, y) = {
            let even = _mm_mul_epu32(x, y);
            let odd = _mm_mul_epu32(_mm_srli_epi64::<32>(x), _mm_srli_epi64::<32>(y));
            _mm_unpacklo_epi32(_mm_shuffle_epi32::<0b1000>(even), _mm_shuffle_epi32::<0b1000>(odd))
        };
        i32x4_eq(x, y) = _mm_cmpeq_epi32(x, y);
        i32x4_gt_s(x, y) = _mm_cmpgt_epi32(x, y);
        i32x4_lt_s(x, y) = _mm_cmpgt_epi32(y, x);
        i32x4_dot_i16x8_s(x, y) = _mm_madd_epi16(x, y);
        i32x4_extend_low_i16x8_u(x) = _mm_unpacklo_epi16(x, _mm_setzero_si128());
        i32x4_extend_high_i16x8_u(x) = _mm_unpackhi_epi16(x, _mm_setzero_si128());
        i32x4_extend_low_i16x8_s(x) = _mm_srai_epi32::<16>(_mm_unpacklo_epi16(x, x));
        i32x4_extend_high_i16x8_s(x) = _mm_srai_epi32::<16>(_mm_unpackhi_epi16(x, x));

        i64x2_add(x, y) = _mm_add_epi64(x, y);
        i64x2_sub(x, y) = _mm_sub_epi64(x, y);
        i64x2_extend_low_i32x4_u(x) = _mm_unpacklo_epi32(x, _mm_setzero_si128());
        i64x2_extend_high_i32x4_u(x) = _mm_unpackhi_epi32(x, _mm_setzero_si128());
        f32x4_convert_i32x4_s(x) = _mm_castps_si128(_mm_cvtepi32_ps(x));
        f64x2_convert_low_i32x4_s(x) = _mm_castpd_si128(_mm_cvtepi32_pd(x));
    }

    macro_rules! floats {
        ($cast:ident $back:ident; $($name:ident($($x:ident),*) = $body:expr;)*) => {
            sse2! {$($name($($x),*) = { $(let $x = $cast($x);)* $back($body) };)*}
        };
    }

    // A lesser operand wins, and of two that aren't ordered the second: just what pseudo-minimum means.
    floats! { _mm_castsi128_ps _mm_castps_si128;
        f32x4_add(x, y) = _mm_add_ps(x, y);
        f32x4_sub(x, y) = _mm_sub_ps(x, y);
        f32x4_mul(x, y) = _mm_mul_ps(x, y);
        f32x4_div(x, y) = _mm_div_ps(x, y);
        f32x4_sqrt(x) = _mm_sqrt_ps(x);
        f32x4_pmin(x, y) = _mm_min_ps(y, x);
        f32x4_pmax(x, y) = _mm_max_ps(y, x);
        f32x4_eq(x, y) = _mm_cmpeq_ps(x, y);
        f32x4_ne(x, y) = _mm_cmpneq_ps(x, y);
        f32x4_lt(x, y) = _mm_cmplt_ps(x, y);
        f32x4_gt(x, y) = _mm_cmplt_ps(y, x);
        f32x4_le(x, y) = _mm_cmple_ps(x, y);
        f32x4_ge(x, y) = _mm_cmple_ps(y, x);
        f32x4_abs(x) = _mm_andnot_ps(_mm_set1_ps(-0.0), x);
        f32x4_neg(x) = _mm_xor_ps(_mm_set1_ps(-0.0), x);
    }
    floats! { _mm_castsi128_pd _mm_castpd_si128;
        f64x2_add(x, y) = _mm_add_pd(x, y);
        f64x2_sub(x, y) = _mm_sub_pd(x, y);
        f64x2_mul(x, y) = _mm_mul_pd(x, y);
        f64x2_div(x, y) = _mm_div_pd(x, y);
        f64x2_sqrt(x) = _mm_sqrt_pd(x);
        f64x2_pmin(x, y) = _mm_min_pd(y, x);
        f64x2_pmax(x, y) = _mm_max_pd(y, x);
        f64x2_eq(x, y) = _mm_cmpeq_pd(x, y);
        f64x2_ne(x, y) = _mm_cmpneq_pd(x, y);
        f64x2_lt(x, y) = _mm_cmplt_pd(x, y);
        f64x2_gt(x, y) = _mm_cmplt_pd(y, x);
        f64x2_le(x, y) = _mm_cmple_pd(x, y);
        f64x2_ge(x, y) = _mm_cmple_pd(y, x);
        f64x2_abs(x) = _mm_andnot_pd(_mm_set1_pd(-0.0), x);
        f64x2_neg(x) = _mm_xor_pd(_mm_set1_pd(-0.0), x);
    }

    macro_rules! shifts {
        ($($name:ident = $shift:ident $bits:literal;)*) => {$(
            #[inline(always)]
            pub(crate) fn $name(x: V128, n: u32) -> V128 {
                // SAFETY: SSE2 is part of x86_64.
                put(unsafe { $shift(get(x), _mm_cvtsi32_si128((n % $bits) as i32)) })
            }
        )*};
    }
    shifts! {
        i16x8_shl = _mm_sll_epi16 16;
        i16x8_shr_s = _mm_sra_epi16 16;
        i16x8_shr_u = _mm_srl_epi16 16;
        i32x4_shl = _mm_sll_epi32 32;
        i32x4_shr_s = _mm_sra_epi32 32;
        i32x4_shr_u = _mm_srl_epi32 32;
        i64x2_shl = _mm_sll_epi64 64;
        i64x2_shr_u = _mm_srl_epi64 64;
    }

    macro_rules! flags {
        ($($name:ident($x:ident) = $body:expr;)*) => {$(
            #[inline(always)]
            pub(crate) fn $name($x: V128) -> u32 {
                // SAFETY: SSE2 is part of x86_64.
                unsafe {
                    let $x = get($x);
                    ($body) as u32
                }
            }
        )*};
    }
    flags! {
        v128_any_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) != 0xffff;
        i8x16_all_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) == 0;
        i16x8_all_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi16(x, _mm_setzero_si128())) == 0;
        i32x4_all_true(x) = _mm_movemask_epi8(_mm_cmpeq_epi32(x, _mm_setzero_si128())) == 0;
        i8x16_bitmask(x) = _mm_movemask_epi8(x);
        i16x8_bitmask(x) = _mm_movemask_epi8(_mm_packs_epi16(x, _mm_setzero_si128()));
        i32x4_bitmask(x) = _mm_movemask_ps(_mm_castsi128_ps(x));
        i64x2_bitmask(x) = _mm_movemask_pd(_mm_castsi128_pd(x));
    }

    macro_rules! splats {
        ($($name:ident($x:ident: $t:ty) = $body:expr;)*) => {$(
            #[inline(always)]
            pub(crate) fn $name($x: $t) -> V128 {
                // SAFETY: SSE2 is part of x86_64.
                put(unsafe { $body })
            }
        )*};
    }
    splats! {
        i8x16_splat(x: u32) = _mm_set1_epi8(x as i8);
        i16x8_splat(x: u32) = _mm_set1_epi16(x as i16);
        i32x4_splat(x: u32) = _mm_set1_epi32(x as i32);
        i64x2_splat(x: u64) = _mm_set1_epi64x(x as i64);
        f32x4_splat(x: f32) = _mm_castps_si128(_mm_set1_ps(x));
        f64x2_splat(x: f64) = _mm_castpd_si128(_mm_set1_pd(x));
        v128_load32_splat(x: u32) = _mm_set1_epi32(x as i32);
        v128_load64_splat(x: u64) = _mm_set1_epi64x(x as i64);
        v128_load8x8_u(x: u64) = _mm_unpacklo_epi8(_mm_cvtsi64_si128(x as i64), _mm_setzero_si128());
        v128_load16x4_u(x: u64) = _mm_unpacklo_epi16(_mm_cvtsi64_si128(x as i64), _mm_setzero_si128());
        v128_load32x2_u(x: u64) = _mm_unpacklo_epi32(_mm_cvtsi64_si128(x as i64), _mm_setzero_si128());
        v128_load32_zero(x: u32) = _mm_cvtsi32_si128(x as i32);
        v128_load64_zero(x: u64) = _mm_cvtsi64_si128(x as i64);
    }
}
