//! Counts what determines Cranelift's memory use for a function.

use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Block, DataFlowGraph, Function, Inst, Opcode, Value, ValueDef};

/// Arguments of a branch beyond this many count as spilled. x86_64 has a few less than 16 allocatable integer
/// registers.
const IN_REGISTERS: u64 = 16;

/// The counts.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Census {
    pub(crate) instructions: u64,
    /// Constants, loads and traps, which are often folded into other machine instructions.
    pub(crate) parts: u64,
    pub(crate) stores: u64,
    /// Comparisons, selections and changes of width.
    pub(crate) comparisons: u64,
    /// Instructions that expand to many machine instructions.
    pub(crate) sequences: u64,
    /// Other computations.
    pub(crate) computations: u64,
    /// Arguments and results of calls and returns.
    pub(crate) call_operands: u64,
    /// Edges between blocks.
    pub(crate) branches: u64,
    /// Arguments on edges, and how many of them are beyond what registers hold.
    pub(crate) branch_arguments: u64,
    pub(crate) spilled_arguments: u64,
    /// Pairs of a value and a block that it may be live into.
    pub(crate) live_ins: u64,
}

/// A block's index in the layout.
type At = u32;

impl Census {
    /// Counts in a function in whose layout each block follows its dominators.
    ///
    /// A value counts as live from its definition to its last use in layout order, extended to the end of each loop
    /// that it is live into. That is an upper bound on its live range.
    pub(crate) fn of(func: &Function) -> Census {
        let dfg = &func.dfg;
        let mut at: SecondaryMap<Block, At> = SecondaryMap::with_capacity(dfg.num_blocks());
        for (i, block) in (0..).zip(func.layout.blocks()) {
            at[block] = i;
        }
        let ends = loop_ends(func, &at);
        let mut census = Census::default();
        let mut last: SecondaryMap<Value, At> = SecondaryMap::with_capacity(dfg.num_values());
        // Headers of the loops around the current block, outermost first.
        let mut around: Vec<At> = Vec::new();
        for (i, block) in (0..).zip(func.layout.blocks()) {
            while around.pop_if(|header| ends[*header as usize] < i).is_some() {}
            if ends[i as usize] > i {
                around.push(i);
            }
            let mut live_ins = 0;
            let mut uses = |value: Value| {
                let value = dfg.resolve_aliases(value);
                let defined = match dfg.value_def(value) {
                    ValueDef::Result(inst, _) => func.layout.inst_block(inst),
                    ValueDef::Param(block, _) => Some(block),
                    ValueDef::Union(..) => None,
                };
                let defined = defined.map_or(i, |block| at[block]);
                let entered = around[around.partition_point(|header| *header <= defined)..].first();
                let to = entered.map_or(i, |header| ends[*header as usize]);
                let known = last[value].max(defined);
                live_ins += u64::from(to.saturating_sub(known));
                last[value] = known.max(to);
            };
            for inst in func.layout.block_insts(block) {
                census.count(dfg, inst);
                dfg.inst_args(inst).iter().copied().for_each(&mut uses);
                let data = &dfg.insts[inst];
                for target in data.branch_destination(&dfg.jump_tables, &dfg.exception_tables) {
                    let arguments = target.args(&dfg.value_lists).filter_map(|arg| arg.as_value());
                    let mut n = 0;
                    for argument in arguments {
                        n += 1;
                        uses(argument);
                    }
                    census.branches += 1;
                    census.branch_arguments += n;
                    census.spilled_arguments += n.saturating_sub(IN_REGISTERS);
                }
            }
            census.live_ins += live_ins;
        }
        census
    }

    /// Counts an instruction.
    fn count(&mut self, dfg: &DataFlowGraph, inst: Inst) {
        use Opcode::*;
        let opcode = dfg.insts[inst].opcode();
        let (arguments, results) = (dfg.inst_args(inst), dfg.inst_results(inst));
        let value = results.first().or(arguments.first());
        let is_vector = value.is_some_and(|value| dfg.value_type(*value).is_vector());
        self.instructions += 1;
        match opcode {
            _ if opcode.is_call() || opcode.is_return() => {
                self.call_operands += (arguments.len() + results.len()) as u64;
            }
            _ if opcode.is_branch() => {}
            Iconst | F32const | F64const | Trap | Trapz | Trapnz => self.parts += 1,
            FcvtToUint | FcvtToSint | FcvtToUintSat | FcvtToSintSat | FcvtFromUint | FcvtFromSint | Udiv
            | Sdiv | Urem | Srem | Fmin | Fmax | Clz | Ctz | Popcnt | AtomicRmw | AtomicCas | AtomicLoad
            | AtomicStore | Fence => self.sequences += 1,
            _ if is_vector => self.computations += 1,
            Icmp | Fcmp | Select | Uextend | Sextend | Ireduce => self.comparisons += 1,
            _ if opcode.can_store() => self.stores += 1,
            _ if opcode.can_load() => self.parts += 1,
            _ => self.computations += 1,
        }
    }
}

/// For each block: the last block of the loop whose header it is, or itself. Loops are made nested or disjoint.
fn loop_ends(func: &Function, at: &SecondaryMap<Block, At>) -> Vec<At> {
    let dfg = &func.dfg;
    let mut ends: Vec<At> = Vec::with_capacity(dfg.num_blocks());
    for (i, block) in (0..).zip(func.layout.blocks()) {
        ends.push(i);
        let Some(branch) = func.layout.last_inst(block) else { continue };
        for target in dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables) {
            let header = at[target.block(&dfg.value_lists)];
            if header <= i {
                ends[header as usize] = i;
            }
        }
    }
    // A loop that ends in the middle of a later one is extended to that one's end.
    let mut behind: Vec<At> = Vec::new();
    for header in (0..ends.len()).rev() {
        let mut end = ends[header];
        while let Some(next) = behind.pop_if(|next| *next <= end) {
            end = end.max(ends[next as usize]);
        }
        ends[header] = end;
        if end > header as At {
            behind.push(header as At);
        }
    }
    ends
}
