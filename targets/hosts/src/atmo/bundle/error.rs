//! Why a bundle can't be used.

use std::fmt;
use std::io;

/// Why a bundle can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum BundleError {
    /// It can't be read.
    Read(io::Error),
    /// It is larger than so many bytes, unpacked.
    TooLarge(u64),
    /// The budget has no room for it.
    OutOfBudget(dunlin::OutOfBudget),
    /// Something in it is wrong: what.
    Invalid(String),
    /// Its Directive has mistakes: which.
    Directive(String),
    /// This module of it can't be loaded, or isn't a runnable.
    Module(String, dunlin::Error),
}

impl BundleError {
    pub(in crate::atmo) fn invalid(what: impl fmt::Display) -> Self {
        Self::Invalid(what.to_string())
    }
}

impl From<dunlin::OutOfBudget> for BundleError {
    fn from(error: dunlin::OutOfBudget) -> Self {
        Self::OutOfBudget(error)
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the bundle can't be read: {error}"),
            Self::TooLarge(limit) => write!(f, "the bundle is larger than {limit} bytes"),
            Self::OutOfBudget(error) => write!(f, "no room for the bundle: {error}"),
            Self::Invalid(what) => write!(f, "the bundle is wrong: {what}"),
            Self::Directive(what) => write!(f, "the bundle's Directive is wrong: {what}"),
            Self::Module(name, error) => write!(f, "the bundle's module {name:?}: {error}"),
        }
    }
}

impl std::error::Error for BundleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::OutOfBudget(error) => Some(error),
            Self::Module(_, error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
