//! The 128-bit vector and the vector instructions, named as in the specification with `_` for `.`.
//!
//! An instruction is written as what it does to one lane; the loop over the lanes, which LLVM turns into
//! vector code, comes from the macros below. For the tests, `tables` lists every instruction by its shape.

#[cfg(test)]
mod tables;

use super::float::*;
#[cfg(not(feature = "std"))]
use super::math::Math;
#[cfg(test)]
pub(crate) use tables::*;

/// Sixteen bytes, lane 0 first, each lane little-endian: as they stand in linear memory. Aligned, or
/// results that may be traps instead are put together from pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C, align(16))]
pub(crate) struct V128(pub [u8; 16]);

impl From<u128> for V128 {
    #[inline(always)]
    fn from(bits: u128) -> V128 {
        V128(bits.to_le_bytes())
    }
}

impl From<V128> for u128 {
    #[inline(always)]
    fn from(v: V128) -> u128 {
        u128::from_le_bytes(v.0)
    }
}

impl From<[u8; 16]> for V128 {
    #[inline(always)]
    fn from(bytes: [u8; 16]) -> V128 {
        V128(bytes)
    }
}

impl V128 {
    #[inline(always)]
    pub(crate) fn u8x16(self) -> [u8; 16] {
        self.0
    }
}

#[cfg(target_endian = "big")]
compile_error!("lanes are read in place and stand in memory in little-endian order");

macro_rules! views {
    ($($shape:ident: $lanes:ty;)+) => {
        impl V128 {$(
            #[inline(always)]
            pub(crate) fn $shape(self) -> $lanes {
                // SAFETY: both are sixteen initialised bytes, any of which make valid lanes.
                unsafe { core::mem::transmute::<[u8; 16], $lanes>(self.0) }
            }
        )+}
        $(
            impl From<$lanes> for V128 {
                #[inline(always)]
                fn from(lanes: $lanes) -> V128 {
                    // SAFETY: as for the conversion from `V128`, in the other direction.
                    V128(unsafe { core::mem::transmute::<$lanes, [u8; 16]>(lanes) })
                }
            }
        )+
    };
}

views! {
    i8x16: [i8; 16];
    u16x8: [u16; 8];
    i16x8: [i16; 8];
    u32x4: [u32; 4];
    i32x4: [i32; 4];
    u64x2: [u64; 2];
    i64x2: [i64; 2];
    f32x4: [f32; 4];
    f64x2: [f64; 2];
}

// Both macros loop with `while`: at low optimisation levels a range's `next` stays a call.

/// `operand shape -> result shape: name(operands) = result lane`, where the operands are seen as arrays of
/// lanes, and after `@` stands the name of the lane's index.
macro_rules! indexed {
    ($($from:ident -> $to:ident: $name:ident($($v:ident),+) @ $i:ident = $lane:expr;)+) => {$(
        #[inline(always)]
        pub(crate) fn $name($($v: V128),+) -> V128 {
            $(let $v = $v.$from();)+
            let mut result = V128::default().$to();
            let mut $i = 0;
            while $i < result.len() {
                result[$i] = $lane;
                $i += 1;
            }
            result.into()
        }
    )+};
}

/// `operand shape -> result shape: name(operands) = result lane`, where the operands are seen as the lanes of
/// one index.
macro_rules! lanewise {
    ($($from:ident -> $to:ident: $name:ident($($v:ident),+) = $lane:expr;)+) => {
        indexed! {$(
            $from -> $to: $name($($v),+) @ i = { $(let $v = $v[i];)+ $lane };
        )+}
    };
}

