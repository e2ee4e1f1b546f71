//! How a call of a runnable fails.

use dunlin::Error;
use serde::Serialize;
use std::fmt;

/// Why a runnable has no result.
#[derive(Debug)]
pub enum RunError {
    /// It says so, by a code and a message. A code from 200 to 599 is the status that HTTP has for it.
    Returned(Returned),
    /// It trapped, was interrupted, or did what the ABI doesn't allow.
    Failed(Error),
}

/// What a runnable says of its failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Returned {
    /// Its number.
    #[serde(skip_serializing_if = "is_zero")]
    pub code: i32,
    /// Its text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's")]
fn is_zero(code: &i32) -> bool {
    *code == 0
}

impl Returned {
    /// Such as `{"code":404,"message":"not found"}`: what later steps find in the state if they are to go on.
    pub fn json(&self) -> String {
        // A number and a text can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<Error> for RunError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Returned(Returned { code, message }) => write!(f, "{message} (code {code})"),
            RunError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Returned(_) => None,
            RunError::Failed(error) => Some(error.as_ref()),
        }
    }
}
