//! How a call of a guest fails.

use dunlin::Error;
use std::fmt;

/// Why a guest has no answer.
#[derive(Debug)]
pub enum CallError {
    /// The guest says so, and why. It can be called again.
    Guest(String),
    /// It trapped, was interrupted, or did what the ABI doesn't allow. The instance is good for nothing more.
    Failed(Error),
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Guest(text) => f.write_str(text),
            CallError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CallError::Guest(_) => None,
            CallError::Failed(error) => Some(error.as_ref()),
        }
    }
}
