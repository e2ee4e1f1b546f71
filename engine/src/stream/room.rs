//! Room for what the validator may allocate: charged, and had from the system.

use super::{BodyCheck, Core, LoadError};
use crate::memory::alloc::at_hand;
use crate::memory::budget::Kind;

impl<C: BodyCheck> Core<C> {
    /// Charges for what the validator may hold of what it is shown next.
    pub(super) fn pay(&mut self, bytes: u64) -> Result<(), LoadError> {
        self.scratch.grow(bytes).map_err(self.memory())?;
        // Asked for each body, and hardly ever for more than before.
        if bytes > 0 { self.room() } else { Ok(()) }
    }

    /// Makes sure that what has been paid for is there, though the loader has allocated since.
    pub(super) fn room(&self) -> Result<(), LoadError> {
        at_hand(Kind::Metadata, self.scratch.bytes()).map_err(self.memory())
    }
}
