//! Loads and stores, and `memory.size`.

use crate::compiler::clif::heaps::{Heaps, MemoryOperand};
use crate::compiler::clif::operand_stack::OperandStack;
use crate::compiler::clif::vectors::{pop, push};
use cranelift_codegen::ir::types::{F32, F32X4, F64, F64X2, I8X16, I16X8, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{InstBuilder, Opcode, Type, Value};
use cranelift_frontend::FunctionBuilder;
use wasmparser::{MemArg, Operator};

/// Translates a load, a store or `memory.size`; false if `op` is none.
pub(crate) fn memory(
    b: &mut FunctionBuilder<'_>,
    stack: &mut OperandStack,
    heaps: &mut Heaps,
    op: &Operator<'_>,
) -> bool {
    if let Some((opcode, ty, size, memarg)) = load(op) {
        let operand = heaps.operand(b, stack.pop(), memarg, size);
        let value = load_of(b, opcode, ty, operand);
        push(b, stack, value);
    } else if let Some((opcode, size, memarg)) = store(op) {
        let (address, value) = stack.pop2();
        let operand = heaps.operand(b, address, memarg, size);
        store_of(b, opcode, value, operand);
        heaps.stored();
    } else if let Some((load, vector, memarg)) = scalar_load(op) {
        let lane = vector.lane_type();
        match load {
            ScalarLoad::Lane(n) => {
                let old = pop(b, stack, vector);
                let operand = heaps.operand(b, stack.pop(), memarg, lane.bytes());
                let value = load_of(b, Opcode::Load, lane, operand);
                let value = b.ins().insertlane(old, value, n);
                push(b, stack, value);
            }
            ScalarLoad::Splat => {
                let operand = heaps.operand(b, stack.pop(), memarg, lane.bytes());
                let value = load_of(b, Opcode::Load, lane, operand);
                let value = b.ins().splat(vector, value);
                push(b, stack, value);
            }
            ScalarLoad::Zero => {
                let operand = heaps.operand(b, stack.pop(), memarg, lane.bytes());
                let value = load_of(b, Opcode::Load, lane, operand);
                let value = b.ins().scalar_to_vector(vector, value);
                push(b, stack, value);
            }
        }
    } else if let Some((lane, vector, memarg)) = store_lane(op) {
        let value = pop(b, stack, vector);
        let operand = heaps.operand(b, stack.pop(), memarg, vector.lane_type().bytes());
        let value = b.ins().extractlane(value, lane);
        store_of(b, Opcode::Store, value, operand);
        heaps.stored();
    } else if let Operator::MemorySize { mem } = *op {
        let pages = heaps.pages(b, mem);
        stack.push(pages);
    } else {
        return false;
    }
    true
}

fn load_of(b: &mut FunctionBuilder<'_>, opcode: Opcode, ty: Type, operand: MemoryOperand) -> Value {
    let flags = b.func.dfg.mem_flags.insert_unchecked(operand.flags);
    let (inst, dfg) = b.ins().Load(opcode, ty, flags, operand.offset.into(), operand.address);
    dfg.first_result(inst)
}

fn store_of(b: &mut FunctionBuilder<'_>, opcode: Opcode, value: Value, operand: MemoryOperand) {
    let flags = b.func.dfg.mem_flags.insert_unchecked(operand.flags);
    let ty = b.func.dfg.value_type(value);
    b.ins().Store(opcode, ty, flags, operand.offset.into(), value, operand.address);
}

/// Loads that are one CLIF instruction: its controlling type, and the bytes that it reads.
///
/// For those that extend lanes, the controlling type is that of the address.
fn load<'a>(op: &'a Operator<'_>) -> Option<(Opcode, Type, u32, &'a MemArg)> {
    use Operator::*;
    Some(match op {
        I32Load { memarg } => (Opcode::Load, I32, 4, memarg),
        I64Load { memarg } => (Opcode::Load, I64, 8, memarg),
        F32Load { memarg } => (Opcode::Load, F32, 4, memarg),
        F64Load { memarg } => (Opcode::Load, F64, 8, memarg),
        V128Load { memarg } => (Opcode::Load, I8X16, 16, memarg),
        I32Load8S { memarg } => (Opcode::Sload8, I32, 1, memarg),
        I32Load8U { memarg } => (Opcode::Uload8, I32, 1, memarg),
        I32Load16S { memarg } => (Opcode::Sload16, I32, 2, memarg),
        I32Load16U { memarg } => (Opcode::Uload16, I32, 2, memarg),
        I64Load8S { memarg } => (Opcode::Sload8, I64, 1, memarg),
        I64Load8U { memarg } => (Opcode::Uload8, I64, 1, memarg),
        I64Load16S { memarg } => (Opcode::Sload16, I64, 2, memarg),
        I64Load16U { memarg } => (Opcode::Uload16, I64, 2, memarg),
        I64Load32S { memarg } => (Opcode::Sload32, I64, 4, memarg),
        I64Load32U { memarg } => (Opcode::Uload32, I64, 4, memarg),
        V128Load8x8S { memarg } => (Opcode::Sload8x8, I64, 8, memarg),
        V128Load8x8U { memarg } => (Opcode::Uload8x8, I64, 8, memarg),
        V128Load16x4S { memarg } => (Opcode::Sload16x4, I64, 8, memarg),
        V128Load16x4U { memarg } => (Opcode::Uload16x4, I64, 8, memarg),
        V128Load32x2S { memarg } => (Opcode::Sload32x2, I64, 8, memarg),
        V128Load32x2U { memarg } => (Opcode::Uload32x2, I64, 8, memarg),
        _ => return None,
    })
}

