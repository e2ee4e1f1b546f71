//! The scalar float instructions and conversions that need more care than a plain Rust operator.
//!
//! Where the specification leaves the payload of a NaN result open, the processor's choice stands: x86_64 and
//! aarch64 both give a quiet NaN, and a canonical one from canonical operands. `f32_canon` and `f64_canon`
//! make it the same everywhere.

#[cfg(not(feature = "std"))]
use super::math::Math;

/// Why a float has no integer value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TruncError {
    NotANumber,
    Overflow,
}

macro_rules! float_ops {
    ($($f:ident $bits:ident $integral_from:literal $canonical:literal:
       $min:ident $max:ident $pmin:ident $pmax:ident $nearest:ident $ceil:ident $floor:ident $trunc:ident
       $sqrt:ident $abs:ident $neg:ident $copysign:ident $canon:ident;)+) => {$(
        /// NaN if either operand is; -0 is less than +0.
        #[inline(always)]
        pub(crate) fn $min(a: $f, b: $f) -> $f {
            // Each selection is one machine `min`. They differ only where the operands are equal (zeros of
            // unlike sign, whose union is -0) or unordered.
            let ab = if a < b { a } else { b };
            let ba = if b < a { b } else { a };
            let min = $f::from_bits(ab.to_bits() | ba.to_bits());
            if a.is_nan() | b.is_nan() { a + b } else { min }
        }

        /// NaN if either operand is; +0 is greater than -0.
        #[inline(always)]
        pub(crate) fn $max(a: $f, b: $f) -> $f {
            let ab = if a > b { a } else { b };
            let ba = if b > a { b } else { a };
            let max = $f::from_bits(ab.to_bits() & ba.to_bits());
            if a.is_nan() | b.is_nan() { a + b } else { max }
        }

        /// The second operand if it is less than the first, else the first: bit for bit, NaN or not.
        #[inline(always)]
        pub(crate) fn $pmin(a: $f, b: $f) -> $f {
            if b < a { b } else { a }
        }

        /// The second operand if the first is less than it, else the first: bit for bit, NaN or not.
        #[inline(always)]
        pub(crate) fn $pmax(a: $f, b: $f) -> $f {
            if a < b { b } else { a }
        }

        /// To the nearest integer, ties to even.
        #[inline(always)]
        pub(crate) fn $nearest(x: $f) -> $f {
            #[cfg(feature = "std")]
            if HAS_ROUND {
                return x.round_ties_even();
            }
            // From here up every float is an integer; below, adding it leaves no bits for a fraction.
            const INTEGRAL_FROM: $f = $integral_from;
            let magnitude = x.abs();
            let rounded = ((magnitude + INTEGRAL_FROM) - INTEGRAL_FROM).copysign(x);
            // A NaN fails the test, and the sum has made it quiet.
            if magnitude >= INTEGRAL_FROM { x } else { rounded }
        }

        #[inline(always)]
        pub(crate) fn $ceil(x: $f) -> $f {
            #[cfg(feature = "std")]
            if HAS_ROUND {
                return x.ceil();
            }
            let near = $nearest(x);
            let up = if near < x { near + 1.0 } else { near };
            // From (-1, 0) the result is -0.
            up.copysign(x)
        }

        #[inline(always)]
        pub(crate) fn $floor(x: $f) -> $f {
            #[cfg(feature = "std")]
            if HAS_ROUND {
                return x.floor();
            }
            let near = $nearest(x);
            if near > x { near - 1.0 } else { near }
        }

        /// Towards zero.
        #[inline(always)]
        pub(crate) fn $trunc(x: $f) -> $f {
            #[cfg(feature = "std")]
            if HAS_ROUND {
                return x.trunc();
            }
            let magnitude = x.abs();
            let near = $nearest(magnitude);
            let down = if near > magnitude { near - 1.0 } else { near };
            down.copysign(x)
        }

        #[inline(always)]
        pub(crate) fn $sqrt(x: $f) -> $f {
            x.sqrt()
        }

        /// The sign bit cleared, even of a NaN.
        #[inline(always)]
        pub(crate) fn $abs(x: $f) -> $f {
            $f::from_bits(x.to_bits() & ($bits::MAX >> 1))
        }

        /// The sign bit inverted, even of a NaN.
        #[inline(always)]
        pub(crate) fn $neg(x: $f) -> $f {
            $f::from_bits(x.to_bits() ^ !($bits::MAX >> 1))
        }

        /// `a` with the sign bit of `b`, even of a NaN.
        #[inline(always)]
        pub(crate) fn $copysign(a: $f, b: $f) -> $f {
            const SIGN: $bits = !($bits::MAX >> 1);
            $f::from_bits((a.to_bits() & !SIGN) | (b.to_bits() & SIGN))
        }

        /// Any NaN becomes the positive canonical one.
        #[inline(always)]
        pub(crate) fn $canon(x: $f) -> $f {
            if x.is_nan() { $f::from_bits($canonical) } else { x }
        }
    )+};
}

