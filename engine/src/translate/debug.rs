//! The cells that a debugger stops at: one before each instruction that can be reached.

use super::error::Error;
use super::translator::{StateAt, Translator, UNUSED, halves};
use crate::memory::{Buf, Kind};
use crate::ops::SpecialOp;

impl Translator<'_> {
    /// Has every local and operand in its slot, and writes a cell to stop at.
    pub(super) fn breakpoint(&mut self) -> Result<(), Error> {
        self.settle_all()?;
        if self.state.is_none() && self.state_at.is_some_and(|at| at <= self.at) {
            self.note_state()?;
        }
        let [c, d] = halves(self.at as u32);
        self.emit(SpecialOp::Breakpoint.op(), [UNUSED, UNUSED, c, d])?;
        self.label();
        Ok(())
    }

    fn note_state(&mut self) -> Result<(), Error> {
        let (mut locals, mut operands) = (
            Buf::new(self.env.budget, Kind::CompilerScratch),
            Buf::new(self.env.budget, Kind::CompilerScratch),
        );
        locals.try_extend_from_slice(&self.locals)?;
        for entry in self.stack.iter() {
            operands.try_push((entry.slot, entry.class))?;
        }
        self.state = Some(StateAt { offset: self.at, locals, operands });
        Ok(())
    }
}
