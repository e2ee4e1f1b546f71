//! Where random bytes come from.

use crate::errno::Errno;

/// Where `random_get` takes its bytes from.
#[derive(Default)]
pub(crate) enum Random {
    #[default]
    Host,
    Custom(Box<Fill>),
}

impl Random {
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Errno> {
        match self {
            Random::Host => getrandom::fill(bytes).map_err(|_| Errno::IO),
            Random::Custom(fill) => {
                fill(bytes);
                Ok(())
            }
        }
    }
}

/// Fills what it is given.
pub(crate) type Fill = dyn FnMut(&mut [u8]) + Send + Sync;
