//! Structured control flow. Each label is a CLIF block, whose params are the label's values.

use super::func::{Part, Translator, clif_type};
use super::leave::Place;
use super::scratch::More;
use super::slots;
use super::traps;
use super::unit::Decline;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, JumpTableData, Type, Value};
use dunlin::tier::{Loop, layout};
use dunlin::{Trap, ValType};
use std::collections::BTreeMap;
use wasmparser::{BlockType, BrTable, Operator};

/// A control frame: a structured block that is being translated.
pub(super) struct Frame {
    kind: Kind,
    /// Its type; unused for the function's own frame.
    ty: BlockType,
    /// The height of the operand stack below its params.
    height: usize,
    /// For a loop: its shape and its header.
    back: Option<(Loop, Block)>,
    /// The CLIF block that follows it; `None` while that is only reached by falling through.
    end: Option<Block>,
    /// The number of values that a branch to its label takes.
    label_values: usize,
    results: usize,
    /// Whether every path to the current point has polled for interruption since the frame began.
    looks: bool,
    /// The rest of it is unreachable. Nested blocks there are only counted, in `skipped`.
    pub(super) dead: bool,
    skipped: u32,
    /// Whether the operands below it are Cranelift variables, because the OSR entry may be within it.
    variables: bool,
}

enum Kind {
    Function,
    Block,
    Loop,
    /// With the CLIF block of the other arm, and the params for it.
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
        let results = self.scope.ty.results().len();
        self.frames.push(Frame {
            kind: Kind::Function,
            ty: BlockType::Empty,
            height: self.scope.first_operand,
            back: None,
            end: None,
            label_values: results,
            results,
            looks: false,
            dead: false,
            skipped: 0,
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

    /// How many params and results a block of this type has.
    fn arity(&self, ty: BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = &self.view.types()[index as usize];
                (ty.params().len(), ty.results().len())
            }
        }
    }

