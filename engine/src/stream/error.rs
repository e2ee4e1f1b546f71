//! Why a module can't be loaded.

use std::fmt;

use crate::budget::MemoryError;

/// What is wrong, in a sentence, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoadError {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// The offset in the module.
    pub(crate) offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Not a valid module.
    Invalid,
    /// Valid, but beyond one of the engine's limits.
    Limit,
    /// More than the budget or the system has.
    OutOfBudget,
    /// Something other than a core module, or of a proposal that isn't supported.
    Unsupported,
}

impl LoadError {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>, offset: u64) -> LoadError {
        LoadError { kind, message: message.into(), offset }
    }

    #[cold]
    pub(crate) fn invalid(error: wasmparser::Error) -> LoadError {
        LoadError::new(ErrorKind::Invalid, error.message(), error.offset())
    }

    #[cold]
    pub(crate) fn memory(error: impl Into<MemoryError>, offset: u64) -> LoadError {
        LoadError::new(ErrorKind::OutOfBudget, error.into().to_string(), offset)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at offset 0x{:x})", self.message, self.offset)
    }
}

impl std::error::Error for LoadError {}
