//! Exceptions: `throw`, `try_table`, and `try` as it was before.
//!
//! Entering a protected block makes no cell. Its clauses become the function's handler table, which is looked at when
//! something is thrown: see [`crate::ops::handlers`]. Operands below the block are in their slots, as at every block, and
//! locals always are, so a clause only says where the exception's values go. A clause of a `try_table` goes to the label
//! itself, if that is the end of a block. To return, or to go round a loop, it needs a *landing*: cells behind the
//! function's others.

use super::error::Error;
use super::frames::{ControlFrame, ControlKind, Handler, To};
use super::operand::{Entry, Location};
use super::translator::{Translator, UNUSED, halves};
use crate::memory::{Buf, Kind, sort_by_key};
use crate::ops::frame::slots;
use crate::ops::handlers::{Catches, Clause, NO_SLOT};
use crate::ops::{Class, SpecialOp};
use wasmparser::{BinaryReader, BlockType};

/// Reads the operands of a `try_table`, up to its clauses: its type, and how many there are. wasmparser would make a list
/// of them.
pub(super) fn read_try_table(
    reader: &mut BinaryReader<'_>,
    body: &[u8],
) -> wasmparser::Result<(BlockType, u32)> {
    const EMPTY: u8 = 0x40;
    reader.read_u8()?;
    let ty = match body.get(reader.current_position()).copied().unwrap_or_default() {
        EMPTY => {
            reader.read_u8()?;
            BlockType::Empty
        }
        // A value type is a negative number of one byte.
        byte if byte & 0xc0 == EMPTY => BlockType::Type(reader.read()?),
        _ => BlockType::FuncType(reader.read_var_u32()?),
    };
    Ok((ty, reader.read_var_u32()?))
}

/// A clause of a `try_table`, as it is written.
pub(super) struct Catch {
    tag: Option<u32>,
    refers: bool,
    label: u32,
}

pub(super) fn read_catch(reader: &mut BinaryReader<'_>) -> wasmparser::Result<Catch> {
    let kind = reader.read_u8()?;
    let tag = if kind < 2 { Some(reader.read_var_u32()?) } else { None };
    Ok(Catch { tag, refers: kind & 1 != 0, label: reader.read_var_u32()? })
}

