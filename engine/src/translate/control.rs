//! Blocks and branches.
//!
//! A label's values are in the slots of the heights that they have at it, so nothing needs to be shuffled where
//! paths meet. Forward branches to a label form a list through their own distance fields until it is reached.

use super::error::Error;
use super::frames::{ALWAYS, Arrivals, ControlFrame, ControlKind};
use super::operand::{Entry, Location, Operand};
use super::translator::{Translator, UNUSED, class_of, halves};
use crate::ops::{Class, IntCompareOp, Op, SpecialOp};
use wasmparser::{BlockType, BrTable, Operator};

/// A condition that was popped, as a branch can take it.
#[derive(Clone, Copy)]
pub(super) enum Condition {
    /// Comparison op in its first form, form, fields `a b`, and the constant.
    Compare { op: Op, form: u16, fields: [u16; 2], imm: Option<u64> },
    /// Whether this isn't, or with `zero` is, zero.
    Truth { slot: Option<u16>, zero: bool },
}

impl Condition {
    fn negated(self) -> Self {
        match self {
            Condition::Compare { op, form, fields, imm } => {
                Condition::Compare { op: IntCompareOp::opposite(op), form, fields, imm }
            }
            Condition::Truth { slot, zero } => Condition::Truth { slot, zero: !zero },
        }
    }
}

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

    /// Pops a condition. A comparison in the last cell becomes part of the branch.
    fn condition(&mut self) -> Result<Condition, Error> {
        let e = self.pop();
        if let Some(cell) = self.fresh(e) {
            let (op, operands) = (Op(self.words[cell] as u16), self.words[cell + 1]);
            if IntCompareOp::is_value(op) {
                let form = (op.0 - IntCompareOp::BASE) % IntCompareOp::STRIDE as u16;
                let field = |n| crate::ops::cells::field(operands, n);
                let wide = IntCompareOp::is_wide(op);
                let imm = (form >= 4).then(|| if wide { self.words[cell + 2] } else { operands >> 32 });
                let first = Op(op.0 - form);
                self.unmake(Class::Int, cell);
                let zero = first == IntCompareOp::I32Eq.op() || first == IntCompareOp::I64Eq.op();
                let nonzero = first == IntCompareOp::I32Ne.op() || first == IntCompareOp::I64Ne.op();
                if imm == Some(0) && (zero || nonzero) {
                    let slot = (form == 4).then(|| field(1));
                    return Ok(Condition::Truth { slot, zero });
                }
                return Ok(Condition::Compare { op: first, form, fields: [field(1), field(2)], imm });
            }
        }
        Ok(match self.operand(e) {
            Operand::Acc => Condition::Truth { slot: None, zero: false },
            _ => Condition::Truth { slot: Some(self.slot_of(e)?), zero: false },
        })
    }

    /// Emits a branch on `cond` whose distance is open: forwards, or back to the header of loop `turn`.
    fn branch_cell(&mut self, cond: Condition, turn: Option<usize>) -> Result<usize, Error> {
        let back = turn.is_some() as u16;
        let cell = match cond {
            Condition::Compare { op, form, fields: [a, b], imm } => {
                let cell = self.emit(Op(op.0 + 8 + (form & 6) + back), [a, b, UNUSED, UNUSED])?;
                if let Some(imm) = imm {
                    self.extend(imm)?;
                }
                cell
            }
            Condition::Truth { slot, zero } => {
                let op = match (slot.is_some(), zero) {
                    (true, false) => SpecialOp::BrIf,
                    (false, false) => SpecialOp::BrIfAcc,
                    (true, true) => SpecialOp::BrUnless,
                    (false, true) => SpecialOp::BrUnlessAcc,
                };
                self.emit(Op(op.op().0 + back), [slot.unwrap_or(UNUSED), UNUSED, UNUSED, UNUSED])?
            }
        };
        if let Some(turn) = turn {
            self.extend_cost(turn)?;
        }
        Ok(cell)
    }

    /// Adds the extension word that will say what loop `turn` costs.
    pub(super) fn extend_cost(&mut self, turn: usize) -> Result<(), Error> {
        let word = self.words.len();
        let before = self.arrivals[turn].back.replace(word);
        self.extend(before.map_or(0, |word| word as u64 + 1))
    }

    /// The label that `depth` names: its frame, and how many values it takes.
    pub(super) fn target(&self, depth: u32) -> (usize, usize) {
        let i = self.frames.len() - 1 - depth as usize;
        let frame = &self.frames[i];
        let results = !matches!(frame.kind, ControlKind::Loop(_));
        (i, self.count(&frame.ty, results))
    }

    /// Whether the `n` topmost operands, once settled, are where frame `i`'s label wants them.
    fn in_place(&self, i: usize, n: usize) -> bool {
        n == 0 || self.stack[self.stack.len() - n].slot == self.frames[i].base
    }

    /// Moves the `n` topmost operands to where frame `i`'s label wants them. The stack stays what it was: only
    /// for a path that leaves.
    pub(super) fn move_values(&mut self, i: usize, n: usize) -> Result<(), Error> {
        let mut slot = self.frames[i].base;
        for k in self.stack.len() - n..self.stack.len() {
            let e = self.stack[k];
            self.store_to(e, slot)?;
            slot += e.class.slots() as u16;
        }
        Ok(())
    }

    /// Emits an unconditional branch to frame `i`, whose values are in place.
    fn jump(&mut self, i: usize) -> Result<(), Error> {
        match self.frames[i].kind {
            ControlKind::Loop(header) => {
                let turn = self.frames[i].turn;
                let cell = self.emit(SpecialOp::BrBack.op(), [UNUSED; 4])?;
                self.extend_cost(turn)?;
                self.patch(cell, header);
            }
            _ => {
                let cell = self.emit(SpecialOp::Br.op(), [UNUSED; 4])?;
                self.link_branch(i, cell);
            }
        }
        Ok(())
    }

    pub(super) fn br(&mut self, depth: u32) -> Result<(), Error> {
        let (i, n) = self.target(depth);
        if self.frames[i].kind == ControlKind::Function {
            return self.return_();
        }
        self.goes_to(i, self.often);
        // Values that aren't moved are dead: nothing else needs to be settled.
        self.move_values(i, n)?;
        self.jump(i)?;
        self.leave();
        Ok(())
    }

    pub(super) fn br_if(&mut self, depth: u32) -> Result<(), Error> {
        let cond = self.condition()?;
        self.branch_on(cond, depth)
    }

    /// Branches if `cond` holds, with the topmost operands.
    pub(super) fn branch_on(&mut self, cond: Condition, depth: u32) -> Result<(), Error> {
        let (i, n) = self.target(depth);
        self.begin_way(self.often);
        self.goes_to(i, self.often);
        if self.frames[i].kind == ControlKind::Function {
            let skip = self.branch_around(cond)?;
            self.leave_returning()?;
            return self.skipped_to(skip);
        }
        self.settle_top(n)?;
        if self.in_place(i, n) {
            return match self.frames[i].kind {
                ControlKind::Loop(header) => {
                    let turn = self.frames[i].turn;
                    let cell = self.branch_cell(cond, Some(turn))?;
                    self.patch(cell, header);
                    Ok(())
                }
                _ => {
                    let cell = self.branch_cell(cond, None)?;
                    self.link_branch(i, cell);
                    Ok(())
                }
            };
        }
        let skip = self.branch_around(cond)?;
        self.move_values(i, n)?;
        self.jump(i)?;
        self.skipped_to(skip)
    }

    /// Begins a path that leaves if `cond` holds. Operands are settled first: what the leaving path does to them
    /// must not be remembered on the other.
    fn branch_around(&mut self, cond: Condition) -> Result<usize, Error> {
        self.settle_all()?;
        self.branch_cell(cond.negated(), None)
    }

    fn skipped_to(&mut self, skip: usize) -> Result<(), Error> {
        self.patch(skip, self.words.len());
        self.label();
        Ok(())
    }

    /// A return on a path beside the one that goes on, with every operand settled.
    fn leave_returning(&mut self) -> Result<(), Error> {
        let n = self.ty.results().len();
        self.emit_return(n)
    }

    pub(super) fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), Error> {
        let e = self.pop();
        let (op, a) = match self.operand(e) {
            Operand::Acc => (SpecialOp::BrTableAcc, 0),
            _ => (SpecialOp::BrTable, self.slot_of(e)?),
        };
        self.settle_all()?;
        let [c, d] = halves(targets.len());
        let cell = self.emit(op.op(), [a, UNUSED, c, d])?;
        let first = self.words.len();
        for _ in 0..=targets.len() {
            self.extend(0)?;
        }
        // Targets that need more than a jump share one detour a label, found again by its depth.
        let mut detours: crate::memory::Buf<(u32, u32)> =
            crate::memory::Buf::new(self.env.budget, crate::memory::Kind::CompilerScratch);
        let depths = targets.targets().map(|t| t.unwrap_or(targets.default())).chain([targets.default()]);
        let each = self.often / (targets.len() + 1);
        for (k, depth) in depths.enumerate() {
            let word = first + k;
            let (i, n) = self.target(depth);
            self.goes_to(i, each);
            let kind = self.frames[i].kind;
            if kind != ControlKind::Function && !matches!(kind, ControlKind::Loop(_)) && self.in_place(i, n) {
                let before = self.frames[i].entries.replace(word);
                self.words[word] = cell as u64 | before.map_or(0, |w| w as u64 + 1) << 32;
                continue;
            }
            let known = detours.binary_search_by_key(&depth, |&(depth, _)| depth);
            let at = match known {
                Ok(k) => detours[k].1 as usize,
                Err(k) => {
                    let at = self.words.len();
                    self.label();
                    if kind == ControlKind::Function {
                        self.leave_returning()?;
                    } else {
                        self.move_values(i, n)?;
                        self.jump(i)?;
                    }
                    detours.try_push((depth, at as u32))?;
                    detours[k..].rotate_right(1);
                    at
                }
            };
            self.words[word] = (at - cell) as u64;
        }
        self.leave();
        Ok(())
    }

    pub(super) fn return_(&mut self) -> Result<(), Error> {
        self.goes_to(0, 0);
        self.return_values()?;
        self.leave();
        Ok(())
    }

    fn return_values(&mut self) -> Result<(), Error> {
        let n = self.ty.results().len();
        if n > 1 {
            self.settle_top(n)?;
        }
        self.emit_return(n)
    }

    /// Returns the `n` topmost operands, settled if there are several.
    pub(super) fn emit_return(&mut self, n: usize) -> Result<(), Error> {
        let h = self.header as u16;
        if n == 0 {
            self.emit(SpecialOp::Return.op(), [UNUSED, h, UNUSED, UNUSED])?;
            return Ok(());
        }
        let e = self.stack[self.stack.len() - n];
        if n > 1 {
            let count: u32 = self.stack[self.stack.len() - n..].iter().map(|e| e.class.slots()).sum();
            self.emit(SpecialOp::ReturnValues.op(), [e.slot, h, count as u16, UNUSED])?;
            return Ok(());
        }
        use SpecialOp as S;
        match (self.operand(e), e.class) {
            (Operand::Const([bits, _]), Class::Int) => {
                self.emit(S::ReturnIntImm.op(), [UNUSED, h, UNUSED, UNUSED])?;
                return self.extend(bits);
            }
            (Operand::Acc, class) => {
                let op = [S::ReturnIntAcc, S::ReturnF32Acc, S::ReturnF64Acc, S::ReturnV128Acc];
                self.emit(op[class as usize].op(), [UNUSED, h, UNUSED, UNUSED])?;
            }
            (_, class) => {
                let op = [S::ReturnInt, S::ReturnF32, S::ReturnF64, S::ReturnV128];
                let slot = self.slot_of(e)?;
                self.emit(op[class as usize].op(), [slot, h, UNUSED, UNUSED])?;
            }
        }
        Ok(())
    }
}
