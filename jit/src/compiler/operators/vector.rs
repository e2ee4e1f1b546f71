//! Instructions on vectors, except those that access memory.
//!
//! Most are one CLIF instruction; the tables are here. The others are in `lanes` and `composed`.

use super::composed::composed;
use super::lanes::lane_access;
use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::vectors::{V128, binary_of, pop, pop2, product, push, unary_of};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32, I32X4, I64X2, INVALID};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator;

/// Translates a vector instruction; false if `op` is none.
pub(crate) fn vector(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, op: &Operator<'_>) -> bool {
    let result = if let Some((opcode, ty)) = binary(op) {
        let (x, y) = pop2(b, stack, ty);
        binary_of(b, opcode, x, y)
    } else if let Some((opcode, ty, control)) = unary(op) {
        let x = pop(b, stack, ty);
        unary_of(b, opcode, control, x)
    } else if let Some((cond, ty)) = int_compare(op) {
        let (x, y) = pop2(b, stack, ty);
        b.ins().icmp(cond, x, y)
    } else if let Some((cond, ty)) = float_compare(op) {
        let (x, y) = pop2(b, stack, ty);
        b.ins().fcmp(cond, x, y)
    } else if let Some((opcode, ty)) = shift(op) {
        let count = stack.pop();
        let x = pop(b, stack, ty);
        binary_of(b, opcode, x, count)
    } else if let Some((extend, ty)) = extended_product(op) {
        let (x, y) = pop2(b, stack, ty);
        product(b, extend, x, y)
    } else if let Some(value) = lane_access(b, stack, op) {
        value
    } else if let Some(value) = composed(b, stack, op) {
        value
    } else {
        return false;
    };
    push(b, stack, result);
    true
}

/// Instructions of one operand: its type, and the controlling type.
fn unary(op: &Operator<'_>) -> Option<(Opcode, Type, Type)> {
    use Operator::*;
    let (opcode, ty) = match op {
        V128Not => (Opcode::Bnot, V128),
        I8x16Abs => (Opcode::Iabs, I8X16),
        I16x8Abs => (Opcode::Iabs, I16X8),
        I32x4Abs => (Opcode::Iabs, I32X4),
        I64x2Abs => (Opcode::Iabs, I64X2),
        I8x16Neg => (Opcode::Ineg, I8X16),
        I16x8Neg => (Opcode::Ineg, I16X8),
        I32x4Neg => (Opcode::Ineg, I32X4),
        I64x2Neg => (Opcode::Ineg, I64X2),
        I8x16Popcnt => (Opcode::Popcnt, I8X16),
        F32x4Abs => (Opcode::Fabs, F32X4),
        F64x2Abs => (Opcode::Fabs, F64X2),
        F32x4Neg => (Opcode::Fneg, F32X4),
        F64x2Neg => (Opcode::Fneg, F64X2),
        F32x4Ceil => (Opcode::Ceil, F32X4),
        F64x2Ceil => (Opcode::Ceil, F64X2),
        F32x4Floor => (Opcode::Floor, F32X4),
        F64x2Floor => (Opcode::Floor, F64X2),
        F32x4Trunc => (Opcode::Trunc, F32X4),
        F64x2Trunc => (Opcode::Trunc, F64X2),
        F32x4Nearest => (Opcode::Nearest, F32X4),
        F64x2Nearest => (Opcode::Nearest, F64X2),
        F32x4Sqrt => (Opcode::Sqrt, F32X4),
        F64x2Sqrt => (Opcode::Sqrt, F64X2),
        I16x8ExtendLowI8x16S => (Opcode::SwidenLow, I8X16),
        I16x8ExtendHighI8x16S => (Opcode::SwidenHigh, I8X16),
        I16x8ExtendLowI8x16U => (Opcode::UwidenLow, I8X16),
        I16x8ExtendHighI8x16U => (Opcode::UwidenHigh, I8X16),
        I32x4ExtendLowI16x8S => (Opcode::SwidenLow, I16X8),
        I32x4ExtendHighI16x8S => (Opcode::SwidenHigh, I16X8),
        I32x4ExtendLowI16x8U => (Opcode::UwidenLow, I16X8),
        I32x4ExtendHighI16x8U => (Opcode::UwidenHigh, I16X8),
        I64x2ExtendLowI32x4S => (Opcode::SwidenLow, I32X4),
        I64x2ExtendHighI32x4S => (Opcode::SwidenHigh, I32X4),
        I64x2ExtendLowI32x4U => (Opcode::UwidenLow, I32X4),
        I64x2ExtendHighI32x4U => (Opcode::UwidenHigh, I32X4),
        I8x16Bitmask => return Some((Opcode::VhighBits, I8X16, I32)),
        I16x8Bitmask => return Some((Opcode::VhighBits, I16X8, I32)),
        I32x4Bitmask => return Some((Opcode::VhighBits, I32X4, I32)),
        I64x2Bitmask => return Some((Opcode::VhighBits, I64X2, I32)),
        I32x4TruncSatF32x4S | I32x4RelaxedTruncF32x4S => return Some((Opcode::FcvtToSintSat, F32X4, I32X4)),
        I32x4TruncSatF32x4U | I32x4RelaxedTruncF32x4U => return Some((Opcode::FcvtToUintSat, F32X4, I32X4)),
        F32x4ConvertI32x4S => return Some((Opcode::FcvtFromSint, I32X4, F32X4)),
        F32x4ConvertI32x4U => return Some((Opcode::FcvtFromUint, I32X4, F32X4)),
        F32x4DemoteF64x2Zero => return Some((Opcode::Fvdemote, F64X2, INVALID)),
        F64x2PromoteLowF32x4 => return Some((Opcode::FvpromoteLow, F32X4, INVALID)),
        _ => return None,
    };
    Some((opcode, ty, ty))
}

