//! Blocks and branches. Each label is a block of Cranelift's, whose parameters are the label's values.

use super::func::{Part, Translator, clif_type};
use super::leave::Place;
use super::slots;
use super::traps;
use super::unit::Decline;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData, Type, Value};
use dunlin::tier::{Loop, layout};
use dunlin::{Trap, ValType};
use wasmparser::{BlockType, BrTable, Operator};

/// A block that is being translated.
pub(super) struct Frame {
    kind: Kind,
    /// Operands below it, its parameters not counted.
    height: usize,
    /// Where branches to its label go, and what follows it.
    label: Block,
    end: Block,
    /// How many values a branch takes.
    label_values: usize,
    /// The loop, if it is one.
    found: Option<Loop>,
    results: usize,
    /// Whether whoever comes here has looked for interruptions since it began.
    looks: bool,
    /// The rest of it can't be reached; blocks in there are only counted.
    pub(super) dead: bool,
    skipped: u32,
    /// Whether `end` can be reached.
    joined: bool,
    /// Whether the operands below it are variables, because what is translated may be entered within.
    variables: bool,
}

enum Kind {
    Function,
    Block,
    Loop,
    /// With where it goes on if the condition doesn't hold, and its parameters, for the other arm.
    If(Block, Vec<Value>),
    Else,
}

pub(super) fn block_args(values: &[Value]) -> Vec<BlockArg> {
    values.iter().map(|value| BlockArg::Value(*value)).collect()
}

