//! The cells that charge fuel: where they are, and what they cost.

use super::error::Error;
use super::frames::Arrivals;
use super::translator::{Charged, Translator, UNUSED, halves};
use crate::ops::SpecialOp;

impl Translator<'_> {
    /// Charges for the arm that begins behind the current instruction, if one does.
    pub(super) fn charge(&mut self) -> Result<(), Error> {
        let at = self.at;
        let Some(cost) = self.regions.as_mut().and_then(|regions| regions.arm_behind(at)) else {
            return Ok(());
        };
        debug_assert!(!self.is_dead(), "an arm can be reached");
        // Compiled code that stops here leaves all values in their slots, and nothing in accumulators.
        self.settle_all()?;
        let [c, d] = halves(cost);
        self.emit(SpecialOp::Charge.op(), [UNUSED, UNUSED, c, d])?;
        self.label();
        self.note_charge(false, cost)
    }

    pub(super) fn note_charge(&mut self, is_loop: bool, cost: u32) -> Result<(), Error> {
        let (offset, word) = (self.at, self.words.len());
        match &mut self.charges {
            Some(charges) => Ok(charges.try_push(Charged { is_loop, offset, word, cost })?),
            None => Ok(()),
        }
    }

    /// Writes what loops cost into the cells that charge for them. Returns what the function's entry costs.
    pub(super) fn pay_for_arrivals(&mut self) -> u32 {
        let mut costs = self.regions.iter().flat_map(|regions| regions.turns());
        let mut cost_of = |arrivals: &Arrivals| costs.next().unwrap_or_else(|| arrivals.turn.cost());
        let entry = cost_of(&self.arrivals[0]);
        let mut charges = self.charges.iter_mut().flat_map(|charges| charges.iter_mut());
        for arrivals in self.arrivals.iter().skip(1) {
            let cost = cost_of(arrivals);
            if let Some(cell) = arrivals.first {
                self.words[cell + 1] |= u64::from(cost) << 32;
            }
            let mut back = arrivals.back;
            while let Some(word) = back {
                back = (self.words[word] as usize).checked_sub(1);
                self.words[word] = u64::from(cost);
            }
            if let Some(charged) = charges.find(|charged| charged.is_loop) {
                charged.cost = cost;
            }
        }
        entry
    }
}