    /// Skips an unreachable instruction; only counts nested blocks.
    ///
    /// # Errors
    /// As for [`Translator::structured`].
    pub(super) fn dead_code(&mut self, operator: &Operator<'_>) -> Result<(), Decline> {
        let frame = self.frame();
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => frame.skipped += 1,
            Operator::End if frame.skipped > 0 => frame.skipped -= 1,
            Operator::End => self.end()?,
            Operator::Else if frame.skipped == 0 => self.else_()?,
            _ => {}
        }
        Ok(())
    }

    /// Translates a control instruction; false if it is none.
    ///
    /// # Errors
    /// If the memory for it isn't admitted.
    pub(super) fn structured(&mut self, operator: &Operator<'_>, at: u64) -> Result<bool, Decline> {
        match *operator {
            Operator::Unreachable => {
                self.expect_not_to_come_here();
                // Otherwise Cranelift could fold the trap into the branch that leads here, and it would be reported at
                // the branch.
                self.b.ins().sequence_point();
                self.b.ins().trap(traps::code(Trap::UnreachableCodeReached));
                self.leave();
            }
            Operator::Block { blockty } => self.block(blockty),
            Operator::Loop { blockty } => self.loop_(blockty, at)?,
            Operator::If { blockty } => self.if_(blockty),
            Operator::Else => self.else_()?,
            Operator::End => self.end()?,
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::Return => {
                let n = self.scope.ty.results().len();
                let values = self.stack.peekn(n).to_vec();
                self.return_values(&values);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Marks the current CLIF block as cold, unless it is the entry block.
    pub(super) fn expect_not_to_come_here(&mut self) {
        let entry = self.b.func.layout.entry_block();
        if let Some(block) = self.b.current_block().filter(|block| entry != Some(*block)) {
            self.b.set_cold_block(block);
        }
    }

    /// Ends the path: the rest of the control frame is unreachable.
    pub(super) fn leave(&mut self) {
        let frame = self.frame();
        frame.dead = true;
        let height = frame.height;
        self.stack.truncate(height);
    }

    /// Notes that the frame has polled: the prologue of a function that is called compares with the stack limit, which
    /// an interruption sets to 0.
    pub(super) fn has_looked(&mut self) {
        self.frame().looks = true;
    }

    /// Whether the rest of the control frame is unreachable.
    pub(super) fn is_dead(&mut self) -> bool {
        self.frame().dead
    }

    /// Makes the control frame reachable again, from another path.
    pub(super) fn revive(&mut self) {
        self.frame().dead = false;
    }

    /// Pushes a control frame; for a loop, with its shape and header.
    fn enter(&mut self, kind: Kind, ty: BlockType, back: Option<(Loop, Block)>) {
        let (params, results) = self.arity(ty);
        let height = self.stack.len() - params;
        self.make_variables(height);
        self.frames.push(Frame {
            kind,
            ty,
            height,
            back,
            end: None,
            label_values: if back.is_some() { params } else { results },
            results,
            looks: false,
            dead: false,
            skipped: 0,
            variables: self.entrance.is_some(),
        });
    }

    /// The CLIF block that follows control frame `i`, with a param for each result. It is created lazily: the ends of
    /// many frames are only reached by falling through.
    fn end_of(&mut self, i: usize) -> Block {
        if let Some(end) = self.frames[i].end {
            return end;
        }
        let results = match self.frames[i].kind {
            Kind::Function => self.scope.ty.results().iter().map(|ty| clif_type(*ty)).collect(),
            _ => self.block_types(self.frames[i].ty).1,
        };
        let end = self.block_with(&results);
        self.frames[i].end = Some(end);
        end
    }

    fn block(&mut self, ty: BlockType) {
        self.enter(Kind::Block, ty, None);
    }

    fn loop_(&mut self, ty: BlockType, at: u64) -> Result<(), Decline> {
        let (params, _) = self.block_types(ty);
        let shape = self.scope.shape.loops[self.scope.loops];
        debug_assert_eq!(shape.offset, at);
        self.scope.loops += 1;
        let header = self.block_with(&params);
        let below = self.stack.len() - params.len();
        let may_enter = self.entrance.is_some();
        if may_enter {
            self.need(More { instructions: 4 * self.stack.len() as u64, ..More::default() })?;
        }
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
        // Taken first, since `use_variables` may append params.
        let values = self.b.block_params(header).to_vec();
        if may_enter {
            self.use_variables(below)?;
        }
        self.stack.truncate(below);
        values.into_iter().for_each(|value| self.stack.push(value));
        self.enter(Kind::Loop, ty, Some((shape, header)));
        self.frame().variables = may_enter;
        Ok(())
    }

    /// A back edge to a loop, `depth` frames out: charges fuel, or polls. That is done here rather than at the header,
    /// because a trap in a loop is reported at the branch.
    fn arrive(&mut self, found: Loop, depth: u32) {
        // An execution that is suspended here resumes at the header, with the operands of the header.
        let frame = &self.frames[self.frames.len() - 1 - depth as usize];
        let (height, n, looks) = (frame.height, frame.label_values, frame.looks);
        let offset = std::mem::replace(&mut self.offset, found.offset as u32);
        // Only suspension reads the operand stack.
        let above = self.options.suspends.then(|| {
            let above = self.stack.split_off(height);
            above[above.len() - n..].iter().for_each(|value| self.stack.push(*value));
            above
        });
        if self.options.fuel {
            self.charge(found.cost, Place::Loop, &[]);
        } else if !looks {
            self.poll();
        }
        if let Some(above) = above {
            self.stack.truncate(height);
            above.into_iter().for_each(|value| self.stack.push(value));
        }
        self.offset = offset;
    }

    /// Before a control frame that may contain the OSR entry: makes variables of the operands below it, since their
    /// values may also come from the entrance. Operands below outer frames are variables already.
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

    /// At a merge point of such a frame: reads the operands below it from their variables.
    fn use_variables(&mut self, below: usize) -> Result<(), Decline> {
        for i in 0..below {
            self.need(self.lookups(1))?;
            self.stack[i] = self.b.use_var(self.operand_variables[i].0);
        }
        Ok(())
    }

    /// Drops the variables of operands that aren't below a control frame any more.
    fn drop_variables(&mut self) {
        let below = self.frames.last().map_or(0, |frame| frame.height);
        self.operand_variables.truncate(below);
    }

    /// The OSR entry: loads locals and operands from slots, and jumps to the header.
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
            // The interpreter has checked that the slice has this much.
            let store = self.load_vm(layout::VMCTX_STORE);
            let slice = self.b.ins().load(I64, self.flags.vm, store, layout::STORE_SLICE);
            let left = self.b.ins().iadd_imm_s(slice, -i64::from(cost));
            self.b.ins().store(self.flags.vm, left, store, layout::STORE_SLICE);
        }
        self.b.ins().jump(header, &block_args(&values));
    }

    fn if_(&mut self, ty: BlockType) {
        let condition = self.stack.pop();
        let (params, _) = self.arity(ty);
        let (then, otherwise) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.seal_block(then);
        self.b.seal_block(otherwise);
        let values = self.stack.peekn(params).to_vec();
        self.kept_values += values.len();
        self.enter(Kind::If(otherwise, values), ty, None);
        self.b.switch_to_block(then);
    }

    fn else_(&mut self) -> Result<(), Decline> {
        self.join();
        let frame = self.frame();
        frame.dead = false;
        let (height, variables) = (frame.height, frame.variables);
        let Kind::If(otherwise, values) = std::mem::replace(&mut frame.kind, Kind::Else) else {
            unreachable!("validation has seen the if")
        };
        self.stack.truncate(height);
        self.kept_values -= values.len();
        values.into_iter().for_each(|value| self.stack.push(value));
        self.b.switch_to_block(otherwise);
        if variables {
            self.use_variables(height)?;
        }
        Ok(())
    }

    /// Jumps to the end of the innermost control frame, unless this point is unreachable.
    fn join(&mut self) {
        if self.is_dead() {
            return;
        }
        let n = self.frame().results;
        let end = self.end_of(self.frames.len() - 1);
        let values = block_args(self.stack.peekn(n));
        self.b.ins().jump(end, &values);
    }

    fn end(&mut self) -> Result<(), Decline> {
        let is_if = matches!(self.frame().kind, Kind::If(..));
        let frame = self.frame();
        // If the end is only reached by falling through, what follows continues in the same CLIF block.
        let goes_on = !frame.dead && frame.end.is_none() && !is_if && !frame.variables;
        if !goes_on {
            self.join();
        }
        if let Kind::If(otherwise, values) = std::mem::replace(&mut self.frame().kind, Kind::Else) {
            // An `if` without `else` has its params as results.
            self.b.switch_to_block(otherwise);
            self.kept_values -= values.len();
            let end = self.end_of(self.frames.len() - 1);
            self.b.ins().jump(end, &block_args(&values));
        }
        let frame = self.frames.pop().expect("each end ends a block");
        if let Some((_, header)) = frame.back {
            self.seal_header(header, frame.label_values)?;
        }
        if goes_on {
            if self.frames.is_empty() {
                let values = self.stack.peekn(frame.results).to_vec();
                self.leave_function(&values);
            }
            return Ok(());
        }
        self.stack.truncate(frame.height);
        let Some(end) = frame.end else {
            if frame.variables {
                self.drop_variables();
            }
            if !self.frames.is_empty() {
                self.leave();
            }
            return Ok(());
        };
        self.b.switch_to_block(end);
        self.b.seal_block(end);
        let values = self.b.block_params(end).to_vec();
        if frame.variables {
            self.use_variables(frame.height)?;
            self.drop_variables();
        }
        if self.frames.is_empty() {
            self.leave_function(&values);
        } else {
            values.into_iter().for_each(|value| self.stack.push(value));
        }
        Ok(())
    }

    /// Seals a loop's header once all back edges are known. Each variable that was read in it becomes an argument of
    /// each back edge.
    fn seal_header(&mut self, header: Block, params: usize) -> Result<(), Decline> {
        let looked_up = self.b.block_params(header).len() - params;
        self.need(self.lookups(looked_up))?;
        self.b.seal_block(header);
        Ok(())
    }

    /// Returns from the current function, which may be inlined, and ends the path.
    pub(super) fn return_values(&mut self, values: &[Value]) {
        if self.is_inlining() {
            let end = self.end_of(self.scope.first_frame);
            self.b.ins().jump(end, &block_args(values));
        } else {
            self.leave_function(values);
        }
        self.leave();
    }

    /// Returns. An OSR continuation leaves the results in slots, where the interpreter expects them.
    fn leave_function(&mut self, values: &[Value]) {
        if self.part == Part::Whole {
            self.b.ins().return_(values);
            return;
        }
        self.store_slots(values, 0);
        self.b.ins().return_(&[]);
    }

    /// The CLIF block of the label at `depth`, and the label's values; and the loop, if the label is a loop's.
    fn target(&mut self, depth: u32) -> (Block, Vec<BlockArg>, Option<Loop>) {
        let i = self.frames.len() - 1 - depth as usize;
        let values = block_args(self.stack.peekn(self.frames[i].label_values));
        match self.frames[i].back {
            Some((found, header)) => (header, values, Some(found)),
            None => (self.end_of(i), values, None),
        }
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
