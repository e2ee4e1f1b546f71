//! Branches and returns.

use super::error::Error;
use super::frames::ControlKind;
use super::operand::Operand;
use super::translator::{Translator, UNUSED, halves};
use crate::ops::{Class, IntCompareOp, Op, SpecialOp};
use wasmparser::BrTable;

/// A condition that was popped, as a branch can take it.
#[derive(Clone, Copy)]
pub(super) enum Condition {
    /// Comparison op in its first form, form, fields `a b`, and the constant.
    Compare { op: Op, form: u16, fields: [u16; 2], imm: Option<u64> },
    /// Whether this isn't, or with `zero` is, zero.
    Truth { slot: Option<u16>, zero: bool },
}

impl Condition {
    pub(super) fn negated(self) -> Self {
        match self {
            Condition::Compare { op, form, fields, imm } => {
                Condition::Compare { op: IntCompareOp::opposite(op), form, fields, imm }
            }
            Condition::Truth { slot, zero } => Condition::Truth { slot, zero: !zero },
        }
    }
}

impl Translator<'_> {
    /// Pops a condition. A comparison in the last cell becomes part of the branch.
    pub(super) fn condition(&mut self) -> Result<Condition, Error> {
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
    pub(super) fn branch_cell(&mut self, cond: Condition, turn: Option<usize>) -> Result<usize, Error> {
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
    pub(super) fn branch_around(&mut self, cond: Condition) -> Result<usize, Error> {
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

    pub(super) fn return_values(&mut self) -> Result<(), Error> {
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
