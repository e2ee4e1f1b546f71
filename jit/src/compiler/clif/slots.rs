//! How values are stored in the slots of frames.

use cranelift_codegen::ir::types::{I8X16, I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value};
use cranelift_frontend::FunctionBuilder;

/// The number of slots that a value takes.
pub(crate) fn slots_of(ty: Type) -> u32 {
    if ty == I8X16 { 2 } else { 1 }
}

pub(crate) fn store_one(
    b: &mut FunctionBuilder<'_>,
    flags: MemFlagsData,
    value: Value,
    base: Value,
    slot: u32,
) {
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
