//! Instructions between vectors and their lanes.

use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::vectors::pop;
use cranelift_codegen::ir::types::{F32X4, F64X2, I8, I8X16, I16, I16X8, I32, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator;

/// Instructions between vectors and their lanes. Lanes of 8 and 16 bits are i32s on the operand stack.
pub(super) fn lane_access(
    b: &mut FunctionBuilder<'_>,
    stack: &mut OperandStack,
    op: &Operator<'_>,
) -> Option<Value> {
    use Operator::*;
    let extracted = |b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty, lane: u8| {
        let x = pop(b, stack, ty);
        b.ins().extractlane(x, lane)
    };
    let replaced = |b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type, lane: u8| {
        let y = stack.pop();
        let y = narrowed(b, y, ty.lane_type());
        let x = pop(b, stack, ty);
        b.ins().insertlane(x, y, lane)
    };
    let splat = |b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type| {
        let x = stack.pop();
        let x = narrowed(b, x, ty.lane_type());
        b.ins().splat(ty, x)
    };
    Some(match *op {
        I8x16ExtractLaneS { lane } => {
            let x = extracted(b, stack, I8X16, lane);
            b.ins().sextend(I32, x)
        }
        I8x16ExtractLaneU { lane } => {
            let x = extracted(b, stack, I8X16, lane);
            b.ins().uextend(I32, x)
        }
        I16x8ExtractLaneS { lane } => {
            let x = extracted(b, stack, I16X8, lane);
            b.ins().sextend(I32, x)
        }
        I16x8ExtractLaneU { lane } => {
            let x = extracted(b, stack, I16X8, lane);
            b.ins().uextend(I32, x)
        }
        I32x4ExtractLane { lane } => extracted(b, stack, I32X4, lane),
        I64x2ExtractLane { lane } => extracted(b, stack, I64X2, lane),
        F32x4ExtractLane { lane } => extracted(b, stack, F32X4, lane),
        F64x2ExtractLane { lane } => extracted(b, stack, F64X2, lane),
        I8x16ReplaceLane { lane } => replaced(b, stack, I8X16, lane),
        I16x8ReplaceLane { lane } => replaced(b, stack, I16X8, lane),
        I32x4ReplaceLane { lane } => replaced(b, stack, I32X4, lane),
        I64x2ReplaceLane { lane } => replaced(b, stack, I64X2, lane),
        F32x4ReplaceLane { lane } => replaced(b, stack, F32X4, lane),
        F64x2ReplaceLane { lane } => replaced(b, stack, F64X2, lane),
        I8x16Splat => splat(b, stack, I8X16),
        I16x8Splat => splat(b, stack, I16X8),
        I32x4Splat => splat(b, stack, I32X4),
        I64x2Splat => splat(b, stack, I64X2),
        F32x4Splat => splat(b, stack, F32X4),
        F64x2Splat => splat(b, stack, F64X2),
        _ => return None,
    })
}

/// Truncates a scalar to a lane's type.
fn narrowed(b: &mut FunctionBuilder<'_>, x: Value, lane: Type) -> Value {
    if matches!(lane, I8 | I16) { b.ins().ireduce(lane, x) } else { x }
}
