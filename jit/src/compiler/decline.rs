//! Why something isn't compiled.

use crate::charged_vec::NoMemory;
use dunlin::ErrorKind;
use std::fmt;

/// Why something isn't compiled.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Decline {
    /// It contains something that the compiler doesn't support.
    Unsupported(&'static str),
    /// The compiler failed.
    Compiler(String),
    /// The compiler panicked.
    Panicked,
    /// Its native frame is too large in proportion to the native stack.
    Frame,
    /// It is larger than what may be compiled at once.
    TooLarge,
    /// The compiler might take more than this many bytes, the bound for one function.
    Scratch(u64),
    /// The budget has no room for the compiler, or for the code.
    Budget,
    /// The system has no room for the code.
    System(String),
    /// The body can't be read any more.
    Unreadable(String),
    /// Its module was dropped.
    Dropped,
}

impl From<NoMemory> for Decline {
    fn from(refused: NoMemory) -> Self {
        match refused {
            NoMemory::Budget(_) => Decline::Budget,
            NoMemory::System => Decline::System(refused.to_string()),
        }
    }
}

impl Decline {
    /// The reason for which a body can't be read.
    pub(crate) fn of(error: &dunlin::Error) -> Self {
        match error.kind() {
            ErrorKind::OutOfBudget | ErrorKind::OutOfMemory => Decline::Budget,
            _ => Decline::Unreadable(error.to_string()),
        }
    }
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decline::Unsupported(what) => write!(f, "{what} is not supported"),
            Decline::Compiler(why) => write!(f, "the compiler failed: {why}"),
            Decline::Panicked => f.write_str("the compiler panicked"),
            Decline::Frame => f.write_str("its native frame is too large"),
            Decline::TooLarge => f.write_str("it is too large"),
            Decline::Scratch(most) => write!(f, "the compiler might take more than {} KiB", most >> 10),
            Decline::Budget => f.write_str("the memory budget has no room"),
            Decline::System(why) => write!(f, "the system has no room: {why}"),
            Decline::Unreadable(why) => write!(f, "its body can't be read: {why}"),
            Decline::Dropped => f.write_str("its module was dropped"),
        }
    }
}
