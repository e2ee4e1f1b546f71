//! Why a filter can't be used.

use std::fmt;
use std::time::Duration;

/// Why a filter can't be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum PluginError {
    /// The module is no filter of an ABI that is known here; the sentence says what is missing or different.
    NotAFilter(String),
    /// The filter refused to start: its `proxy_on_vm_start` or `proxy_on_configure` answered false.
    Refused(&'static str),
    /// The filter takes longer than that to start.
    Slow(Duration),
    /// The engine can't make an instance, or the filter trapped, or reached a limit.
    Engine(dunlin::Error),
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFilter(why) => write!(f, "not a filter that can be run here: {why}"),
            Self::Refused(callback) => write!(f, "the filter refused to start: {callback} answered false"),
            Self::Slow(time) => write!(f, "the filter takes longer than {time:?} to start"),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PluginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Engine(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<dunlin::Error> for PluginError {
    fn from(error: dunlin::Error) -> Self {
        Self::Engine(error)
    }
}