impl Translator<'_, '_> {
    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the function's own frame ends last")
    }

    pub(super) fn begin_function(&mut self) {
        let results: Vec<Type> = self.scope.ty.results().iter().map(|ty| clif_type(*ty)).collect();
        let end = self.block_with(&results);
        self.frames.push(Frame {
            kind: Kind::Function,
            height: self.scope.first_operand,
            label: end,
            end,
            label_values: results.len(),
            found: None,
            results: results.len(),
            looks: false,
            dead: false,
            skipped: 0,
            joined: false,
            variables: self.entrance.is_some(),
        });
    }

    fn block_with(&mut self, types: &[Type]) -> Block {
        let block = self.b.create_block();
        for ty in types {
            self.b.append_block_param(block, *ty);
        }
        block
    }

    fn block_types(&self, ty: BlockType) -> (Vec<Type>, Vec<Type>) {
        let types = |types: &[ValType]| types.iter().map(|ty| clif_type(*ty)).collect();
        match ty {
            BlockType::Empty => (Vec::new(), Vec::new()),
            BlockType::Type(ty) => (Vec::new(), vec![wasm_type(ty)]),
            BlockType::FuncType(index) => {
                let ty = &self.view.types()[index as usize];
                (types(ty.params()), types(ty.results()))
            }
        }
    }

    /// Of code that can't be reached, only counts the blocks.
    pub(super) fn dead_code(&mut self, operator: &Operator<'_>) {
        let frame = self.frame();
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => frame.skipped += 1,
            Operator::End if frame.skipped > 0 => frame.skipped -= 1,
            Operator::End => self.end(),
            Operator::Else if frame.skipped == 0 => self.else_(),
            _ => {}
        }
    }

    /// Translates an instruction of control; false if it is none.
    pub(super) fn structured(&mut self, operator: &Operator<'_>, at: u64) -> bool {
        match *operator {
            Operator::Unreachable => {
                self.expect_not_to_come_here();
                // Or it would become a part of the branch that leads here, and be reported there.
                self.b.ins().sequence_point();
                self.b.ins().trap(traps::code(Trap::UnreachableCodeReached));
                self.leave();
            }
            Operator::Block { blockty } => self.block(blockty),
            Operator::Loop { blockty } => self.loop_(blockty, at),
            Operator::If { blockty } => self.if_(blockty),
            Operator::Else => self.else_(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::Return => {
                let n = self.scope.ty.results().len();
                let values = self.stack.peekn(n).to_vec();
                self.return_values(&values);
            }
            _ => return false,
        }
        true
    }

    /// What leads here isn't expected to happen.
    pub(super) fn expect_not_to_come_here(&mut self) {
        let entry = self.b.func.layout.entry_block();
        if let Some(block) = self.b.current_block().filter(|block| entry != Some(*block)) {
            self.b.set_cold_block(block);
        }
    }

    /// Ends the path: what follows in the block can't be reached.
    pub(super) fn leave(&mut self) {
        let frame = self.frame();
        frame.dead = true;
        let height = frame.height;
        self.stack.truncate(height);
    }

    /// Notes that the entry of a function, which has just been called, looks for interruptions.
    pub(super) fn has_looked(&mut self) {
        self.frame().looks = true;
    }

    /// Whether what follows in the block can't be reached.
    pub(super) fn is_dead(&mut self) -> bool {
        self.frame().dead
    }

    /// Another path comes here.
    pub(super) fn revive(&mut self) {
        self.frame().dead = false;
    }

    /// Begins a block; of a loop, with its header and what is known of it.
    fn enter(&mut self, kind: Kind, params: &[Type], results: &[Type], header: Option<(Block, Loop)>) {
        let end = self.block_with(results);
        let height = self.stack.len() - params.len();
        self.make_variables(height);
        let label_values = if header.is_some() { params.len() } else { results.len() };
        let label = header.map_or(end, |(header, _)| header);
        let found = header.map(|(_, found)| found);
        let results = results.len();
        self.frames.push(Frame {
            kind,
            height,
            label,
            end,
            label_values,
            found,
            results,
            looks: false,
            dead: false,
            skipped: 0,
            joined: false,
            variables: self.entrance.is_some(),
        });
    }

    fn block(&mut self, ty: BlockType) {
        let (params, results) = self.block_types(ty);
        self.enter(Kind::Block, &params, &results, None);
    }

    fn loop_(&mut self, ty: BlockType, at: u64) {
        let (params, results) = self.block_types(ty);
        let shape = self.scope.shape.loops[self.scope.loops];
        debug_assert_eq!(shape.offset, at);
        self.scope.loops += 1;
        let header = self.block_with(&params);
        let below = self.stack.len() - params.len();
        let may_enter = self.entrance.is_some();
        self.make_variables(below);
        let initial = block_args(self.stack.peekn(params.len()));
        if self.options.fuel {
            self.charge(shape.cost, Place::Loop, &[]);
        }
        self.b.ins().jump(header, &initial);
        if self.part == Part::From(shape)
            && let Some(entrance) = self.entrance.take()
        {
            self.enter_part(entrance, (header, shape.cost), below, &params);
        }
        self.b.switch_to_block(header);
        // Taking variables may add parameters.
        let values = self.b.block_params(header).to_vec();
        if may_enter {
            self.use_variables(below);
        }
        self.stack.truncate(below);
        values.into_iter().for_each(|value| self.stack.push(value));
        self.enter(Kind::Loop, &params, &results, Some((header, shape)));
        self.frame().variables = may_enter;
    }

    /// On a branch back to a loop, `depth` blocks out. It is done here rather than at the header because what stops a program in
    /// a loop stops it at the branch.
    fn arrive(&mut self, found: Loop, depth: u32) {
        // Were it left here, it would go on at the header, with what that has.
        let frame = &self.frames[self.frames.len() - 1 - depth as usize];
        let (height, n, looks) = (frame.height, frame.label_values, frame.looks);
        let values = self.stack.peekn(n).to_vec();
        let stack = self.stack.clone();
        let offset = std::mem::replace(&mut self.offset, found.offset as u32);
        self.stack.truncate(height);
        values.into_iter().for_each(|value| self.stack.push(value));
        if self.options.fuel {
            self.charge(found.cost, Place::Loop, &[]);
        } else if !looks {
            self.poll();
        }
        (self.stack, self.offset) = (stack, offset);
    }

    /// In front of a block that what is translated may be entered in: operands below it are variables, since they may come
    /// from the entrance as well. Those of outer blocks are already.
    fn make_variables(&mut self, below: usize) {
        if self.entrance.is_none() {
            return;
        }
        for i in self.operand_variables.len()..below {
            let value = self.stack[i];
            let ty = self.b.func.dfg.value_type(value);
            let slot = self.slot_of_operand(i);
            let variable = self.declare_variable(ty);
            self.b.def_var(variable, value);
            self.operand_variables.push((variable, ty, slot));
        }
    }

    /// Where ways come together at such a block: takes the operands below it from their variables.
    fn use_variables(&mut self, below: usize) {
        for i in 0..below {
            self.stack[i] = self.b.use_var(self.operand_variables[i].0);
        }
    }

    /// Forgets the variables of operands that are below no block any more.
    fn drop_variables(&mut self) {
        let below = self.frames.last().map_or(0, |frame| frame.height);
        self.operand_variables.truncate(below);
    }

    /// The way in: everything comes from slots.
    fn enter_part(&mut self, entrance: Block, (header, cost): (Block, u32), below: usize, params: &[Type]) {
        self.b.switch_to_block(entrance);
        self.b.seal_block(entrance);
        let variables = self.scope.locals.iter().chain(&self.operand_variables).copied().collect::<Vec<_>>();
        for (variable, ty, slot) in variables {
            let value = self.load_slot(ty, self.scope.sp, slot);
            self.b.def_var(variable, value);
        }
        let slot = self.slot_of_operand(below);
        let types = params.iter().copied();
        let values = slots::load(&mut self.b, self.flags.slots, types, self.scope.sp, slot);
        if self.options.fuel {
            // The interpreter has seen to it that there is as much.
            let store = self.load_vm(layout::VMCTX_STORE);
            let slice = self.b.ins().load(I64, self.flags.vm, store, layout::STORE_SLICE);
            let left = self.b.ins().iadd_imm_s(slice, -i64::from(cost));
            self.b.ins().store(self.flags.vm, left, store, layout::STORE_SLICE);
        }
        self.b.ins().jump(header, &block_args(&values));
    }

    fn if_(&mut self, ty: BlockType) {
        let condition = self.stack.pop();
        let (params, results) = self.block_types(ty);
        let (then, otherwise) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.seal_block(then);
        self.b.seal_block(otherwise);
        let values = self.stack.peekn(params.len()).to_vec();
        self.enter(Kind::If(otherwise, values), &params, &results, None);
        self.b.switch_to_block(then);
    }

    fn else_(&mut self) {
        self.join();
        let frame = self.frame();
        frame.dead = false;
        let (height, variables) = (frame.height, frame.variables);
        let Kind::If(otherwise, values) = std::mem::replace(&mut frame.kind, Kind::Else) else {
            unreachable!("validation has seen the if")
        };
        self.stack.truncate(height);
        values.into_iter().for_each(|value| self.stack.push(value));
        self.b.switch_to_block(otherwise);
        if variables {
            self.use_variables(height);
        }
    }

    /// Goes on at the end of the innermost block, unless this can't be reached.
    fn join(&mut self) {
        let frame = self.frame();
        if frame.dead {
            return;
        }
        frame.joined = true;
        let (end, n) = (frame.end, frame.results);
        let values = block_args(self.stack.peekn(n));
        self.b.ins().jump(end, &values);
    }

    fn end(&mut self) {
        self.join();
        if let Kind::If(otherwise, values) = std::mem::replace(&mut self.frame().kind, Kind::Else) {
            // Without an else, its results are its parameters.
            self.b.switch_to_block(otherwise);
            let frame = self.frame();
            frame.joined = true;
            let end = frame.end;
            self.b.ins().jump(end, &block_args(&values));
        }
        let frame = self.frames.pop().expect("each end ends a block");
        if frame.label != frame.end && self.entrance.is_none() && self.part == Part::Whole {
            self.b.seal_block(frame.label);
        }
        self.stack.truncate(frame.height);
        if !frame.joined {
            if frame.variables {
                self.drop_variables();
            }
            if !self.frames.is_empty() {
                self.leave();
            }
            return;
        }
        self.b.switch_to_block(frame.end);
        self.b.seal_block(frame.end);
        let values = self.b.block_params(frame.end).to_vec();
        if frame.variables {
            self.use_variables(frame.height);
            self.drop_variables();
        }
        if self.frames.is_empty() {
            self.leave_function(&values);
        } else {
            values.into_iter().for_each(|value| self.stack.push(value));
        }
    }

    /// Returns from the function that is being translated; ends the path.
    pub(super) fn return_values(&mut self, values: &[Value]) {
        if self.is_inlining() {
            let frame = self.function_frame();
            frame.joined = true;
            let end = frame.end;
            self.b.ins().jump(end, &block_args(values));
        } else {
            self.leave_function(values);
        }
        self.leave();
    }

    /// Returns, or, from a loop's continuation, leaves the results where the interpreter looks for them.
    fn leave_function(&mut self, values: &[Value]) {
        if self.part == Part::Whole {
            self.b.ins().return_(values);
            return;
        }
        self.store_slots(values, 0);
        self.b.ins().return_(&[]);
    }

    /// The label that `depth` names, which is thereby reached, and its values; and the loop, if it is one's.
    fn target(&mut self, depth: u32) -> (Block, Vec<BlockArg>, Option<Loop>) {
        let i = self.frames.len() - 1 - depth as usize;
        let frame = &mut self.frames[i];
        frame.joined |= frame.label == frame.end;
        let (label, n, found) = (frame.label, frame.label_values, frame.found);
        (label, block_args(self.stack.peekn(n)), found)
    }

    fn br(&mut self, depth: u32) {
        let (label, values, found) = self.target(depth);
        if let Some(found) = found {
            self.arrive(found, depth);
        }
        self.b.ins().jump(label, &values);
        self.leave();
    }

    fn br_if(&mut self, depth: u32) {
        let condition = self.stack.pop();
        let (label, values, found) = self.target(depth);
        let next = self.b.create_block();
        match found {
            None => {
                self.b.ins().brif(condition, label, &values, next, &[]);
            }
            Some(found) => {
                let back = self.b.create_block();
                self.b.ins().brif(condition, back, &[], next, &[]);
                self.b.seal_block(back);
                self.b.switch_to_block(back);
                self.arrive(found, depth);
                self.b.ins().jump(label, &values);
            }
        }
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    pub(super) fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), Decline> {
        let most = targets.len() as usize * self.stack.len();
        self.scratch.need_for(self.b.func, self.variables, most)?;
        let index = self.stack.pop();
        let mut depths: Vec<u32> =
            targets.targets().map(|depth| depth.unwrap_or(targets.default())).collect();
        depths.push(targets.default());
        let mut calls = Vec::with_capacity(depths.len());
        // Branches back have a block of their own, one for each loop.
        let mut backs: Vec<(u32, Block)> = Vec::new();
        for depth in depths {
            let (label, values, found) = self.target(depth);
            if found.is_none() {
                calls.push(self.b.func.dfg.block_call(label, &values));
                continue;
            }
            let known = backs.iter().find(|(other, _)| *other == depth).map(|(_, back)| *back);
            let back = known.unwrap_or_else(|| self.b.create_block());
            if known.is_none() {
                backs.push((depth, back));
            }
            calls.push(self.b.func.dfg.block_call(back, &[]));
        }
        let default = calls.pop().expect("the default is last");
        let table = self.b.create_jump_table(JumpTableData::new(default, &calls));
        self.b.ins().br_table(index, table);
        for (depth, back) in backs {
            self.b.seal_block(back);
            self.b.switch_to_block(back);
            let (label, values, found) = self.target(depth);
            self.arrive(found.expect("it is a loop's"), depth);
            self.b.ins().jump(label, &values);
        }
        self.leave();
        Ok(())
    }
}

/// The Cranelift type of a type of a validated module.
pub(super) fn wasm_type(ty: wasmparser::ValType) -> Type {
    use cranelift_codegen::ir::types::{F32, F64, I8X16, I32, I64};
    match ty {
        wasmparser::ValType::I32 => I32,
        wasmparser::ValType::I64 | wasmparser::ValType::Ref(_) => I64,
        wasmparser::ValType::F32 => F32,
        wasmparser::ValType::F64 => F64,
        wasmparser::ValType::V128 => I8X16,
    }
}
