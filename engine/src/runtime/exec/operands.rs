//! The operands of interpreted frames, for core dumps: those below the ones that the instruction takes which a frame is at.
//!
//! What is left of an instruction's own operands when it traps depends on how it was translated, and a call's arguments
//! belong to the callee. So neither is told.

use super::locals;
use super::regs::Regs;
use super::walk::Frame;
use crate::Module;
use crate::memory::{Budget, Buf, Kind, MemoryError, Shared};
use crate::module::types::ValType;
use crate::runtime::coredump::{CoreValue, FrameValues};
use crate::runtime::loaded::ModuleShared;
use crate::stream::operands_below;
use crate::translate::{Held, Wanted};

/// Reads frames' operands. In a recursion, frames are at the same few cells: what is known of the last one is remembered.
struct Operands<'a> {
    budget: &'a Budget,
    /// The registers where the innermost frame stopped.
    regs: Option<Regs>,
    last: Option<Cell>,
}

/// What is known at a cell.
struct Cell {
    module: Module,
    func: u32,
    word: usize,
    /// From the bottom of the stack.
    operands: Buf<(ValType, Option<Held>)>,
}

/// What is kept of the frames of an execution that has stopped, and hasn't changed since. `regs` are the registers there.
///
/// # Safety
/// What it gives is called with frames of that execution.
pub(super) unsafe fn values(
    budget: &Budget,
    regs: Option<Regs>,
) -> impl FnMut(&Frame<'_>) -> Option<Shared<FrameValues>> {
    let mut operands = Operands { budget, regs, last: None };
    // SAFETY: the caller keeps the contract.
    move |frame| unsafe {
        let locals = locals::of(frame, budget)?;
        Shared::try_new(Kind::Host, FrameValues { locals, operands: operands.of(frame) }).ok()
    }
}

impl Operands<'_> {
    /// The operands of a frame; `None` if there is no memory to find them out.
    ///
    /// # Safety
    /// The frame hasn't changed since the execution stopped in it.
    unsafe fn of(&mut self, frame: &Frame<'_>) -> Option<Buf<CoreValue>> {
        let regs = self.regs.filter(|regs| (regs.ip, regs.sp) == (frame.ip, frame.sp) && !frame.calls);
        let mut values = Buf::new(self.budget, Kind::Host);
        for (ty, held) in self.at(frame)?.operands.iter() {
            let bits = match *held {
                // SAFETY: the slot is one of the frame's.
                Some(Held::Slot(slot)) => Some(unsafe { *frame.sp.add(slot.into()) }),
                Some(Held::Bits([low, _])) => Some(low),
                Some(Held::Accumulator(class)) => regs.map(|regs| regs.accumulator(class)[0]),
                None => None,
            };
            let value = bits.map_or(CoreValue::Missing, |bits| CoreValue::of(Some(*ty), bits));
            values.try_push(value).ok()?;
        }
        Some(values)
    }

    fn at(&mut self, frame: &Frame<'_>) -> Option<&Cell> {
        let (func, word) = (frame.func, frame.word);
        let is_it = |cell: &Cell| {
            (cell.func, cell.word) == (func, word)
                && Shared::ptr_eq(cell.module.shared(), frame.module.shared())
        };
        if !self.last.as_ref().is_some_and(is_it) {
            let operands = operands(frame.module.shared(), func, word, self.budget).ok()??;
            self.last = Some(Cell { module: frame.module.clone(), func, word, operands });
        }
        self.last.as_ref()
    }
}

/// The operands at a cell of a function (imports counted).
fn operands(
    shared: &ModuleShared,
    func: u32,
    word: usize,
    budget: &Budget,
) -> Result<Option<Buf<(ValType, Option<Held>)>>, MemoryError> {
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
