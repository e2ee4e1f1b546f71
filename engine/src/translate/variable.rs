//! Locals, globals, constants, `select`.

use super::Translator;
use super::stack::{Operand, Place};
use crate::error::Error;
use crate::ops::{Class, Op, SelectOp, SpecialOp};

impl Translator<'_> {
    pub(super) fn local_get(&mut self, index: u32) -> Result<(), Error> {
        let (slot, class) = self.locals[index as usize];
        self.push(class, Place::Local(slot))
    }

    pub(super) fn local_set(&mut self, index: u32) -> Result<(), Error> {
        let (slot, _) = self.locals[index as usize];
        let e = self.pop();
        if e.place == Place::Local(slot) {
            return Ok(());
        }
        self.preserve(slot)?;
        self.store_to(e, slot)
    }

    pub(super) fn local_tee(&mut self, index: u32) -> Result<(), Error> {
        self.local_set(index)?;
        self.local_get(index)
    }

    pub(super) fn v128_const(&mut self, bits: u128) -> Result<(), Error> {
        self.push(Class::V128, Place::Slot)?;
        let slot = self.stack.last().expect("just pushed").slot;
        self.emit(SpecialOp::ConstV128.op(), [slot, 0, 0, 0])?;
        self.extend(bits as u64)?;
        self.extend((bits >> 64) as u64)?;
        self.wrote(Class::V128, slot);
        Ok(())
    }

    pub(super) fn global_get(&mut self, index: u32) -> Result<(), Error> {
        let class = Class::of(self.env.data.globals[index as usize].ty.content());
        let op = match class {
            Class::Int => SpecialOp::GlobalGetInt,
            Class::F32 => SpecialOp::GlobalGetF32,
            Class::F64 => SpecialOp::GlobalGetF64,
            Class::V128 => SpecialOp::GlobalGetV128,
        };
        let [c, d] = halves(self.env.layout.globals + index);
        self.produce(class, op.op(), [0, 0, c, d])
    }

    pub(super) fn global_set(&mut self, index: u32) -> Result<(), Error> {
        let e = self.pop();
        let [c, d] = halves(self.env.layout.globals + index);
        let (op, a) = match (self.operand(e), e.class) {
            (Operand::Acc, Class::Int) => (SpecialOp::GlobalSetAccInt, 0),
            (Operand::Acc, Class::F32) => (SpecialOp::GlobalSetAccF32, 0),
            (Operand::Acc, Class::F64) => (SpecialOp::GlobalSetAccF64, 0),
            (Operand::Acc, Class::V128) => (SpecialOp::GlobalSetAccV128, 0),
            (_, Class::V128) => (SpecialOp::GlobalSetV128, self.slot_of(e)?),
            _ => (SpecialOp::GlobalSet, self.slot_of(e)?),
        };
        self.emit(op.op(), [a, 0, c, d])?;
        Ok(())
    }

    pub(super) fn select(&mut self) -> Result<(), Error> {
        let (cond, y, x) = (self.pop(), self.pop(), self.pop());
        let (form, d) = self.one(cond)?;
        let c = self.slot_of(y)?;
        let b = self.slot_of(x)?;
        self.produce(x.class, Op(SelectOp::op(x.class).0 + form), [0, b, c, d])
    }
}

/// The fields `c d` of a 32-bit number.
pub(super) fn halves(n: u32) -> [u16; 2] {
    [n as u16, (n >> 16) as u16]
}
