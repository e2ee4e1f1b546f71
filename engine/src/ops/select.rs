//! From a wasm operator to its op.

use super::*;

/// What deterministic NaNs want done to an op's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Canon {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// The operand forms of a two-operand family, in the order of their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Forms {
    /// slot slot, acc slot, slot imm, acc imm
    Commutative,
    /// those, and slot acc, imm slot, imm acc
    Ordered,
    /// slot slot, acc slot, slot imm, acc imm, slot acc
    Vector,
    /// slot slot, acc slot, slot acc
    Replace,
    /// The forms of commutative ops, in this order only: the shift count is never in an accumulator.
    Shift,
}

/// Where an access goes, apart from its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct MemArg {
    pub(crate) memory: u32,
    pub(crate) offset: u64,
}

impl From<&wasmparser::MemArg> for MemArg {
    fn from(memarg: &wasmparser::MemArg) -> Self {
        let memory = match memarg.target {
            wasmparser::MemArgTarget::Memory(memory) => memory,
            wasmparser::MemArgTarget::Array(_) => unreachable!("no such feature is on"),
        };
        Self { memory, offset: memarg.offset }
    }
}

/// A wasm operator as the table knows it: the op in its first form, and the classes of what it takes and gives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selected {
    Unary { op: Op, to: Class, canon: Option<Canon> },
    Binary { op: Op, to: Class, forms: Forms, imm: Imm, canon: Option<Canon> },
    Compare { op: Op, imm: Imm },
    Extract { op: Op, to: Class, lane: u8 },
    Replace { op: Op, lane: u8 },
    Load { op: Op, to: Class, memarg: MemArg },
    Store { op: Op, from: Class, memarg: MemArg },
    LoadLane { op: Op, memarg: MemArg, lane: u8 },
    StoreLane { op: Op, memarg: MemArg, lane: u8 },
}

/// The table's row for `operator`, if a family serves it; control, variables and bulk operations are the
/// translator's own.
pub(crate) fn select(operator: &wasmparser::Operator<'_>) -> Option<Selected> {
    LoadOp::of(operator)
        .or_else(|| CommutativeOp::of(operator))
        .or_else(|| IntCompareOp::of(operator))
        .or_else(|| StoreOp::of(operator))
        .or_else(|| OrderedOp::of(operator))
        .or_else(|| UnaryOp::of(operator))
        .or_else(|| FloatCompareOp::of(operator))
        .or_else(|| VectorOp::of(operator))
        .or_else(|| VectorUnaryOp::of(operator))
        .or_else(|| ShiftOp::of(operator))
        .or_else(|| ExtractOp::of(operator))
        .or_else(|| ReplaceOp::of(operator))
        .or_else(|| LoadLaneOp::of(operator))
        .or_else(|| StoreLaneOp::of(operator))
}
