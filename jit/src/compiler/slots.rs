//! The slots of frames, and how values are stored in them.

use super::func::Translator;
use cranelift_codegen::ir::types::{I8X16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FunctionBuilder;

/// The number of slots that a value takes.
pub(crate) fn slots_of(ty: Type) -> u32 {
    if ty == I8X16 { 2 } else { 1 }
}

fn store_one(b: &mut FunctionBuilder<'_>, flags: MemFlagsData, value: Value, base: Value, slot: u32) {
    let value = match b.func.dfg.value_type(value) {
        I32 => b.ins().uextend(I64, value),
        _ => value,
    };
    b.ins().store(flags, value, base, slot as i32 * 8);
}

/// Stores values to consecutive slots.
pub(crate) fn store(
    b: &mut FunctionBuilder<'_>,
    flags: MemFlagsData,
    values: &[Value],
    base: Value,
    mut slot: u32,
) {
    for value in values {
        store_one(b, flags, *value, base, slot);
        slot += slots_of(b.func.dfg.value_type(*value));
    }
}

/// Loads values from consecutive slots.
pub(crate) fn load(
    b: &mut FunctionBuilder<'_>,
    flags: MemFlagsData,
    types: impl IntoIterator<Item = Type>,
    base: Value,
    mut slot: u32,
) -> Vec<Value> {
    let load = |ty| {
        let value = b.ins().load(ty, flags, base, slot as i32 * 8);
        slot += slots_of(ty);
        value
    };
    types.into_iter().map(load).collect()
}

impl Translator<'_, '_> {
    /// The slot of operand `i`.
    pub(super) fn slot_of_operand(&mut self, i: usize) -> u32 {
        let dfg = &self.b.func.dfg;
        let slots = |value| slots_of(dfg.value_type(value));
        let upto = self.stack.slots(i, slots);
        self.scope.shape.operands + upto - self.stack.slots(self.scope.first_operand, slots)
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
