//! A loop with what is around it: what must be known to compile it alone, as an island in interpreted code.

use super::error::Error;
use super::frames::{ControlFrame, ControlKind, Enclosed, Label};
use super::translator::{Translator, UNUSED, halves};
use crate::memory::{Buf, Kind};
use crate::ops::SpecialOp;

impl Translator<'_> {
    /// Emits the cell by which the code of the loop that begins here can be entered.
    pub(super) fn island(&mut self) -> Result<(), Error> {
        let [c, d] = halves(self.words.len() as u32);
        self.emit(SpecialOp::Island.op(), [UNUSED, self.header as u16, c, d])?;
        self.extend(0)
    }

    /// Behind the header of a loop, which is the innermost frame: notes what is around it if it is asked for.
    pub(super) fn note_enclosed(&mut self, header: usize) -> Result<(), Error> {
        if self.enclosed_at != Some(header) {
            return Ok(());
        }
        let (own, around) = self.frames.split_last().expect("the loop's frame");
        let mut labels = Buf::with_capacity(self.env.budget, Kind::CompilerScratch, around.len())?;
        for &ControlFrame { kind, ty, base, .. } in around {
            let header = if let ControlKind::Loop(header) = kind { Some(header) } else { None };
            labels.try_push(Label { ty, is_loop: header.is_some(), base, word: header.unwrap_or(0) })?;
        }
        let open = around.len() + 1;
        let protects = |kind| matches!(kind, ControlKind::Try(_) | ControlKind::TryTable(_));
        let protected = around.iter().any(|frame| protects(frame.kind));
        let (offset, base) = (self.at, own.base);
        self.enclosed = Some(Enclosed { offset, end: 0, base, behind: 0, protected, labels, open });
        Ok(())
    }

    /// The innermost block ends, and what follows is at word `here`.
    pub(super) fn note_end(&mut self, here: usize) {
        let (frame, at) = (self.frames.len() - 1, self.at);
        let Some(enclosed) = self.enclosed.as_mut().filter(|enclosed| enclosed.open == frame + 1) else {
            return;
        };
        enclosed.open = frame;
        match enclosed.labels.get_mut(frame) {
            None => (enclosed.behind, enclosed.end) = (here, at),
            Some(label) if !label.is_loop => label.word = here,
            Some(_) => {}
        }
    }
}
