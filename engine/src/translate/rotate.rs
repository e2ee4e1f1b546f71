//! Rotations of lanes, which wasm has to write as two shifts and `v128.or`: one cell.

use super::error::Error;
use super::operand::{Entry, Immediate, Location, Shift, Shifts};
use super::translator::{Translator, UNUSED};
use crate::ops::{Class, Op, Row, SpecialOp, shift as s};

impl Translator<'_> {
    /// Notes that the last cell shifts `x` by a constant.
    pub(super) fn shifted(&mut self, op: Op, x: Entry, count: Option<Immediate>) {
        let (Some(cell), Location::Local(local), Some([count, _])) = (self.last, x.at, count) else { return };
        let before = self.shifts.last.filter(|before| before.cell + 2 == cell);
        self.shifts = Shifts { before, last: Some(Shift { cell, op, local, count: count as u32 }) };
    }

    /// Makes the `v128.or` of two popped operands a rotation, if it is one: both are shifts of the same local, made
    /// by the last two cells and needed by nothing else.
    pub(super) fn rotation(&mut self, x: Entry, y: Entry) -> Result<bool, Error> {
        let Shifts { before: Some(first), last: Some(second) } = self.shifts else { return Ok(false) };
        let made = |t: &Self, e: Entry| t.fresh(e) == Some(second.cell);
        let other = if made(self, y) {
            x
        } else if made(self, x) {
            y
        } else {
            return Ok(false);
        };
        let kept = other.at == Location::Slot && self.words[first.cell + 1] as u16 == other.slot;
        let (shl, shr) = if first.op == s::I32x4Shl::OP || first.op == s::I64x2Shl::OP {
            (first, second)
        } else {
            (second, first)
        };
        let (rotl, bits) = match (shl.op, shr.op) {
            (s::I32x4Shl::OP, s::I32x4ShrU::OP) => (SpecialOp::I32x4Rotl, 32),
            (s::I64x2Shl::OP, s::I64x2ShrU::OP) => (SpecialOp::I64x2Rotl, 64),
            _ => return Ok(false),
        };
        if !kept || first.local != second.local || shl.count >= bits || shl.count + shr.count != bits {
            return Ok(false);
        }
        // The first shift's operand is where it was: a slot (forms 4 and 5) or the accumulator (6 and 7).
        let form = if self.words[first.cell] as u16 - first.op.0 < 6 { 0 } else { 2 };
        let slot = (self.words[first.cell + 1] >> 16) as u16;
        self.unmake(Class::V128, first.cell);
        self.produce(Class::V128, Op(rotl.op().0 + form), [UNUSED, slot, shl.count as u16, UNUSED])?;
        Ok(true)
    }
}
