//! Arithmetic on 128 bits, which are two operands: the low half, then the high one.

use super::error::Error;
use super::operand::Location;
use super::translator::Translator;
use crate::ops::{Class, SpecialOp};

impl Translator<'_> {
    /// Of two numbers of 128 bits.
    pub(super) fn wide_sum(&mut self, op: SpecialOp) -> Result<(), Error> {
        let operands = [self.pop(), self.pop(), self.pop(), self.pop()];
        let [high, low, x_high, x_low] = operands;
        let ext = self.slot_of(high)?;
        let (d, c, b) = (self.slot_of(low)?, self.slot_of(x_high)?, self.slot_of(x_low)?);
        self.two_results(op, [b, c, d])?;
        self.extend(ext as u64)?;
        self.push_two()
    }

    /// Of two numbers of 64 bits.
    pub(super) fn wide_product(&mut self, op: SpecialOp) -> Result<(), Error> {
        let (y, x) = (self.pop(), self.pop());
        let (c, b) = (self.slot_of(y)?, self.slot_of(x)?);
        self.two_results(op, [b, c, 0])?;
        self.push_two()
    }

    /// The cell, which reads all its operands before it writes the slots of the first two.
    fn two_results(&mut self, op: SpecialOp, [b, c, d]: [u16; 3]) -> Result<(), Error> {
        let a = self.next_slot();
        self.need(a as u32 + 2)?;
        self.emit(op.op(), [a, b, c, d])?;
        self.wrote(Class::Int, a);
        self.wrote(Class::Int, a + 1);
        Ok(())
    }

    fn push_two(&mut self) -> Result<(), Error> {
        self.push(Class::Int, Location::Slot)?;
        self.push(Class::Int, Location::Slot)
    }
}
