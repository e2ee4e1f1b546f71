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
    /// The policy asks its host for builtins that the options don't allow: their names.
    DeniedBuiltins(Vec<String>),
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
    /// A builtin ended the evaluation: its name, and what it said.
    Halted {
        /// Its name.
        builtin: String,
        /// What it said.
        message: String,
    },
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
            Self::DeniedBuiltins(names) => {
                write!(f, "the policy needs builtins that it isn't allowed: {}", names.join(", "))
            }
            Self::UnknownEntrypoint(name) => write!(f, "the policy has no entrypoint '{name}'"),
            Self::NotJson { what, error } => write!(f, "the {what} isn't JSON: {error}"),
            Self::Aborted(message) => write!(f, "the policy gave up: {message}"),
            Self::Halted { builtin, message } => write!(f, "{builtin} ended the evaluation: {message}"),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotJson { error, .. } => Some(error),
            Self::Engine(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<dunlin::Error> for PolicyError {
    fn from(error: dunlin::Error) -> Self {
        match error.downcast::<GivenUp>() {
            Ok(GivenUp::Policy(message)) => Self::Aborted(message),
            Ok(GivenUp::Builtin(builtin, message)) => Self::Halted { builtin, message },
            Err(error) => Self::Engine(error),
        }
    }
}

/// Who gave up and what was said: it crosses the guest as the error of a host function.
#[derive(Debug)]
pub(super) enum GivenUp {
    Policy(String),
    /// By its name.
    Builtin(String, String),
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(message) | Self::Builtin(_, message) => f.write_str(message),
        }
    }
}

impl std::error::Error for GivenUp {}

/// Why a builtin has no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuiltinError {
    message: String,
    halts: bool,
}

impl BuiltinError {
    /// The expression that asked is undefined, and the evaluation goes on.
    pub fn undefined(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), halts: false }
    }

    /// The evaluation ends with [`PolicyError::Halted`].
    pub fn halt(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), halts: true }
    }

    /// Whether it ends the evaluation.
    pub fn halts(&self) -> bool {
        self.halts
    }
}

impl fmt::Display for BuiltinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BuiltinError {}
