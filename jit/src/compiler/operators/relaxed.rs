//! Relaxed vector instructions as the machine does them: see `Config::relaxed_simd_deterministic`.

use super::vector::vector;
use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::vectors::{constant, pop, pop2, push};
use cranelift_codegen::ir::types::{F32X4, F64X2, I8X16, I16X8, I32X4, I64X2};
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FunctionBuilder;
use dunlin::tier::RelaxedSimd;
use wasmparser::Operator;

/// Translates what the machine's own choice makes differ from the deterministic one; false if `op` is nothing of that.
pub(crate) fn machines_own(
    b: &mut FunctionBuilder<'_>,
    stack: &mut OperandStack,
    chosen: RelaxedSimd,
    op: &Operator<'_>,
) -> bool {
    use Operator::*;
    let result = match op {
        F32x4RelaxedMadd if chosen.fused => fused(b, stack, F32X4, false),
        F64x2RelaxedMadd if chosen.fused => fused(b, stack, F64X2, false),
        F32x4RelaxedNmadd if chosen.fused => fused(b, stack, F32X4, true),
        F64x2RelaxedNmadd if chosen.fused => fused(b, stack, F64X2, true),
        _ if !chosen.x86 => return false,
        I8x16RelaxedSwizzle => {
            let (x, lanes) = pop2(b, stack, I8X16);
            b.ins().x86_pshufb(x, lanes)
        }
        I16x8RelaxedQ15mulrS => {
            let (x, y) = pop2(b, stack, I16X8);
            b.ins().x86_pmulhrsw(x, y)
        }
        I16x8RelaxedDotI8x16I7x16S => dot(b, stack),
        I32x4RelaxedDotI8x16I7x16AddS => {
            let z = pop(b, stack, I32X4);
            let sums = dot(b, stack);
            let (low, high) = (b.ins().swiden_low(sums), b.ins().swiden_high(sums));
            let sums = b.ins().iadd_pairwise(low, high);
            b.ins().iadd(sums, z)
        }
        I32x4RelaxedTruncF32x4S => {
            let x = pop(b, stack, F32X4);
            b.ins().x86_cvtt2dq(I32X4, x)
        }
        I32x4RelaxedTruncF64x2SZero => {
            let x = pop(b, stack, F64X2);
            let x = b.ins().x86_cvtt2dq(I64X2, x);
            let zero = constant(b, I64X2, [0; 16]);
            b.ins().snarrow(x, zero)
        }
        F32x4RelaxedMin => return vector(b, stack, &F32x4PMin),
        F32x4RelaxedMax => return vector(b, stack, &F32x4PMax),
        F64x2RelaxedMin => return vector(b, stack, &F64x2PMin),
        F64x2RelaxedMax => return vector(b, stack, &F64x2PMax),
        _ => return false,
    };
    push(b, stack, result);
    true
}

/// `x * y + z`, rounded once; of the negated product, if that is wanted.
fn fused(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack, ty: Type, negated: bool) -> Value {
    let z = pop(b, stack, ty);
    let (x, y) = pop2(b, stack, ty);
    let y = if negated { b.ins().fneg(y) } else { y };
    b.ins().fma(x, y, z)
}

/// The saturated sums of neighbours' products, of lanes that are unsigned in the second operand.
fn dot(b: &mut FunctionBuilder<'_>, stack: &mut OperandStack) -> Value {
    let (x, y) = pop2(b, stack, I8X16);
    b.ins().x86_pmaddubsw(x, y)
}
