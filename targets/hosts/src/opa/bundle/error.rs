//! Why a bundle can't be used.

use std::fmt;
use std::io;

/// Why a bundle can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum BundleError {
    /// It can't be read, or isn't a gzipped archive.
    Read(io::Error),
    /// It is larger than is allowed: the limit, in bytes unpacked, or the number of files.
    TooLarge(u64),
    /// The budget has no room for it.
    OutOfBudget(dunlin::OutOfBudget),
    /// Something in it is wrong: what.
    Invalid(String),
    /// It isn't signed as it must be: why.
    Signature(String),
}

impl BundleError {
    pub(super) fn invalid(what: impl fmt::Display) -> Self {
        Self::Invalid(what.to_string())
    }

    pub(super) fn signature(why: impl fmt::Display) -> Self {
        Self::Signature(why.to_string())
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the bundle can't be read: {error}"),
            Self::TooLarge(limit) => write!(f, "the bundle is larger than {limit} bytes"),
            Self::OutOfBudget(error) => write!(f, "no room for the bundle: {error}"),
            Self::Invalid(what) => write!(f, "the bundle is wrong: {what}"),
            Self::Signature(why) => write!(f, "the bundle's signature isn't accepted: {why}"),
        }
    }
}

impl std::error::Error for BundleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::OutOfBudget(error) => Some(error),
            _ => None,
        }
    }
}
