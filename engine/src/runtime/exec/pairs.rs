//! Superinstructions: two or three cells that one handler executes, which saves dispatches.
//!
//! Most pairs are products of two lists, of first cells and of second cells, chosen by kinds of code rather than by
//! program. [`measured`] has more pairs, and all triples: those that saved most dispatches over the benchmarks and programs
//! of others (`ops`, in `benches`, counts them). In builds for size, the products that programs hardly use are left out. The cells stay as and where they are: only the first cell's handler is
//! replaced, by one that also does the others' work. So branches to the other cells stay valid, and superinstructions may
//! overlap.

mod index;
mod measured;
#[cfg(feature = "pairs")]
mod rare;
mod shapes;

use super::call::{Call, Return, ReturnValue};
use super::cell::{Body, Cell, Then, cell, may_follow};
use super::control::{Back, Br, BrIf, BrTable, Charge, Forward, NonZero, Zero};
use super::memory::{Ld, Memory0, St};
use super::numeric::{Bin, Branch, Cmp, Un};
use super::operand::{Acc, Imm, Slot, ToAcc, ToSlot};
use super::regs::{Handler, Tail};
use super::variable::{Constant, ConstantWide, Copy, GlobalGet, GlobalSet, Select};
use crate::ops::{
    Op, commutative as c, float_compare as f, int_compare as i, load, ordered as o, store, unary as u,
};
use index::{Index, Lists};
#[cfg(feature = "pairs")]
use rare::RARE;

type Pair = (Op, Op, Handler<Tail>);

/// What may be the third cell behind a pair, and the handler of all three.
type Third = (Op, Handler<Tail>);

/// A list of second cells.
trait Seconds<P: Body> {
    const PAIRS: &'static [Option<Pair>];
}

/// A list of first cells, combined with the second cells of `L`.
trait Firsts<L> {
    const ROWS: &'static [&'static [Option<Pair>]];
}

/// The pair, unless the second cell would lose the first one's result: the translator never makes such a sequence.
const fn pair_of<P: Body, Q: Cell>() -> Option<Pair> {
    if may_follow::<P, Q>() { Some((P::OP, Q::OP, cell::<Tail, Then<P, Q>>)) } else { None }
}

macro_rules! lists {
    ($(($($n:ident)*))*) => {$(
        impl<P: Body, $($n: Cell),*> Seconds<P> for ($($n,)*) {
            const PAIRS: &'static [Option<Pair>] = &[$(pair_of::<P, $n>()),*];
        }
        impl<L: $(Seconds<$n> +)*, $($n: Body),*> Firsts<L> for ($($n,)*) {
            const ROWS: &'static [&'static [Option<Pair>]] = &[$(<L as Seconds<$n>>::PAIRS),*];
        }
    )*};
}
lists! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K M) (A B C D E F G H I J K M N)
    (A B C D E F G H I J K M N O) (A B C D E F G H I J K M N O Q) (A B C D E F G H I J K M N O Q R)
}

const fn after<F: Firsts<L>, L>() -> &'static [&'static [Option<Pair>]] {
    F::ROWS
}

/// The forms of an op whose right operand is a slot, or an immediate.
type Slots<O> = (
    Bin<O, Slot, Slot, ToAcc>,
    Bin<O, Slot, Slot, ToSlot>,
    Bin<O, Acc, Slot, ToAcc>,
    Bin<O, Acc, Slot, ToSlot>,
);
type Imms<O> =
    (Bin<O, Slot, Imm, ToAcc>, Bin<O, Slot, Imm, ToSlot>, Bin<O, Acc, Imm, ToAcc>, Bin<O, Acc, Imm, ToSlot>);
/// The forms that take the preceding result from the accumulator.
type OnAcc<O> = (Bin<O, Acc, Slot, ToAcc>, Bin<O, Acc, Slot, ToSlot>);
type OnAccImm<O> = (Bin<O, Acc, Imm, ToAcc>, Bin<O, Acc, Imm, ToSlot>);

