//! The rows of atomic access. An op is atomic and sequentially consistent whatever kind of memory it accesses.
//!
//! They are rare, and take as long as the processor's atomic instruction does, so each has one form: operands in slots,
//! the memory and the offset in the extension word, an address of 32 or 64 bits. Slots hold an i32 zero-extended, so one
//! row serves all instructions that access as many bytes.

use super::{Field, MemArg, Op};
use wasmparser::Operator;

/// What an atomic op does with the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AtomicKind {
    /// `R[a] := bytes`, at `R[b]`.
    Load,
    /// `bytes := R[c]`, at `R[b]`.
    Store,
    /// `R[a] := bytes; bytes := op(bytes, R[c])`, at `R[b]`.
    Rmw,
    /// `R[a] := bytes; if bytes == R[c]: bytes := R[d]`, at `R[b]`.
    Cmpxchg,
}

impl AtomicKind {
    /// How many operands it takes, the address among them.
    pub(crate) const fn operands(self) -> usize {
        match self {
            AtomicKind::Load => 1,
            AtomicKind::Store | AtomicKind::Rmw => 2,
            AtomicKind::Cmpxchg => 3,
        }
    }

    /// The fields of a cell.
    pub(crate) const fn fields(self) -> [Field; 4] {
        use Field::*;
        match self {
            AtomicKind::Load => [W, R, __, __],
            AtomicKind::Store => [__, R, R, __],
            AtomicKind::Rmw => [W, R, R, __],
            AtomicKind::Cmpxchg => [W, R, R, R],
        }
    }
}

macro_rules! atomic {
    ($($Name:ident $([$($alias:ident)*])? $Kind:ident ($t:ty, $does:ident);)*) => {
        /// An atomic access.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        pub(crate) enum AtomicOp { $($Name),* }

        impl AtomicOp {
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($Name)),*];
            pub(crate) const COUNT: usize = Self::NAMES.len();
            pub(crate) const STRIDE: usize = 1;
            /// Each row's kind.
            pub(crate) const KINDS: [AtomicKind; Self::COUNT] = [$(AtomicKind::$Kind),*];

            pub(crate) const fn op(self) -> Op {
                Op(Self::BASE + self as u16)
            }

            pub(crate) const fn kind(self) -> AtomicKind {
                Self::KINDS[self as usize]
            }

            /// The row that serves `operator`, and where it goes.
            pub(crate) fn of(operator: &Operator<'_>) -> Option<(AtomicOp, MemArg)> {
                match operator {
                    $(Operator::$Name { memarg } $($(| Operator::$alias { memarg })*)? => {
                        Some((AtomicOp::$Name, memarg.into()))
                    })*
                    _ => None,
                }
            }
        }
    };
}

/// `Name [others that mean the same on slots] Kind (type of the bytes, what is done with them);`
macro_rules! atomic_rows {
    ($then:ident) => {
        $then! {
            I32AtomicLoad [I64AtomicLoad32U] Load (u32, load);
            I64AtomicLoad Load (u64, load);
            I32AtomicLoad8U [I64AtomicLoad8U] Load (u8, load);
            I32AtomicLoad16U [I64AtomicLoad16U] Load (u16, load);
            I32AtomicStore [I64AtomicStore32] Store (u32, store);
            I64AtomicStore Store (u64, store);
            I32AtomicStore8 [I64AtomicStore8] Store (u8, store);
            I32AtomicStore16 [I64AtomicStore16] Store (u16, store);
            I32AtomicRmwAdd [I64AtomicRmw32AddU] Rmw (u32, fetch_add);
            I64AtomicRmwAdd Rmw (u64, fetch_add);
            I32AtomicRmw8AddU [I64AtomicRmw8AddU] Rmw (u8, fetch_add);
            I32AtomicRmw16AddU [I64AtomicRmw16AddU] Rmw (u16, fetch_add);
            I32AtomicRmwSub [I64AtomicRmw32SubU] Rmw (u32, fetch_sub);
            I64AtomicRmwSub Rmw (u64, fetch_sub);
            I32AtomicRmw8SubU [I64AtomicRmw8SubU] Rmw (u8, fetch_sub);
            I32AtomicRmw16SubU [I64AtomicRmw16SubU] Rmw (u16, fetch_sub);
            I32AtomicRmwAnd [I64AtomicRmw32AndU] Rmw (u32, fetch_and);
            I64AtomicRmwAnd Rmw (u64, fetch_and);
            I32AtomicRmw8AndU [I64AtomicRmw8AndU] Rmw (u8, fetch_and);
            I32AtomicRmw16AndU [I64AtomicRmw16AndU] Rmw (u16, fetch_and);
            I32AtomicRmwOr [I64AtomicRmw32OrU] Rmw (u32, fetch_or);
            I64AtomicRmwOr Rmw (u64, fetch_or);
            I32AtomicRmw8OrU [I64AtomicRmw8OrU] Rmw (u8, fetch_or);
            I32AtomicRmw16OrU [I64AtomicRmw16OrU] Rmw (u16, fetch_or);
            I32AtomicRmwXor [I64AtomicRmw32XorU] Rmw (u32, fetch_xor);
            I64AtomicRmwXor Rmw (u64, fetch_xor);
            I32AtomicRmw8XorU [I64AtomicRmw8XorU] Rmw (u8, fetch_xor);
            I32AtomicRmw16XorU [I64AtomicRmw16XorU] Rmw (u16, fetch_xor);
            I32AtomicRmwXchg [I64AtomicRmw32XchgU] Rmw (u32, swap);
            I64AtomicRmwXchg Rmw (u64, swap);
            I32AtomicRmw8XchgU [I64AtomicRmw8XchgU] Rmw (u8, swap);
            I32AtomicRmw16XchgU [I64AtomicRmw16XchgU] Rmw (u16, swap);
            I32AtomicRmwCmpxchg [I64AtomicRmw32CmpxchgU] Cmpxchg (u32, compare_exchange);
            I64AtomicRmwCmpxchg Cmpxchg (u64, compare_exchange);
            I32AtomicRmw8CmpxchgU [I64AtomicRmw8CmpxchgU] Cmpxchg (u8, compare_exchange);
            I32AtomicRmw16CmpxchgU [I64AtomicRmw16CmpxchgU] Cmpxchg (u16, compare_exchange);
        }
    };
}
pub(crate) use atomic_rows;
atomic_rows!(atomic);
