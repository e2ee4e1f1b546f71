//! Instructions on integers and floats.
//!
//! Each is one or two CLIF instructions, which have WebAssembly's semantics: shifts take their count modulo the width,
//! divisions and truncations trap, and a minimum with a NaN is a NaN. The bits of NaNs are left to Cranelift too: its
//! option canonicalises the same NaNs as the interpreter does.

use crate::compiler::clif::operand_stack::OperandStack;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::types::{F32, F64, I8, I16, I32, I64, I128};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::Operator;

/// Translates a numeric instruction; false if `op` is none.
pub(crate) fn numeric(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, op: &Operator<'_>) -> bool {
    if let Some((low, high)) = wide(b, stack, op) {
        stack.push(low);
        stack.push(high);
        return true;
    }
    let result = if let Some(value) = constant(b, op) {
        value
    } else if let Some(opcode) = binary(op) {
        let (x, y) = stack.pop2();
        let ty = b.func.dfg.value_type(x);
        let (inst, dfg) = b.ins().Binary(opcode, ty, x, y);
        dfg.first_result(inst)
    } else if let Some(cond) = int_compare(op) {
        let (x, y) = stack.pop2();
        let truth = b.ins().icmp(cond, x, y);
        b.ins().uextend(I32, truth)
    } else if let Some((opcode, ty)) = unary(op) {
        let x = stack.pop();
        let ty = ty.unwrap_or_else(|| b.func.dfg.value_type(x));
        let (inst, dfg) = b.ins().Unary(opcode, ty, x);
        dfg.first_result(inst)
    } else if let Some(cond) = float_compare(op) {
        let (x, y) = stack.pop2();
        let truth = b.ins().fcmp(cond, x, y);
        b.ins().uextend(I32, truth)
    } else if let Operator::I32Eqz | Operator::I64Eqz = op {
        let x = stack.pop();
        let truth = b.ins().icmp_imm_u(IntCC::Equal, x, 0);
        b.ins().uextend(I32, truth)
    } else if let Some((from, to)) = sign_extension(op) {
        let x = stack.pop();
        let low = b.ins().ireduce(from, x);
        b.ins().sextend(to, low)
    } else if let Some(ty) = reinterpretation(op) {
        let x = stack.pop();
        b.ins().bitcast(ty, MemFlagsData::new(), x)
    } else {
        return false;
    };
    stack.push(result);
    true
}

/// Arithmetic on 128 bits: the low half of the result, and the high one.
fn wide(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, op: &Operator<'_>) -> Option<(Value, Value)> {
    let pop = |b: &mut FunctionBuilder<'_>, stack: &mut OperandStack| {
        let (low, high) = stack.pop2();
        b.ins().iconcat(low, high)
    };
    let result = match op {
        Operator::I64Add128 => {
            let (y, x) = (pop(b, stack), pop(b, stack));
            b.ins().iadd(x, y)
        }
        Operator::I64Sub128 => {
            let (y, x) = (pop(b, stack), pop(b, stack));
            b.ins().isub(x, y)
        }
        Operator::I64MulWideS => {
            let (x, y) = stack.pop2();
            let (x, y) = (b.ins().sextend(I128, x), b.ins().sextend(I128, y));
            b.ins().imul(x, y)
        }
        Operator::I64MulWideU => {
            let (x, y) = stack.pop2();
            let (x, y) = (b.ins().uextend(I128, x), b.ins().uextend(I128, y));
            b.ins().imul(x, y)
        }
        _ => return None,
    };
    Some(b.ins().isplit(result))
}

fn constant(b: &mut FunctionBuilder<'_>, op: &Operator<'_>) -> Option<Value> {
    Some(match *op {
        Operator::I32Const { value } => b.ins().iconst(I32, i64::from(value)),
        Operator::I64Const { value } => b.ins().iconst(I64, value),
        Operator::F32Const { value } => b.ins().f32const(Ieee32::with_bits(value.bits())),
        Operator::F64Const { value } => b.ins().f64const(Ieee64::with_bits(value.bits())),
        _ => return None,
    })
}

/// Those whose operands and result are of one type.
fn binary(op: &Operator<'_>) -> Option<Opcode> {
    use Operator::*;
    Some(match op {
        I32Add | I64Add => Opcode::Iadd,
        I32Sub | I64Sub => Opcode::Isub,
        I32Mul | I64Mul => Opcode::Imul,
        I32DivS | I64DivS => Opcode::Sdiv,
        I32DivU | I64DivU => Opcode::Udiv,
        I32RemS | I64RemS => Opcode::Srem,
        I32RemU | I64RemU => Opcode::Urem,
        I32And | I64And => Opcode::Band,
        I32Or | I64Or => Opcode::Bor,
        I32Xor | I64Xor => Opcode::Bxor,
        I32Shl | I64Shl => Opcode::Ishl,
        I32ShrS | I64ShrS => Opcode::Sshr,
        I32ShrU | I64ShrU => Opcode::Ushr,
        I32Rotl | I64Rotl => Opcode::Rotl,
        I32Rotr | I64Rotr => Opcode::Rotr,
        F32Add | F64Add => Opcode::Fadd,
        F32Sub | F64Sub => Opcode::Fsub,
        F32Mul | F64Mul => Opcode::Fmul,
        F32Div | F64Div => Opcode::Fdiv,
        F32Min | F64Min => Opcode::Fmin,
        F32Max | F64Max => Opcode::Fmax,
        F32Copysign | F64Copysign => Opcode::Fcopysign,
        _ => return None,
    })
}

