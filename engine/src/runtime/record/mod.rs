//! Records of what came from outside, and replays from them. `engine/docs/record.md` has the format.
//!
//! `format` has blocks and numbers, `head` how a segment begins, `event` what happens, `notes` what a host function says of the memory that it uses.
//! `recording` writes events and `replaying` answers from them; `store/tape.rs` is where host functions are called.

mod event;
mod format;
mod head;
mod notes;
mod recording;
mod replaying;

pub(crate) use event::Outcome;
pub(crate) use format::{Reader, Writer};
pub(crate) use head::Head;
pub use notes::CallNotes;
pub(crate) use recording::Recording;
pub(crate) use replaying::{Goal, Replaying, Verdict};

use crate::runtime::error::{Error, ErrorKind};
use core::fmt::{self, Display};

/// The parts of a record, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Part {
    /// The module, which segment it is, and what the embedder keeps.
    Head = 1,
    /// Where the segment begins, if that isn't the beginning.
    Snapshot = 2,
    /// What happened.
    Events = 3,
}

/// What a store's host functions are told through, or answered from.
pub(crate) enum Tape {
    Records(Recording),
    Replays(Replaying),
}

/// How an embedder's own errors are numbered, so that they are the same in a replay: exit codes, for example.
#[derive(Clone, Copy)]
pub struct HostErrors {
    /// The number of an error, if it is one of those.
    pub number: fn(&Error) -> Option<u32>,
    /// The error with this number.
    pub error: fn(u32) -> Error,
}

impl Default for HostErrors {
    /// There are none.
    fn default() -> Self {
        Self { number: |_| None, error: |number| Error::msg(format_args!("the host failed with {number}")) }
    }
}

impl fmt::Debug for HostErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostErrors")
    }
}

/// What a record says can't be.
#[cold]
fn wrong(what: impl Display) -> Error {
    Error::of_kind(ErrorKind::Invalid, format_args!("the record is damaged or was forged: {what}"))
}
