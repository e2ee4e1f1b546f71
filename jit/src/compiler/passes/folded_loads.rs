//! Source positions of faults, after optimisation.
//!
//! On x86_64, a load may be folded into the instruction that uses its value, and then faults there. An instruction that
//! can't trap itself needs no position of its own, so it gets the load's. So do instructions that the optimizer made,
//! which would have no position.

use cranelift_codegen::ir::immediates::Offset32;
use cranelift_codegen::ir::{Function, Inst, InstructionData, Opcode, Value};
use std::collections::HashMap;

/// Gives each instruction into which a load may be folded the load's position.
pub(super) fn set_srclocs(func: &mut Function) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::cursor::{Cursor, FuncCursor};
    use cranelift_codegen::ir::types::{I32, I64};
    use cranelift_codegen::ir::{InstBuilder, MemFlagsData, SourceLoc};

    const FLAGS: MemFlagsData = MemFlagsData::new();

    /// Where a function's instructions are, of which the first is at 1, the second at 2, and so on, once loads have been followed.
    /// `make` gets two addresses.
    fn positions(make: impl FnOnce(&mut FuncCursor<'_>, [Value; 2])) -> Vec<u32> {
        let mut func = Function::new();
        let block = func.dfg.make_block();
        let addresses = [0, 1].map(|_| func.dfg.append_block_param(block, I64));
        let mut cursor = FuncCursor::new(&mut func);
        cursor.insert_block(block);
        make(&mut cursor, addresses);
        let all = |func: &Function| {
            func.layout.blocks().flat_map(|block| func.layout.block_insts(block)).collect::<Vec<_>>()
        };
        for (inst, position) in all(&func).into_iter().zip(1..) {
            func.set_srcloc(inst, SourceLoc::new(position));
        }
        set_srclocs(&mut func);
        all(&func).into_iter().map(|inst| func.srcloc(inst).bits()).collect()
    }

    #[test]
    fn what_uses_loads_is_where_the_last_one_is() {
        for swap in [false, true] {
            let found = positions(|func, [p, q]| {
                let first = func.ins().load(I32, FLAGS, p, 0);
                let second = func.ins().load(I32, FLAGS, q, 0);
                let (x, y) = if swap { (second, first) } else { (first, second) };
                let sum = func.ins().iadd(x, y);
                func.ins().iadd(sum, first);
            });
            assert_eq!(found, [1, 2, 2, 2]);
        }
        // The sum of the first load's is where that is; with another load, it is there.
        let found = positions(|func, [p, q]| {
            let first = func.ins().load(I32, FLAGS, p, 0);
            let sum = func.ins().iadd(first, first);
            let second = func.ins().load(I32, FLAGS, q, 0);
            func.ins().iadd(sum, second);
        });
        assert_eq!(found, [1, 1, 3, 3]);
    }

    #[test]
    fn what_traps_itself_is_where_it_is() {
        let found = positions(|func, [p, q]| {
            let value = func.ins().load(I32, FLAGS, p, 0);
            let quotient = func.ins().sdiv(value, value);
            func.ins().iadd(quotient, quotient);
            func.ins().store(FLAGS, value, q, 0);
        });
        assert_eq!(found, [1, 2, 3, 4]);
        // In another block it can't have become a part of it.
        let found = positions(|func, [p, _]| {
            let value = func.ins().load(I32, FLAGS, p, 0);
            let next = func.func.dfg.make_block();
            func.ins().jump(next, &[]);
            func.insert_block(next);
            func.ins().iadd(value, value);
        });
        assert_eq!(found, [1, 2, 3]);
    }

    #[test]
    fn a_store_to_where_a_load_came_from_does_not_trap() {
        let stored = |make: fn(&mut FuncCursor<'_>, Value, [Value; 2])| {
            let found = positions(|func, [p, q]| {
                let value = func.ins().load(I32, FLAGS, p, 8);
                let value = func.ins().iadd(value, value);
                make(func, value, [p, q]);
            });
            assert_eq!(found[..2], [1, 1]);
            *found.last().unwrap()
        };
        assert_eq!(stored(|func, value, [p, _]| _ = func.ins().store(FLAGS, value, p, 8)), 1);
        assert_eq!(stored(|func, value, [p, _]| _ = func.ins().istore8(FLAGS, value, p, 8)), 1);
        assert_eq!(stored(|func, value, [p, _]| _ = func.ins().istore16(FLAGS, value, p, 8)), 1);
        assert_eq!(stored(|func, value, [p, _]| _ = func.ins().store(FLAGS, value, p, 9)), 3);
        assert_eq!(stored(|func, value, [_, q]| _ = func.ins().store(FLAGS, value, q, 8)), 3);
        // More than was loaded.
        let wider = |func: &mut FuncCursor<'_>, value, [p, _]: [Value; 2]| {
            let value = func.ins().uextend(I64, value);
            func.ins().store(FLAGS, value, p, 8);
        };
        assert_eq!(stored(wider), 4);
        let found = positions(|func, [p, _]| {
            let value = func.ins().uload8(I32, FLAGS, p, 0);
            func.ins().istore16(FLAGS, value, p, 0);
        });
        assert_eq!(found, [1, 2]);
        // Another load in between, which the value comes from as well.
        let found = positions(|func, [p, q]| {
            let value = func.ins().load(I32, FLAGS, p, 0);
            let other = func.ins().load(I32, FLAGS, q, 0);
            let sum = func.ins().iadd(value, other);
            func.ins().store(FLAGS, sum, p, 0);
        });
        assert_eq!(found, [1, 2, 2, 4]);
    }
}
