//! What x86_64 does for relaxed instructions, where the machine's own choice is asked for.
//!
//! In assembly: a function with a `target_feature` can't be inlined into a handler without it, and what depends on a
//! switch shall not add to the handlers that exist twice.

use super::Register;
use crate::value::V128;
use core::arch::asm;
use core::arch::x86_64::*;

/// `name(operands: their registers) = instruction with the first operand as its result`.
macro_rules! instructions {
    ($($(#[$doc:meta])* $name:ident($x:ident: $t:ty $(, $y:ident: $u:ty)*) = $text:literal;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) unsafe fn $name($x: V128 $(, $y: V128)*) -> V128 {
            let mut result: $t = Register::of($x);
            $(let $y: $u = Register::of($y);)*
            // SAFETY: the caller's contract says that the processor has it; it touches its operands alone.
            unsafe {
                asm!($text, $x = inout(xmm_reg) result, $($y = in(xmm_reg) $y,)*
                    options(pure, nomem, nostack, preserves_flags));
            }
            result.v128()
        }
    )*};
}

instructions! {
    /// # Safety
    /// The processor must have FMA.
    f32x4_fma(x: __m128, y: __m128, z: __m128) = "vfmadd213ps {x}, {y}, {z}";
    /// # Safety
    /// The processor must have FMA.
    f64x2_fma(x: __m128d, y: __m128d, z: __m128d) = "vfmadd213pd {x}, {y}, {z}";
    /// # Safety
    /// The processor must have SSSE3.
    x86_pshufb(x: __m128i, y: __m128i) = "pshufb {x}, {y}";
    /// # Safety
    /// The processor must have SSSE3.
    x86_pmulhrsw(x: __m128i, y: __m128i) = "pmulhrsw {x}, {y}";
    /// # Safety
    /// Every x86_64 has it.
    x86_cvttps2dq(x: __m128i) = "cvttps2dq {x}, {x}";
    /// # Safety
    /// Every x86_64 has it.
    x86_cvttpd2dq(x: __m128i) = "cvttpd2dq {x}, {x}";
    /// # Safety
    /// The processor must have SSSE3.
    pmaddubsw(unsigned: __m128i, signed: __m128i) = "pmaddubsw {unsigned}, {signed}";
}

/// # Safety
/// The processor must have SSSE3.
#[inline(always)]
pub(crate) unsafe fn x86_pmaddubsw(x: V128, y: V128) -> V128 {
    // SAFETY: the caller's contract.
    unsafe { pmaddubsw(y, x) }
}
