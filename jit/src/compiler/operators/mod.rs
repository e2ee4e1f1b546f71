//! Instructions without control flow that need nothing but their operands and the memories: each function translates
//! a kind of them.

mod atomic;
mod composed;
mod lanes;
mod memory;
mod numeric;
mod relaxed;
mod vector;

pub(crate) use atomic::{atomic, wide_sum};
pub(crate) use memory::memory;
pub(crate) use numeric::numeric;
pub(crate) use relaxed::machines_own;
pub(crate) use vector::vector;
