//! Null references: branches and traps.

use super::branch::Condition;
use super::error::Error;
use super::operand::Location;
use super::translator::{Translator, UNUSED};
use crate::ops::{Class, SpecialOp};

impl Translator<'_> {
    pub(super) fn br_on_null(&mut self, depth: u32) -> Result<(), Error> {
        self.settle_all()?;
        let reference = self.pop();
        let slot = Some(self.slot_of(reference)?);
        self.branch_on(Condition::Truth { slot, zero: true }, depth)?;
        // It is still in its slot: whatever the other path moves goes below.
        self.push(Class::Int, Location::Slot)
    }

    pub(super) fn br_on_non_null(&mut self, depth: u32) -> Result<(), Error> {
        self.settle_all()?;
        let reference = *self.stack.last().expect("validation has seen this operand");
        self.branch_on(Condition::Truth { slot: Some(reference.slot), zero: false }, depth)?;
        self.pop();
        Ok(())
    }

    pub(super) fn ref_as_non_null(&mut self) -> Result<(), Error> {
        let reference = self.pop();
        let slot = self.slot_of(reference)?;
        self.emit(SpecialOp::TrapIfNull.op(), [slot, UNUSED, UNUSED, UNUSED])?;
        let at = match reference.at {
            Location::Local(slot) => Location::Local(slot),
            _ => Location::Slot,
        };
        self.push(Class::Int, at)
    }
}