/// Those of one operand, with the type of the result where it is another.
fn unary(op: &Operator<'_>) -> Option<(Opcode, Option<Type>)> {
    use Operator::*;
    Some(match op {
        I32Clz | I64Clz => (Opcode::Clz, None),
        I32Ctz | I64Ctz => (Opcode::Ctz, None),
        I32Popcnt | I64Popcnt => (Opcode::Popcnt, None),
        F32Abs | F64Abs => (Opcode::Fabs, None),
        F32Neg | F64Neg => (Opcode::Fneg, None),
        F32Ceil | F64Ceil => (Opcode::Ceil, None),
        F32Floor | F64Floor => (Opcode::Floor, None),
        F32Trunc | F64Trunc => (Opcode::Trunc, None),
        F32Nearest | F64Nearest => (Opcode::Nearest, None),
        F32Sqrt | F64Sqrt => (Opcode::Sqrt, None),
        I32WrapI64 => (Opcode::Ireduce, Some(I32)),
        I64ExtendI32S => (Opcode::Sextend, Some(I64)),
        I64ExtendI32U => (Opcode::Uextend, Some(I64)),
        I32TruncF32S | I32TruncF64S => (Opcode::FcvtToSint, Some(I32)),
        I32TruncF32U | I32TruncF64U => (Opcode::FcvtToUint, Some(I32)),
        I64TruncF32S | I64TruncF64S => (Opcode::FcvtToSint, Some(I64)),
        I64TruncF32U | I64TruncF64U => (Opcode::FcvtToUint, Some(I64)),
        I32TruncSatF32S | I32TruncSatF64S => (Opcode::FcvtToSintSat, Some(I32)),
        I32TruncSatF32U | I32TruncSatF64U => (Opcode::FcvtToUintSat, Some(I32)),
        I64TruncSatF32S | I64TruncSatF64S => (Opcode::FcvtToSintSat, Some(I64)),
        I64TruncSatF32U | I64TruncSatF64U => (Opcode::FcvtToUintSat, Some(I64)),
        F32ConvertI32S | F32ConvertI64S => (Opcode::FcvtFromSint, Some(F32)),
        F32ConvertI32U | F32ConvertI64U => (Opcode::FcvtFromUint, Some(F32)),
        F64ConvertI32S | F64ConvertI64S => (Opcode::FcvtFromSint, Some(F64)),
        F64ConvertI32U | F64ConvertI64U => (Opcode::FcvtFromUint, Some(F64)),
        F32DemoteF64 => (Opcode::Fdemote, Some(F32)),
        F64PromoteF32 => (Opcode::Fpromote, Some(F64)),
        _ => return None,
    })
}

fn int_compare(op: &Operator<'_>) -> Option<IntCC> {
    use Operator::*;
    Some(match op {
        I32Eq | I64Eq => IntCC::Equal,
        I32Ne | I64Ne => IntCC::NotEqual,
        I32LtS | I64LtS => IntCC::SignedLessThan,
        I32LtU | I64LtU => IntCC::UnsignedLessThan,
        I32GtS | I64GtS => IntCC::SignedGreaterThan,
        I32GtU | I64GtU => IntCC::UnsignedGreaterThan,
        I32LeS | I64LeS => IntCC::SignedLessThanOrEqual,
        I32LeU | I64LeU => IntCC::UnsignedLessThanOrEqual,
        I32GeS | I64GeS => IntCC::SignedGreaterThanOrEqual,
        I32GeU | I64GeU => IntCC::UnsignedGreaterThanOrEqual,
        _ => return None,
    })
}

fn float_compare(op: &Operator<'_>) -> Option<FloatCC> {
    use Operator::*;
    Some(match op {
        F32Eq | F64Eq => FloatCC::Equal,
        F32Ne | F64Ne => FloatCC::NotEqual,
        F32Lt | F64Lt => FloatCC::LessThan,
        F32Gt | F64Gt => FloatCC::GreaterThan,
        F32Le | F64Le => FloatCC::LessThanOrEqual,
        F32Ge | F64Ge => FloatCC::GreaterThanOrEqual,
        _ => return None,
    })
}

/// The part that is extended, and to what.
fn sign_extension(op: &Operator<'_>) -> Option<(Type, Type)> {
    Some(match op {
        Operator::I32Extend8S => (I8, I32),
        Operator::I32Extend16S => (I16, I32),
        Operator::I64Extend8S => (I8, I64),
        Operator::I64Extend16S => (I16, I64),
        Operator::I64Extend32S => (I32, I64),
        _ => return None,
    })
}

fn reinterpretation(op: &Operator<'_>) -> Option<Type> {
    Some(match op {
        Operator::I32ReinterpretF32 => I32,
        Operator::I64ReinterpretF64 => I64,
        Operator::F32ReinterpretI32 => F32,
        Operator::F64ReinterpretI64 => F64,
        _ => return None,
    })
}
