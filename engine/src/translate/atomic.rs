//! Atomic instructions.

use super::error::Error;
use super::operand::Location;
use super::translator::{Translator, UNUSED};
use crate::ops::{AtomicKind, AtomicOp, BulkOp, Class, MemArg};

impl Translator<'_> {
    /// A load, a store or a read-modify-write.
    pub(super) fn atomic(&mut self, op: AtomicOp, memarg: MemArg) -> Result<(), Error> {
        let kind = op.kind();
        let mut operands = [None; 2];
        for operand in operands[..kind.operands() - 1].iter_mut().rev() {
            *operand = Some(self.pop());
        }
        let address = self.pop();
        let a = address.slot;
        let (address, offset) = self.with_small_offset(address, memarg.offset)?;
        let b = self.slot_of(address)?;
        let mut fields = [if kind == AtomicKind::Store { UNUSED } else { a }, b, UNUSED, UNUSED];
        for (field, operand) in fields[2..].iter_mut().zip(operands) {
            if let Some(operand) = operand {
                *field = self.slot_of(operand)?;
            }
        }
        self.emit(op.op(), fields)?;
        let memory = self.env.layout.memories + memarg.memory;
        self.extend(u64::from(memory) | u64::from(offset) << 32)?;
        if kind == AtomicKind::Store {
            return Ok(());
        }
        self.wrote(Class::Int, a);
        self.push(Class::Int, Location::Slot)
    }

    /// A bulk operator whose first operand is an address, to which the offset is added if it has more than 32 bits.
    pub(super) fn bulk_at(&mut self, op: BulkOp, indices: [u32; 2], memarg: MemArg) -> Result<(), Error> {
        if memarg.offset > u32::MAX.into() {
            self.settle_top(op.operands())?;
            let address = self.stack[self.stack.len() - op.operands()];
            self.effective_address(address, memarg.offset)?;
        }
        self.bulk(op, indices)
    }
}