type LoadsAt<P> = (
    Ld<load::I32Load, P, ToAcc, Memory0>,
    Ld<load::I32Load, P, ToSlot, Memory0>,
    Ld<load::I64Load, P, ToAcc, Memory0>,
    Ld<load::I64Load, P, ToSlot, Memory0>,
    Ld<load::I32Load8U, P, ToAcc, Memory0>,
    Ld<load::I32Load8U, P, ToSlot, Memory0>,
    Ld<load::I32Load8S, P, ToAcc, Memory0>,
    Ld<load::I32Load16U, P, ToAcc, Memory0>,
    Ld<load::I32Load16S, P, ToAcc, Memory0>,
    Ld<load::I32Load16S, P, ToSlot, Memory0>,
    Ld<load::F64Load, P, ToAcc, Memory0>,
    Ld<load::F64Load, P, ToSlot, Memory0>,
    Ld<load::F32Load, P, ToAcc, Memory0>,
    Ld<load::V128Load, P, ToAcc, Memory0>,
    Ld<load::V128Load, P, ToSlot, Memory0>,
);
type IntLoads = (
    Ld<load::I32Load, Slot, ToAcc, Memory0>,
    Ld<load::I32Load, Slot, ToSlot, Memory0>,
    Ld<load::I32Load, Acc, ToAcc, Memory0>,
    Ld<load::I32Load, Acc, ToSlot, Memory0>,
    Ld<load::I32Load8U, Slot, ToAcc, Memory0>,
    Ld<load::I32Load8U, Slot, ToSlot, Memory0>,
    Ld<load::I32Load8U, Acc, ToAcc, Memory0>,
    Ld<load::I32Load8U, Acc, ToSlot, Memory0>,
);
type IntStores = (
    St<store::I32Store, Slot, Slot, Memory0>,
    St<store::I32Store, Slot, Acc, Memory0>,
    St<store::I32Store8, Slot, Acc, Memory0>,
    St<store::I64Store, Slot, Acc, Memory0>,
    St<store::I32Store16, Slot, Acc, Memory0>,
    St<store::I32Store8, Acc, Slot, Memory0>,
    St<store::I32Store, Slot, Imm, Memory0>,
    St<store::I32Store, Acc, Slot, Memory0>,
);
type Step = (Bin<c::I32Add, Slot, Imm, ToAcc>, Bin<c::I32Add, Slot, Imm, ToSlot>);
type StepOrSum = (
    Bin<c::I32Add, Slot, Imm, ToAcc>,
    Bin<c::I32Add, Slot, Imm, ToSlot>,
    Bin<c::I32Add, Slot, Slot, ToAcc>,
    Bin<c::I32Add, Slot, Slot, ToSlot>,
);
type Copies = (Copy<u64>, Constant);
type Jumps = (Br<Forward>, Br<Back>);
type Truths = (BrIf<Acc, NonZero, Forward>, BrIf<Acc, Zero, Forward>);
/// Back edges, behind the step of a loop counter.
type Loops = (BrIf<Acc, NonZero, Back>, BrIf<Acc, Zero, Back>);
type Returns = (Return, ReturnValue<u64, Acc>);

/// Branches on a comparison of the accumulator.
type OnAccBranches<Y, D> = (
    Branch<i::I32Eq, Acc, Y, D>,
    Branch<i::I32Ne, Acc, Y, D>,
    Branch<i::I32LtS, Acc, Y, D>,
    Branch<i::I32GeS, Acc, Y, D>,
    Branch<i::I32LtU, Acc, Y, D>,
    Branch<i::I32GeU, Acc, Y, D>,
    Branch<i::I32GtS, Acc, Y, D>,
    Branch<i::I32GtU, Acc, Y, D>,
);

