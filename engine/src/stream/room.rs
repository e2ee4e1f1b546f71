//! Admission of what the validator may allocate: it is charged to the budget, and the system is probed for it.

use super::{BodyCheck, Core, LoadError};
use crate::memory::alloc::at_hand;
use crate::memory::budget::Kind;

impl<C: BodyCheck> Core<C> {
    /// Charges for what the validator may hold of its next input.
    pub(super) fn pay(&mut self, bytes: u64) -> Result<(), LoadError> {
        self.scratch.grow(bytes).map_err(self.memory())?;
        // Called for each body, but hardly ever with more than before, so the probe is skipped.
        if bytes > 0 { self.room() } else { Ok(()) }
    }

    /// Probes again for what has been charged, since the loader may have allocated meanwhile.
    pub(super) fn room(&self) -> Result<(), LoadError> {
        at_hand(Kind::Metadata, self.scratch.bytes()).map_err(self.memory())
    }
}
