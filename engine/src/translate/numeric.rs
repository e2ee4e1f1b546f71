//! Operators that a family of the op table serves: unary, binary, comparisons, lanes.

use super::error::Error;
use super::operand::{Entry, Immediate, Location, Operand};
use super::translator::{Translator, UNUSED};
use crate::ops::{Canon, Class, Forms, Imm, IntCompareOp, Op, Row, Selected, SpecialOp, swapped, vectors};

/// The operands of a two-operand cell: its form, fields `b c d`, and its immediate.
struct Pair {
    form: u16,
    fields: [u16; 3],
    imm: Option<Immediate>,
}

impl Translator<'_> {
    pub(super) fn selected(&mut self, selected: &Selected) -> Result<(), Error> {
        match *selected {
            Selected::Unary { op, to, canon, .. } => self.unary(op, to, canon),
            Selected::Binary { .. } => {
                let (y, x) = (self.pop(), self.pop());
                self.binary_of(selected, x, y)
            }
            Selected::Compare { op, imm, .. } => self.compare(op, imm),
            Selected::Extract { op, to, lane } => {
                let e = self.pop();
                let b = self.slot_of(e)?;
                self.produce(to, op, [UNUSED, b, lane as u16, UNUSED])
            }
            Selected::Replace { op, lane, .. } => {
                let (y, x) = (self.pop(), self.pop());
                let pair = self.pair(x, y, Forms::Replace, Imm::None)?;
                let [b, c, _] = pair.fields;
                self.produce(Class::V128, Op(op.0 + pair.form), [UNUSED, b, c, lane as u16])
            }
            Selected::Load { op, to, memarg } => self.load(op, to, memarg),
            Selected::Store { op, from, memarg } => self.store(op, from, memarg),
            Selected::LoadLane { op, memarg, lane } => self.load_lane(op, memarg, lane),
            Selected::StoreLane { op, memarg, lane } => self.store_lane(op, memarg, lane),
        }
    }

    /// The form and field of a single operand: accumulator 0, slot 2.
    pub(super) fn one(&mut self, e: Entry) -> Result<(u16, u16), Error> {
        Ok(match self.operand(e) {
            Operand::Acc => (0, UNUSED),
            _ => (2, self.slot_of(e)?),
        })
    }

    fn unary(&mut self, op: Op, to: Class, canon: Option<Canon>) -> Result<(), Error> {
        let e = self.pop();
        let (form, b) = self.one(e)?;
        self.produce(to, Op(op.0 + form), [UNUSED, b, UNUSED, UNUSED])?;
        self.canonical(to, canon)
    }

    /// A cell of two popped operands.
    pub(super) fn binary_of(&mut self, selected: &Selected, x: Entry, y: Entry) -> Result<(), Error> {
        let Selected::Binary { op, to, forms, imm, canon } = *selected else {
            unreachable!("a row of two operands")
        };
        if op == vectors::V128Or::OP && self.rotation(x, y)? {
            return Ok(());
        }
        let pair = self.pair(x, y, forms, imm)?;
        let [b, c, d] = pair.fields;
        self.produce(to, Op(op.0 + pair.form), [UNUSED, b, c, d])?;
        if forms == Forms::Shift {
            self.shifted(op, x, pair.imm);
        }
        self.immediate(imm, pair.imm)?;
        self.canonical(to, canon)
    }

    /// Comparisons have commutative forms: if only the other order has one, the opposite direction is compared.
    fn compare(&mut self, op: Op, imm: Imm) -> Result<(), Error> {
        let (y, x) = (self.pop(), self.pop());
        self.compare_entries(op, x, y, imm)
    }

    fn compare_entries(&mut self, op: Op, x: Entry, y: Entry, imm: Imm) -> Result<(), Error> {
        let left = matches!(self.operand(x), Operand::Const(_))
            || self.operand(y) == Operand::Acc && self.operand(x) != Operand::Acc;
        let (op, x, y) = if left && !matches!(self.operand(y), Operand::Const(_)) {
            (swapped(op), y, x)
        } else {
            (op, x, y)
        };
        let pair = self.pair(x, y, Forms::Commutative, imm)?;
        let [b, c, d] = pair.fields;
        self.produce(Class::Int, Op(op.0 + pair.form), [UNUSED, b, c, d])?;
        self.immediate(imm, pair.imm)
    }

    /// Adds to the last cell the extension words of its immediate, if it has one.
    fn immediate(&mut self, imm: Imm, bits: Option<Immediate>) -> Result<(), Error> {
        match bits {
            Some(bits) => bits[..imm.words()].iter().try_for_each(|&word| self.extend(word)),
            None => Ok(()),
        }
    }

    /// `x == 0`, which turns a comparison that was just made into its opposite.
    pub(super) fn eqz(&mut self, eq: IntCompareOp) -> Result<(), Error> {
        let top = *self.stack.last().expect("validation has seen this operand");
        if let Some(cell) = self.fresh(top)
            && IntCompareOp::is_value(Op(self.words[cell] as u16))
        {
            self.words[cell] = IntCompareOp::opposite(Op(self.words[cell] as u16)).0 as u64;
            return Ok(());
        }
        let x = self.pop();
        let imm = if eq == IntCompareOp::I32Eq { Imm::I32 } else { Imm::I64 };
        // If both are constants, it is the left one that is put into the operand's slot.
        let zero = Entry { at: Location::Const([0, 0]), ..x };
        self.compare_entries(eq.op(), x, zero, imm)
    }

    /// Chooses the form of two popped operands.
    fn pair(&mut self, x: Entry, y: Entry, forms: Forms, imm: Imm) -> Result<Pair, Error> {
        let (mut x, mut y) = (x, y);
        let (mut l, mut r) = (self.operand(x), self.operand(y));
        let fits = |o: Operand| imm.exists() && matches!(o, Operand::Const(_));
        if forms == Forms::Commutative
            && ((fits(l) && !matches!(r, Operand::Const(_))) || r == Operand::Acc && l != Operand::Acc)
        {
            (x, y) = (y, x);
            (l, r) = (r, l);
        }
        let ordered = forms == Forms::Ordered;
        // Whether there is a form with the right operand in the accumulator, the left one in a slot.
        let right = matches!(forms, Forms::Ordered | Forms::Vector | Forms::Replace);
        // The accumulators of two classes are two: a shift's count would be in another than the vector.
        let same = x.class == y.class;
        let two_accs = l == Operand::Acc && r == Operand::Acc;
        if two_accs || (r == Operand::Acc && !right) {
            // Only one can be taken from an accumulator; what only that holds comes first.
            if two_accs && same && y.at == Location::Acc && right {
                l = Operand::Slot(self.slot_of(x)?);
            } else {
                r = Operand::Slot(self.slot_of(y)?);
            }
        }
        if matches!(r, Operand::Const(_)) && !fits(r) {
            r = Operand::Slot(self.slot_of(y)?);
        }
        if matches!(l, Operand::Const(_)) && !(ordered && fits(l) && !matches!(r, Operand::Const(_))) {
            l = Operand::Slot(self.slot_of(x)?);
        }
        // Half a cell holds 32 bits of an immediate, if that is all there is.
        let halves = |[low, _]: Immediate| [low as u16, (low >> 16) as u16];
        let (form, b, [c, d], imm) = match (l, r) {
            (Operand::Slot(b), Operand::Slot(c)) => (0, b, [c, UNUSED], None),
            (Operand::Acc, Operand::Slot(c)) => (2, UNUSED, [c, UNUSED], None),
            (Operand::Slot(b), Operand::Const(bits)) => (4, b, halves(bits), Some(bits)),
            (Operand::Acc, Operand::Const(bits)) => (6, UNUSED, halves(bits), Some(bits)),
            (Operand::Slot(b), Operand::Acc) => {
                (if forms == Forms::Replace { 4 } else { 8 }, b, [UNUSED; 2], None)
            }
            (Operand::Const(bits), Operand::Slot(b)) => (10, b, halves(bits), Some(bits)),
            (Operand::Const(bits), Operand::Acc) => (12, UNUSED, halves(bits), Some(bits)),
            (Operand::Acc, Operand::Acc) | (Operand::Const(_), Operand::Const(_)) => {
                unreachable!("one of two has been given a slot")
            }
        };
        Ok(Pair { form, fields: [b, c, d], imm })
    }

    pub(super) fn canonical(&mut self, class: Class, canon: Option<Canon>) -> Result<(), Error> {
        let Some(canon) = canon.filter(|_| self.env.settings.canonical_nans) else { return Ok(()) };
        let slot = self.stack.last().expect("the result").slot;
        self.spill(class)?;
        let op = match canon {
            Canon::F32 => SpecialOp::CanonF32,
            Canon::F64 => SpecialOp::CanonF64,
            Canon::F32x4 => SpecialOp::CanonF32x4,
            Canon::F64x2 => SpecialOp::CanonF64x2,
        };
        self.emit(op.op(), [slot, UNUSED, UNUSED, UNUSED])?;
        self.mirror(class, slot);
        Ok(())
    }

    pub(super) fn bitselect(&mut self) -> Result<(), Error> {
        let (z, y, x) = (self.pop(), self.pop(), self.pop());
        let d = self.slot_of(z)?;
        let c = self.slot_of(y)?;
        let b = self.slot_of(x)?;
        self.produce(Class::V128, SpecialOp::Bitselect.op(), [UNUSED, b, c, d])
    }

    pub(super) fn shuffle(&mut self, lanes: [u8; 16]) -> Result<(), Error> {
        let (y, x) = (self.pop(), self.pop());
        let c = self.slot_of(y)?;
        let b = self.slot_of(x)?;
        self.produce(Class::V128, SpecialOp::Shuffle.op(), [UNUSED, b, c, UNUSED])?;
        let lanes = u128::from_le_bytes(lanes);
        self.extend(lanes as u64)?;
        self.extend((lanes >> 64) as u64)
    }
}
