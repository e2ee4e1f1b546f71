//! What goes wrong: for one event, which the API is told, or for all.

use crate::services::http::HttpError;
use dunlin::{Error, ErrorKind, Trap};
use dunlin_wasi_lite::I32Exit;
use serde::Serialize;
use std::fmt;

/// Why an event has no response, as Lambda is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// In a sentence.
    pub error_message: String,
    /// Such as `Runtime.Trap`.
    pub error_type: &'static str,
    /// Where it was: in the log only, for it is nobody else's business.
    stack_trace: [(); 0],
}

impl Failure {
    /// Of this type, which begins with `Runtime.`.
    pub fn new(error_type: &'static str, message: impl fmt::Display) -> Self {
        Self { error_message: message.to_string(), error_type, stack_trace: [] }
    }

    /// The function can't begin.
    pub fn init(message: impl fmt::Display) -> Self {
        Self::new("Runtime.InitError", message)
    }

    /// Why the guest didn't end well; `None` if it did.
    pub(super) fn of(error: &Error) -> Option<Self> {
        if let Some(I32Exit(code)) = error.downcast_ref() {
            let message = format_args!("the function ended with exit code {code}");
            return (*code != 0).then(|| Self::new("Runtime.ExitError", message));
        }
        Some(match (error.kind(), error.trap()) {
            (_, Some(Trap::Interrupt)) => Self::new("Runtime.Timeout", "the function ran out of time"),
            (_, Some(Trap::OutOfFuel)) => Self::new("Runtime.OutOfFuel", "the function ran out of fuel"),
            (ErrorKind::OutOfBudget | ErrorKind::OutOfMemory, _) => {
                Self::new("Runtime.OutOfMemory", format_args!("the function can't begin: {error}"))
            }
            (ErrorKind::Trap, _) => Self::new("Runtime.Trap", format_args!("the function trapped: {error}")),
            _ => Self::new("Runtime.Error", format_args!("the function can't run: {error}")),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error_message)
    }
}

/// Why no more events are asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum LambdaError {
    /// This isn't Lambda: the variable that says where its API is is missing.
    NotLambda,
    /// The API can't be asked: what was asked, and why.
    Http(&'static str, HttpError),
    /// The API answers with this status to what was asked.
    Status(&'static str, u16),
    /// The API's answer lacks something, or has something odd in it.
    Malformed(&'static str),
}

impl fmt::Display for LambdaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLambda => {
                f.write_str("the variable AWS_LAMBDA_RUNTIME_API is missing, so this isn't Lambda")
            }
            Self::Http(asked, error) => write!(f, "Lambda's API, asked for {asked}: {error}"),
            Self::Status(asked, status) => write!(f, "Lambda's API answers with status {status} to {asked}"),
            Self::Malformed(what) => write!(f, "Lambda's API sends an event without {what}"),
        }
    }
}

impl std::error::Error for LambdaError {}
