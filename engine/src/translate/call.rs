//! Calls. Arguments are the topmost operands, in their slots: the callee's frame begins there.

use super::error::Error;
use super::operand::{Entry, Location, Operand};
use super::translator::{Translator, UNUSED, halves};
use crate::module::types::FuncType;
use crate::ops::frame::{HEADER, header_of, slots};
use crate::ops::{Class, SpecialOp};

impl<'a> Translator<'a> {
    fn type_of(&self, index: u32) -> &'a FuncType {
        &self.env.data.types[index as usize]
    }

    /// Puts the arguments into place and everything else where a call leaves it alone; gives the frame's slot.
    fn arguments(&mut self, ty: &FuncType) -> Result<u16, Error> {
        self.settle_top(ty.params().len())?;
        self.spill_all()?;
        for _ in ty.params() {
            self.pop();
        }
        let base = self.next_slot();
        // The header is written here, and a host function's results or two slots beyond may be read.
        self.need(base as u32 + header_of(ty) + HEADER)?;
        Ok(base)
    }

    fn results(&mut self, ty: &FuncType, base: u16) -> Result<(), Error> {
        self.forget();
        self.last = None;
        for result in ty.results() {
            self.push(Class::of(result), Location::Slot)?;
        }
        if let (1, Some(result)) = (ty.results().len(), ty.results().get(0)) {
            self.mirror(Class::of(result), base);
        }
        Ok(())
    }

    pub(super) fn call(&mut self, func: u32) -> Result<(), Error> {
        let ty = self.env.data.func_type(func);
        let base = self.arguments(ty)?;
        let (op, n) = match func.checked_sub(self.env.data.imported_funcs) {
            Some(defined) => (SpecialOp::Call, defined),
            None => (SpecialOp::CallImport, self.env.layout.funcs + func),
        };
        let [c, d] = halves(n);
        self.emit(op.op(), [base, header_of(ty) as u16, c, d])?;
        self.results(ty, base)
    }

    pub(super) fn call_indirect(&mut self, ty: u32, table: u32) -> Result<(), Error> {
        let word = self.table_word(ty, table);
        let ty = self.type_of(ty);
        let index = self.table_index(table)?;
        let index = match self.operand(index) {
            Operand::Acc if index.at == Location::Acc => None,
            _ => Some(self.slot_of(index)?),
        };
        let base = self.arguments(ty)?;
        let header = header_of(ty) as u16;
        match index {
            None => self.emit(SpecialOp::CallIndirectAcc.op(), [base, header, UNUSED, UNUSED])?,
            Some(c) => self.emit(SpecialOp::CallIndirect.op(), [base, header, c, UNUSED])?,
        };
        self.extend(word)?;
        self.results(ty, base)
    }

    /// Pops the index of an element, as an i32: a greater one is beyond the end of any table.
    fn table_index(&mut self, table: u32) -> Result<Entry, Error> {
        let index = self.pop();
        if !self.env.data.tables[table as usize].ty.is_64 {
            return Ok(index);
        }
        if let Location::Const([bits, _]) = index.at {
            return Ok(Entry { at: Location::Const([bits.min(u32::MAX.into()), 0]), ..index });
        }
        let b = self.slot_of(index)?;
        self.produce(Class::Int, SpecialOp::ClampIndex.op(), [UNUSED, b, UNUSED, UNUSED])?;
        Ok(self.pop())
    }

    fn table_word(&self, ty: u32, table: u32) -> u64 {
        let sig = self.env.sigs.get(ty as usize).copied().unwrap_or(0);
        (self.env.layout.tables + table) as u64 | (sig as u64) << 32
    }

    pub(super) fn return_call(&mut self, func: u32) -> Result<(), Error> {
        let ty = self.env.data.func_type(func);
        let (op, n) = match func.checked_sub(self.env.data.imported_funcs) {
            Some(defined) => (SpecialOp::ReturnCall, defined),
            None => (SpecialOp::ReturnCallImport, self.env.layout.funcs + func),
        };
        self.replace_frame(op, ty, UNUSED, n as u64)
    }

    pub(super) fn return_call_indirect(&mut self, ty: u32, table: u32) -> Result<(), Error> {
        let word = self.table_word(ty, table);
        let ty = self.type_of(ty);
        let index = self.table_index(table)?;
        let c = self.slot_of(index)?;
        self.replace_frame(SpecialOp::ReturnCallIndirect, ty, c, word)
    }

    pub(super) fn call_ref(&mut self, ty: u32) -> Result<(), Error> {
        let ty = self.type_of(ty);
        let callee = self.pop();
        let c = self.slot_of(callee)?;
        let base = self.arguments(ty)?;
        self.emit(SpecialOp::CallRef.op(), [base, header_of(ty) as u16, c, UNUSED])?;
        self.results(ty, base)
    }

    pub(super) fn return_call_ref(&mut self, ty: u32) -> Result<(), Error> {
        let ty = self.type_of(ty);
        let callee = self.pop();
        let c = self.slot_of(callee)?;
        self.replace_frame(SpecialOp::ReturnCallRef, ty, c, 0)
    }

    fn replace_frame(&mut self, op: SpecialOp, ty: &FuncType, c: u16, word: u64) -> Result<(), Error> {
        let base = self.arguments(ty)?;
        // The new frame's header must lie in this one: the arguments are moved before it is entered.
        self.need(header_of(ty) + HEADER)?;
        let n = slots(ty.params()) as u16;
        self.emit(op.op(), [base, self.header as u16, c, n])?;
        self.extend(word)?;
        self.leave();
        Ok(())
    }
}