/// Instructions of two operands of one type.
fn binary(op: &Operator<'_>) -> Option<(Opcode, Type)> {
    use Operator::*;
    Some(match op {
        V128And => (Opcode::Band, V128),
        V128Or => (Opcode::Bor, V128),
        V128Xor => (Opcode::Bxor, V128),
        I8x16Swizzle | I8x16RelaxedSwizzle => (Opcode::Swizzle, I8X16),
        I8x16Add => (Opcode::Iadd, I8X16),
        I16x8Add => (Opcode::Iadd, I16X8),
        I32x4Add => (Opcode::Iadd, I32X4),
        I64x2Add => (Opcode::Iadd, I64X2),
        I8x16Sub => (Opcode::Isub, I8X16),
        I16x8Sub => (Opcode::Isub, I16X8),
        I32x4Sub => (Opcode::Isub, I32X4),
        I64x2Sub => (Opcode::Isub, I64X2),
        I16x8Mul => (Opcode::Imul, I16X8),
        I32x4Mul => (Opcode::Imul, I32X4),
        I64x2Mul => (Opcode::Imul, I64X2),
        I8x16AddSatS => (Opcode::SaddSat, I8X16),
        I16x8AddSatS => (Opcode::SaddSat, I16X8),
        I8x16AddSatU => (Opcode::UaddSat, I8X16),
        I16x8AddSatU => (Opcode::UaddSat, I16X8),
        I8x16SubSatS => (Opcode::SsubSat, I8X16),
        I16x8SubSatS => (Opcode::SsubSat, I16X8),
        I8x16SubSatU => (Opcode::UsubSat, I8X16),
        I16x8SubSatU => (Opcode::UsubSat, I16X8),
        I8x16MinS => (Opcode::Smin, I8X16),
        I16x8MinS => (Opcode::Smin, I16X8),
        I32x4MinS => (Opcode::Smin, I32X4),
        I8x16MinU => (Opcode::Umin, I8X16),
        I16x8MinU => (Opcode::Umin, I16X8),
        I32x4MinU => (Opcode::Umin, I32X4),
        I8x16MaxS => (Opcode::Smax, I8X16),
        I16x8MaxS => (Opcode::Smax, I16X8),
        I32x4MaxS => (Opcode::Smax, I32X4),
        I8x16MaxU => (Opcode::Umax, I8X16),
        I16x8MaxU => (Opcode::Umax, I16X8),
        I32x4MaxU => (Opcode::Umax, I32X4),
        I8x16AvgrU => (Opcode::AvgRound, I8X16),
        I16x8AvgrU => (Opcode::AvgRound, I16X8),
        I16x8Q15MulrSatS | I16x8RelaxedQ15mulrS => (Opcode::SqmulRoundSat, I16X8),
        I8x16NarrowI16x8S => (Opcode::Snarrow, I16X8),
        I8x16NarrowI16x8U => (Opcode::Unarrow, I16X8),
        I16x8NarrowI32x4S => (Opcode::Snarrow, I32X4),
        I16x8NarrowI32x4U => (Opcode::Unarrow, I32X4),
        F32x4Add => (Opcode::Fadd, F32X4),
        F64x2Add => (Opcode::Fadd, F64X2),
        F32x4Sub => (Opcode::Fsub, F32X4),
        F64x2Sub => (Opcode::Fsub, F64X2),
        F32x4Mul => (Opcode::Fmul, F32X4),
        F64x2Mul => (Opcode::Fmul, F64X2),
        F32x4Div => (Opcode::Fdiv, F32X4),
        F64x2Div => (Opcode::Fdiv, F64X2),
        F32x4Min | F32x4RelaxedMin => (Opcode::Fmin, F32X4),
        F64x2Min | F64x2RelaxedMin => (Opcode::Fmin, F64X2),
        F32x4Max | F32x4RelaxedMax => (Opcode::Fmax, F32X4),
        F64x2Max | F64x2RelaxedMax => (Opcode::Fmax, F64X2),
        _ => return None,
    })
}

