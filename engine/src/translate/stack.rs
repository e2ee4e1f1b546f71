//! The operand stack at translation time: where each operand is, and what the accumulators hold.

use super::error::Error;
use super::operand::{Accumulator, Entry, Location, Operand};
use super::translator::{Translator, UNUSED};
use crate::ops::{Class, Op, SpecialOp};

/// Operands that aren't in their slots are among the topmost so many, which bounds every search for them.
const MAX_UNSETTLED: usize = 32;

impl Translator<'_> {
    /// The slot of the next operand.
    pub(super) fn next_slot(&self) -> u16 {
        match self.stack.last() {
            Some(e) => e.slot + e.class.slots() as u16,
            None => self.first_operand as u16,
        }
    }

    pub(super) fn push(&mut self, class: Class, place: Location) -> Result<(), Error> {
        let slot = self.next_slot();
        self.need(slot as u32 + class.slots())?;
        self.bound()?;
        self.stack.try_push(Entry { class, slot, at: place })?;
        Ok(())
    }

    /// Makes room for one more operand that isn't in its slot.
    fn bound(&mut self) -> Result<(), Error> {
        if self.stack.len() - self.settled < MAX_UNSETTLED {
            return Ok(());
        }
        self.settle(self.settled)?;
        self.settled += 1;
        while self.stack.get(self.settled).is_some_and(|e| e.at == Location::Slot) {
            self.settled += 1;
        }
        Ok(())
    }

    pub(super) fn push_const(&mut self, class: Class, bits: u64) -> Result<(), Error> {
        self.push(class, Location::Const([bits, 0]))
    }

    pub(super) fn pop(&mut self) -> Entry {
        let e = *self.stack.last().expect("validation has seen this operand");
        self.stack.truncate(self.stack.len() - 1);
        self.settled = self.settled.min(self.stack.len());
        if e.at == Location::Acc {
            self.accs[e.class as usize].pending = None;
        }
        e
    }

    /// How a cell can take `e`, preferably from the accumulator.
    pub(super) fn operand(&self, e: Entry) -> Operand {
        let slot = match e.at {
            Location::Const(bits) => return Operand::Const(bits),
            Location::Acc => return Operand::Acc,
            Location::Slot => e.slot,
            Location::Local(slot) => slot,
        };
        if self.accs[e.class as usize].mirrors == Some(slot) { Operand::Acc } else { Operand::Slot(slot) }
    }

    /// A slot that holds `e`, which was popped. Its own, if it must be put into one.
    pub(super) fn slot_of(&mut self, e: Entry) -> Result<u16, Error> {
        match e.at {
            Location::Slot => Ok(e.slot),
            Location::Local(slot) => Ok(slot),
            Location::Const(bits) => {
                self.constant(e.class, e.slot, bits)?;
                Ok(e.slot)
            }
            Location::Acc => {
                self.patch_to(e.class, e.slot)?;
                Ok(e.slot)
            }
        }
    }

    /// Makes the producer of what the accumulator holds write `slot` as well; or spills it, if that was no cell
    /// that can be patched.
    fn patch_to(&mut self, class: Class, slot: u16) -> Result<(), Error> {
        match self.accs[class as usize].producer.take() {
            Some(cell) => {
                self.words[cell] |= 1;
                self.words[cell + 1] = self.words[cell + 1] & !0xffff | slot as u64;
            }
            None => {
                self.emit(SpecialOp::spill(class), [slot, UNUSED, UNUSED, UNUSED])?;
            }
        }
        self.wrote(class, slot);
        self.accs[class as usize].mirrors = Some(slot);
        Ok(())
    }

    /// Puts operand `i` into its own slot.
    fn settle(&mut self, i: usize) -> Result<(), Error> {
        let e = self.stack[i];
        match e.at {
            Location::Slot => return Ok(()),
            Location::Local(slot) => self.copy(e.class, e.slot, slot)?,
            Location::Const(bits) => self.constant(e.class, e.slot, bits)?,
            Location::Acc => {
                self.accs[e.class as usize].pending = None;
                self.patch_to(e.class, e.slot)?;
            }
        }
        self.stack[i].at = Location::Slot;
        Ok(())
    }

    /// Puts every operand into its own slot.
    pub(super) fn settle_all(&mut self) -> Result<(), Error> {
        for i in self.settled..self.stack.len() {
            self.settle(i)?;
        }
        self.settled = self.stack.len();
        Ok(())
    }

    /// Puts the `n` topmost operands into their own slots.
    pub(super) fn settle_top(&mut self, n: usize) -> Result<(), Error> {
        let first = (self.stack.len() - n).max(self.settled);
        for i in first..self.stack.len() {
            self.settle(i)?;
        }
        Ok(())
    }

    /// Puts the operand that only the accumulator of `class` holds, if any, into its slot.
    pub(super) fn spill(&mut self, class: Class) -> Result<(), Error> {
        match self.accs[class as usize].pending {
            Some(i) => self.settle(i),
            None => Ok(()),
        }
    }

    pub(super) fn spill_all(&mut self) -> Result<(), Error> {
        for class in [Class::Int, Class::F32, Class::F64, Class::V128] {
            self.spill(class)?;
        }
        Ok(())
    }

    /// Puts operands that are names of the local in `slot` into their own slots, since it is about to change.
    /// Tells whether there were any.
    pub(super) fn preserve(&mut self, slot: u16) -> Result<bool, Error> {
        let mut any = false;
        for i in self.settled..self.stack.len() {
            if self.stack[i].at == Location::Local(slot) {
                self.settle(i)?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Notes that a cell wrote a value of `class` to `slot`: accumulators that mirrored it don't any more.
    pub(super) fn wrote(&mut self, class: Class, slot: u16) {
        let end = slot + class.slots() as u16;
        for (i, acc) in self.accs.iter_mut().enumerate() {
            let width = if i == Class::V128 as usize { 2 } else { 1 };
            if acc.mirrors.is_some_and(|m| m < end && slot < m + width) {
                acc.mirrors = None;
            }
        }
    }

    /// Nothing is known of the accumulators any more; nothing may be pending.
    pub(super) fn forget(&mut self) {
        debug_assert!(self.accs.iter().all(|acc| acc.pending.is_none()));
        self.accs = Default::default();
    }

    /// Emits a cell whose result, of `class`, goes to the accumulator, and pushes that. `op` is in a form that
    /// writes no slot. Extension words follow by [`Translator::extend`].
    pub(super) fn produce(&mut self, class: Class, op: Op, fields: [u16; 4]) -> Result<(), Error> {
        // Whatever else needs a cell first gets it before this one, which shall be the last.
        self.bound()?;
        self.spill(class)?;
        let cell = self.emit(op, fields)?;
        self.accs[class as usize] =
            Accumulator { mirrors: None, pending: Some(self.stack.len()), producer: Some(cell) };
        let slot = self.next_slot();
        self.need(slot as u32 + class.slots())?;
        self.stack.try_push(Entry { class, slot, at: Location::Acc })?;
        Ok(())
    }

    /// Notes that the operand just made is also in the accumulator of its class.
    pub(super) fn mirror(&mut self, class: Class, slot: u16) {
        self.accs[class as usize] = Accumulator { mirrors: Some(slot), pending: None, producer: None };
    }

    /// Whether the accumulator's value was made by the last cell, which can still be changed.
    pub(super) fn fresh(&self, e: Entry) -> Option<usize> {
        match self.accs[e.class as usize].producer {
            Some(cell) if e.at == Location::Acc && self.last == Some(cell) => Some(cell),
            _ => None,
        }
    }

    /// Takes the last cell back, which made the popped operand of `class`.
    pub(super) fn unmake(&mut self, class: Class, cell: usize) {
        self.words.truncate(cell);
        self.last = None;
        self.accs[class as usize] = Accumulator::default();
    }

    /// Puts `e`, which was popped, into `slot`: a local, or an operand's slot that nothing needs any more.
    pub(super) fn store_to(&mut self, e: Entry, slot: u16) -> Result<(), Error> {
        match e.at {
            Location::Slot if e.slot == slot => Ok(()),
            Location::Local(from) if from == slot => Ok(()),
            Location::Slot => self.copy(e.class, slot, e.slot),
            Location::Local(from) => self.copy(e.class, slot, from),
            Location::Const(bits) => self.constant(e.class, slot, bits),
            Location::Acc => {
                if self.fresh(e).is_none() {
                    // Between its producer and here, cells may have used the slot's old value.
                    self.accs[e.class as usize].producer = None;
                }
                self.patch_to(e.class, slot)
            }
        }
    }

    fn copy(&mut self, class: Class, to: u16, from: u16) -> Result<(), Error> {
        let op = if class == Class::V128 { SpecialOp::CopyV128 } else { SpecialOp::Copy };
        self.emit(op.op(), [to, from, UNUSED, UNUSED])?;
        self.wrote(class, to);
        Ok(())
    }

    fn constant(&mut self, class: Class, slot: u16, bits: [u64; 2]) -> Result<(), Error> {
        let [low, high] = bits;
        if class == Class::V128 {
            self.emit(SpecialOp::ConstV128.op(), [slot, UNUSED, UNUSED, UNUSED])?;
            self.extend(low)?;
            self.extend(high)?;
        } else if let Ok(n) = u32::try_from(low) {
            self.emit(SpecialOp::Const.op(), [slot, UNUSED, n as u16, (n >> 16) as u16])?;
        } else {
            self.emit(SpecialOp::ConstWide.op(), [slot, UNUSED, UNUSED, UNUSED])?;
            self.extend(low)?;
        }
        self.wrote(class, slot);
        Ok(())
    }
}
