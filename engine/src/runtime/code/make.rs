//! Making code: what isn't in the cache is translated and linked; and what can only be known by translating again
//! (where cells come from, and what they are).

use super::{Executing, Made, Use};
use crate::memory::{Budget, Buf, Kind};
use crate::module::trap::Trap;
use crate::ops::cells::{self, CELL, PROLOGUE, extension};
use crate::ops::frame::header_of;
use crate::ops::{Op, SpecialOp};
use crate::runtime::error::{Error, ErrorKind};
use crate::runtime::exec::Dispatch;
use crate::runtime::loaded::ModuleShared;
use crate::translate::{self, Env, StateAt, Translated, Wanted};
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::AtomicPtr;

impl ModuleShared {
    /// The code of the function with this index among those that the module defines, translated if need be.
    ///
    /// # Errors
    /// If there is no memory for it, or its bytes are gone.
    pub(crate) fn translated(&self, index: u32, executing: &dyn Executing) -> Result<*const u64, Error> {
        loop {
            let mut made = self.code.made();
            if let Some(present) = self.code.present(&mut made, index) {
                return Ok(present);
            }
            let result = self
                .make(index, &self.code.cache)
                .and_then(|code| self.code.keep(&mut made, index, code, Use::Entry));
            match result {
                Err(error) if is_about_memory(&error) => {}
                result => return result.map_err(Error::at_run_time),
            }
            drop(made);
            if !self.make_room(executing) {
                break;
            }
        }
        // The reserve is full, with other stores' code or with code that frames are in: charge the module's own budget.
        let mut made = self.code.made();
        match self.code.present(&mut made, index) {
            Some(present) => Ok(present),
            None => self
                .make(index, &self.data.budget)
                .and_then(|code| self.code.keep(&mut made, index, code, Use::Entry)),
        }
        .map_err(Error::at_run_time)
    }

    /// The cells of a function, even if its entry is native. They don't become its entry.
    ///
    /// # Errors
    /// As for [`ModuleShared::translated`].
    pub(crate) fn cells(&self, index: u32, executing: &dyn Executing) -> Result<*const u64, Error> {
        for budget in [&self.code.cache, &self.data.budget] {
            let mut made = self.code.made();
            if let Some(code) = made.codes.iter().find(|code| code.index == index && !code.native) {
                return Ok(code.words.as_ptr());
            }
            let result =
                self.make(index, budget).and_then(|code| self.code.keep(&mut made, index, code, Use::Beside));
            match result {
                Err(error) if is_about_memory(&error) => {}
                result => return result.map_err(Error::at_run_time),
            }
            drop(made);
            self.make_room(executing);
        }
        Err(Trap::OutOfBudget.into())
    }

    /// Translates and links a function.
    fn make(&self, index: u32, budget: &Budget) -> Result<Made, Error> {
        let Translated { mut words, table, .. } = self.translate(index, Wanted::Cells, budget)?;
        if let Some(check) = self.engine.translation_check() {
            check(index, &words, table, &self.data, &self.layout);
        }
        let entries = self.islands(index, &words[..table], budget)?;
        link(&mut words[..table], self.engine.dispatch(), entries);
        let (words, charge) = words.into_boxed()?;
        Ok(Made { words, table: table as u32, charge })
    }

    /// The words that the cells of a function's loops read their compiled code from; null if its loops aren't compiled
    /// alone.
    fn islands(&self, index: u32, words: &[u64], budget: &Budget) -> Result<*const AtomicPtr<u8>, Error> {
        if self.data.bodies.records[index as usize].len < self.engine.translation().islands_from {
            return Ok(core::ptr::null());
        }
        let mut headers = Buf::new(budget, Kind::Metadata);
        let mut at = PROLOGUE;
        while let Some(&word) = words.get(at) {
            let next = at + CELL + extension(Op(word as u16), words[at + 1]);
            if Op(word as u16) == SpecialOp::Island.op() {
                let charges = Op(words[next] as u16) == SpecialOp::Charge.op();
                headers.try_push((next + if charges { CELL } else { 0 }) as u32)?;
            }
            at = next;
        }
        self.tiered.islands(index, headers, budget)
    }

    /// Translates a function.
    pub(crate) fn translate(&self, index: u32, wanted: Wanted, budget: &Budget) -> Result<Translated, Error> {
        let env = Env {
            data: &self.data,
            sigs: &self.sigs,
            layout: self.layout,
            budget,
            settings: self.engine.translation(),
        };
        let offset = self.data.bodies.file_offset(index);
        let func = self.data.imported_funcs + index;
        let translated = self
            .data
            .bodies
            .with_body(index, budget, |body| translate::translate(&env, func, body, offset, wanted))
            .map_err(|e| match e {
                crate::module::bodies::BodyError::Memory(e) => e.into(),
                _ => Error::from(Trap::ModuleChanged),
            })?;
        Ok(translated?)
    }