fn shift(op: &Operator<'_>) -> Option<(Opcode, Type)> {
    use Operator::*;
    Some(match op {
        I8x16Shl => (Opcode::Ishl, I8X16),
        I16x8Shl => (Opcode::Ishl, I16X8),
        I32x4Shl => (Opcode::Ishl, I32X4),
        I64x2Shl => (Opcode::Ishl, I64X2),
        I8x16ShrS => (Opcode::Sshr, I8X16),
        I16x8ShrS => (Opcode::Sshr, I16X8),
        I32x4ShrS => (Opcode::Sshr, I32X4),
        I64x2ShrS => (Opcode::Sshr, I64X2),
        I8x16ShrU => (Opcode::Ushr, I8X16),
        I16x8ShrU => (Opcode::Ushr, I16X8),
        I32x4ShrU => (Opcode::Ushr, I32X4),
        I64x2ShrU => (Opcode::Ushr, I64X2),
        _ => return None,
    })
}

fn extended_product(op: &Operator<'_>) -> Option<(Opcode, Type)> {
    use Operator::*;
    Some(match op {
        I16x8ExtMulLowI8x16S => (Opcode::SwidenLow, I8X16),
        I16x8ExtMulHighI8x16S => (Opcode::SwidenHigh, I8X16),
        I16x8ExtMulLowI8x16U => (Opcode::UwidenLow, I8X16),
        I16x8ExtMulHighI8x16U => (Opcode::UwidenHigh, I8X16),
        I32x4ExtMulLowI16x8S => (Opcode::SwidenLow, I16X8),
        I32x4ExtMulHighI16x8S => (Opcode::SwidenHigh, I16X8),
        I32x4ExtMulLowI16x8U => (Opcode::UwidenLow, I16X8),
        I32x4ExtMulHighI16x8U => (Opcode::UwidenHigh, I16X8),
        I64x2ExtMulLowI32x4S => (Opcode::SwidenLow, I32X4),
        I64x2ExtMulHighI32x4S => (Opcode::SwidenHigh, I32X4),
        I64x2ExtMulLowI32x4U => (Opcode::UwidenLow, I32X4),
        I64x2ExtMulHighI32x4U => (Opcode::UwidenHigh, I32X4),
        _ => return None,
    })
}

