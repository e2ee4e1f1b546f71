//! Relaxed vector instructions that are made of the cells of others, or have some of their own.
//!
//! By default their results are those of the specification's deterministic profile, on every machine and in every tier:
//! a product is rounded before it is added.

use super::error::Error;
use super::operand::{Entry, Location};
use super::translator::{Translator, UNUSED};
use crate::ops::{Canon, Class, Selected, SpecialOp, select};
use wasmparser::Operator;

impl Translator<'_> {
    /// Translates what the machine's own choice makes differ; false if it is nothing of that.
    pub(super) fn machines_own(&mut self, operator: &Operator<'_>) -> Result<bool, Error> {
        use Operator as O;
        let chosen = self.env.settings.relaxed_simd;
        match operator {
            O::F32x4RelaxedMadd if chosen.fused => self.fused(None, SpecialOp::F32x4Fma, Canon::F32x4)?,
            O::F64x2RelaxedMadd if chosen.fused => self.fused(None, SpecialOp::F64x2Fma, Canon::F64x2)?,
            O::F32x4RelaxedNmadd if chosen.fused => {
                self.fused(Some(&O::F32x4Neg), SpecialOp::F32x4Fma, Canon::F32x4)?;
            }
            O::F64x2RelaxedNmadd if chosen.fused => {
                self.fused(Some(&O::F64x2Neg), SpecialOp::F64x2Fma, Canon::F64x2)?;
            }
            _ if !chosen.x86 => return Ok(false),
            O::I8x16RelaxedSwizzle => self.x86_of_two(SpecialOp::Pshufb)?,
            O::I16x8RelaxedQ15mulrS => self.x86_of_two(SpecialOp::Pmulhrsw)?,
            O::I16x8RelaxedDotI8x16I7x16S => self.x86_of_two(SpecialOp::Pmaddubsw)?,
            O::I32x4RelaxedDotI8x16I7x16AddS => {
                let z = self.third()?;
                self.x86_of_two(SpecialOp::Pmaddubsw)?;
                self.add_pairs(z)?;
            }
            O::I32x4RelaxedTruncF32x4S => self.x86_of_one(SpecialOp::Cvttps2dq)?,
            O::I32x4RelaxedTruncF64x2SZero => self.x86_of_one(SpecialOp::Cvttpd2dq)?,
            O::F32x4RelaxedMin => self.selected(&row(&O::F32x4PMin))?,
            O::F32x4RelaxedMax => self.selected(&row(&O::F32x4PMax))?,
            O::F64x2RelaxedMin => self.selected(&row(&O::F64x2PMin))?,
            O::F64x2RelaxedMax => self.selected(&row(&O::F64x2PMax))?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `x * y + z`, where one operation is done to `y` before.
    fn fused(&mut self, first: Option<&Operator<'_>>, op: SpecialOp, canon: Canon) -> Result<(), Error> {
        let z = self.third()?;
        if let Some(first) = first {
            self.selected(&row(first))?;
        }
        let (y, x) = (self.pop(), self.pop());
        let [d, c, b] = [self.slot_of(z)?, self.slot_of(y)?, self.slot_of(x)?];
        self.produce(Class::V128, op.op(), [UNUSED, b, c, d])?;
        self.canonical(Class::V128, Some(canon))
    }

    fn x86_of_two(&mut self, op: SpecialOp) -> Result<(), Error> {
        let (y, x) = (self.pop(), self.pop());
        let [c, b] = [self.slot_of(y)?, self.slot_of(x)?];
        self.produce(Class::V128, op.op(), [UNUSED, b, c, UNUSED])
    }

    fn x86_of_one(&mut self, op: SpecialOp) -> Result<(), Error> {
        let x = self.pop();
        let b = self.slot_of(x)?;
        self.produce(Class::V128, op.op(), [UNUSED, b, b, UNUSED])
    }

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
        self.add_pairs(z)
    }

    /// Adds neighbours on top of the stack, and `z`.
    fn add_pairs(&mut self, z: Entry) -> Result<(), Error> {
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