    /// Translates every function, for tests of the estimates. Gives the peak for one function, and the bytes of all
    /// cells.
    pub(crate) fn translate_all(&self) -> Result<(u64, u64), Error> {
        let (mut most, mut all) = (0, 0);
        for index in 0..self.code.entries.len() as u32 {
            let budget = Budget::unlimited();
            let made = self.make(index, &budget)?;
            most = most.max(budget.peak());
            all += made.charge.bytes();
        }
        Ok((most, all))
    }

    /// Each function's cells, for people to read.
    pub(crate) fn disassemble(&self) -> Result<Vec<String>, Error> {
        let functions = 0..self.code.entries.len() as u32;
        let cells = |index| self.translate(index, Wanted::Cells, &self.data.budget);
        let text = |made: Translated| cells::disassemble(&made.words, made.table);
        functions.map(|index| Ok(text(cells(index)?))).collect()
    }

    /// The offset in the module of the instruction that the cell at `word` came from. No table is kept for this:
    /// translation is deterministic, so the function is translated again up to that cell.
    pub(crate) fn offset_of(&self, index: u32, word: usize) -> Option<u64> {
        let wanted = Wanted::OffsetOf(word);
        let translated = self.translate(index, wanted, &self.code.cache);
        translated.or_else(|_| self.translate(index, wanted, &self.data.budget)).ok()?.offset
    }

    /// The first instruction from `offset` on in the function that can be reached, and the state of a frame before it. For
    /// engines that debug.
    pub(crate) fn state_at(&self, index: u32, offset: u64) -> Result<Option<StateAt>, Error> {
        Ok(self.translate(index, Wanted::StateAt(offset), &self.data.budget)?.state)
    }

    /// The function whose body has this offset in the module.
    pub(crate) fn func_at(&self, offset: u32) -> Option<u32> {
        let records = &self.data.bodies.records;
        let behind = records.partition_point(|body| body.offset <= offset);
        let index = behind.checked_sub(1)?;
        (offset - records[index].offset < records[index].len).then_some(index as u32)
    }

    /// Whether [`ModuleShared::offset_of`] would have room now for any function.
    pub(crate) fn has_room_to_locate(&self) -> bool {
        let most = self.data.cells.largest;
        let has_room = |budget: &Budget| budget.available().is_none_or(|available| available >= most);
        has_room(&self.code.cache) || has_room(&self.data.budget)
    }

    /// [`ModuleShared::offset_of`], evicting code if there is no room.
    pub(crate) fn locate(&self, index: u32, word: usize, executing: &dyn Executing) -> Option<u64> {
        loop {
            let offset = self.offset_of(index, word);
            if offset.is_some() || !self.make_room(executing) {
                return offset;
            }
        }
    }

    /// The slot of the header in a function's frames.
    pub(crate) fn header(&self, index: u32) -> u32 {
        let ty = self.data.func_type(self.data.imported_funcs + index);
        header_of(ty)
    }
}

fn is_about_memory(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfBudget | ErrorKind::OutOfMemory)
}

/// Replaces op numbers by handlers' addresses; where a cell and the next, or the next two, have a handler that does the work
/// of all, by that one's. The cell of each loop that may be compiled alone gets one of the words at `entries`.
fn link(words: &mut [u64], dispatch: Dispatch, mut entries: *const AtomicPtr<u8>) {
    let mut at = PROLOGUE;
    while at < words.len() {
        let op = Op(words[at] as u16);
        let next = behind(words, at);
        if op == SpecialOp::Island.op() {
            words[at + CELL] = entries as u64;
            entries = entries.wrapping_add(1);
        }
        if dispatch.knows_near()
            && [SpecialOp::BrTable, SpecialOp::BrTableAcc].map(SpecialOp::op).contains(&op)
        {
            // All lead forwards, to cells that aren't linked yet: a loop's header is reached by another branch. Neighbours
            // often lead to the same.
            let mut known = (0, 0);
            for entry in at + CELL..next {
                let distance = words[entry];
                if known.0 != distance {
                    let target = at + distance as usize;
                    let behind = behind(words, target);
                    let near = Dispatch::near(handler(words, target, behind, dispatch));
                    known = (distance, u64::from(near) << 32);
                }
                words[entry] |= known.1;
            }
        }
        words[at] = handler(words, at, next, dispatch);
        at = next;
    }
}

/// The first word of the next cell, behind the one at `at`.
fn behind(words: &[u64], at: usize) -> usize {
    at + CELL + extension(Op(words[at] as u16), words[at + 1])
}

/// The address of the handler for the cell at `at`, which isn't linked yet, as those behind it, from `next` on, aren't.
// Asked for every cell.
#[inline(always)]
fn handler(words: &[u64], at: usize, next: usize, dispatch: Dispatch) -> u64 {
    let op_at = |at| words.get(at).map(|&word| Op(word as u16));
    let op = Op(words[at] as u16);
    let fused = op_at(next).and_then(|second| dispatch.fused(op, second, || op_at(behind(words, next))));
    fused.unwrap_or_else(|| dispatch.handler(op))
}
