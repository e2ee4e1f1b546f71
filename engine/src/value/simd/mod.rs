//! The vector instructions as handlers use them: the machine's own, where every machine of the architecture has them
//! (SSE2 on x86_64, NEON on aarch64), and otherwise the portable ones of [`super::v128`].
//!
//! Each set takes in all that stands below it and defines what it does better, which shadows the rest. So each offers
//! every instruction, under the same name and with the same signature.

#![cfg_attr(
    not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))),
    allow(dead_code, unused_macros, reason = "there is only the portable set")
)]

use super::V128;

/// A [`V128`] as the machine's instructions take it: the table's macros find the type by how it is used.
trait Register: Copy {
    fn of(v: V128) -> Self;
    fn v128(self) -> V128;
}

macro_rules! registers {
    ($($register:ty)*) => {$(
        impl Register for $register {
            #[inline(always)]
            fn of(v: V128) -> $register {
                // SAFETY: both are sixteen plain bytes, and every bit pattern is a value of either.
                unsafe { core::mem::transmute::<[u8; 16], $register>(v.0) }
            }

            #[inline(always)]
            fn v128(self) -> V128 {
                // SAFETY: as for `of`.
                V128(unsafe { core::mem::transmute::<$register, [u8; 16]>(self) })
            }
        }
    )*};
}

/// `name(vectors; numbers: their types) = the result's register`.
macro_rules! vectors {
    ($($name:ident($($x:ident),* $(; $($n:ident: $t:ty),+)?) = $body:expr;)*) => {$(
        #[inline(always)]
        #[allow(unused_unsafe, reason = "parts are safe to call, and may be all there is")]
        pub(crate) fn $name($($x: V128,)* $($($n: $t),+)?) -> V128 {
            $(let $x = Register::of($x);)*
            // SAFETY: the head of the module says why the machine has these instructions.
            Register::v128(unsafe { $body })
        }
    )*};
}

/// `name(vector) = bits, or whether`.
macro_rules! bits {
    ($($name:ident($x:ident) = $body:expr;)*) => {$(
        #[inline(always)]
        pub(crate) fn $name($x: V128) -> u32 {
            let $x = Register::of($x);
            // SAFETY: the head of the module says why the machine has these instructions.
            (unsafe { $body }) as u32
        }
    )*};
}

/// Parts of the above.
macro_rules! parts {
    ($($name:ident($($x:ident: $t:ty),*) -> $result:ty = $body:expr;)*) => {$(
        #[inline(always)]
        #[allow(unused_unsafe, reason = "parts are safe to call, and may be all there is")]
        fn $name($($x: $t),*) -> $result {
            // SAFETY: the head of the module says why the machine has these instructions.
            unsafe { $body }
        }
    )*};
}

#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
#[cfg(target_arch = "x86_64")]
mod relaxed;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(target_arch = "x86_64")]
#[allow(dead_code, unused_imports, reason = "for the handlers of machines that have SSE4.2")]
pub(crate) mod sse42;

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
pub(crate) use super::v128::*;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
pub(crate) use neon::*;
#[cfg(target_arch = "x86_64")]
pub(crate) use relaxed::{
    f32x4_fma, f64x2_fma, x86_cvttpd2dq, x86_cvttps2dq, x86_pmaddubsw, x86_pmulhrsw, x86_pshufb,
};
#[cfg(target_arch = "x86_64")]
pub(crate) use sse2::*;

/// In each lane its number; of lanes of 64 bits, in both halves. What equals the number of a lane is the mask to replace
/// it by: a narrow store into the vector, and then a load of it all, would wait for each other in the processor, and to
/// fetch the mask from a table costs no less.
const NUMBERS_8: V128 = V128([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
const NUMBERS_16: V128 = V128([0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0]);
const NUMBERS_32: V128 = V128([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
const NUMBERS_64: V128 = V128([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
