//! Why a map of machine code is refused.

use std::fmt;

/// Why a map couldn't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapError {
    /// Offsets aren't ascending, or functions overlap.
    Unsorted,
    /// Something lies beyond the end of the code.
    OutOfRange,
    /// The bytes end early, continue after the end, or contain a number that is too large.
    Malformed,
    /// There is no memory for it.
    NoMemory,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsorted => "the places in the map of machine code are out of order",
            Self::OutOfRange => "the map of machine code names a place beyond its end",
            Self::Malformed => "the map of machine code is damaged",
            Self::NoMemory => "there is no memory for a map of machine code",
        })
    }
}

impl std::error::Error for MapError {}

impl From<MapError> for std::io::Error {
    fn from(error: MapError) -> Self {
        let kind = match error {
            MapError::NoMemory => std::io::ErrorKind::OutOfMemory,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
