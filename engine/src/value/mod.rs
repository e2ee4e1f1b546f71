//! What the numeric instructions compute, as functions of values alone.
//!
//! An i32 is a `u32` here and an i64 a `u64`: the instruction, not the value, knows the sign.

#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "the machine has instructions for it"))]
pub(crate) mod float;
pub(crate) mod simd;
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "`simd` has the machine's"))]
pub(crate) mod v128;

#[cfg(test)]
mod tests;

pub(crate) use v128::V128;
