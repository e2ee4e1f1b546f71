//! What the command says when it can't do what it was asked to.

use dunlin::ErrorKind;
use std::fmt;

/// The module, or something it was to be given, can't be loaded, linked or opened.
pub(crate) const EXIT_UNUSABLE: u8 = 1;
/// The command line asks for something that can't be done.
pub(crate) const EXIT_USAGE: u8 = 2;
/// The guest ran out of time.
pub(crate) const EXIT_TIMEOUT: u8 = 124;
/// The guest ran out of fuel.
pub(crate) const EXIT_FUEL: u8 = 125;
/// The module doesn't fit the memory budget.
pub(crate) const EXIT_BUDGET: u8 = 126;
/// Added to its number: a signal ended the process.
pub(crate) const EXIT_SIGNAL: u8 = 128;
/// The guest trapped.
pub(crate) const EXIT_TRAP: u8 = 134;

/// A sentence for standard error, and the exit code that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: u8,
    /// The sentence.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// An error of this kind keeps a guest from beginning.
    pub(crate) fn of(kind: ErrorKind, message: impl fmt::Display) -> Self {
        match kind {
            ErrorKind::OutOfBudget => Self::over_budget(message),
            _ => Self::unusable(message),
        }
    }

    /// Something can't be loaded, linked or opened.
    pub(crate) fn unusable(message: impl fmt::Display) -> Self {
        Self::new(EXIT_UNUSABLE, message)
    }

    /// The memory budget is too small to start.
    pub(crate) fn over_budget(message: impl fmt::Display) -> Self {
        Self::new(EXIT_BUDGET, message)
    }

    /// Wrong usage.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(EXIT_USAGE, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The system's words for an error, without its number.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
