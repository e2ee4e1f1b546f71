//! The charge for the loader's window.

use crate::memory::{Budget, Charge, Kind, OutOfBudget, streamed_capacity};

/// The charge for the bytes that have come but can't be used before more do.
///
/// It is what a window would hold if the bytes came one by one, even when a chunk holds them all and nothing needs
/// to be copied: so the same module fits the same budget however it is cut.
#[derive(Debug)]
pub(super) struct Admission {
    charge: Charge,
}

/// The capacity before the first growth, enough for all the small things.
const SMALLEST: usize = 256;

impl Admission {
    pub(super) fn new(budget: &Budget) -> Admission {
        Admission { charge: budget.nothing(Kind::Metadata) }
    }

    /// How many bytes have been paid for.
    pub(super) fn capacity(&self) -> usize {
        self.charge.bytes() as usize
    }

    /// Charges for the `have` bytes that have come of an item of `need` bytes.
    pub(super) fn admit(&mut self, have: usize, need: usize) -> Result<(), OutOfBudget> {
        while self.capacity() < have.max(SMALLEST) {
            let capacity = self.capacity();
            let next = match capacity {
                0 => SMALLEST,
                1..0x8000 => capacity * 2,
                _ => streamed_capacity(capacity, need),
            };
            // While the bytes move, both the old and the new memory are held.
            self.charge.grow(next as u64)?;
            self.charge.shrink(capacity as u64);
        }
        Ok(())
    }
}
