//! Source positions of faults, after optimisation.
//!
//! On x86_64, a load may be folded into the instruction that uses its value, and then faults there. An instruction that
//! can't trap itself needs no position of its own, so it gets the load's. So do instructions that the optimizer made,
//! which would have no position.

use cranelift_codegen::ir::immediates::Offset32;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode, Value};
use std::collections::HashMap;

/// Gives each instruction into which a load may be folded the load's position.
pub(super) fn follow_loads(func: &mut Function) {
    // The load from which a value of the block comes. Of several, only the last can be folded into the use.
    let mut loads: HashMap<Inst, (u32, Inst)> = HashMap::new();
    let mut block = func.layout.entry_block();
    while let Some(this) = block {
        block = func.layout.next_block(this);
        loads.clear();
        let mut count = 0;
        let mut inst = func.layout.first_inst(this);
        while let Some(this) = inst {
            inst = func.layout.next_inst(this);
            count += 1;
            let opcode = func.dfg.insts[this].opcode();
            let from = func.dfg.inst_args(this).iter().filter_map(|arg| load_of(func, *arg, &loads)).max();
            if opcode.can_load() && !opcode.can_store() && !opcode.is_call() {
                loads.insert(this, (count, this));
            } else if let Some((count, load)) = from
                && (has_no_trap(opcode) || stores_back(func, this, load))
            {
                let position = func.srcloc(load);
                func.set_srcloc(this, position);
                loads.insert(this, (count, load));
            }
        }
    }
}

fn load_of(func: &Function, value: Value, loads: &HashMap<Inst, (u32, Inst)>) -> Option<(u32, Inst)> {
    loads.get(&func.dfg.value_def(value).inst()?).copied()
}

fn has_no_trap(opcode: Opcode) -> bool {
    !opcode.can_trap() && !opcode.can_load() && !opcode.can_store() && !opcode.is_call()
}

/// Whether a store only writes bytes that the load has read. It then doesn't fault, since the load hasn't.
fn stores_back(func: &Function, store: Inst, load: Inst) -> bool {
    let place = |inst| -> Option<(Value, Offset32)> {
        match func.dfg.insts[inst] {
            InstructionData::Load { arg, offset, .. } => Some((arg, offset)),
            InstructionData::Store { args: [_, address], offset, .. } => Some((address, offset)),
            _ => None,
        }
    };
    place(store).is_some_and(|to| place(load) == Some(to))
        && size_of_access(func, store) <= size_of_access(func, load)
}

/// The number of bytes that a load or store accesses.
fn size_of_access(func: &Function, inst: Inst) -> u32 {
    match func.dfg.insts[inst].opcode() {
        Opcode::Istore8 | Opcode::Uload8 | Opcode::Sload8 => 1,
        Opcode::Istore16 | Opcode::Uload16 | Opcode::Sload16 => 2,
        Opcode::Istore32 | Opcode::Uload32 | Opcode::Sload32 => 4,
        Opcode::Store => func.dfg.value_type(func.dfg.inst_args(inst)[0]).bytes(),
        _ => func.dfg.value_type(func.dfg.first_result(inst)).bytes(),
    }
}