/// Whether the target surely rounds in one instruction. Where it may not, the library's rounding would be a
/// call, and a call inside a handler costs more than the arithmetic here.
#[cfg(feature = "std")]
const HAS_ROUND: bool = cfg!(any(target_arch = "aarch64", target_feature = "sse4.1"));

float_ops! {
    f32 u32 8388608.0 0x7fc0_0000: f32_min f32_max f32_pmin f32_pmax f32_nearest f32_ceil f32_floor f32_trunc
        f32_sqrt f32_abs f32_neg f32_copysign f32_canon;
    f64 u64 4503599627370496.0 0x7ff8_0000_0000_0000: f64_min f64_max f64_pmin f64_pmax f64_nearest f64_ceil
        f64_floor f64_trunc f64_sqrt f64_abs f64_neg f64_copysign f64_canon;
}

macro_rules! truncations {
    ($($name:ident $sat:ident:
       $from:ident => $int:ident as $to:ident, $low:tt $least:expr, < $bound:expr;)+) => {$(
        #[inline(always)]
        #[allow(clippy::manual_range_contains, reason = "the lower bound may be open")]
        pub(crate) fn $name(x: $from) -> Result<$to, TruncError> {
            if (x $low $least) & (x < $bound) {
                Ok(x as $int as $to)
            } else if x.is_nan() {
                Err(TruncError::NotANumber)
            } else {
                Err(TruncError::Overflow)
            }
        }

        /// NaN gives zero, what is out of range the nearest limit: Rust's `as` means just that.
        #[inline(always)]
        pub(crate) fn $sat(x: $from) -> $to {
            x as $int as $to
        }
    )+};
}

// The fraction is cut off before the range is checked, so the lower bound is open and one below the least
// integer; where the float cannot represent that, it has no fractions there either, and the bound is closed.
truncations! {
    i32_trunc_f32_s i32_trunc_sat_f32_s: f32 => i32 as u32, >= -P31 as f32, < P31 as f32;
    i32_trunc_f32_u i32_trunc_sat_f32_u: f32 => u32 as u32, > -1.0, < P32 as f32;
    i32_trunc_f64_s i32_trunc_sat_f64_s: f64 => i32 as u32, > -P31 - 1.0, < P31;
    i32_trunc_f64_u i32_trunc_sat_f64_u: f64 => u32 as u32, > -1.0, < P32;
    i64_trunc_f32_s i64_trunc_sat_f32_s: f32 => i64 as u64, >= -P63 as f32, < P63 as f32;
    i64_trunc_f32_u i64_trunc_sat_f32_u: f32 => u64 as u64, > -1.0, < P64 as f32;
    i64_trunc_f64_s i64_trunc_sat_f64_s: f64 => i64 as u64, >= -P63, < P63;
    i64_trunc_f64_u i64_trunc_sat_f64_u: f64 => u64 as u64, > -1.0, < P64;
}

const P31: f64 = 2147483648.0;
const P32: f64 = P31 * 2.0;
const P63: f64 = P31 * P32;
const P64: f64 = P32 * P32;

macro_rules! conversions {
    ($($name:ident: $from:ident as $int:ident => $to:ident;)+) => {$(
        #[inline(always)]
        pub(crate) fn $name(x: $from) -> $to {
            x as $int as $to
        }
    )+};
}

conversions! {
    f32_convert_i32_s: u32 as i32 => f32;
    f32_convert_i32_u: u32 as u32 => f32;
    f32_convert_i64_s: u64 as i64 => f32;
    f32_convert_i64_u: u64 as u64 => f32;
    f64_convert_i32_s: u32 as i32 => f64;
    f64_convert_i32_u: u32 as u32 => f64;
    f64_convert_i64_s: u64 as i64 => f64;
    f64_convert_i64_u: u64 as u64 => f64;
}

/// Rounds to nearest, ties to even.
#[inline(always)]
pub(crate) fn f32_demote_f64(x: f64) -> f32 {
    x as f32
}

#[inline(always)]
pub(crate) fn f64_promote_f32(x: f32) -> f64 {
    f64::from(x)
}
