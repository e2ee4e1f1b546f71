//! Why a module can't be loaded.

use std::fmt;

use crate::memory::{MemoryError, try_text};
use crate::module::features::Feature;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LoadError {
    pub(crate) kind: ErrorKind,
    pub(crate) cause: Cause,
    /// The offset in the module.
    pub(crate) offset: u64,
    /// The feature that is off, if that is known to be the reason.
    pub(crate) missing: Option<Feature>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A sentence.
    Text(String),
    Memory(MemoryError),
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
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display, offset: u64) -> LoadError {
        match try_text(message) {
            Ok(text) => LoadError { kind, cause: Cause::Text(text), offset, missing: None },
            Err(error) => LoadError::memory(MemoryError::OutOfMemory(error), offset),
        }
    }

    #[cold]
    pub(crate) fn invalid(error: wasmparser::Error) -> LoadError {
        let missing = error.missing_wasm_feature().and_then(Feature::of_wasmparser);
        LoadError { missing, ..LoadError::new(ErrorKind::Invalid, error.message(), error.offset()) }
    }

    #[cold]
    pub(crate) fn memory(error: impl Into<MemoryError>, offset: u64) -> LoadError {
        LoadError { kind: ErrorKind::OutOfBudget, cause: Cause::Memory(error.into()), offset, missing: None }
    }

    /// Whether its message begins so.
    pub(crate) fn is_text(&self, start: &str) -> bool {
        matches!(&self.cause, Cause::Text(text) if text.starts_with(start))
    }

    /// A copy.
    pub(crate) fn again(&self) -> LoadError {
        match &self.cause {
            Cause::Text(text) => {
                LoadError { missing: self.missing, ..LoadError::new(self.kind, text, self.offset) }
            }
            Cause::Memory(error) => LoadError::memory(error.clone(), self.offset),
        }
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> String {
        match &self.cause {
            Cause::Text(text) => text.clone(),
            Cause::Memory(error) => error.to_string(),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Text(text) => f.write_str(text),
            Cause::Memory(error) => error.fmt(f),
        }?;
        write!(f, " (at offset 0x{:x})", self.offset)
    }
}
