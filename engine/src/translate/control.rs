//! Blocks, and the labels that branches lead to.
//!
//! A label's values are in the slots of the heights that they have at it, so nothing needs to be shuffled where
//! paths meet. Forward branches to a label form a list through their own distance fields until it is reached.

use super::error::Error;
use super::frames::{ALWAYS, Arrivals, ControlFrame, ControlKind};
use super::operand::{Entry, Location};
use super::translator::{Translator, UNUSED, class_of};
use crate::ops::{Class, SpecialOp};
use wasmparser::{BlockType, Operator};

impl Translator<'_> {
    pub(super) fn frame(&mut self) -> &mut ControlFrame {
        self.frames.last_mut().expect("the function's own frame ends last")
    }

    /// Whether the next instruction can't be reached.
    pub(super) fn is_dead(&mut self) -> bool {
        self.frame().dead
    }

    /// Of code that can't be reached, only counts the blocks.
    pub(super) fn dead_code(&mut self, operator: &Operator<'_>) -> Result<(), Error> {
        self.exceptions |= matches!(operator, Operator::Try { .. });
        let frame = self.frame();
        match *operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::Try { .. } => {
                frame.skipped += 1;
            }
            Operator::End | Operator::Delegate { .. } if frame.skipped > 0 => frame.skipped -= 1,
            Operator::End => return self.end_block(),
            Operator::Delegate { relative_depth } => return self.delegate(relative_depth),
            Operator::Else if frame.skipped == 0 => return self.else_(),
            Operator::Catch { tag_index } if frame.skipped == 0 => return self.catch(Some(tag_index)),
            Operator::CatchAll if frame.skipped == 0 => return self.catch(None),
            _ => {}
        }
        Ok(())
    }

    /// Ends the path: what follows in the block is unreachable.
    pub(super) fn leave(&mut self) {
        self.add_to_turn();
        let height = self.frame().height;
        self.frame().dead = true;
        self.stack.truncate(height);
        self.settled = height;
        self.label();
    }

    pub(super) fn unreachable(&mut self) -> Result<(), Error> {
        self.emit(SpecialOp::Unreachable.op(), [UNUSED; 4])?;
        // What only an accumulator holds is lost with the code after this.
        self.leave();
        Ok(())
    }

    /// How many parameters or results a block has.
    pub(super) fn count(&self, ty: &BlockType, results: bool) -> usize {
        match *ty {
            BlockType::Empty => 0,
            BlockType::Type(_) => results as usize,
            BlockType::FuncType(index) => {
                let ty = &self.env.data.types[index as usize];
                if results { ty.results().len() } else { ty.params().len() }
            }
        }
    }

    /// The class of parameter or result `i` of a block.
    fn class(&self, ty: &BlockType, results: bool, i: usize) -> Class {
        match *ty {
            BlockType::Type(ty) => class_of(ty),
            BlockType::FuncType(index) => {
                let ty = &self.env.data.types[index as usize];
                let types = if results { ty.results() } else { ty.params() };
                types.get(i).map_or(Class::Int, Class::of)
            }
            BlockType::Empty => unreachable!("it has none"),
        }
    }

    pub(super) fn enter(&mut self, kind: ControlKind, ty: BlockType) -> Result<(), Error> {
        let height = self.stack.len() - self.count(&ty, false);
        let base = self.stack.get(height).map_or_else(|| self.next_slot(), |e| e.slot);
        let (turn, often, outermost) = (self.frame().turn, self.often, self.frames.len() as u32);
        let frame =
            ControlFrame { kind, ty, height, base, turn, often, outermost, ..ControlFrame::function() };
        self.frames.try_push(frame)?;
        Ok(())
    }

    pub(super) fn block(&mut self, ty: BlockType) -> Result<(), Error> {
        self.settle_all()?;
        self.enter(ControlKind::Block, ty)
    }

    pub(super) fn loop_(&mut self, ty: BlockType) -> Result<(), Error> {
        self.settle_all()?;
        if self.has_islands {
            self.island()?;
        }
        let mut arrivals = Arrivals::default();
        if self.env.settings.consume_fuel {
            arrivals.first = Some(self.emit(SpecialOp::Charge.op(), [UNUSED; 4])?);
        }
        self.label();
        let header = self.words.len();
        self.enter(ControlKind::Loop(header), ty)?;
        self.add_to_turn();
        self.often = ALWAYS;
        self.frame().turn = self.arrivals.len();
        self.arrivals.try_push(arrivals)?;
        self.note_enclosed(header)?;
        self.note_charge(true, 0)
    }

    pub(super) fn if_(&mut self, ty: BlockType) -> Result<(), Error> {
        let cond = self.condition()?;
        self.settle_all()?;
        let cell = self.branch_cell(cond.negated(), None)?;
        self.enter(ControlKind::If(cell), ty)?;
        self.begin_way(self.often);
        Ok(())
    }

    pub(super) fn else_(&mut self) -> Result<(), Error> {
        let ControlFrame { kind, ty, height, base, dead, often, .. } = *self.frame();
        let before = self.often;
        self.begin_way(often);
        let ControlKind::If(cell) = kind else { unreachable!("validation has seen the if") };
        if !dead {
            self.settle_all()?;
            let cell = self.emit(SpecialOp::Br.op(), [UNUSED; 4])?;
            self.link_branch(self.frames.len() - 1, cell);
            let arrive = &mut self.frame().arrive;
            *arrive = arrive.saturating_add(before);
        }
        self.label();
        self.patch(cell, self.words.len());
        self.restack(height, base, &ty, false)?;
        let frame = self.frame();
        frame.kind = ControlKind::Else;
        frame.dead = false;
        Ok(())
    }

    /// Makes the stack what it is at a label: values of the block's type, each in its slot.
    fn restack(&mut self, height: usize, base: u16, ty: &BlockType, results: bool) -> Result<(), Error> {
        self.stack.truncate(height);
        let mut slot = base;
        for i in 0..self.count(ty, results) {
            let class = self.class(ty, results, i);
            self.need(slot as u32 + class.slots())?;
            self.stack.try_push(Entry { class, slot, at: Location::Slot })?;
            slot += class.slots() as u16;
        }
        self.settled = self.stack.len();
        Ok(())
    }

    pub(super) fn end_block(&mut self) -> Result<(), Error> {
        let ControlFrame { kind, ty, height, base, branches, entries, clauses, dead, .. } = *self.frame();
        if let ControlKind::TryTable(first) = kind {
            self.end_try_table(first);
        }
        self.end_turn();
        if kind == ControlKind::Function {
            if !dead {
                self.return_values()?;
            }
            return Ok(());
        }
        let is_catch = matches!(kind, ControlKind::Catch(_));
        let mut joined = branches.is_some() || entries.is_some() || clauses != 0 || (is_catch && !dead);
        if !dead {
            self.settle_results(self.frames.len() - 1)?;
        }
        let here = self.words.len();
        if let ControlKind::If(cell) = kind {
            self.patch(cell, here);
            joined = true;
        }
        self.patch_all(branches, entries, here);
        self.note_end(here);
        self.patch_clauses(clauses, here);
        self.frames.truncate(self.frames.len() - 1);
        if !dead && self.has_islands && matches!(kind, ControlKind::Loop(_)) {
            // Compiled code may come here, which leaves nothing in accumulators.
            self.label();
        }
        if joined || dead {
            self.label();
            self.restack(height, base, &ty, true)?;
        }
        // What comes after a block that neither ends nor is left can't be reached either.
        if dead && !joined {
            self.leave();
        }
        Ok(())
    }

    fn patch_all(&mut self, mut branches: Option<usize>, mut entries: Option<usize>, to: usize) {
        while let Some(cell) = branches {
            branches = ((self.words[cell + 1] >> 32) as usize).checked_sub(1);
            self.patch(cell, to);
        }
        while let Some(word) = entries {
            entries = ((self.words[word] >> 32) as usize).checked_sub(1);
            let cell = self.words[word] as u32 as usize;
            self.words[word] = (to - cell) as u64;
        }
    }

    /// Sets the distance of the branch at `cell`.
    pub(super) fn patch(&mut self, cell: usize, to: usize) {
        let distance = (to as i64 - cell as i64) as i32 as u32;
        let operands = &mut self.words[cell + 1];
        *operands = *operands & 0xffff_ffff | (distance as u64) << 32;
    }

    /// Adds the branch at `cell` to those that wait for a frame's end.
    pub(super) fn link_branch(&mut self, frame: usize, cell: usize) {
        let before = self.frames[frame].branches.replace(cell);
        let link = before.map_or(0, |cell| cell as u64 + 1);
        self.words[cell + 1] = self.words[cell + 1] & 0xffff_ffff | link << 32;
    }
}
