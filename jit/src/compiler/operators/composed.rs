//! Vector instructions that are several CLIF instructions, in the form that Cranelift's rules for instruction selection
//! match, so that a machine instruction for them is selected if there is one.

use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::vectors::{V128, as_made, cast, constant, pop, pop2, product, unary_of};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator;

/// Instructions that are more than one CLIF instruction, or have immediates.
pub(super) fn composed(
    b: &mut FunctionBuilder<'_>,
    stack: &mut OperandStack,
    op: &Operator<'_>,
) -> Option<Value> {
    use Operator::*;
    Some(match *op {
        V128Const { value } => constant(b, V128, *value.bytes()),
        I8x16Shuffle { lanes } => {
            let (x, y) = pop2(b, stack, I8X16);
            let mask = b.func.dfg.immediates.push(lanes.to_vec().into());
            b.ins().shuffle(x, y, mask)
        }
        V128AndNot => {
            let (x, y) = pop2(b, stack, V128);
            let y = b.ins().bnot(y);
            b.ins().band(x, y)
        }
        V128Bitselect
        | I8x16RelaxedLaneselect
        | I16x8RelaxedLaneselect
        | I32x4RelaxedLaneselect
        | I64x2RelaxedLaneselect => {
            let (x, y, mask) = stack.pop3();
            let mask = as_made(b, mask);
            let ty = b.func.dfg.value_type(mask);
            let (x, y) = (cast(b, x, ty), cast(b, y, ty));
            b.ins().bitselect(mask, x, y)
        }
        V128AnyTrue => {
            let x = stack.pop();
            let x = as_made(b, x);
            let truth = b.ins().vany_true(x);
            b.ins().uextend(I32, truth)
        }
        I8x16AllTrue => all_true(b, stack, I8X16),
        I16x8AllTrue => all_true(b, stack, I16X8),
        I32x4AllTrue => all_true(b, stack, I32X4),
        I64x2AllTrue => all_true(b, stack, I64X2),
        I16x8ExtAddPairwiseI8x16S => pairs(b, stack, I8X16, [Opcode::SwidenLow, Opcode::SwidenHigh]),
        I16x8ExtAddPairwiseI8x16U => pairs(b, stack, I8X16, [Opcode::UwidenLow, Opcode::UwidenHigh]),
        I32x4ExtAddPairwiseI16x8S => pairs(b, stack, I16X8, [Opcode::SwidenLow, Opcode::SwidenHigh]),
        I32x4ExtAddPairwiseI16x8U => pairs(b, stack, I16X8, [Opcode::UwidenLow, Opcode::UwidenHigh]),
        I32x4DotI16x8S => {
            let (x, y) = pop2(b, stack, I16X8);
            let low = product(b, Opcode::SwidenLow, x, y);
            let high = product(b, Opcode::SwidenHigh, x, y);
            b.ins().iadd_pairwise(low, high)
        }
        I16x8RelaxedDotI8x16I7x16S => {
            let (x, y) = pop2(b, stack, I8X16);
            dot_of_bytes(b, x, y)
        }
        I32x4RelaxedDotI8x16I7x16AddS => {
            let z = pop(b, stack, I32X4);
            let (x, y) = pop2(b, stack, I8X16);
            let sums = dot_of_bytes(b, x, y);
            let (low, high) = (b.ins().swiden_low(sums), b.ins().swiden_high(sums));
            let sums = b.ins().iadd_pairwise(low, high);
            b.ins().iadd(sums, z)
        }
        F32x4RelaxedMadd => multiply_add(b, stack, F32X4),
        F64x2RelaxedMadd => multiply_add(b, stack, F64X2),
        F32x4RelaxedNmadd => multiply_subtract(b, stack, F32X4),
        F64x2RelaxedNmadd => multiply_subtract(b, stack, F64X2),
        F32x4PMin => pseudo_min(b, stack, F32X4),
        F64x2PMin => pseudo_min(b, stack, F64X2),
        F32x4PMax => pseudo_max(b, stack, F32X4),
        F64x2PMax => pseudo_max(b, stack, F64X2),
        I32x4TruncSatF64x2SZero | I32x4RelaxedTruncF64x2SZero => {
            let x = pop(b, stack, F64X2);
            let x = b.ins().fcvt_to_sint_sat(I64X2, x);
            let zero = constant(b, I64X2, [0; 16]);
            b.ins().snarrow(x, zero)
        }
        I32x4TruncSatF64x2UZero | I32x4RelaxedTruncF64x2UZero => {
            let x = pop(b, stack, F64X2);
            let x = b.ins().fcvt_to_uint_sat(I64X2, x);
            let zero = constant(b, I64X2, [0; 16]);
            b.ins().uunarrow(x, zero)
        }
        F64x2ConvertLowI32x4S => {
            let x = pop(b, stack, I32X4);
            let x = b.ins().swiden_low(x);
            b.ins().fcvt_from_sint(F64X2, x)
        }
        F64x2ConvertLowI32x4U => {
            let x = pop(b, stack, I32X4);
            let x = b.ins().uwiden_low(x);
            b.ins().fcvt_from_uint(F64X2, x)
        }
        _ => return None,
    })
}

fn all_true(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> Value {
    let x = pop(b, stack, ty);
    let truth = b.ins().vall_true(x);
    b.ins().uextend(I32, truth)
}

/// Extends all lanes and adds neighbours.
fn pairs(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type, halves: [Opcode; 2]) -> Value {
    let x = pop(b, stack, ty);
    let [low, high] = halves.map(|half| unary_of(b, half, ty, x));
    b.ins().iadd_pairwise(low, high)
}

/// The sums of neighbours' products.
fn dot_of_bytes(b: &mut FunctionBuilder<'_>, x: Value, y: Value) -> Value {
    let low = product(b, Opcode::SwidenLow, x, y);
    let high = product(b, Opcode::SwidenHigh, x, y);
    b.ins().iadd_pairwise(low, high)
}

/// `x * y + z`, where the product is rounded: as in the interpreter, and on every machine.
fn multiply_add(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> Value {
    let z = pop(b, stack, ty);
    let (x, y) = pop2(b, stack, ty);
    let product = b.ins().fmul(x, y);
    b.ins().fadd(product, z)
}

/// `z - x * y`, as [`multiply_add`].
fn multiply_subtract(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> Value {
    let z = pop(b, stack, ty);
    let (x, y) = pop2(b, stack, ty);
    let product = b.ins().fmul(x, y);
    b.ins().fsub(z, product)
}

/// The second operand where it is less than the first.
fn pseudo_min(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> Value {
    let (x, y) = pop2(b, stack, ty);
    let less = b.ins().fcmp(FloatCC::LessThan, y, x);
    let less = cast(b, less, ty);
    b.ins().bitselect(less, y, x)
}

/// The second operand where the first is less than it.
fn pseudo_max(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type) -> Value {
    let (x, y) = pop2(b, stack, ty);
    let less = b.ins().fcmp(FloatCC::LessThan, x, y);
    let less = cast(b, less, ty);
    b.ins().bitselect(less, y, x)
}