fn int_compare(op: &Operator<'_>) -> Option<(IntCC, Type)> {
    use IntCC::*;
    use Operator::*;
    Some(match op {
        I8x16Eq => (Equal, I8X16),
        I16x8Eq => (Equal, I16X8),
        I32x4Eq => (Equal, I32X4),
        I64x2Eq => (Equal, I64X2),
        I8x16Ne => (NotEqual, I8X16),
        I16x8Ne => (NotEqual, I16X8),
        I32x4Ne => (NotEqual, I32X4),
        I64x2Ne => (NotEqual, I64X2),
        I8x16LtS => (SignedLessThan, I8X16),
        I16x8LtS => (SignedLessThan, I16X8),
        I32x4LtS => (SignedLessThan, I32X4),
        I64x2LtS => (SignedLessThan, I64X2),
        I8x16LtU => (UnsignedLessThan, I8X16),
        I16x8LtU => (UnsignedLessThan, I16X8),
        I32x4LtU => (UnsignedLessThan, I32X4),
        I8x16GtS => (SignedGreaterThan, I8X16),
        I16x8GtS => (SignedGreaterThan, I16X8),
        I32x4GtS => (SignedGreaterThan, I32X4),
        I64x2GtS => (SignedGreaterThan, I64X2),
        I8x16GtU => (UnsignedGreaterThan, I8X16),
        I16x8GtU => (UnsignedGreaterThan, I16X8),
        I32x4GtU => (UnsignedGreaterThan, I32X4),
        I8x16LeS => (SignedLessThanOrEqual, I8X16),
        I16x8LeS => (SignedLessThanOrEqual, I16X8),
        I32x4LeS => (SignedLessThanOrEqual, I32X4),
        I64x2LeS => (SignedLessThanOrEqual, I64X2),
        I8x16LeU => (UnsignedLessThanOrEqual, I8X16),
        I16x8LeU => (UnsignedLessThanOrEqual, I16X8),
        I32x4LeU => (UnsignedLessThanOrEqual, I32X4),
        I8x16GeS => (SignedGreaterThanOrEqual, I8X16),
        I16x8GeS => (SignedGreaterThanOrEqual, I16X8),
        I32x4GeS => (SignedGreaterThanOrEqual, I32X4),
        I64x2GeS => (SignedGreaterThanOrEqual, I64X2),
        I8x16GeU => (UnsignedGreaterThanOrEqual, I8X16),
        I16x8GeU => (UnsignedGreaterThanOrEqual, I16X8),
        I32x4GeU => (UnsignedGreaterThanOrEqual, I32X4),
        _ => return None,
    })
}

fn float_compare(op: &Operator<'_>) -> Option<(FloatCC, Type)> {
    use FloatCC::*;
    use Operator::*;
    Some(match op {
        F32x4Eq => (Equal, F32X4),
        F64x2Eq => (Equal, F64X2),
        F32x4Ne => (NotEqual, F32X4),
        F64x2Ne => (NotEqual, F64X2),
        F32x4Lt => (LessThan, F32X4),
        F64x2Lt => (LessThan, F64X2),
        F32x4Gt => (GreaterThan, F32X4),
        F64x2Gt => (GreaterThan, F64X2),
        F32x4Le => (LessThanOrEqual, F32X4),
        F64x2Le => (LessThanOrEqual, F64X2),
        F32x4Ge => (GreaterThanOrEqual, F32X4),
        F64x2Ge => (GreaterThanOrEqual, F64X2),
        _ => return None,
    })
}
