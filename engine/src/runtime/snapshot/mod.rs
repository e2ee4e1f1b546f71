//! Snapshots: what a store's guests are, written so that they go on elsewhere. `engine/docs/snapshot.md` has the format.
//!
//! `clone` makes many stores of one. `format` has blocks and numbers, `names` what objects are called, `site` the types at an instruction. Each other file has both
//! directions of what it is named for, or is one of the two ends: `write`, `read`.

mod call;
mod clone;
mod exception;
mod format;
mod known;
mod look;
mod memory;
mod names;
mod read;
mod segments;
mod site;
mod value;
mod write;

pub(crate) use call::{CallState, RestoredCall};
pub(crate) use clone::{HostFuncs, Original};
pub(crate) use format::{Reader, Writer};
pub(crate) use look::look;
pub use look::{SnapshotFrame, SnapshotSummary};
pub(crate) use names::Definitions;
pub(crate) use read::{Head, Restored, restore};
pub(crate) use write::{Call, Standing, write};

use crate::memory::GrowError;
use crate::runtime::error::{Error, ErrorKind};
use core::fmt::Display;

/// The parts of a snapshot, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Part {
    /// The digests of the modules.
    Modules = 1,
    /// What the embedder keeps.
    Embedder = 2,
    /// What objects of the host are called.
    Names = 3,
    /// Of which modules instances are, and what they import.
    Instances = 4,
    /// Globals, tables, memories, and which segments were dropped.
    State = 5,
    /// Fuel, and the suspended call.
    Call = 6,
    /// Nothing: it shows that nothing is missing.
    End = 7,
}

/// The bytes of a page of a memory in a snapshot, which has nothing to do with the memory's own pages.
const PAGE: usize = 4096;

/// What a snapshot says can't be.
#[cold]
fn wrong(what: impl Display) -> Error {
    Error::of_kind(ErrorKind::Invalid, format_args!("the snapshot is damaged or was forged: {what}"))
}

/// A table or a memory can't become as large as it was.
#[cold]
fn cannot_grow(what: &str, why: GrowError) -> Error {
    match why {
        GrowError::Memory(error) => error.into(),
        GrowError::Limit => {
            Error::msg(format_args!("a {what} can't grow to what it was: it would be too large"))
        }
    }
}

/// The guests can't be moved.
#[cold]
fn refused(what: impl Display) -> Error {
    Error::msg(format_args!("no snapshot can be made: {what}"))
}
