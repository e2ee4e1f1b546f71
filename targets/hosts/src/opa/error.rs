//! Why a policy can't be used or evaluated.

use std::fmt;

/// Why a policy can't be used or evaluated.
#[derive(Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// The module is no policy of an ABI that is known here; the sentence says what is missing or different.
    NotAPolicy(String),
    /// The policy asks its host for builtins that are unknown here: their names.
    UnknownBuiltins(Vec<String>),
    /// There is no such entrypoint.
    UnknownEntrypoint(String),
    /// The data or the input isn't JSON.
    NotJson {
        /// `data` or `input`.
        what: &'static str,
        /// What is wrong, and where.
        error: serde_json::Error,
    },
    /// The policy gave up: what it said.
    Aborted(String),
    /// The engine can't make an instance, or the policy trapped, or reached a limit.
    Engine(dunlin::Error),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPolicy(why) => write!(f, "not a policy that can be evaluated here: {why}"),
            Self::UnknownBuiltins(names) => {
                write!(f, "the policy needs builtins that are unknown here: {}", names.join(", "))
            }
            Self::UnknownEntrypoint(name) => write!(f, "the policy has no entrypoint '{name}'"),
            Self::NotJson { what, error } => write!(f, "the {what} isn't JSON: {error}"),
            Self::Aborted(message) => write!(f, "the policy gave up: {message}"),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotJson { error, .. } => Some(error),
            Self::Engine(error) => Some(error),
            _ => None,
        }
    }
}

impl From<dunlin::Error> for PolicyError {
    fn from(error: dunlin::Error) -> Self {
        error.downcast::<Abort>().map_or_else(Self::Engine, |Abort(message)| Self::Aborted(message))
    }
}

/// What a policy says as it gives up: it crosses the guest as the error of a host function.
#[derive(Debug)]
pub(super) struct Abort(pub(super) String);

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Abort {}
