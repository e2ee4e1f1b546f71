//! Relaxed vector instructions that are made of the cells of others.
//!
//! Their results are those of the specification's deterministic profile, on every machine and in every tier: a product
//! is rounded before it is added.

use super::error::Error;
use super::operand::{Entry, Location};
use super::translator::Translator;
use crate::ops::{Selected, select};
use wasmparser::Operator;

impl Translator<'_> {
    /// `x * y + z`
    pub(super) fn multiply_add(&mut self, mul: &Operator<'_>, add: &Operator<'_>) -> Result<(), Error> {
        let z = self.third()?;
        self.selected(&row(mul))?;
        let product = self.pop();
        self.binary_of(&row(add), product, z)
    }

    /// `z - x * y`
    pub(super) fn multiply_subtract(&mut self, mul: &Operator<'_>, sub: &Operator<'_>) -> Result<(), Error> {
        let z = self.third()?;
        self.selected(&row(mul))?;
        let product = self.pop();
        // The difference goes to the slot of the operand that was pushed first.
        self.binary_of(&row(sub), z, product)
    }

    /// The sums of four products, and `z`.
    pub(super) fn dot_add(&mut self) -> Result<(), Error> {
        let z = self.third()?;
        self.selected(&row(&Operator::I16x8RelaxedDotI8x16I7x16S))?;
        self.selected(&row(&Operator::I32x4ExtAddPairwiseI16x8S))?;
        let sums = self.pop();
        self.binary_of(&row(&Operator::I32x4Add), sums, z)
    }

    /// Pops the third operand, and sees to it that it isn't only in the accumulator, which the other two are about to
    /// need. Its slot is above theirs, so it stays as it is.
    fn third(&mut self) -> Result<Entry, Error> {
        if self.stack.last().is_some_and(|z| z.at == Location::Acc) {
            self.settle_top(1)?;
        }
        Ok(self.pop())
    }
}

fn row(operator: &Operator<'_>) -> Selected {
    select(operator).expect("a family serves it")
}
