//! What memory may be had: bounds on hostile input, budgets, collections that ask them, and the pages of linear
//! memories.

mod alloc;
mod box_or;
mod budget;
mod buf;
mod error;
mod kind;
pub(crate) mod limits;
mod map;
pub(crate) mod pages;
mod shared;
mod sort;

pub(crate) use alloc::{
    TryText, at_hand, box_or_back, bytes_of, in_third_party, third_party, try_box, try_text,
};
pub(crate) use box_or::BoxOr;
pub use budget::{Budget, Charge};
pub(crate) use buf::{Buf, streamed_capacity, try_str};
pub(crate) use error::{GrowError, MemoryError, OutOfMemory};
pub use error::{MemoryAccessError, OutOfBudget};
pub use kind::Kind;
pub(crate) use map::Map;
pub(crate) use shared::Shared;
pub(crate) use sort::sort_by_key;
