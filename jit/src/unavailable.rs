//! Why there is no tier.

use std::fmt;

/// Why machine code can't be run on this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unavailable(pub(crate) String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "machine code can't be run here: {}", self.0)
    }
}

impl std::error::Error for Unavailable {}
