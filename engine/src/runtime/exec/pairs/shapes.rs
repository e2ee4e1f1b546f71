//! Short names for the cells in [`measured`](super::measured).
//!
//! Of an op, the letters say where its operands are: `s` a slot, `a` the accumulator, `i` the cell (an immediate), `n` that
//! an address has none. `To` says that the result goes to a slot, too, and `Back` that a branch leads back to a loop.

#![allow(dead_code, reason = "what no row needs yet has its name already")]

use super::super::call::ReturnValue;
use super::super::control::{Back, Br, BrIf, BrTable, Forward, NonZero, Zero};
use super::super::memory::{Absolute, Ld, Memory0, St};
use super::super::numeric::{Bin, Branch, Cmp, Un};
use super::super::operand::{Acc, Imm, Slot, ToAcc, ToSlot};
use super::super::variable::{self, GlobalGet, GlobalSet};

pub(super) type Ss<O> = Bin<O, Slot, Slot, ToAcc>;
pub(super) type SsTo<O> = Bin<O, Slot, Slot, ToSlot>;
pub(super) type As<O> = Bin<O, Acc, Slot, ToAcc>;
pub(super) type AsTo<O> = Bin<O, Acc, Slot, ToSlot>;
pub(super) type Si<O> = Bin<O, Slot, Imm, ToAcc>;
pub(super) type SiTo<O> = Bin<O, Slot, Imm, ToSlot>;
pub(super) type Ai<O> = Bin<O, Acc, Imm, ToAcc>;
pub(super) type AiTo<O> = Bin<O, Acc, Imm, ToSlot>;
pub(super) type Sa<O> = Bin<O, Slot, Acc, ToAcc>;
pub(super) type SaTo<O> = Bin<O, Slot, Acc, ToSlot>;
pub(super) type Is<O> = Bin<O, Imm, Slot, ToAcc>;
pub(super) type IsTo<O> = Bin<O, Imm, Slot, ToSlot>;
pub(super) type Ia<O> = Bin<O, Imm, Acc, ToAcc>;
pub(super) type IaTo<O> = Bin<O, Imm, Acc, ToSlot>;
pub(super) type IsSs<O> = Cmp<O, Slot, Slot, ToAcc>;
pub(super) type IsSsTo<O> = Cmp<O, Slot, Slot, ToSlot>;
pub(super) type IsAs<O> = Cmp<O, Acc, Slot, ToAcc>;
pub(super) type IsAsTo<O> = Cmp<O, Acc, Slot, ToSlot>;
pub(super) type IsSi<O> = Cmp<O, Slot, Imm, ToAcc>;
pub(super) type IsSiTo<O> = Cmp<O, Slot, Imm, ToSlot>;
pub(super) type IsAi<O> = Cmp<O, Acc, Imm, ToAcc>;
pub(super) type IsAiTo<O> = Cmp<O, Acc, Imm, ToSlot>;
pub(super) type IfSs<O> = Branch<O, Slot, Slot, Forward>;
pub(super) type IfSsBack<O> = Branch<O, Slot, Slot, Back>;
pub(super) type IfAs<O> = Branch<O, Acc, Slot, Forward>;
pub(super) type IfAsBack<O> = Branch<O, Acc, Slot, Back>;
pub(super) type IfSi<O> = Branch<O, Slot, Imm, Forward>;
pub(super) type IfSiBack<O> = Branch<O, Slot, Imm, Back>;
pub(super) type IfAi<O> = Branch<O, Acc, Imm, Forward>;
pub(super) type IfAiBack<O> = Branch<O, Acc, Imm, Back>;
pub(super) type OfA<O> = Un<O, Acc, ToAcc>;
pub(super) type OfATo<O> = Un<O, Acc, ToSlot>;
pub(super) type OfS<O> = Un<O, Slot, ToAcc>;
pub(super) type OfSTo<O> = Un<O, Slot, ToSlot>;
pub(super) type LoadA<O> = Ld<O, Acc, ToAcc, Memory0>;
pub(super) type LoadATo<O> = Ld<O, Acc, ToSlot, Memory0>;
pub(super) type LoadS<O> = Ld<O, Slot, ToAcc, Memory0>;
pub(super) type LoadSTo<O> = Ld<O, Slot, ToSlot, Memory0>;
pub(super) type LoadN<O> = Ld<O, Absolute, ToAcc, Memory0>;
pub(super) type LoadNTo<O> = Ld<O, Absolute, ToSlot, Memory0>;
pub(super) type StoreSs<O> = St<O, Slot, Slot, Memory0>;
pub(super) type StoreSa<O> = St<O, Slot, Acc, Memory0>;
pub(super) type StoreSi<O> = St<O, Slot, Imm, Memory0>;
pub(super) type StoreAs<O> = St<O, Acc, Slot, Memory0>;
pub(super) type StoreAa<O> = St<O, Acc, Acc, Memory0>;
pub(super) type StoreAi<O> = St<O, Acc, Imm, Memory0>;
pub(super) type StoreNs<O> = St<O, Absolute, Slot, Memory0>;
pub(super) type StoreNa<O> = St<O, Absolute, Acc, Memory0>;
pub(super) type StoreNi<O> = St<O, Absolute, Imm, Memory0>;
pub(super) type SelectA = variable::Select<u64, Acc, ToAcc>;
pub(super) type SelectATo = variable::Select<u64, Acc, ToSlot>;
pub(super) type SelectS = variable::Select<u64, Slot, ToAcc>;
pub(super) type SelectSTo = variable::Select<u64, Slot, ToSlot>;
pub(super) type IfS = BrIf<Slot, NonZero, Forward>;
pub(super) type IfSBack = BrIf<Slot, NonZero, Back>;
pub(super) type IfA = BrIf<Acc, NonZero, Forward>;
pub(super) type IfABack = BrIf<Acc, NonZero, Back>;
pub(super) type UnlessS = BrIf<Slot, Zero, Forward>;
pub(super) type UnlessSBack = BrIf<Slot, Zero, Back>;
pub(super) type UnlessA = BrIf<Acc, Zero, Forward>;
pub(super) type UnlessABack = BrIf<Acc, Zero, Back>;
pub(super) type Goto = Br<Forward>;
pub(super) type GotoBack = Br<Back>;
pub(super) type SwitchS = BrTable<Slot>;
pub(super) type SwitchA = BrTable<Acc>;
pub(super) type ReturnS = ReturnValue<u64, Slot>;
pub(super) type ReturnA = ReturnValue<u64, Acc>;
pub(super) type ReturnI = ReturnValue<u64, Imm>;
pub(super) type ReturnF64A = ReturnValue<f64, Acc>;
pub(super) type GlobalTo = GlobalGet<u64, ToSlot>;
pub(super) type Global = GlobalGet<u64, ToAcc>;
pub(super) type SetGlobalA = GlobalSet<u64, Acc>;
pub(super) type SetGlobalS = GlobalSet<u64, Slot>;