type Logic32 = (
    Bin<c::I32Xor, Slot, Slot, ToAcc>,
    Bin<c::I32Xor, Acc, Slot, ToAcc>,
    Bin<c::I32Xor, Acc, Slot, ToSlot>,
    Bin<c::I32And, Slot, Slot, ToAcc>,
    Bin<c::I32And, Acc, Slot, ToAcc>,
    Bin<c::I32And, Acc, Slot, ToSlot>,
    Bin<c::I32And, Acc, Imm, ToAcc>,
    Bin<c::I32And, Slot, Imm, ToAcc>,
    Bin<c::I32Or, Acc, Slot, ToAcc>,
    Bin<c::I32Or, Acc, Slot, ToSlot>,
    Bin<c::I32Add, Acc, Slot, ToAcc>,
    Bin<c::I32Add, Acc, Slot, ToSlot>,
);
type Shift32 = (
    Bin<o::I32Shl, Acc, Imm, ToAcc>,
    Bin<o::I32Shl, Acc, Imm, ToSlot>,
    Bin<o::I32Shl, Slot, Imm, ToAcc>,
    Bin<o::I32ShrU, Acc, Imm, ToAcc>,
    Bin<o::I32ShrU, Acc, Imm, ToSlot>,
    Bin<o::I32ShrU, Slot, Imm, ToAcc>,
    Bin<o::I32ShrS, Acc, Imm, ToAcc>,
    Bin<o::I32Rotl, Acc, Imm, ToAcc>,
    Bin<o::I32Rotl, Acc, Imm, ToSlot>,
    Bin<o::I32Rotl, Slot, Imm, ToAcc>,
);
type Logic64 = (
    Bin<c::I64Xor, Slot, Slot, ToAcc>,
    Bin<c::I64Xor, Acc, Slot, ToAcc>,
    Bin<c::I64Xor, Acc, Slot, ToSlot>,
    Bin<c::I64And, Slot, Slot, ToAcc>,
    Bin<c::I64And, Acc, Slot, ToAcc>,
    Bin<c::I64And, Acc, Slot, ToSlot>,
    Bin<c::I64And, Acc, Imm, ToAcc>,
    Bin<c::I64Or, Acc, Slot, ToAcc>,
    Bin<c::I64Or, Acc, Slot, ToSlot>,
    Bin<c::I64Add, Slot, Slot, ToAcc>,
    Bin<c::I64Add, Acc, Slot, ToAcc>,
    Bin<c::I64Add, Acc, Slot, ToSlot>,
);
type Shift64 = (
    Bin<o::I64Shl, Acc, Imm, ToAcc>,
    Bin<o::I64Shl, Slot, Imm, ToAcc>,
    Bin<o::I64ShrU, Acc, Imm, ToAcc>,
    Bin<o::I64ShrU, Acc, Imm, ToSlot>,
    Bin<o::I64ShrU, Slot, Imm, ToAcc>,
    Bin<o::I64Rotl, Acc, Imm, ToAcc>,
    Bin<o::I64Rotl, Acc, Imm, ToSlot>,
    Bin<o::I64Rotl, Slot, Imm, ToAcc>,
);
type Mul64 = (
    Bin<c::I64Mul, Slot, Slot, ToAcc>,
    Bin<c::I64Mul, Acc, Slot, ToAcc>,
    Bin<c::I64Mul, Acc, Imm, ToAcc>,
    Bin<c::I64Mul, Acc, Imm, ToSlot>,
);
type Mul32 = (
    Bin<c::I32Mul, Slot, Slot, ToAcc>,
    Bin<c::I32Mul, Acc, Slot, ToAcc>,
    Bin<c::I32Mul, Slot, Imm, ToAcc>,
    Bin<c::I32Mul, Acc, Imm, ToAcc>,
);

