//! Machine code as data: the kinds of pieces that it consists of, and the metadata of each place in it. Nothing here
//! generates or runs code, so it is the same on every target.

#![cfg_attr(
    not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
    allow(dead_code, unused_imports, reason = "where no code is run, nothing looks at what is known of it")
)]

mod handlers;
mod map;
mod map_bytes;
mod map_error;
mod offset_map;
mod piece;
#[cfg(test)]
mod tests;
mod traps;

pub(crate) use handlers::{Catches, Handler, What};
pub(crate) use map::CodeMap;
#[cfg(feature = "compiler")]
pub(crate) use map::MapRoom;
#[cfg(any(test, feature = "compiler"))]
pub(crate) use map::{CodeMapBuilder, Inlined};
pub(crate) use map_error::MapError;
pub(crate) use piece::{Piece, Placed};
pub(crate) use traps::{ENTRY, FAILED, INLINED, STACK_OVERFLOW, trap_of};

/// The size of the native stack is this multiple of the largest value stack, plus an extra. A function whose native
/// frame is larger in proportion to its use of the value stack isn't compiled.
pub(crate) const STACK_RATIO: usize = 16;