lanewise! {
    i8x16 -> i8x16: i8x16_neg(a) = a.wrapping_neg();
    i8x16 -> i8x16: i8x16_abs(a) = a.wrapping_abs();
    u8x16 -> u8x16: i8x16_popcnt(a) = a.count_ones() as u8;
    i8x16 -> i8x16: i8x16_add(a, b) = a.wrapping_add(b);
    i8x16 -> i8x16: i8x16_sub(a, b) = a.wrapping_sub(b);
    i8x16 -> i8x16: i8x16_add_sat_s(a, b) = a.saturating_add(b);
    u8x16 -> u8x16: i8x16_add_sat_u(a, b) = a.saturating_add(b);
    i8x16 -> i8x16: i8x16_sub_sat_s(a, b) = a.saturating_sub(b);
    u8x16 -> u8x16: i8x16_sub_sat_u(a, b) = a.saturating_sub(b);
    u8x16 -> u8x16: i8x16_avgr_u(a, b) = ((u16::from(a) + u16::from(b) + 1) >> 1) as u8;
    i8x16 -> i8x16: i8x16_min_s(a, b) = a.min(b);
    u8x16 -> u8x16: i8x16_min_u(a, b) = a.min(b);
    i8x16 -> i8x16: i8x16_max_s(a, b) = a.max(b);
    u8x16 -> u8x16: i8x16_max_u(a, b) = a.max(b);
    i8x16 -> i8x16: i8x16_eq(a, b) = -i8::from(a == b);
    i8x16 -> i8x16: i8x16_ne(a, b) = -i8::from(a != b);
    i8x16 -> i8x16: i8x16_lt_s(a, b) = -i8::from(a < b);
    u8x16 -> i8x16: i8x16_lt_u(a, b) = -i8::from(a < b);
    i8x16 -> i8x16: i8x16_gt_s(a, b) = -i8::from(a > b);
    u8x16 -> i8x16: i8x16_gt_u(a, b) = -i8::from(a > b);
    i8x16 -> i8x16: i8x16_le_s(a, b) = -i8::from(a <= b);
    u8x16 -> i8x16: i8x16_le_u(a, b) = -i8::from(a <= b);
    i8x16 -> i8x16: i8x16_ge_s(a, b) = -i8::from(a >= b);
    u8x16 -> i8x16: i8x16_ge_u(a, b) = -i8::from(a >= b);

    i16x8 -> i16x8: i16x8_neg(a) = a.wrapping_neg();
    i16x8 -> i16x8: i16x8_abs(a) = a.wrapping_abs();
    i16x8 -> i16x8: i16x8_add(a, b) = a.wrapping_add(b);
    i16x8 -> i16x8: i16x8_sub(a, b) = a.wrapping_sub(b);
    i16x8 -> i16x8: i16x8_mul(a, b) = a.wrapping_mul(b);
    i16x8 -> i16x8: i16x8_add_sat_s(a, b) = a.saturating_add(b);
    u16x8 -> u16x8: i16x8_add_sat_u(a, b) = a.saturating_add(b);
    i16x8 -> i16x8: i16x8_sub_sat_s(a, b) = a.saturating_sub(b);
    u16x8 -> u16x8: i16x8_sub_sat_u(a, b) = a.saturating_sub(b);
    u16x8 -> u16x8: i16x8_avgr_u(a, b) = ((u32::from(a) + u32::from(b) + 1) >> 1) as u16;
    i16x8 -> i16x8: i16x8_q15mulr_sat_s(a, b) = saturate_i16((i32::from(a) * i32::from(b) + 0x4000) >> 15);
    i16x8 -> i16x8: i16x8_min_s(a, b) = a.min(b);
    u16x8 -> u16x8: i16x8_min_u(a, b) = a.min(b);
    i16x8 -> i16x8: i16x8_max_s(a, b) = a.max(b);
    u16x8 -> u16x8: i16x8_max_u(a, b) = a.max(b);
    i16x8 -> i16x8: i16x8_eq(a, b) = -i16::from(a == b);
    i16x8 -> i16x8: i16x8_ne(a, b) = -i16::from(a != b);
    i16x8 -> i16x8: i16x8_lt_s(a, b) = -i16::from(a < b);
    u16x8 -> i16x8: i16x8_lt_u(a, b) = -i16::from(a < b);
    i16x8 -> i16x8: i16x8_gt_s(a, b) = -i16::from(a > b);
    u16x8 -> i16x8: i16x8_gt_u(a, b) = -i16::from(a > b);
    i16x8 -> i16x8: i16x8_le_s(a, b) = -i16::from(a <= b);
    u16x8 -> i16x8: i16x8_le_u(a, b) = -i16::from(a <= b);
    i16x8 -> i16x8: i16x8_ge_s(a, b) = -i16::from(a >= b);
    u16x8 -> i16x8: i16x8_ge_u(a, b) = -i16::from(a >= b);

    i32x4 -> i32x4: i32x4_neg(a) = a.wrapping_neg();
    i32x4 -> i32x4: i32x4_abs(a) = a.wrapping_abs();
    i32x4 -> i32x4: i32x4_add(a, b) = a.wrapping_add(b);
    i32x4 -> i32x4: i32x4_sub(a, b) = a.wrapping_sub(b);
    i32x4 -> i32x4: i32x4_mul(a, b) = a.wrapping_mul(b);
    i32x4 -> i32x4: i32x4_dot_i16x8_s(a, b) = dot(a, b);
    i32x4 -> i32x4: i32x4_min_s(a, b) = a.min(b);
    u32x4 -> u32x4: i32x4_min_u(a, b) = a.min(b);
    i32x4 -> i32x4: i32x4_max_s(a, b) = a.max(b);
    u32x4 -> u32x4: i32x4_max_u(a, b) = a.max(b);
    i32x4 -> i32x4: i32x4_eq(a, b) = -i32::from(a == b);
    i32x4 -> i32x4: i32x4_ne(a, b) = -i32::from(a != b);
    i32x4 -> i32x4: i32x4_lt_s(a, b) = -i32::from(a < b);
    u32x4 -> i32x4: i32x4_lt_u(a, b) = -i32::from(a < b);
    i32x4 -> i32x4: i32x4_gt_s(a, b) = -i32::from(a > b);
    u32x4 -> i32x4: i32x4_gt_u(a, b) = -i32::from(a > b);
    i32x4 -> i32x4: i32x4_le_s(a, b) = -i32::from(a <= b);
    u32x4 -> i32x4: i32x4_le_u(a, b) = -i32::from(a <= b);
    i32x4 -> i32x4: i32x4_ge_s(a, b) = -i32::from(a >= b);
    u32x4 -> i32x4: i32x4_ge_u(a, b) = -i32::from(a >= b);

    i64x2 -> i64x2: i64x2_neg(a) = a.wrapping_neg();
    i64x2 -> i64x2: i64x2_abs(a) = a.wrapping_abs();
    i64x2 -> i64x2: i64x2_add(a, b) = a.wrapping_add(b);
    i64x2 -> i64x2: i64x2_sub(a, b) = a.wrapping_sub(b);
    i64x2 -> i64x2: i64x2_mul(a, b) = a.wrapping_mul(b);
    i64x2 -> i64x2: i64x2_eq(a, b) = -i64::from(a == b);
    i64x2 -> i64x2: i64x2_ne(a, b) = -i64::from(a != b);
    i64x2 -> i64x2: i64x2_lt_s(a, b) = -i64::from(a < b);
    i64x2 -> i64x2: i64x2_gt_s(a, b) = -i64::from(a > b);
    i64x2 -> i64x2: i64x2_le_s(a, b) = -i64::from(a <= b);
    i64x2 -> i64x2: i64x2_ge_s(a, b) = -i64::from(a >= b);

    f32x4 -> f32x4: f32x4_abs(a) = f32_abs(a);
    f32x4 -> f32x4: f32x4_neg(a) = f32_neg(a);
    f32x4 -> f32x4: f32x4_sqrt(a) = f32_sqrt(a);
    f32x4 -> f32x4: f32x4_ceil(a) = f32_ceil(a);
    f32x4 -> f32x4: f32x4_floor(a) = f32_floor(a);
    f32x4 -> f32x4: f32x4_trunc(a) = f32_trunc(a);
    f32x4 -> f32x4: f32x4_nearest(a) = f32_nearest(a);
    f32x4 -> f32x4: f32x4_add(a, b) = a + b;
    f32x4 -> f32x4: f32x4_sub(a, b) = a - b;
    f32x4 -> f32x4: f32x4_mul(a, b) = a * b;
    f32x4 -> f32x4: f32x4_div(a, b) = a / b;
    f32x4 -> f32x4: f32x4_min(a, b) = f32_min(a, b);
    f32x4 -> f32x4: f32x4_max(a, b) = f32_max(a, b);
    f32x4 -> f32x4: f32x4_pmin(a, b) = f32_pmin(a, b);
    f32x4 -> f32x4: f32x4_pmax(a, b) = f32_pmax(a, b);
    f32x4 -> i32x4: f32x4_eq(a, b) = -i32::from(a == b);
    f32x4 -> i32x4: f32x4_ne(a, b) = -i32::from(a != b);
    f32x4 -> i32x4: f32x4_lt(a, b) = -i32::from(a < b);
    f32x4 -> i32x4: f32x4_gt(a, b) = -i32::from(a > b);
    f32x4 -> i32x4: f32x4_le(a, b) = -i32::from(a <= b);
    f32x4 -> i32x4: f32x4_ge(a, b) = -i32::from(a >= b);
    f32x4 -> f32x4: f32x4_canon(a) = f32_canon(a);

    f64x2 -> f64x2: f64x2_abs(a) = f64_abs(a);
    f64x2 -> f64x2: f64x2_neg(a) = f64_neg(a);
    f64x2 -> f64x2: f64x2_sqrt(a) = f64_sqrt(a);
    f64x2 -> f64x2: f64x2_ceil(a) = f64_ceil(a);
    f64x2 -> f64x2: f64x2_floor(a) = f64_floor(a);
    f64x2 -> f64x2: f64x2_trunc(a) = f64_trunc(a);
    f64x2 -> f64x2: f64x2_nearest(a) = f64_nearest(a);
    f64x2 -> f64x2: f64x2_add(a, b) = a + b;
    f64x2 -> f64x2: f64x2_sub(a, b) = a - b;
    f64x2 -> f64x2: f64x2_mul(a, b) = a * b;
    f64x2 -> f64x2: f64x2_div(a, b) = a / b;
    f64x2 -> f64x2: f64x2_min(a, b) = f64_min(a, b);
    f64x2 -> f64x2: f64x2_max(a, b) = f64_max(a, b);
    f64x2 -> f64x2: f64x2_pmin(a, b) = f64_pmin(a, b);
    f64x2 -> f64x2: f64x2_pmax(a, b) = f64_pmax(a, b);
    f64x2 -> i64x2: f64x2_eq(a, b) = -i64::from(a == b);
    f64x2 -> i64x2: f64x2_ne(a, b) = -i64::from(a != b);
    f64x2 -> i64x2: f64x2_lt(a, b) = -i64::from(a < b);
    f64x2 -> i64x2: f64x2_gt(a, b) = -i64::from(a > b);
    f64x2 -> i64x2: f64x2_le(a, b) = -i64::from(a <= b);
    f64x2 -> i64x2: f64x2_ge(a, b) = -i64::from(a >= b);
    f64x2 -> f64x2: f64x2_canon(a) = f64_canon(a);

    f32x4 -> i32x4: i32x4_trunc_sat_f32x4_s(a) = a as i32;
    f32x4 -> u32x4: i32x4_trunc_sat_f32x4_u(a) = a as u32;
    i32x4 -> f32x4: f32x4_convert_i32x4_s(a) = a as f32;
    u32x4 -> f32x4: f32x4_convert_i32x4_u(a) = a as f32;

    u64x2 -> u64x2: v128_not(a) = !a;
    u64x2 -> u64x2: v128_and(a, b) = a & b;
    u64x2 -> u64x2: v128_andnot(a, b) = a & !b;
    u64x2 -> u64x2: v128_or(a, b) = a | b;
    u64x2 -> u64x2: v128_xor(a, b) = a ^ b;
    u64x2 -> u64x2: v128_bitselect(a, b, c) = (a & c) | (b & !c);

    // What relaxed instructions may be instead.
    f32x4 -> f32x4: f32x4_fma(a, b, c) = a.mul_add(b, c);
    f64x2 -> f64x2: f64x2_fma(a, b, c) = a.mul_add(b, c);
    i16x8 -> i16x8: x86_pmulhrsw(a, b) = ((i32::from(a) * i32::from(b) + 0x4000) >> 15) as i16;
    f32x4 -> i32x4: x86_cvttps2dq(a) = f64_trunc_x86(a.into());
}

