//! Which way a branch in a loop goes first.
//!
//! Cranelift moves what a loop doesn't change in front of it as it walks the blocks, until the walk comes to a block outside the
//! loop; in the blocks of the loop that follow, it moves nothing, and even computes there what the module computes in
//! front of the loop. It walks to the second of a branch's targets first: that one has to stay.

use cranelift_codegen::Context;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{Function, Inst, InstBuilder, InstructionData, Opcode, Value};

/// Makes the first of a branch's targets the one that leaves the loop, if one of them does.
pub(super) fn first(context: &mut Context) {
    context.flowgraph();
    context.compute_loop_analysis();
    let (loops, func) = (&context.loop_analysis, &mut context.func);
    if loops.loops().next().is_none() {
        return;
    }
    let mut turned = Vec::new();
    for block in func.layout.blocks() {
        if let Some(innermost) = loops.innermost_loop(block)
            && let Some(inst) = func.layout.last_inst(block)
            && let InstructionData::Brif { blocks, .. } = func.dfg.insts[inst]
            && let [true, false] =
                blocks.map(|to| loops.is_in_loop(to.block(&func.dfg.value_lists), innermost))
        {
            turned.push(inst);
        }
    }
    for inst in turned {
        turn(func, inst);
    }
    // The verifier would compare what is known with what has become of it.
    context.cfg.clear();
    context.domtree.clear();
    context.loop_analysis.clear();
}

fn turn(func: &mut Function, inst: Inst) {
    let InstructionData::Brif { opcode, arg, blocks: [first, second] } = func.dfg.insts[inst] else { return };
    let arg = inverse(func, inst, arg);
    func.dfg.insts[inst] = InstructionData::Brif { opcode, arg, blocks: [second, first] };
}

/// What is true where a condition isn't.
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
