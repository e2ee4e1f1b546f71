//! Locals, globals, constants, `select`.

use super::error::Error;
use super::operand::{Location, Operand};
use super::translator::{Translator, UNUSED, halves};
use crate::ops::{Class, Op, SelectOp, SpecialOp};

impl Translator<'_> {
    pub(super) fn local_get(&mut self, index: u32) -> Result<(), Error> {
        let (slot, class) = self.locals[index as usize];
        self.push(class, Location::Local(slot))
    }

    pub(super) fn local_set(&mut self, index: u32) -> Result<(), Error> {
        let (slot, _) = self.locals[index as usize];
        let e = self.pop();
        if e.at == Location::Local(slot) {
            return Ok(());
        }
        self.preserve(slot)?;
        self.store_to(e, slot)
    }

    pub(super) fn local_tee(&mut self, index: u32) -> Result<(), Error> {
        self.local_set(index)?;
        self.local_get(index)
    }

    pub(super) fn global_get(&mut self, index: u32) -> Result<(), Error> {
        let ty = self.env.data.globals[index as usize].ty.content();
        let class = Class::of(ty);
        let [c, d] = halves(self.env.layout.globals + index);
        self.produce(class, SpecialOp::global_get(class), [UNUSED, UNUSED, c, d])
    }

    pub(super) fn global_set(&mut self, index: u32) -> Result<(), Error> {
        let e = self.pop();
        let [c, d] = halves(self.env.layout.globals + index);
        let acc = self.operand(e) == Operand::Acc;
        let a = if acc { UNUSED } else { self.slot_of(e)? };
        self.emit(SpecialOp::global_set(e.class, acc), [a, UNUSED, c, d])?;
        Ok(())
    }

    pub(super) fn select(&mut self) -> Result<(), Error> {
        let (cond, y, x) = (self.pop(), self.pop(), self.pop());
        let (form, d) = self.one(cond)?;
        let c = self.slot_of(y)?;
        let b = self.slot_of(x)?;
        self.produce(x.class, Op(SelectOp::op(x.class).0 + form), [UNUSED, b, c, d])
    }
}
