//! What the numeric instructions compute, as functions of values alone.
//!
//! An i32 is a `u32` here and an i64 a `u64`: the instruction, not the value, knows the sign.

#[allow(dead_code, reason = "of lanes, `simd` may have the machine's instruction")]
pub(crate) mod float;
#[cfg(any(test, not(feature = "std")))]
mod math;
pub(crate) mod raw;
pub(crate) mod relaxed;
pub(crate) mod simd;
#[allow(dead_code, reason = "`simd` may have the machine's")]
pub(crate) mod v128;

#[cfg(test)]
mod tests;

pub(crate) use v128::V128;
