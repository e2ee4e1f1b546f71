//! What a turn of a loop takes where fuel isn't counted: about as many instructions as it executes.
//!
//! It says how soon a slice ends, so that samples are in proportion to time. That needs no exact rule, and no pass of
//! its own as `regions` does: each instruction counts as often as it is expected in a turn.

use super::frames::{ALWAYS, ControlFrame, ControlKind, Turn};
use super::translator::Translator;

/// How often each way of a branch with two is expected.
fn one_way(often: u32) -> u32 {
    often - often / 4
}

impl Translator<'_> {
    /// Adds the instructions up to here to the turn of the current frame.
    pub(super) fn add_to_turn(&mut self) {
        let n = core::mem::take(&mut self.pending);
        let turn = self.frame().turn;
        let Turn { own, others } = &mut self.arrivals[turn].turn;
        if self.often == ALWAYS {
            *own = own.saturating_add(n);
        } else {
            *others = others.saturating_add(((u64::from(n) * u64::from(self.often)) >> 12) as u32);
        }
    }

    /// Begins one of the two ways of a branch.
    pub(super) fn begin_way(&mut self, often: u32) {
        self.add_to_turn();
        self.often = one_way(often);
    }

    /// At the end of the innermost frame: how often what follows is expected.
    pub(super) fn end_turn(&mut self) {
        self.add_to_turn();
        let ControlFrame { kind, often, mut arrive, outermost, dead, .. } = *self.frame();
        let own = self.frames.len() - 1;
        let Some(around) = own.checked_sub(1) else { return };
        let goes_to = &mut self.frames[around].outermost;
        *goes_to = (*goes_to).min(outermost);
        if let ControlKind::If(_) = kind {
            arrive = arrive.saturating_add(one_way(often));
        }
        if !dead {
            arrive = arrive.saturating_add(self.often);
        }
        // Without branches to places further out, it is as often as what is before.
        let stays = outermost as usize >= own || matches!(kind, ControlKind::Loop(_));
        self.often = if stays { often } else { arrive.min(often) };
    }

    /// Notes a branch to frame `i`, expected so often.
    pub(super) fn goes_to(&mut self, i: usize, often: u32) {
        self.frames[i].arrive = self.frames[i].arrive.saturating_add(often);
        let outermost = &mut self.frame().outermost;
        *outermost = (*outermost).min(i as u32);
    }
}
