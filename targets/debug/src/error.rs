//! Why debug information can't be had.

use std::{fmt, io};

/// Why [`DebugInfo::read`](crate::DebugInfo::read) gives none.
#[derive(Debug)]
#[non_exhaustive]
pub enum DebugInfoError {
    /// Reading failed.
    Io(io::Error),
    /// These are no sections of a WebAssembly module.
    NoModule,
    /// The debug sections have this many bytes, which are more than the limit.
    TooLarge(u64),
    /// There is no memory for them.
    OutOfMemory,
}

impl fmt::Display for DebugInfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it can't be read: {error}"),
            Self::NoModule => f.write_str("it is no WebAssembly module, or is damaged"),
            Self::TooLarge(bytes) => {
                write!(f, "its debug sections have {bytes} bytes, more than there is memory for")
            }
            Self::OutOfMemory => f.write_str("there is no memory for its debug sections"),
        }
    }
}

impl std::error::Error for DebugInfoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for DebugInfoError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::NoModule,
            io::ErrorKind::OutOfMemory => Self::OutOfMemory,
            _ => Self::Io(error),
        }
    }
}
