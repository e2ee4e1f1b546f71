//! Branches and returns.

use super::deopt::ExitPoint;
use super::translator::{Translator, block_args};
use crate::compiler::decline::Decline;
use crate::compiler::scratch::More;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData, Value};
use dunlin::tier::Loop;
use std::collections::BTreeMap;
use wasmparser::BrTable;

impl Translator<'_, '_> {
    /// The CLIF block of the label at `depth`, and the label's values; and the loop, if the label is a loop's.
    fn target(&mut self, depth: u32) -> (Block, Vec<BlockArg>, Option<Loop>) {
        let i = self.frames.len() - 1 - depth as usize;
        let values = block_args(self.stack.peekn(self.frames[i].label_values));
        match self.frames[i].loop_header {
            Some((found, header)) => (header, values, Some(found)),
            None => (self.end_block(i), values, None),
        }
    }

    pub(super) fn br(&mut self, depth: u32) {
        self.jump(depth);
        self.set_unreachable();
    }

    /// Jumps to the label at `depth`, with the topmost operands.
    pub(super) fn jump(&mut self, depth: u32) {
        let (label, values, found) = self.target(depth);
        if let Some(found) = found {
            self.back_edge(found, depth);
        }
        self.b.ins().jump(label, &values);
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let condition = self.stack.pop();
        self.branch_on(condition, depth);
    }

    /// Branches if the reference is null, and drops it then.
    pub(super) fn br_on_null(&mut self, depth: u32) {
        let reference = self.stack.pop();
        let is_null = self.b.ins().icmp_imm_s(IntCC::Equal, reference, 0);
        self.branch_on(is_null, depth);
        self.stack.push(reference);
    }

    /// Branches with the reference if it isn't null, and otherwise drops it.
    pub(super) fn br_on_non_null(&mut self, depth: u32) {
        let reference = self.stack.peek();
        self.branch_on(reference, depth);
        self.stack.pop();
    }

    /// Branches with the topmost operands if the condition isn't zero.
    fn branch_on(&mut self, condition: Value, depth: u32) {
        let (label, values, found) = self.target(depth);
        let next = self.b.create_block();
        let hint = self.branch_hint();
        if hint == Some(true) {
            self.b.set_cold_block(next);
        }
        if found.is_none() && hint != Some(false) {
            self.b.ins().brif(condition, label, &values, next, &[]);
        } else {
            // What is done on the way; the label may have other ways to it that aren't unlikely.
            let way = self.b.create_block();
            if hint == Some(false) {
                self.b.set_cold_block(way);
            }
            self.b.ins().brif(condition, way, &[], next, &[]);
            self.b.seal_block(way);
            self.b.switch_to_block(way);
            if let Some(found) = found {
                self.back_edge(found, depth);
            }
            self.b.ins().jump(label, &values);
        }
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    /// What the module says of the branch at the current instruction: whether it is likely.
    pub(super) fn branch_hint(&self) -> Option<bool> {
        self.view.branch_hint(self.scope.index, self.offset.into())
    }

    pub(super) fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), Decline> {
        let index = self.stack.pop();
        let mut depths: Vec<u32> =
            targets.targets().map(|depth| depth.unwrap_or(targets.default())).collect();
        depths.push(targets.default());
        let values = |depth: &u32| self.frames[self.frames.len() - 1 - *depth as usize].label_values + 1;
        let in_lists = depths.iter().map(values).sum::<usize>() as u64;
        self.need(More { in_lists, ..More::default() })?;
        self.table_targets += depths.len();
        let mut calls = Vec::with_capacity(depths.len());
        // Back edges go by way of a block of their own, one for each loop, which charges fuel or polls.
        let mut backs: BTreeMap<u32, Block> = BTreeMap::new();
        for depth in depths {
            let (label, values, found) = self.target(depth);
            let call = match found {
                None => self.b.func.dfg.block_call(label, &values),
                Some(_) => {
                    let back = *backs.entry(depth).or_insert_with(|| self.b.create_block());
                    self.b.func.dfg.block_call(back, &[])
                }
            };
            calls.push(call);
        }
        let default = calls.pop().expect("the default is last");
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(index, table);
        for (depth, back) in backs {
            self.b.seal_block(back);
            self.b.switch_to_block(back);
            let (label, values, found) = self.target(depth);
            self.back_edge(found.expect("it is a loop's"), depth);
            self.b.ins().jump(label, &values);
        }
        self.set_unreachable();
        Ok(())
    }

    /// A back edge to a loop, `depth` frames out: charges fuel, or polls. That is done here rather than at the header,
    /// because a trap in a loop is reported at the branch.
    fn back_edge(&mut self, found: Loop, depth: u32) {
        // An execution that is suspended here resumes at the header, with the operands of the header.
        let frame = &self.frames[self.frames.len() - 1 - depth as usize];
        let (height, n, polled) = (frame.height, frame.label_values, frame.polled);
        let offset = std::mem::replace(&mut self.offset, found.offset as u32);
        // Only suspension reads the operand stack.
        let above = self.options.suspends.then(|| {
            let above = self.stack.split_off(height);
            above[above.len() - n..].iter().for_each(|value| self.stack.push(*value));
            self.put_outer_values(depth);
            above
        });
        if self.options.fuel {
            self.charge(found.cost, ExitPoint::Arrival, &[]);
        } else if !polled {
            self.poll();
        }
        if let Some(above) = above {
            self.stack.truncate(height);
            above.into_iter().for_each(|value| self.stack.push(value));
        }
        self.offset = offset;
    }

    /// Returns from the current function, which may be inlined, and ends the path.
    pub(super) fn return_values(&mut self, values: &[Value]) {
        if self.is_inlining() {
            let end = self.end_block(self.scope.first_frame);
            self.b.ins().jump(end, &block_args(values));
        } else {
            self.emit_return(values);
        }
        self.set_unreachable();
    }

    /// Returns. An OSR continuation leaves the results in slots, where the interpreter expects them.
    pub(super) fn emit_return(&mut self, values: &[Value]) {
        if self.part.is_whole() {
            self.b.ins().return_(values);
            return;
        }
        self.store_slots(values, 0);
        self.b.ins().return_(&[]);
    }
}
