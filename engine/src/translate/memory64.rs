//! Loads and stores by 64-bit addresses.

use super::error::Error;
use super::operand::{Entry, Location, Operand};
use super::translator::{Translator, UNUSED, halves};
use crate::ops::{Class, MemArg, Op, SpecialOp};

/// How a cell takes a 64-bit address, and what remains as its offset.
enum Address {
    /// In memory 0.
    Acc(u32),
    Slot(u16, u32),
    /// In the cell alone, its offset included.
    Absolute(u32),
    /// In a slot, in another memory.
    Far(u16, u32),
}

impl Translator<'_> {
    pub(super) fn is_64(&self, memory: u32) -> bool {
        self.env.data.memories[memory as usize].is_64
    }

    /// The address of an access, which is popped. An accumulator is only taken if it `may` be.
    fn address64(&mut self, e: Entry, memarg: MemArg, may: bool) -> Result<Address, Error> {
        let (e, offset) = self.with_small_offset(e, memarg.offset)?;
        if memarg.memory != 0 {
            return Ok(Address::Far(self.slot_of(e)?, offset));
        }
        Ok(match self.operand(e) {
            Operand::Acc if may => Address::Acc(offset),
            Operand::Const([bits, _]) if let Ok(ea) = u32::try_from(bits.saturating_add(offset.into())) => {
                Address::Absolute(ea)
            }
            Operand::Slot(slot) => Address::Slot(slot, offset),
            Operand::Acc | Operand::Const(_) => Address::Slot(self.slot_of(e)?, offset),
        })
    }

    /// An address to whose offset 32 bits suffice: a larger one is added, in the operand's own slot.
    pub(super) fn with_small_offset(&mut self, e: Entry, offset: u64) -> Result<(Entry, u32), Error> {
        match u32::try_from(offset) {
            Ok(offset) => Ok((e, offset)),
            Err(_) => Ok((self.effective_address(e, offset)?, 0)),
        }
    }

    /// The sum of an address, which was popped, and an offset; in the operand's own slot.
    pub(super) fn effective_address(&mut self, e: Entry, offset: u64) -> Result<Entry, Error> {
        let b = self.slot_of(e)?;
        self.emit(SpecialOp::EffectiveAddress.op(), [e.slot, b, UNUSED, UNUSED])?;
        self.extend(offset)?;
        self.wrote(Class::Int, e.slot);
        Ok(Entry { at: Location::Slot, ..e })
    }

    pub(super) fn load64(&mut self, op: Op, to: Class, memarg: MemArg) -> Result<(), Error> {
        let e = self.pop();
        let (form, b, offset) = match self.address64(e, memarg, true)? {
            Address::Absolute(ea) => (4, UNUSED, ea),
            Address::Acc(offset) => (8, UNUSED, offset),
            Address::Slot(slot, offset) => (10, slot, offset),
            Address::Far(slot, offset) => (12, slot, offset),
        };
        let [c, d] = halves(offset);
        self.produce(to, Op(op.0 + form), [UNUSED, b, c, d])?;
        self.far(memarg)
    }

    /// The extension word of an access to another memory than 0.
    fn far(&mut self, memarg: MemArg) -> Result<(), Error> {
        match memarg.memory {
            0 => Ok(()),
            memory => self.extend((self.env.layout.memories + memory) as u64),
        }
    }

    pub(super) fn store64(&mut self, op: Op, from: Class, memarg: MemArg) -> Result<(), Error> {
        let (y, x) = (self.pop(), self.pop());
        let mut value = self.operand(y);
        if from == Class::V128 && matches!(value, Operand::Const(_)) {
            value = Operand::Slot(self.slot_of(y)?);
        }
        let address = self.address64(x, memarg, value != Operand::Acc)?;
        if let Address::Far(a, offset) = address {
            let b = self.slot_of(y)?;
            let [c, d] = halves(offset);
            self.emit(Op(op.0 + 15), [a, b, c, d])?;
            return self.far(memarg);
        }
        let (column, b, ext) = match value {
            Operand::Slot(slot) => (0, slot, None),
            Operand::Acc => (1, UNUSED, None),
            Operand::Const([bits, _]) => (2, UNUSED, Some(bits)),
        };
        let (form, a, offset) = match address {
            Address::Absolute(ea) => (6 + column, UNUSED, ea),
            Address::Slot(slot, offset) => (10 + column, slot, offset),
            // There, the value isn't in an accumulator.
            Address::Acc(offset) => (13 + column / 2, UNUSED, offset),
            Address::Far(..) => unreachable!("seen above"),
        };
        let [c, d] = halves(offset);
        self.emit(Op(op.0 + form), [a, b, c, d])?;
        ext.map_or(Ok(()), |bits| self.extend(bits))
    }
}
