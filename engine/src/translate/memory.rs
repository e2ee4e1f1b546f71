//! Loads, stores, and the operators whose operands are consecutive slots.

use super::error::Error;
use super::operand::{Entry, Location, Operand};
use super::translator::{Translator, UNUSED, halves};
use crate::ops::{BulkOp, Class, MemArg, Op, SpecialOp};

/// How a cell takes an address.
enum Address {
    Acc,
    Slot(u16),
    /// In the cell alone, its offset included.
    Absolute,
}

impl Translator<'_> {
    /// The address of an access to memory 0, and what remains as the cell's offset.
    fn address(&mut self, e: Entry, offset: u32) -> Result<(Address, u32), Error> {
        Ok(match self.operand(e) {
            Operand::Acc => (Address::Acc, offset),
            Operand::Slot(slot) => (Address::Slot(slot), offset),
            Operand::Const([bits, _]) => match (bits as u32).checked_add(offset) {
                Some(ea) => (Address::Absolute, ea),
                None => (Address::Slot(self.slot_of(e)?), offset),
            },
        })
    }

    pub(super) fn load(&mut self, op: Op, to: Class, memarg: MemArg) -> Result<(), Error> {
        if self.is_64(memarg.memory) {
            return self.load64(op, to, memarg);
        }
        let e = self.pop();
        let offset = memarg.offset as u32;
        if memarg.memory != 0 {
            let b = self.slot_of(e)?;
            let [c, d] = halves(offset);
            self.produce(to, Op(op.0 + 6), [UNUSED, b, c, d])?;
            return self.extend((self.env.layout.memories + memarg.memory) as u64);
        }
        let (address, offset) = self.address(e, offset)?;
        let (form, b) = match address {
            Address::Acc => (0, UNUSED),
            Address::Slot(slot) => (2, slot),
            Address::Absolute => (4, UNUSED),
        };
        let [c, d] = halves(offset);
        self.produce(to, Op(op.0 + form), [UNUSED, b, c, d])
    }

    pub(super) fn store(&mut self, op: Op, from: Class, memarg: MemArg) -> Result<(), Error> {
        if self.is_64(memarg.memory) {
            return self.store64(op, from, memarg);
        }
        let (y, x) = (self.pop(), self.pop());
        let offset = memarg.offset as u32;
        if memarg.memory != 0 {
            let b = self.slot_of(y)?;
            let a = self.slot_of(x)?;
            let [c, d] = halves(offset);
            self.emit(Op(op.0 + 9), [a, b, c, d])?;
            return self.extend((self.env.layout.memories + memarg.memory) as u64);
        }
        let mut value = self.operand(y);
        if value == Operand::Acc && from == Class::Int && self.operand(x) == Operand::Acc {
            // One accumulator is enough; both operands are the same value, which is in a slot too.
            value = Operand::Slot(self.slot_of(y)?);
        }
        if from == Class::V128 && matches!(value, Operand::Const(_)) {
            value = Operand::Slot(self.slot_of(y)?);
        }
        let (address, offset) = self.address(x, offset)?;
        let (row, a) = match address {
            Address::Slot(slot) => (0, slot),
            Address::Acc => (3, 0),
            Address::Absolute => (6, 0),
        };
        let (column, b, ext) = match value {
            Operand::Slot(slot) => (0, slot, None),
            Operand::Acc => (1, 0, None),
            Operand::Const([bits, _]) => (2, 0, Some(bits)),
        };
        let [c, d] = halves(offset);
        self.emit(Op(op.0 + row + column), [a, b, c, d])?;
        match ext {
            Some(bits) => self.extend(bits),
            None => Ok(()),
        }
    }

    pub(super) fn load_lane(&mut self, op: Op, memarg: MemArg, lane: u8) -> Result<(), Error> {
        let (v, address) = (self.pop(), self.pop());
        let c = self.slot_of(v)?;
        let (address, memarg) = self.lane_address(address, memarg)?;
        let b = self.slot_of(address)?;
        self.spill(Class::V128)?;
        self.push(Class::V128, Location::Slot)?;
        let a = self.stack.last().expect("just pushed").slot;
        self.lane_cell(op, memarg, [a, b, c, lane as u16])?;
        self.wrote(Class::V128, a);
        self.mirror(Class::V128, a);
        Ok(())
    }

    pub(super) fn store_lane(&mut self, op: Op, memarg: MemArg, lane: u8) -> Result<(), Error> {
        let (v, address) = (self.pop(), self.pop());
        let c = self.slot_of(v)?;
        let (address, memarg) = self.lane_address(address, memarg)?;
        let b = self.slot_of(address)?;
        self.lane_cell(op, memarg, [0, b, c, lane as u16])
    }

    /// The address of a lane, which was popped: of a large offset, the sum with it.
    fn lane_address(&mut self, e: Entry, memarg: MemArg) -> Result<(Entry, MemArg), Error> {
        if memarg.offset <= u32::MAX.into() {
            return Ok((e, memarg));
        }
        Ok((self.effective_address(e, memarg.offset)?, MemArg { offset: 0, ..memarg }))
    }

    fn lane_cell(&mut self, op: Op, memarg: MemArg, fields: [u16; 4]) -> Result<(), Error> {
        let form = match memarg.memory {
            _ if self.is_64(memarg.memory) => 2,
            0 => 0,
            _ => 1,
        };
        self.emit(Op(op.0 + form), fields)?;
        self.extend(memarg.offset)?;
        if form != 0 {
            self.extend((self.env.layout.memories + memarg.memory) as u64)?;
        }
        Ok(())
    }

    pub(super) fn memory_size(&mut self, memory: u32) -> Result<(), Error> {
        if self.env.data.memories[memory as usize].is_shared {
            // The size may have changed unnoticed: growing by nothing tells it.
            self.push_const(Class::Int, 0)?;
            return self.bulk(BulkOp::MemoryGrow, [memory, 0]);
        }
        let [c, d] = halves(self.env.layout.memories + memory);
        self.produce(Class::Int, SpecialOp::MemorySize.op(), [UNUSED, UNUSED, c, d])
    }

    pub(super) fn bulk(&mut self, op: BulkOp, [x, y]: [u32; 2]) -> Result<(), Error> {
        self.settle_top(op.operands())?;
        for _ in 0..op.operands() {
            self.pop();
        }
        let base = self.next_slot();
        self.need(base as u32 + 1)?;
        self.emit(op.op(), [base, UNUSED, UNUSED, UNUSED])?;
        self.extend(x as u64 | (y as u64) << 32)?;
        if op.result().is_some() {
            self.wrote(Class::Int, base);
            self.push(Class::Int, Location::Slot)?;
        }
        Ok(())
    }
}