indexed! {
    u8x16 -> u8x16: x86_pshufb(a, s) @ i = if s[i] < 0x80 { a[usize::from(s[i] & 15)] } else { 0 };
    i8x16 -> i16x8: x86_pmaddubsw(a, b) @ i = {
        let product = |i: usize| i32::from(a[i]) * i32::from(b[i] as u8);
        saturate_i16(product(2 * i) + product(2 * i + 1))
    };
    f64x2 -> i32x4: x86_cvttpd2dq(a) @ i = if i < 2 { f64_trunc_x86(a[i]) } else { 0 };
    // Of two products of -128 the sum wraps; but no number of seven bits is -128.
    i8x16 -> i16x8: i16x8_relaxed_dot_i8x16_i7x16_s(a, b) @ i = {
        let product = |i: usize| i16::from(a[i]) * i16::from(b[i]);
        product(2 * i).wrapping_add(product(2 * i + 1))
    };
    i16x8 -> i8x16: i8x16_narrow_i16x8_s(a, b) @ i = saturate_i8(if i < 8 { a[i] } else { b[i - 8] });
    i16x8 -> u8x16: i8x16_narrow_i16x8_u(a, b) @ i = saturate_u8(if i < 8 { a[i] } else { b[i - 8] });
    i32x4 -> i16x8: i16x8_narrow_i32x4_s(a, b) @ i = saturate_i16(if i < 4 { a[i] } else { b[i - 4] });
    i32x4 -> u16x8: i16x8_narrow_i32x4_u(a, b) @ i = saturate_u16(if i < 4 { a[i] } else { b[i - 4] });

    i8x16 -> i16x8: i16x8_extend_low_i8x16_s(a) @ i = i16::from(a[i]);
    u8x16 -> u16x8: i16x8_extend_low_i8x16_u(a) @ i = u16::from(a[i]);
    i8x16 -> i16x8: i16x8_extend_high_i8x16_s(a) @ i = i16::from(a[i + 8]);
    u8x16 -> u16x8: i16x8_extend_high_i8x16_u(a) @ i = u16::from(a[i + 8]);
    i8x16 -> i16x8: i16x8_extmul_low_i8x16_s(a, b) @ i = i16::from(a[i]) * i16::from(b[i]);
    u8x16 -> u16x8: i16x8_extmul_low_i8x16_u(a, b) @ i = u16::from(a[i]) * u16::from(b[i]);
    i8x16 -> i16x8: i16x8_extmul_high_i8x16_s(a, b) @ i = i16::from(a[i + 8]) * i16::from(b[i + 8]);
    u8x16 -> u16x8: i16x8_extmul_high_i8x16_u(a, b) @ i = u16::from(a[i + 8]) * u16::from(b[i + 8]);
    i8x16 -> i16x8: i16x8_extadd_pairwise_i8x16_s(a) @ i = i16::from(a[2 * i]) + i16::from(a[2 * i + 1]);
    u8x16 -> u16x8: i16x8_extadd_pairwise_i8x16_u(a) @ i = u16::from(a[2 * i]) + u16::from(a[2 * i + 1]);

    i16x8 -> i32x4: i32x4_extend_low_i16x8_s(a) @ i = i32::from(a[i]);
    u16x8 -> u32x4: i32x4_extend_low_i16x8_u(a) @ i = u32::from(a[i]);
    i16x8 -> i32x4: i32x4_extend_high_i16x8_s(a) @ i = i32::from(a[i + 4]);
    u16x8 -> u32x4: i32x4_extend_high_i16x8_u(a) @ i = u32::from(a[i + 4]);
    i16x8 -> i32x4: i32x4_extmul_low_i16x8_s(a, b) @ i = i32::from(a[i]) * i32::from(b[i]);
    u16x8 -> u32x4: i32x4_extmul_low_i16x8_u(a, b) @ i = u32::from(a[i]) * u32::from(b[i]);
    i16x8 -> i32x4: i32x4_extmul_high_i16x8_s(a, b) @ i = i32::from(a[i + 4]) * i32::from(b[i + 4]);
    u16x8 -> u32x4: i32x4_extmul_high_i16x8_u(a, b) @ i = u32::from(a[i + 4]) * u32::from(b[i + 4]);
    i16x8 -> i32x4: i32x4_extadd_pairwise_i16x8_s(a) @ i = i32::from(a[2 * i]) + i32::from(a[2 * i + 1]);
    u16x8 -> u32x4: i32x4_extadd_pairwise_i16x8_u(a) @ i = u32::from(a[2 * i]) + u32::from(a[2 * i + 1]);

    i32x4 -> i64x2: i64x2_extend_low_i32x4_s(a) @ i = i64::from(a[i]);
    u32x4 -> u64x2: i64x2_extend_low_i32x4_u(a) @ i = u64::from(a[i]);
    i32x4 -> i64x2: i64x2_extend_high_i32x4_s(a) @ i = i64::from(a[i + 2]);
    u32x4 -> u64x2: i64x2_extend_high_i32x4_u(a) @ i = u64::from(a[i + 2]);
    i32x4 -> i64x2: i64x2_extmul_low_i32x4_s(a, b) @ i = i64::from(a[i]) * i64::from(b[i]);
    u32x4 -> u64x2: i64x2_extmul_low_i32x4_u(a, b) @ i = u64::from(a[i]) * u64::from(b[i]);
    i32x4 -> i64x2: i64x2_extmul_high_i32x4_s(a, b) @ i = i64::from(a[i + 2]) * i64::from(b[i + 2]);
    u32x4 -> u64x2: i64x2_extmul_high_i32x4_u(a, b) @ i = u64::from(a[i + 2]) * u64::from(b[i + 2]);

    f64x2 -> i32x4: i32x4_trunc_sat_f64x2_s_zero(a) @ i = if i < 2 { a[i] as i32 } else { 0 };
    f64x2 -> u32x4: i32x4_trunc_sat_f64x2_u_zero(a) @ i = if i < 2 { a[i] as u32 } else { 0 };
    f64x2 -> f32x4: f32x4_demote_f64x2_zero(a) @ i = if i < 2 { f32_demote_f64(a[i]) } else { 0.0 };
    f32x4 -> f64x2: f64x2_promote_low_f32x4(a) @ i = f64_promote_f32(a[i]);
    i32x4 -> f64x2: f64x2_convert_low_i32x4_s(a) @ i = f64::from(a[i]);
    u32x4 -> f64x2: f64x2_convert_low_i32x4_u(a) @ i = f64::from(a[i]);
}