type FloatLoads<L> = (
    Ld<L, Slot, ToAcc, Memory0>,
    Ld<L, Slot, ToSlot, Memory0>,
    Ld<L, Acc, ToAcc, Memory0>,
    Ld<L, Acc, ToSlot, Memory0>,
);
type FloatStores<S> = (St<S, Slot, Acc, Memory0>, St<S, Acc, Acc, Memory0>);
type F64Compares = (
    Cmp<f::F64Lt, Acc, Slot, ToAcc>,
    Cmp<f::F64Lt, Acc, Imm, ToAcc>,
    Cmp<f::F64Gt, Acc, Slot, ToAcc>,
    Cmp<f::F64Gt, Acc, Imm, ToAcc>,
    Cmp<f::F64Le, Acc, Slot, ToAcc>,
    Cmp<f::F64Ge, Acc, Slot, ToAcc>,
);
/// Comparisons whose result is used by something other than a branch.
type Flags = (
    Cmp<i::I32Eq, Acc, Imm, ToAcc>,
    Cmp<i::I32Ne, Acc, Imm, ToAcc>,
    Cmp<i::I32LtS, Slot, Slot, ToAcc>,
    Cmp<i::I32LtU, Slot, Slot, ToAcc>,
    Cmp<i::I32LtS, Acc, Slot, ToAcc>,
    Cmp<i::I32LtU, Acc, Slot, ToAcc>,
    Cmp<i::I32GtS, Slot, Slot, ToAcc>,
    Cmp<i::I32GtU, Slot, Slot, ToAcc>,
    Cmp<i::I32LtU, Acc, Imm, ToAcc>,
    Cmp<i::I32Eq, Slot, Imm, ToAcc>,
    Cmp<i::I32Ne, Slot, Imm, ToAcc>,
);
type Selects = (Select<u64, Acc, ToAcc>, Select<u64, Acc, ToSlot>);
type Tables = (BrTable<Acc>,);

type VectorStores = (St<store::V128Store, Slot, Acc, Memory0>, St<store::V128Store, Acc, Slot, Memory0>);

/// What begins an arm or a loop, where nothing is in an accumulator.
type Charges = (Charge,);
type OfSlots<O> = (
    Bin<O, Slot, Slot, ToAcc>,
    Bin<O, Slot, Slot, ToSlot>,
    Bin<O, Slot, Imm, ToAcc>,
    Bin<O, Slot, Imm, ToSlot>,
);
type SlotStores = (
    St<store::I32Store, Slot, Slot, Memory0>,
    St<store::I32Store, Slot, Imm, Memory0>,
    St<store::I32Store8, Slot, Slot, Memory0>,
    St<store::I32Store8, Slot, Imm, Memory0>,
    St<store::I32Store16, Slot, Slot, Memory0>,
    St<store::I64Store, Slot, Slot, Memory0>,
    St<store::I64Store, Slot, Imm, Memory0>,
    St<store::F64Store, Slot, Slot, Memory0>,
);
type SlotBranches<Y> = (
    Branch<i::I32Eq, Slot, Y, Forward>,
    Branch<i::I32Ne, Slot, Y, Forward>,
    Branch<i::I32LtS, Slot, Y, Forward>,
    Branch<i::I32GeS, Slot, Y, Forward>,
    Branch<i::I32LtU, Slot, Y, Forward>,
    Branch<i::I32GeU, Slot, Y, Forward>,
    Branch<i::I32GtS, Slot, Y, Forward>,
    Branch<i::I32LeS, Slot, Y, Forward>,
    Branch<i::I32GtU, Slot, Y, Forward>,
    Branch<i::I32LeU, Slot, Y, Forward>,
    Branch<i::I64Eq, Slot, Y, Forward>,
    Branch<i::I64Ne, Slot, Y, Forward>,
    Branch<i::I64LtU, Slot, Y, Forward>,
    Branch<i::I64GeU, Slot, Y, Forward>,
    Branch<i::I64GtU, Slot, Y, Forward>,
    Branch<i::I64LeU, Slot, Y, Forward>,
);
type OtherSlots = (
    Copy<u64>,
    Constant,
    ConstantWide,
    GlobalGet<u64, ToAcc>,
    GlobalGet<u64, ToSlot>,
    BrIf<Slot, NonZero, Forward>,
    BrIf<Slot, Zero, Forward>,
    BrTable<Slot>,
    Br<Forward>,
    Br<Back>,
    Call,
    Return,
    ReturnValue<u64, Slot>,
    ReturnValue<u64, Imm>,
    Un<u::I32WrapI64, Slot, ToSlot>,
    Charge,
);

