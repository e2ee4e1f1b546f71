//! Registers for a cell where all operands are in their slots, as compiled code and snapshots leave them.

use super::entry::idle;
use super::operand::Value;
use super::regs::{Regs, to_vector};
use crate::ops::Class;
use crate::runtime::vmctx::VmCtx;
use crate::translate::{Held, OperandsAt};
use crate::value::V128;

impl Regs {
    /// Those at the cell of `code` that `cell` tells of, in the frame at `sp`. The accumulators hold what the cells behind it take
    /// from there.
    ///
    /// # Safety
    /// The frame is of the function that the code belongs to, and each operand is in its slot.
    pub(super) unsafe fn at(cell: &OperandsAt, code: *const u64, sp: *mut u64, vm: *mut VmCtx) -> Self {
        let mut regs = Regs { ip: code.wrapping_add(cell.start), sp, vm, ..idle() };
        // SAFETY: the caller's contract: the translator names slots of the frame.
        unsafe {
            for (class, slot) in
                [Class::Int, Class::F32, Class::F64, Class::V128].into_iter().zip(cell.mirrors)
            {
                if let Some(slot) = slot {
                    regs.accumulate(class, sp.add(slot.into()));
                }
            }
            for &(slot, held) in cell.operands.iter() {
                if let Held::Accumulator(class) = held {
                    regs.accumulate(class, sp.add(slot.into()));
                }
            }
        }
        regs
    }

    /// Has the accumulator of a class hold what is in a slot.
    unsafe fn accumulate(&mut self, class: Class, slot: *const u64) {
        // SAFETY: the caller's slot holds a value of that class.
        unsafe {
            match class {
                Class::Int => self.acc = *slot,
                Class::F32 => self.f32 = f32::load(slot),
                Class::F64 => self.f64 = f64::load(slot),
                Class::V128 => self.v128 = to_vector(V128::load(slot)),
            }
        }
    }
}
