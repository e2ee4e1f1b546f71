//! Where operands are at a cell, for core dumps: those below the ones that its instruction takes.
//!
//! What is left of an instruction's own operands when it traps depends on how it was translated, and a call's arguments
//! belong to the callee. So neither is told.

use super::walk::Frame;
use crate::Module;
use crate::memory::{Budget, Buf, Kind, MemoryError, Shared};
use crate::module::types::ValType;
use crate::runtime::loaded::ModuleShared;
use crate::stream::operands_below;
use crate::translate::{Held, Wanted};

/// An operand's type, and where it is; `None` if the cell has taken it.
pub(super) type Operand = (ValType, Option<Held>);

/// Finds operands. In a recursion, frames are at the same few cells: what is known of the last one is remembered.
pub(super) struct Operands<'a> {
    budget: &'a Budget,
    last: Option<Cell>,
}

/// What is known at a cell.
struct Cell {
    module: Module,
    func: u32,
    word: usize,
    operands: Buf<Operand>,
}

impl<'a> Operands<'a> {
    pub(super) fn new(budget: &'a Budget) -> Self {
        Self { budget, last: None }
    }

    /// The operands where a frame is, from the bottom of the stack; `None` if there is no memory to find them.
    pub(super) fn at(&mut self, frame: &Frame<'_>) -> Option<&[Operand]> {
        let (func, word) = (frame.func, frame.word);
        let is_it = |cell: &Cell| {
            (cell.func, cell.word) == (func, word)
                && Shared::ptr_eq(cell.module.shared(), frame.module.shared())
        };
        if !self.last.as_ref().is_some_and(is_it) {
            let operands = operands(frame.module.shared(), func, word, self.budget).ok()??;
            self.last = Some(Cell { module: frame.module.clone(), func, word, operands });
        }
        self.last.as_ref().map(|cell| &cell.operands[..])
    }
}

/// The operands at a cell of a function (imports counted).
fn operands(
    shared: &ModuleShared,
    func: u32,
    word: usize,
    budget: &Budget,
) -> Result<Option<Buf<Operand>>, MemoryError> {
    let data = &shared.data;
    let defined = func - data.imported_funcs;
    let Some(offset) = shared.offset_of(defined, word) else { return Ok(None) };
    let body = data.bodies.with_body(defined, budget, |body| {
        operands_below(data, (func, body, data.bodies.file_offset(defined)), offset, budget)
    });
    let Ok(Ok(Some(types))) = body else { return Ok(None) };
    let translated = shared.translate(defined, Wanted::OperandsAt(offset, word), budget);
    let Some(cell) = translated.ok().and_then(|translated| translated.cell) else { return Ok(None) };
    let mut operands = Buf::with_capacity(budget, Kind::CompilerScratch, types.len())?;
    for (i, ty) in types.iter().enumerate() {
        operands.try_push((*ty, cell.operands.get(i).map(|(_, held)| *held)))?;
    }
    Ok(Some(operands))
}