/// The integer towards zero; the least one where there is none.
#[inline(always)]
fn f64_trunc_x86(x: f64) -> i32 {
    if x > -2147483649.0 && x < 2147483648.0 { x as i32 } else { i32::MIN }
}

#[inline(always)]
fn saturate_i8(x: impl Into<i32>) -> i8 {
    x.into().clamp(i8::MIN.into(), i8::MAX.into()) as i8
}

#[inline(always)]
fn saturate_u8(x: impl Into<i32>) -> u8 {
    x.into().clamp(u8::MIN.into(), u8::MAX.into()) as u8
}

#[inline(always)]
fn saturate_i16(x: impl Into<i32>) -> i16 {
    x.into().clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[inline(always)]
fn saturate_u16(x: impl Into<i32>) -> u16 {
    x.into().clamp(u16::MIN.into(), u16::MAX.into()) as u16
}

/// The product of two lanes each, as halves of an i32.
#[inline(always)]
fn dot(a: i32, b: i32) -> i32 {
    let low = i32::from(a as i16) * i32::from(b as i16);
    let high = (a >> 16) * (b >> 16);
    low.wrapping_add(high)
}

/// `shape: name = shift`; the count is taken modulo the lane's width.
macro_rules! shifts {
    ($($shape:ident: $name:ident = $shift:ident;)+) => {$(
        #[inline(always)]
        pub(crate) fn $name(a: V128, n: u32) -> V128 {
            let mut lanes = a.$shape();
            let mut i = 0;
            while i < lanes.len() {
                lanes[i] = lanes[i].$shift(n);
                i += 1;
            }
            lanes.into()
        }
    )+};
}

shifts! {
    i8x16: i8x16_shl = wrapping_shl;
    i8x16: i8x16_shr_s = wrapping_shr;
    u8x16: i8x16_shr_u = wrapping_shr;
    i16x8: i16x8_shl = wrapping_shl;
    i16x8: i16x8_shr_s = wrapping_shr;
    u16x8: i16x8_shr_u = wrapping_shr;
    i32x4: i32x4_shl = wrapping_shl;
    i32x4: i32x4_shr_s = wrapping_shr;
    u32x4: i32x4_shr_u = wrapping_shr;
    i64x2: i64x2_shl = wrapping_shl;
    i64x2: i64x2_shr_s = wrapping_shr;
    u64x2: i64x2_shr_u = wrapping_shr;
}

#[inline(always)]
pub(crate) fn v128_any_true(a: V128) -> u32 {
    u32::from(u128::from(a) != 0)
}

macro_rules! all_true {
    ($($shape:ident: $all_true:ident;)+) => {$(
        #[inline(always)]
        pub(crate) fn $all_true(a: V128) -> u32 {
            let lanes = a.$shape();
            let mut all = true;
            let mut i = 0;
            while i < lanes.len() {
                all &= lanes[i] != 0;
                i += 1;
            }
            u32::from(all)
        }
    )+};
}

all_true! {
    i8x16: i8x16_all_true;
    i16x8: i16x8_all_true;
    i32x4: i32x4_all_true;
    i64x2: i64x2_all_true;
}

// A multiplication gathers the sign bits at the top: no two of its partial products meet in one place, so
// nothing carries.

#[inline(always)]
pub(crate) fn i8x16_bitmask(a: V128) -> u32 {
    let [low, high] = a.u64x2().map(|bytes| {
        let signs = (bytes & 0x8080_8080_8080_8080) >> 7;
        (signs.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    });
    low | high << 8
}

#[inline(always)]
pub(crate) fn i16x8_bitmask(a: V128) -> u32 {
    let [low, high] = a.u64x2().map(|halves| {
        let signs = (halves & 0x8000_8000_8000_8000) >> 15;
        (signs.wrapping_mul(0x1000_2000_4000_8000) >> 60) as u32
    });
    low | high << 4
}

#[inline(always)]
pub(crate) fn i32x4_bitmask(a: V128) -> u32 {
    let [a, b, c, d] = a.u32x4();
    a >> 31 | b >> 31 << 1 | c >> 31 << 2 | d >> 31 << 3
}

#[inline(always)]
pub(crate) fn i64x2_bitmask(a: V128) -> u32 {
    let [a, b] = a.u64x2();
    (a >> 63 | b >> 63 << 1) as u32
}

/// The lanes of `a` and then `b`, numbered from 0 to 31, picked by immediates that validation has bounded.
#[inline(always)]
pub(crate) fn i8x16_shuffle(a: V128, b: V128, lanes: [u8; 16]) -> V128 {
    // Copied by hand: a slice's copy, if it stays a call, would let the address of `both` escape.
    let mut both = [0; 32];
    let mut i = 0;
    while i < 16 {
        both[i] = a.0[i];
        both[i + 16] = b.0[i];
        i += 1;
    }
    // Gathered in two words, as sixteen bytes at once would want more registers than there are.
    let mut result = [0; 2];
    i = 0;
    while i < 16 {
        result[i / 8] |= u64::from(both[usize::from(lanes[i] % 32)]) << (i % 8 * 8);
        i += 1;
    }
    result.into()
}

/// The lanes of `a` picked by those of `s`; zero for a number that `a` has no lane of.
#[inline(always)]
pub(crate) fn i8x16_swizzle(a: V128, s: V128) -> V128 {
    // A number keeps its low bits; any higher bit becomes a 1 above them, which picks from the zeros.
    let lanes = s.u64x2().map(|s| {
        let high = s & 0xf0f0_f0f0_f0f0_f0f0;
        let beyond = (high | high >> 1 | high >> 2 | high >> 3) & 0x1010_1010_1010_1010;
        s & 0x0f0f_0f0f_0f0f_0f0f | beyond
    });
    i8x16_shuffle(a, V128::default(), V128::from(lanes).0)
}

/// Lane indices are immediates that validation has bounded; masking them spares the check.
macro_rules! lanes {
    ($($shape:ident $operand:ident as $lane:ident:
       $splat:ident $replace_lane:ident $($extract_lane:ident)?;)+) => {$(
        #[inline(always)]
        pub(crate) fn $splat(x: $operand) -> V128 {
            let mut lanes = V128::default().$shape();
            let mut i = 0;
            while i < lanes.len() {
                lanes[i] = x as $lane;
                i += 1;
            }
            lanes.into()
        }

        #[inline(always)]
        pub(crate) fn $replace_lane(a: V128, lane: u8, x: $operand) -> V128 {
            let mut lanes = a.$shape();
            lanes[usize::from(lane) & (lanes.len() - 1)] = x as $lane;
            lanes.into()
        }

        $(
            #[inline(always)]
            pub(crate) fn $extract_lane(a: V128, lane: u8) -> $operand {
                let lanes = a.$shape();
                lanes[usize::from(lane) & (lanes.len() - 1)]
            }
        )?
    )+};
}

lanes! {
    u8x16 u32 as u8: i8x16_splat i8x16_replace_lane;
    u16x8 u32 as u16: i16x8_splat i16x8_replace_lane;
    u32x4 u32 as u32: i32x4_splat i32x4_replace_lane i32x4_extract_lane;
    u64x2 u64 as u64: i64x2_splat i64x2_replace_lane i64x2_extract_lane;
    f32x4 f32 as f32: f32x4_splat f32x4_replace_lane f32x4_extract_lane;
    f64x2 f64 as f64: f64x2_splat f64x2_replace_lane f64x2_extract_lane;
}

macro_rules! narrow_lanes {
    ($($extract_lane:ident: $shape:ident as $extended:ident;)+) => {$(
        #[inline(always)]
        pub(crate) fn $extract_lane(a: V128, lane: u8) -> u32 {
            let lanes = a.$shape();
            $extended::from(lanes[usize::from(lane) & (lanes.len() - 1)]) as u32
        }
    )+};
}

narrow_lanes! {
    i8x16_extract_lane_s: i8x16 as i32;
    i8x16_extract_lane_u: u8x16 as u32;
    i16x8_extract_lane_s: i16x8 as i32;
    i16x8_extract_lane_u: u16x8 as u32;
}

/// What a load makes of the bytes it read.
macro_rules! loads {
    ($($name:ident($x:ident: $memory:ident) = $v:expr;)+) => {$(
        #[inline(always)]
        pub(crate) fn $name($x: $memory) -> V128 {
            $v
        }
    )+};
}

loads! {
    v128_load8x8_s(x: u64) = i16x8_extend_low_i8x16_s(v128_load64_zero(x));
    v128_load8x8_u(x: u64) = i16x8_extend_low_i8x16_u(v128_load64_zero(x));
    v128_load16x4_s(x: u64) = i32x4_extend_low_i16x8_s(v128_load64_zero(x));
    v128_load16x4_u(x: u64) = i32x4_extend_low_i16x8_u(v128_load64_zero(x));
    v128_load32x2_s(x: u64) = i64x2_extend_low_i32x4_s(v128_load64_zero(x));
    v128_load32x2_u(x: u64) = i64x2_extend_low_i32x4_u(v128_load64_zero(x));
    v128_load8_splat(x: u8) = i8x16_splat(x.into());
    v128_load16_splat(x: u16) = i16x8_splat(x.into());
    v128_load32_splat(x: u32) = i32x4_splat(x);
    v128_load64_splat(x: u64) = i64x2_splat(x);
    v128_load32_zero(x: u32) = [x, 0, 0, 0].into();
    v128_load64_zero(x: u64) = [x, 0].into();
}