/// Stores of whole values, and the bytes that they write.
fn store<'a>(op: &'a Operator<'_>) -> Option<(Opcode, u32, &'a MemArg)> {
    use Operator::*;
    Some(match op {
        I32Store { memarg } | F32Store { memarg } => (Opcode::Store, 4, memarg),
        I64Store { memarg } | F64Store { memarg } => (Opcode::Store, 8, memarg),
        V128Store { memarg } => (Opcode::Store, 16, memarg),
        I32Store8 { memarg } | I64Store8 { memarg } => (Opcode::Istore8, 1, memarg),
        I32Store16 { memarg } | I64Store16 { memarg } => (Opcode::Istore16, 2, memarg),
        I64Store32 { memarg } => (Opcode::Istore32, 4, memarg),
        _ => return None,
    })
}

// Single lanes of 32 and 64 bits are loaded and stored as floats: the bits are the same, and they don't pass through
// integer registers.

/// What becomes of a scalar that is loaded into a vector.
enum ScalarLoad {
    Splat,
    Zero,
    Lane(u8),
}

fn scalar_load<'a>(op: &'a Operator<'_>) -> Option<(ScalarLoad, Type, &'a MemArg)> {
    use Operator::*;
    Some(match op {
        V128Load8Splat { memarg } => (ScalarLoad::Splat, I8X16, memarg),
        V128Load16Splat { memarg } => (ScalarLoad::Splat, I16X8, memarg),
        V128Load32Splat { memarg } => (ScalarLoad::Splat, I32X4, memarg),
        V128Load64Splat { memarg } => (ScalarLoad::Splat, I64X2, memarg),
        V128Load32Zero { memarg } => (ScalarLoad::Zero, F32X4, memarg),
        V128Load64Zero { memarg } => (ScalarLoad::Zero, F64X2, memarg),
        V128Load8Lane { memarg, lane } => (ScalarLoad::Lane(*lane), I8X16, memarg),
        V128Load16Lane { memarg, lane } => (ScalarLoad::Lane(*lane), I16X8, memarg),
        V128Load32Lane { memarg, lane } => (ScalarLoad::Lane(*lane), F32X4, memarg),
        V128Load64Lane { memarg, lane } => (ScalarLoad::Lane(*lane), F64X2, memarg),
        _ => return None,
    })
}

fn store_lane<'a>(op: &'a Operator<'_>) -> Option<(u8, Type, &'a MemArg)> {
    use Operator::*;
    Some(match op {
        V128Store8Lane { memarg, lane } => (*lane, I8X16, memarg),
        V128Store16Lane { memarg, lane } => (*lane, I16X8, memarg),
        V128Store32Lane { memarg, lane } => (*lane, F32X4, memarg),
        V128Store64Lane { memarg, lane } => (*lane, F64X2, memarg),
        _ => return None,
    })
}
