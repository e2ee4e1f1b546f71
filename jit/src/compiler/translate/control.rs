//! Structured control flow. Each label is a CLIF block, whose params are the label's values.

use super::control_stack::BlockKind;
use super::deopt::ExitPoint;
use super::translator::{Part, Translator, block_args};
use crate::compiler::clif::traps;
use crate::compiler::decline::Decline;
use crate::compiler::scratch::More;
use cranelift_codegen::ir::{Block, InstBuilder};
use dunlin::Trap;
use wasmparser::{BlockType, Operator};

impl Translator<'_, '_> {
    /// Skips an unreachable instruction; only counts nested blocks.
    ///
    /// # Errors
    /// As for [`Translator::control`].
    pub(super) fn skip_unreachable(&mut self, operator: &Operator<'_>) -> Result<(), Decline> {
        let frame = self.frame();
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. } => frame.skipped += 1,
            Operator::End | Operator::Delegate { .. } if frame.skipped > 0 => frame.skipped -= 1,
            Operator::End | Operator::Delegate { .. } => self.end()?,
            Operator::Catch { .. } | Operator::CatchAll if frame.skipped == 0 => self.catch()?,
            Operator::Else if frame.skipped == 0 => self.else_()?,
            _ => {}
        }
        Ok(())
    }

    /// Translates a control instruction; false if it is none.
    ///
    /// # Errors
    /// If the memory for it isn't admitted.
    pub(super) fn control(&mut self, operator: &Operator<'_>, at: u64) -> Result<bool, Decline> {
        match *operator {
            Operator::Unreachable => {
                self.mark_cold();
                // Otherwise Cranelift could fold the trap into the branch that leads here, and it would be reported at
                // the branch.
                self.b.ins().sequence_point();
                self.b.ins().trap(traps::code(Trap::UnreachableCodeReached));
                self.set_unreachable();
            }
            Operator::Block { blockty } => self.block(blockty),
            Operator::Loop { blockty } => self.loop_(blockty, at)?,
            Operator::If { blockty } => self.if_(blockty),
            Operator::Else => self.else_()?,
            Operator::TryTable { ref try_table } => self.try_table(try_table, at),
            Operator::Try { blockty } => self.try_(blockty, at)?,
            Operator::Catch { .. } | Operator::CatchAll => self.catch()?,
            Operator::End | Operator::Delegate { .. } => self.end()?,
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::BrOnNull { relative_depth } => self.br_on_null(relative_depth),
            Operator::BrOnNonNull { relative_depth } => self.br_on_non_null(relative_depth),
            Operator::Return => {
                let n = self.scope.ty.results().len();
                let values = self.stack.peekn(n).to_vec();
                self.return_values(&values);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn block(&mut self, ty: BlockType) {
        self.push_frame(BlockKind::Block, ty, None);
    }

    fn loop_(&mut self, ty: BlockType, at: u64) -> Result<(), Decline> {
        let (params, _) = self.block_types(ty);
        // Loops behind an inlined function that never returns were left out.
        let scope = &mut self.scope;
        scope.loops += scope.shape.loops[scope.loops..].partition_point(|found| found.offset < at);
        let shape = scope.shape.loops[scope.loops];
        debug_assert_eq!(shape.offset, at);
        self.scope.loops += 1;
        let header = self.block_with(&params);
        let below = self.stack.len() - params.len();
        let may_enter = self.osr_block.is_some();
        if may_enter {
            self.need(More { instructions: 4 * self.stack.len() as u64, ..More::default() })?;
        }
        self.make_operand_variables(below);
        let initial = block_args(self.stack.peekn(params.len()));
        if self.options.fuel {
            self.charge(shape.cost, ExitPoint::Arrival, &[]);
        }
        self.b.ins().jump(header, &initial);
        if let Part::From(entered) = self.part
            && entered == shape
            && let Some(osr_block) = self.osr_block.take()
        {
            self.osr_entry(osr_block, (header, shape.cost), below, &params);
        }
        self.b.switch_to_block(header);
        // Taken first, since `use_operand_variables` may append params.
        let values = self.b.block_params(header).to_vec();
        if may_enter {
            self.use_operand_variables(below)?;
        }
        self.stack.truncate(below);
        values.into_iter().for_each(|value| self.stack.push(value));
        self.push_frame(BlockKind::Loop, ty, Some((shape, header)));
        self.frame().variables = may_enter;
        Ok(())
    }

    fn if_(&mut self, ty: BlockType) {
        let condition = self.stack.pop();
        let (params, _) = self.arity(ty);
        let (then, otherwise) = (self.b.create_block(), self.b.create_block());
        match self.branch_hint() {
            Some(true) => self.b.set_cold_block(otherwise),
            Some(false) => self.b.set_cold_block(then),
            None => {}
        }
        self.b.ins().brif(condition, then, &[], otherwise, &[]);
        self.b.seal_block(then);
        self.b.seal_block(otherwise);
        let values = self.stack.peekn(params).to_vec();
        self.kept_values += values.len();
        self.push_frame(BlockKind::If(otherwise, values), ty, None);
        self.b.switch_to_block(then);
    }

    fn else_(&mut self) -> Result<(), Decline> {
        self.join();
        let frame = self.frame();
        frame.unreachable = false;
        let (height, variables) = (frame.height, frame.variables);
        let BlockKind::If(otherwise, values) = std::mem::replace(&mut frame.kind, BlockKind::Else) else {
            unreachable!("validation has seen the if")
        };
        self.stack.truncate(height);
        self.kept_values -= values.len();
        values.into_iter().for_each(|value| self.stack.push(value));
        self.b.switch_to_block(otherwise);
        if variables {
            self.use_operand_variables(height)?;
        }
        Ok(())
    }

    /// Jumps to the end of the innermost control frame, unless this point is unreachable.
    pub(super) fn join(&mut self) {
        if self.is_unreachable() {
            return;
        }
        let n = self.frame().results;
        let end = self.end_block(self.frames.len() - 1);
        let values = block_args(self.stack.peekn(n));
        self.b.ins().jump(end, &values);
    }

    fn end(&mut self) -> Result<(), Decline> {
        self.ends_protection();
        let frame = self.frame();
        let merges = matches!(frame.kind, BlockKind::If(..)) || frame.kind.catches();
        // If the end is only reached by falling through, what follows continues in the same CLIF block.
        let goes_on = !frame.unreachable && frame.end.is_none() && !merges && !frame.variables;
        if !goes_on {
            self.join();
        }
        let mut kind = std::mem::replace(&mut self.frame().kind, BlockKind::Else);
        if let BlockKind::If(otherwise, values) = &mut kind {
            // An `if` without `else` has its params as results.
            self.b.switch_to_block(*otherwise);
            self.kept_values -= values.len();
            let end = self.end_block(self.frames.len() - 1);
            self.b.ins().jump(end, &block_args(values));
        }
        let frame = self.frames.pop().expect("each end ends a block");
        if let Some((_, header)) = frame.loop_header {
            self.seal_header(header, frame.label_values)?;
        }
        if goes_on {
            if self.frames.is_empty() {
                let values = self.stack.peekn(frame.results).to_vec();
                self.emit_return(&values);
            }
            return Ok(());
        }
        self.stack.truncate(frame.height);
        if let BlockKind::TryTable(at, clauses) = kind {
            self.land(at, &clauses, frame.variables)?;
        }
        let Some(end) = frame.end else {
            if frame.variables {
                self.drop_operand_variables();
            }
            if !self.frames.is_empty() {
                self.set_unreachable();
            }
            return Ok(());
        };
        self.b.switch_to_block(end);
        self.b.seal_block(end);
        let values = self.b.block_params(end).to_vec();
        if frame.variables {
            self.use_operand_variables(frame.height)?;
            self.drop_operand_variables();
        }
        if self.frames.is_empty() {
            self.emit_return(&values);
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
}
