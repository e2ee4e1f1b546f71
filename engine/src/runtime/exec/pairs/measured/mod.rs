//! The pairs and triples that save most dispatches, by counting.
//!
//! They were chosen one after the other, each time those that saved most of what was left: over the benchmarks, and over
//! QuickJS, CPython, GCC's compiler and programs in Rust, which count more. How that went is in `RATIONALE.md`. Which file a
//! row is in has no meaning but for who reads it.

use super::super::call::{Call, Return};
use super::super::cell::{Body, Cell, Then, cell};
use super::super::operand::{Acc, ToAcc, ToSlot};
use super::super::regs::Tail;
use super::super::variable::{Constant, ConstantWide, Copy};
use super::super::vector::{Lane, Rotate};
use super::shapes::*;
use super::{Pair, Third};
use crate::ops::commutative::*;
use crate::ops::extract::*;
use crate::ops::float_compare::*;
use crate::ops::int_compare::*;
use crate::ops::load::*;
use crate::ops::ordered::*;
use crate::ops::shift::*;
use crate::ops::store::*;
use crate::ops::unary::*;
use crate::ops::vectors::*;

mod adds;
mod floats;
mod integers;
mod loads;
mod longs;
mod moves;
mod stores;
mod vectors;

/// A pair, and the third cells that make triples of it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) pair: Pair,
    pub(super) thirds: &'static [Third],
}

/// A list of third cells.
trait Thirds<P: Body, Q: Cell> {
    const THIRDS: &'static [Third];
}

impl<P: Body, Q: Cell> Thirds<P, Q> for () {
    const THIRDS: &'static [Third] = &[];
}

macro_rules! lists {
    ($(($($n:ident)*))*) => {$(
        impl<P: Body, Q: Body, $($n: Cell),*> Thirds<P, Q> for ($($n,)*) {
            const THIRDS: &'static [Third] = &[$(($n::OP, cell::<Tail, Then<P, Then<Q, $n>>>)),*];
        }
    )*};
}
lists! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K M) (A B C D E F G H I J K M N)
    (A B C D E F G H I J K M N O) (A B C D E F G H I J K M N O R) (A B C D E F G H I J K M N O R S)
}

const fn row<P: Body, Q: Cell, L: Thirds<P, Q>>() -> Row {
    Row { pair: (P::OP, Q::OP, cell::<Tail, Then<P, Q>>), thirds: L::THIRDS }
}

const GROUPS: [&[Row]; 8] = [
    moves::ROWS,
    adds::ROWS,
    integers::ROWS,
    longs::ROWS,
    loads::ROWS,
    stores::ROWS,
    floats::ROWS,
    vectors::ROWS,
];

const fn count() -> usize {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
}

/// All of them.
pub(super) const ROWS: &[Row] = &{
    let mut all = [GROUPS[0][0]; count()];
    let (mut filled, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut at = 0;
        while at < GROUPS[group].len() {
            all[filled] = GROUPS[group][at];
            filled += 1;
            at += 1;
        }
        group += 1;
    }
    all
};
