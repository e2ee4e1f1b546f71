//! The layer's errors are `anyhow`'s, and Dunlin's aren't [`std::error::Error`]s.

use std::fmt;

/// An error of Dunlin's, as the layer's errors hold it.
pub struct Error(pub dunlin::Error);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().source()
    }
}

/// What a host function of the layer's failed with, on its way through the guest.
struct HostError(anyhow::Error);

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for HostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Who called the guest gets the error that the host function gave.
pub(crate) fn to_layer(error: dunlin::Error) -> anyhow::Error {
    match error.downcast::<HostError>() {
        Ok(HostError(error)) => error,
        Err(error) => anyhow::Error::new(Error(error)),
    }
}

pub(crate) fn to_dunlin(error: anyhow::Error) -> dunlin::Error {
    match error.downcast::<Error>() {
        Ok(Error(error)) => error,
        Err(error) => dunlin::Error::new(HostError(error)),
    }
}
