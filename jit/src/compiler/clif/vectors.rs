//! Vector types: in Cranelift a vector has lanes, whose type depends on the instruction.

use super::operand_stack::OperandStack;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::types::I8X16;
use cranelift_codegen::ir::{Endianness, InstBuilder, InstructionData, MemFlagsData, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;

/// The type of a `v128` on the operand stack, in locals and in block params.
pub(crate) const V128: Type = I8X16;

/// Lane 0 is the first in memory.
const LITTLE: MemFlagsData = MemFlagsData::new().with_endianness(Endianness::Little);

/// Casts a vector to other lanes.
///
/// A bitcast is free in machine code, but Cranelift's rules for instruction selection don't look through it. So casts
/// aren't stacked, constants are created again, and a load is retyped to the lanes that are wanted first.
pub(crate) fn cast(b: &mut FunctionBuilder<'_>, x: Value, to: Type) -> Value {
    if b.func.dfg.value_type(x) == to {
        return x;
    }
    match definition(b, x) {
        Some(InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. })
            if b.func.dfg.value_type(arg).is_vector() =>
        {
            cast(b, arg, to)
        }
        Some(InstructionData::UnaryConst { opcode: Opcode::Vconst, constant_handle }) => {
            b.ins().vconst(to, constant_handle)
        }
        Some(InstructionData::Load { opcode: Opcode::Load, .. }) => load_as(b, x, to),
        _ => b.ins().bitcast(to, LITTLE, x),
    }
}

/// Retypes a load. Its former result becomes a cast of the new one.
fn load_as(b: &mut FunctionBuilder<'_>, x: Value, to: Type) -> Value {
    // A local's value may be an alias, which no instruction defines.
    let x = b.func.dfg.resolve_aliases(x);
    let load = b.func.dfg.value_def(x).unwrap_inst();
    let from = b.func.dfg.value_type(x);
    let loaded = b.func.dfg.replace_result(x, to);
    FuncCursor::new(b.func).after_inst(load).ins().with_result(x).bitcast(from, LITTLE, loaded);
    loaded
}

/// Undoes a cast, if the original has integer lanes: for instructions that don't depend on lanes. Cranelift selects
/// better machine instructions for them if the operand is visibly the result of a comparison.
pub(crate) fn as_made(b: &FunctionBuilder<'_>, x: Value) -> Value {
    match definition(b, x) {
        Some(InstructionData::LoadNoOffset { opcode: Opcode::Bitcast, arg, .. })
            if b.func.dfg.value_type(arg).is_vector() && b.func.dfg.value_type(arg).lane_type().is_int() =>
        {
            arg
        }
        _ => x,
    }
}

fn definition(b: &FunctionBuilder<'_>, x: Value) -> Option<InstructionData> {
    let dfg = &b.func.dfg;
    dfg.value_def(x).inst().map(|inst| dfg.insts[inst])
}

/// Pops a vector as one of these lanes.
pub(crate) fn pop(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> Value {
    let x = stack.pop();
    cast(b, x, ty)
}

/// Pops two, in the order in which they were pushed.
pub(crate) fn pop2(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> (Value, Value) {
    let (x, y) = stack.pop2();
    (cast(b, x, ty), cast(b, y, ty))
}

/// Pushes a value, which becomes a `v128` if it is a vector.
pub(crate) fn push(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, x: Value) {
    let x = if b.func.dfg.value_type(x).is_vector() { cast(b, x, V128) } else { x };
    stack.push(x);
}

/// A vector constant.
pub(crate) fn constant(b: &mut FunctionBuilder<'_>, ty: Type, bytes: [u8; 16]) -> Value {
    let constant = b.func.dfg.constants.insert(bytes.to_vec().into());
    b.ins().vconst(ty, constant)
}

/// An instruction of one operand.
pub(crate) fn unary_of(b: &mut FunctionBuilder<'_>, opcode: Opcode, control: Type, x: Value) -> Value {
    let (inst, dfg) = b.ins().Unary(opcode, control, x);
    dfg.first_result(inst)
}

/// An instruction of two operands of one type.
pub(crate) fn binary_of(b: &mut FunctionBuilder<'_>, opcode: Opcode, x: Value, y: Value) -> Value {
    let ty = b.func.dfg.value_type(x);
    let (inst, dfg) = b.ins().Binary(opcode, ty, x, y);
    dfg.first_result(inst)
}

/// The product of the halves that `extend` selects.
pub(crate) fn product(b: &mut FunctionBuilder<'_>, extend: Opcode, x: Value, y: Value) -> Value {
    let ty = b.func.dfg.value_type(x);
    let x = unary_of(b, extend, ty, x);
    let y = unary_of(b, extend, ty, y);
    b.ins().imul(x, y)
}
