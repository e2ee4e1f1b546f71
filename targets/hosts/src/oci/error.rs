//! Why something can't be pulled or pushed.

use super::Digest;
use crate::services::http::HttpError;
use std::{fmt, io};

/// Why something can't be pulled or pushed.
#[derive(Debug)]
#[non_exhaustive]
pub enum OciError {
    /// It isn't a reference: the text, and why.
    InvalidReference(String, &'static str),
    /// The registry can't be asked.
    Http {
        /// Which registry.
        registry: String,
        /// Why.
        error: HttpError,
    },
    /// The registry wants to know who asks, or lets somebody else in only.
    Denied {
        /// Which registry.
        registry: String,
        /// What it said, and what can be done about it.
        why: String,
    },
    /// The registry has no such thing.
    NotFound(String),
    /// The registry answered with this status to what was asked.
    Status {
        /// Which registry.
        registry: String,
        /// The status of HTTP.
        status: u16,
        /// What was asked, and what it said.
        why: String,
    },
    /// What the registry sent isn't what it should be.
    Malformed {
        /// What it is about.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// These aren't the bytes that were asked for.
    WrongDigest {
        /// What it is about.
        what: String,
        /// The digest that it should have.
        expected: Digest,
        /// The digest that it has.
        found: Digest,
    },
    /// There are more or fewer bytes than were announced.
    WrongSize {
        /// What it is about.
        what: String,
        /// How many were announced.
        expected: u64,
        /// How many there are at least, or in all.
        found: u64,
    },
    /// There is no module in it that can be had: why.
    NoModule(String),
    /// No signature of it was made with the key.
    NotSigned(String),
    /// It isn't a key: why.
    InvalidKey(String),
    /// It isn't in the cache, and registries mustn't be asked.
    NotCached(String),
    /// What the cache has of it is damaged, and was removed.
    DamagedCache(Digest),
    /// A file can't be read or written.
    Io(io::Error),
}

impl fmt::Display for OciError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidReference(text, why) => write!(f, "'{text}' is no reference: {why}"),
            Self::Http { registry, error: error @ HttpError::Connection(_) } => {
                write!(f, "the registry {registry} can't be reached: {error}")
            }
            Self::Http { registry, error } => write!(f, "the registry {registry}: {error}"),
            Self::Denied { registry, why } => write!(f, "the registry {registry} refuses access: {why}"),
            Self::NotFound(what) => write!(f, "the registry has no {what}"),
            Self::Status { registry, status, why } => {
                write!(f, "the registry {registry} answers with status {status}: {why}")
            }
            Self::Malformed { what, why } => write!(f, "what the registry says of {what} is wrong: {why}"),
            Self::WrongDigest { what, expected, found } => {
                write!(f, "{what} is not what it should be: its digest is {found} instead of {expected}")
            }
            Self::WrongSize { what, expected, found } if found > expected => {
                write!(f, "{what} is not what it should be: it has more than {expected} bytes")
            }
            Self::WrongSize { what, expected, found } => {
                write!(f, "{what} is not what it should be: it has {found} of {expected} bytes")
            }
            Self::NoModule(why) => f.write_str(why),
            Self::NotSigned(what) => write!(f, "{what} has no signature that the given key made"),
            Self::InvalidKey(why) => write!(f, "no Ed25519 key in PEM: {why}"),
            Self::NotCached(what) => write!(f, "{what} isn't in the cache"),
            Self::DamagedCache(digest) => {
                write!(f, "what was kept of {digest} was damaged; it has been removed, so try again")
            }
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OciError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Http { error, .. } => Some(error),
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl OciError {
    /// As the error of a reader.
    pub(super) fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            error => io::Error::new(io::ErrorKind::InvalidData, error),
        }
    }

    /// Whether somebody else's fault keeps the registry from answering, so that what is kept may do.
    pub(super) fn is_unreachable(&self) -> bool {
        match self {
            Self::Http { error, .. } => matches!(error, HttpError::Connection(_) | HttpError::TimedOut(_)),
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

impl From<io::Error> for OciError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<OciError>() {
            Ok(error) => error,
            Err(error) => Self::Io(error),
        }
    }
}
