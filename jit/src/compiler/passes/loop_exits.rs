//! Orders the targets of branches that leave a loop, for the sake of LICM.
//!
//! Cranelift hoists loop invariants during a walk over the dominator tree. Once the walk has visited a block outside
//! the loop, it hoists nothing more from the loop's blocks that follow, and even computes values in them that the
//! module computes in front of the loop. The walk visits the second target of a branch first, so that must be the one
//! that stays in the loop.

use cranelift_codegen::Context;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Value};

/// For each conditional branch in a loop: makes the target that leaves the loop the first one.
pub(super) fn put_first(context: &mut Context) {
    context.flowgraph();
    context.compute_loop_analysis();
    let (loops, func) = (&context.loop_analysis, &mut context.func);
    if loops.loops().next().is_none() {
        return;
    }
    let mut leaving = Vec::new();
    for block in func.layout.blocks() {
        if let Some(innermost) = loops.innermost_loop(block)
            && let Some(inst) = func.layout.last_inst(block)
            && let InstructionData::Brif { blocks, .. } = func.dfg.insts[inst]
            && let [true, false] =
                blocks.map(|to| loops.is_in_loop(to.block(&func.dfg.value_lists), innermost))
        {
            leaving.push(inst);
        }
    }
    for inst in leaving {
        swap_targets(func, inst);
    }
    // Cleared, since the verifier compares analyses with the function, which has changed.
    context.cfg.clear();
    context.domtree.clear();
    context.loop_analysis.clear();
}

fn swap_targets(func: &mut Function, inst: Inst) {
    let InstructionData::Brif { opcode, arg, blocks: [first, second] } = func.dfg.insts[inst] else { return };
    let arg = inverse(func, inst, arg);
    func.dfg.insts[inst] = InstructionData::Brif { opcode, arg, blocks: [second, first] };
}

/// The negation of a condition.
fn inverse(func: &mut Function, inst: Inst, condition: Value) -> Value {
    let condition = without_extension(func, condition);
    let definition = func.dfg.value_def(condition).inst().map(|inst| func.dfg.insts[inst]);
    let mut at = FuncCursor::new(func).at_inst(inst);
    match definition {
        Some(InstructionData::IntCompare { cond: IntCC::Equal, args: [x, y], .. }) if is_zero(at.func, y) => {
            without_extension(at.func, x)
        }
        Some(InstructionData::IntCompare { cond, args: [x, y], .. }) => {
            at.ins().icmp(cond.complement(), x, y)
        }
        Some(InstructionData::FloatCompare { cond, args: [x, y], .. }) => {
            at.ins().fcmp(cond.complement(), x, y)
        }
        _ => at.ins().icmp_imm_s(IntCC::Equal, condition, 0),
    }
}

fn without_extension(func: &Function, value: Value) -> Value {
    let value = func.dfg.resolve_aliases(value);
    match func.dfg.value_def(value).inst().map(|inst| func.dfg.insts[inst]) {
        Some(InstructionData::Unary { opcode: Opcode::Uextend, arg, .. }) => without_extension(func, arg),
        _ => value,
    }
}

fn is_zero(func: &Function, value: Value) -> bool {
    let definition = func.dfg.value_def(func.dfg.resolve_aliases(value)).inst();
    let zero = |inst| matches!(func.dfg.insts[inst], InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } if imm.bits() == 0);
    definition.is_some_and(zero)
}