/// What programs use most.
const COMMON: &Lists = &[
    // Addresses.
    after::<(Bin<c::I32Add, Slot, Imm, ToAcc>,), LoadsAt<Acc>>(),
    after::<Slots<c::I32Add>, LoadsAt<Acc>>(),
    after::<OnAccImm<c::I32Add>, LoadsAt<Acc>>(),
    after::<(Bin<c::I32Add, Slot, Imm, ToSlot>,), LoadsAt<Acc>>(),
    after::<(Bin<o::I32Shl, Slot, Imm, ToAcc>, Bin<o::I32Shl, Acc, Imm, ToAcc>), Slots<c::I32Add>>(),
    after::<Mul32, OnAcc<c::I32Add>>(),
    // Counters.
    after::<Slots<c::I32Add>, Imms<c::I32Add>>(),
    after::<Imms<c::I32Add>, Slots<c::I32Add>>(),
    after::<Imms<c::I32Add>, Imms<c::I32Add>>(),
    after::<Imms<c::I32Add>, Loops>(),
    after::<Imms<c::I32Add>, OnAccBranches<Slot, Back>>(),
    after::<Imms<c::I32Add>, OnAccBranches<Imm, Back>>(),
    after::<Imms<c::I32Add>, OnAccBranches<Imm, Forward>>(),
    after::<Imms<c::I32Add>, Jumps>(),
    after::<Imms<c::I32Add>, Copies>(),
    after::<Step, LoadsAt<Slot>>(),
    after::<Step, IntStores>(),
    after::<Step, Tables>(),
    // What was loaded.
    after::<IntLoads, Slots<c::I32Add>>(),
    after::<IntLoads, Imms<c::I32Add>>(),
    after::<IntLoads, IntLoads>(),
    after::<IntLoads, Truths>(),
    after::<IntLoads, Loops>(),
    after::<IntLoads, OnAccBranches<Slot, Forward>>(),
    after::<IntLoads, OnAccBranches<Imm, Forward>>(),
    after::<IntLoads, Copies>(),
    after::<IntLoads, OnAccImm<o::I32Shl>>(),
    // What was stored.
    after::<Imms<c::I32Add>, (St<store::I32Store, Slot, Acc, Memory0>,)>(),
    after::<IntStores, StepOrSum>(),
    after::<IntStores, Jumps>(),
    after::<IntStores, (Return,)>(),
    // The stack pointer.
    after::<(GlobalGet<u64, ToAcc>,), OnAccImm<o::I32Sub>>(),
    after::<OnAccImm<o::I32Sub>, (GlobalSet<u64, Acc>,)>(),
    after::<Imms<c::I32Add>, (GlobalSet<u64, Acc>,)>(),
    // Moves.
    after::<Copies, Copies>(),
    after::<Copies, StepOrSum>(),
    after::<Copies, Jumps>(),
    after::<Copies, IntLoads>(),
    after::<Copies, Selects>(),
    after::<(Copy<u64>,), (Call,)>(),
    after::<StepOrSum, (Call,)>(),
    after::<StepOrSum, Returns>(),
    after::<IntLoads, Returns>(),
    // Flags.
    after::<Flags, Selects>(),
    after::<Flags, OnAcc<c::I32Add>>(),
    after::<OnAccImm<c::I32And>, Truths>(),
    after::<OnAcc<c::I32And>, Truths>(),
    after::<(Bin<c::I32And, Slot, Imm, ToAcc>,), Truths>(),
    after::<OnAccImm<c::I32And>, OnAccBranches<Imm, Forward>>(),
    // Bits.
    after::<Shift32, Logic32>(),
    after::<Shift64, Logic64>(),
    after::<Mul64, Slots<c::I64Add>>(),
    after::<FloatLoads<load::I64Load>, OnAcc<c::I64Xor>>(),
    // Floats.
    after::<F64Compares, Truths>(),
    after::<FloatStores<store::F64Store>, Step>(),
    // Vectors.
    after::<VectorStores, Step>(),
    // Fuel.
    after::<Charges, LoadsAt<Slot>>(),
    after::<Charges, SlotStores>(),
    after::<Charges, SlotBranches<Slot>>(),
    after::<Charges, SlotBranches<Imm>>(),
    after::<Charges, OfSlots<c::I32Add>>(),
    after::<Charges, OfSlots<c::I32And>>(),
    after::<Charges, OfSlots<c::I32Or>>(),
    after::<Charges, OfSlots<c::I32Xor>>(),
    after::<Charges, OfSlots<c::I32Mul>>(),
    after::<Charges, OfSlots<o::I32Sub>>(),
    after::<Charges, OfSlots<o::I32Shl>>(),
    after::<Charges, OfSlots<o::I32ShrU>>(),
    after::<Charges, OfSlots<c::I64Add>>(),
    after::<Charges, OfSlots<c::I64And>>(),
    after::<Charges, OfSlots<o::I64ShrU>>(),
    after::<Charges, OtherSlots>(),
];