impl Translator<'_> {
    fn tag_word(&self, tag: u32) -> u32 {
        self.env.layout.tags + tag
    }

    /// How many slots the values of exceptions with this tag take; without one, they aren't passed on.
    fn tag_slots(&self, tag: Option<u32>) -> u32 {
        tag.map_or(0, |tag| slots(self.env.data.tag_type(tag).params()))
    }

    pub(super) fn throw(&mut self, tag: u32) -> Result<(), Error> {
        let count = self.env.data.tag_type(tag).params().len();
        self.settle_top(count)?;
        let first = self.stack.get(self.stack.len() - count).map_or_else(|| self.next_slot(), |e| e.slot);
        let [c, d] = halves(self.tag_word(tag));
        self.emit(SpecialOp::Throw.op(), [first, UNUSED, c, d])?;
        self.leave();
        Ok(())
    }

    pub(super) fn throw_ref(&mut self) -> Result<(), Error> {
        // It stays on the stack, so that snapshots find it.
        let e = *self.stack.last().expect("validation has seen this operand");
        let slot = self.slot_of(e)?;
        self.emit(SpecialOp::ThrowRef.op(), [slot, UNUSED, UNUSED, UNUSED])?;
        self.leave();
        Ok(())
    }

    /// A `try_table`, whose operands the reader is at.
    pub(super) fn try_table(&mut self, reader: &mut BinaryReader<'_>, body: &[u8]) -> Result<(), Error> {
        let (ty, count) = read_try_table(reader, body).map_err(|_| Error::changed())?;
        self.settle_all()?;
        let first = self.handlers.len() as u32;
        for _ in 0..count {
            let catch = read_catch(reader).map_err(|_| Error::changed())?;
            self.catch_clause(&catch)?;
        }
        self.enter(ControlKind::TryTable(first), ty)
    }

    /// The same, where it can't be reached.
    pub(super) fn skip_try_table(&mut self, reader: &mut BinaryReader<'_>, body: &[u8]) -> Result<(), Error> {
        let mut read = || {
            let (_, count) = read_try_table(reader, body)?;
            (0..count).try_for_each(|_| read_catch(reader).map(drop))
        };
        read().map_err(|_| Error::changed())?;
        self.frame().skipped += 1;
        Ok(())
    }

    fn catch_clause(&mut self, &Catch { tag, refers, label }: &Catch) -> Result<(), Error> {
        let (i, _) = self.target(label);
        self.goes_to(i, 0);
        let number = self.handlers.len() as u32;
        let frame = &mut self.frames[i];
        let (to, slot) = match frame.kind {
            ControlKind::Function => (To::Return, self.first_operand as u16),
            ControlKind::Loop(header) => {
                (To::Loop { header: header as u32, turn: frame.turn as u32 }, frame.base)
            }
            _ => (To::Cell(core::mem::replace(&mut frame.clauses, number + 1)), frame.base),
        };
        let behind = u32::from(slot) + self.tag_slots(tag);
        self.need(behind + u32::from(refers))?;
        let reference = if refers { behind as u16 } else { NO_SLOT };
        let catches = tag.map_or(Catches::All, |tag| Catches::Tag(self.tag_word(tag)));
        let start = self.words.len() as u32;
        let depth = self.frames.len() as u32;
        let clause = Clause { start, end: start, depth, catches, target: 0, slot, reference };
        self.handlers.try_push(Handler { clause, to, number, at: self.at })?;
        Ok(())
    }

    /// Ends the cells that the clauses from `first` on protect, as far as they belong to the innermost block.
    pub(super) fn end_try_table(&mut self, first: u32) {
        let (end, depth) = (self.words.len() as u32, self.frames.len() as u32 - 1);
        let own = self.handlers[first as usize..].iter_mut().take_while(|h| h.clause.depth == depth);
        own.for_each(|handler| handler.clause.end = end);
    }

    /// Has the clauses that wait for a label go to word `here`. `list` is the last one, plus one.
    pub(super) fn patch_clauses(&mut self, mut list: u32, here: usize) {
        while let Some(number) = list.checked_sub(1) {
            let handler = &mut self.handlers[number as usize];
            if let To::Cell(before) = core::mem::replace(&mut handler.to, To::Cell(here as u32)) {
                list = before;
            }
        }
    }

    pub(super) fn try_(&mut self, ty: BlockType) -> Result<(), Error> {
        self.settle_all()?;
        self.enter(ControlKind::Try(self.words.len()), ty)
    }

    /// `catch` with a tag, or `catch_all`. The values lie above a slot for a reference to the exception, which is written
    /// if a `rethrow` wants it.
    pub(super) fn catch(&mut self, tag: Option<u32>) -> Result<(), Error> {
        let ControlFrame { kind, height, base, dead, often, .. } = *self.frame();
        let own = self.frames.len() - 1;
        let (start, end) = match kind {
            ControlKind::Catch(number) => {
                let Clause { start, end, .. } = self.handlers[number as usize].clause;
                (start, end)
            }
            ControlKind::Try(start) => (start as u32, self.words.len() as u32),
            _ => return Err(Error::changed()),
        };
        let before = self.often;
        self.begin_way(often);
        if !dead {
            self.settle_results(own)?;
            let cell = self.emit(SpecialOp::Br.op(), [UNUSED; 4])?;
            self.link_branch(own, cell);
            let arrive = &mut self.frame().arrive;
            *arrive = arrive.saturating_add(before);
        }
        self.often = 0;
        self.label();
        self.need(u32::from(base) + 1)?;
        let number = self.handlers.len() as u32;
        let catches = tag.map_or(Catches::All, |tag| Catches::Tag(self.tag_word(tag)));
        let (target, slot) = (self.words.len() as u32, base + 1);
        let clause = Clause { start, end, depth: own as u32, catches, target, slot, reference: NO_SLOT };
        self.handlers.try_push(Handler { clause, to: To::Cell(target), number, at: self.at })?;
        let frame = self.frame();
        (frame.kind, frame.dead) = (ControlKind::Catch(number), false);
        self.stack.truncate(height);
        self.settled = height;
        self.push_settled(Class::Int, base)?;
        let env = self.env;
        for param in tag.into_iter().flat_map(|tag| env.data.tag_type(tag).params()) {
            let slot = self.next_slot();
            self.push_settled(Class::of(param), slot)?;
        }
        Ok(())
    }

    fn push_settled(&mut self, class: Class, slot: u16) -> Result<(), Error> {
        self.need(u32::from(slot) + class.slots())?;
        self.stack.try_push(Entry { class, slot, at: Location::Slot })?;
        self.settled = self.stack.len();
        Ok(())
    }

    pub(super) fn delegate(&mut self, label: u32) -> Result<(), Error> {
        let ControlKind::Try(start) = self.frame().kind else { return Err(Error::changed()) };
        // The label is counted from outside of the block.
        let own = self.frames.len() - 1;
        let target = own.checked_sub(label as usize + 1).ok_or_else(Error::changed)?;
        let clause = Clause {
            start: start as u32,
            end: self.words.len() as u32,
            depth: own as u32,
            catches: Catches::Delegated(target as u32),
            target: 0,
            slot: 0,
            reference: NO_SLOT,
        };
        let number = self.handlers.len() as u32;
        self.handlers.try_push(Handler { clause, to: To::Cell(0), number, at: self.at })?;
        self.end_block()
    }

    pub(super) fn rethrow(&mut self, label: u32) -> Result<(), Error> {
        let (i, _) = self.target(label);
        let ControlFrame { kind, base, .. } = self.frames[i];
        let ControlKind::Catch(number) = kind else { return Err(Error::changed()) };
        self.handlers[number as usize].clause.reference = base;
        self.emit(SpecialOp::ThrowRef.op(), [base, UNUSED, UNUSED, UNUSED])?;
        self.leave();
        Ok(())
    }

    /// Makes the landings that clauses need, behind all other cells.
    pub(super) fn landings(&mut self) -> Result<(), Error> {
        for number in 0..self.handlers.len() {
            let Handler { clause, to, at, .. } = self.handlers[number];
            if let To::Cell(_) = to {
                continue;
            }
            let here = self.words.len() as u32;
            self.at = at;
            self.label();
            if let To::Loop { header, turn } = to {
                let cell = self.emit(SpecialOp::BrBack.op(), [UNUSED; 4])?;
                self.extend_cost(turn as usize)?;
                self.patch(cell, header as usize);
            } else {
                self.stack.truncate(0);
                self.settled = 0;
                let mut slot = clause.slot;
                let results = self.ty.results();
                for result in results {
                    let class = Class::of(result);
                    self.push_settled(class, slot)?;
                    slot += class.slots() as u16;
                }
                self.emit_return(results.len())?;
            }
            self.handlers[number].to = To::Cell(here);
        }
        Ok(())
    }

    /// Appends the handler table to the cells.
    pub(super) fn append_table(&mut self) -> Result<(), Error> {
        let none = Buf::new(self.env.budget, Kind::CompilerScratch);
        let mut handlers = core::mem::replace(&mut self.handlers, none);
        // The innermost block's come first: it ends first.
        sort_by_key(&mut handlers, |Handler { clause, number, .. }| {
            (clause.end, core::cmp::Reverse(clause.depth), *number)
        });
        for Handler { mut clause, to, .. } in handlers.iter().copied() {
            if let (To::Cell(target), false) = (to, matches!(clause.catches, Catches::Delegated(_))) {
                clause.target = target;
            }
            self.words.try_extend_from_slice(&clause.words())?;
        }
        Ok(())
    }

    /// Puts the results of block `own`, which ends here, where its label wants them.
    pub(super) fn settle_results(&mut self, own: usize) -> Result<(), Error> {
        self.settle_all()?;
        let ControlFrame { kind, ty, .. } = self.frames[own];
        // Behind `catch`, they lie above the reference to the exception.
        if let ControlKind::Catch(_) = kind {
            let n = self.count(&ty, true);
            self.move_values(own, n)?;
        }
        Ok(())
    }
}
