//! Whether Cranelift's removal of constant phis (block params that always have the same value) is worth its time.
//!
//! That pass iterates over all branches to a fixed point. It mostly takes a few rounds, but as many as there are params
//! where each gets its value from the next one.

use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::entity::SecondaryMap;
use cranelift_codegen::ir::{Function, Value};

/// With at most this many branch arguments, any number of rounds is fast.
const FEW_ARGUMENTS: usize = 2000;

const ROUNDS: usize = 16;

/// The lattice of a param's value.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Known {
    #[default]
    Nothing,
    One(Value),
    Many,
}

/// Whether the pass reaches its fixed point within [`ROUNDS`] rounds.
pub(super) fn settle_soon(func: &Function, domtree: &DominatorTree) -> bool {
    let dfg = &func.dfg;
    // Pairs of a param and an argument, in the order in which Cranelift visits them.
    let mut flows: Vec<(Value, Value)> = Vec::new();
    for block in domtree.cfg_rpo() {
        let Some(branch) = func.layout.last_inst(*block) else { continue };
        for target in dfg.insts[branch].branch_destination(&dfg.jump_tables, &dfg.exception_tables) {
            let params = dfg.block_params(target.block(&dfg.value_lists));
            let args = target.args(&dfg.value_lists).filter_map(|arg| arg.as_value());
            flows.extend(params.iter().copied().zip(args.map(|arg| dfg.resolve_aliases(arg))));
        }
    }
    if flows.len() <= FEW_ARGUMENTS {
        return true;
    }
    let mut params: SecondaryMap<Value, Option<Known>> = SecondaryMap::with_capacity(dfg.num_values());
    flows.iter().for_each(|(param, _)| params[*param] = Some(Known::Nothing));
    for _ in 0..ROUNDS {
        let mut changed = false;
        for (param, arg) in &flows {
            let (old, from) = (params[*param].unwrap_or_default(), params[*arg].unwrap_or(Known::One(*arg)));
            let new = match (old, from) {
                (Known::Nothing, known) | (known, Known::Nothing) => known,
                (Known::One(a), Known::One(b)) if a == b => old,
                _ => Known::Many,
            };
            changed |= new != old;
            params[*param] = Some(new);
        }
        if !changed {
            return true;
        }
    }
    false
}
