//! What the translator knows of operands, and of the last cells that made one.

use crate::ops::{Class, Op};

/// An operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) class: Class,
    /// Its own slot, that of its height.
    pub(super) slot: u16,
    pub(super) at: Location,
}

/// Where an operand is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Location {
    /// In its own slot.
    Slot,
    /// In the local's slot: a `local.get` that made no cell yet.
    Local(u16),
    /// Nowhere: a constant's bits, the low half first.
    Const([u64; 2]),
    /// Only in the accumulator of its class.
    Acc,
}

/// How a cell can take an operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operand {
    Slot(u16),
    Acc,
    Const([u64; 2]),
}

/// What an accumulator is known to hold.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Accumulator {
    /// It holds what this slot holds.
    pub(super) mirrors: Option<u16>,
    /// It holds the only copy of the operand at this index of the stack.
    pub(super) pending: Option<usize>,
    /// The cell that made its value without writing a slot, and can be patched to.
    pub(super) producer: Option<usize>,
}

/// The bits of an immediate, the low half first.
pub(super) type Immediate = [u64; 2];

/// A cell that shifts a local's lanes by a constant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shift {
    pub(super) cell: usize,
    /// Its op in the first form.
    pub(super) op: Op,
    pub(super) local: u16,
    pub(super) count: u32,
}

/// Two in a row: the last, and the one before it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Shifts {
    pub(super) before: Option<Shift>,
    pub(super) last: Option<Shift>,
}
