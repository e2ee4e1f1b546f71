//! The slots of the current function's frame.

use super::translator::Translator;
use crate::compiler::clif::slots::{slots_of, store, store_one};
use cranelift_codegen::ir::{InstBuilder, Type, Value};

impl Translator<'_, '_> {
    /// The slot of operand `i`.
    pub(super) fn slot_of_operand(&mut self, i: usize) -> u32 {
        let dfg = &self.b.func.dfg;
        let slots = |value| slots_of(dfg.value_type(value));
        let upto = self.stack.slots(i, slots);
        self.scope.shape.operands + upto - self.stack.slots(self.scope.first_operand, slots)
    }

    /// The slot behind the locals: the first that operands may have.
    pub(super) fn end_of_locals(&self) -> u32 {
        let behind = self.scope.shape.header + 2;
        self.scope.locals.last().map_or(behind, |(_, ty, slot)| behind.max(slot + slots_of(*ty)))
    }

    pub(super) fn slot_address(&mut self, slot: u32) -> Value {
        self.b.ins().iadd_imm_s(self.scope.sp, i64::from(slot) * 8)
    }

    /// Stores a value to a slot. An i32 is zero-extended.
    pub(super) fn store_slot(&mut self, value: Value, base: Value, slot: u32) {
        store_one(&mut self.b, self.flags.slots, value, base, slot);
    }

    /// Stores values to the current frame's slots from `slot` on.
    pub(super) fn store_slots(&mut self, values: &[Value], slot: u32) {
        store(&mut self.b, self.flags.slots, values, self.scope.sp, slot);
    }

    pub(super) fn load_slot(&mut self, ty: Type, base: Value, slot: u32) -> Value {
        self.b.ins().load(ty, self.flags.slots, base, slot as i32 * 8)
    }
}