#[cfg(not(feature = "pairs"))]
const RARE: &Lists = &[];

const LISTS: &Lists = &{
    let mut all = [COMMON[0]; COMMON.len() + RARE.len()];
    let mut at = 1;
    while at < all.len() {
        all[at] = if at < COMMON.len() { COMMON[at] } else { RARE[at - COMMON.len()] };
        at += 1;
    }
    all
};

const PAIRS: usize = index::count(LISTS, measured::ROWS);
const TRIPLES: usize = index::count_thirds(measured::ROWS);

static INDEX: Index<PAIRS, TRIPLES, { index::places(PAIRS) }> = Index::of(LISTS, measured::ROWS);

/// The handler for a cell of op `a` that also does the work of a next cell of op `b` and, if there is such a handler,
/// that of the cell behind it, whose op `third` tells.
// Linking asks for every cell. The compiler inlines it there only if it must: counting asks as well.
#[inline(always)]
pub(crate) fn fused(a: Op, b: Op, third: impl FnOnce() -> Option<Op>) -> Option<Handler<Tail>> {
    let pair = INDEX.find(a, b)?;
    let three = if INDEX.has_thirds(pair) { third().and_then(|c| INDEX.three(pair, c)) } else { None };
    Some(three.unwrap_or_else(|| INDEX.two(pair)))
}

/// How many cells a handler for `a` does the work of when `b`, and then `c`, come behind it; `None` for `c` if that isn't
/// known yet, and then the result, if it depends on it.
pub(super) fn reach(a: Op, b: Op, c: Option<Op>) -> Option<usize> {
    let Some(pair) = INDEX.find(a, b) else { return Some(1) };
    if !INDEX.has_thirds(pair) {
        return Some(2);
    }
    c.map(|c| 2 + usize::from(INDEX.three(pair, c).is_some()))
}

/// Whether `op` is the first of any pair.
pub(super) fn begins(op: Op) -> bool {
    INDEX.has_first(op)
}

/// Every pair and every triple once.
pub(super) fn all() -> impl Iterator<Item = (Op, Op, Option<Op>, Handler<Tail>)> {
    INDEX.all()
}

#[cfg(test)]
mod tests;
