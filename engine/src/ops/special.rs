//! The rows of ops with handlers of their own: control, variables, and what begins and ends executions.
//!
//! Each names its fields: `W` a slot written, `R` a slot read (two slots for `W2`, `R2`), `X` a 16-bit number, `N`
//! the 32-bit number in `c d`, `T` a branch distance there, `_` nothing; then its extension words.

use super::{Class, Op};

/// What a field of a cell holds.
#[derive(Clone, core::marker::Copy, PartialEq, Eq, Debug)]
pub(crate) enum Field {
    /// A slot that is written.
    W,
    /// The first of two slots that are written.
    W2,
    /// A slot that is read.
    R,
    /// The first of two slots that are read.
    R2,
    /// A number of 16 bits.
    X,
    /// A number of 32 bits, in `c d`.
    N,
    /// The distance of a branch in words, in `c d`.
    T,
    /// Nothing.
    #[allow(non_camel_case_types)]
    __,
}

macro_rules! special {
    ($($(#[$doc:meta])* $Name:ident [$($field:ident)*] $ext:literal => $handler:expr;)*) => {
        /// An op with a handler of its own.
        #[derive(Clone, core::marker::Copy, PartialEq, Eq, Debug)]
        #[allow(dead_code, reason = "forms that write slots are reached by number")]
        #[repr(u16)]
        pub(crate) enum SpecialOp { $($(#[$doc])* $Name),* }

        impl SpecialOp {
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($Name)),*];
            pub(crate) const COUNT: usize = Self::NAMES.len();
            pub(crate) const STRIDE: usize = 1;
            /// Each row's fields and number of extension words.
            pub(crate) const FIELDS: &'static [(&'static [Field], u8)] = &[$((&[$(Field::$field),*], $ext)),*];

            pub(crate) const fn op(self) -> Op {
                Op(Self::BASE + self as u16)
            }
        }
    };
}

macro_rules! special_rows {
    ($then:ident) => {
        $then! {
            // Pairs with a result to the accumulator and to a slot as well; they come first, so that pairs stay pairs.
            /// `R[a] := global c d`
            GlobalGetInt [W __ N] 0 => cell::<B, GlobalGet<u64, ToAcc>>;
            GlobalGetIntSlot [W __ N] 0 => cell::<B, GlobalGet<u64, ToSlot>>;
            GlobalGetF32 [W __ N] 0 => cell::<B, GlobalGet<f32, ToAcc>>;
            GlobalGetF32Slot [W __ N] 0 => cell::<B, GlobalGet<f32, ToSlot>>;
            GlobalGetF64 [W __ N] 0 => cell::<B, GlobalGet<f64, ToAcc>>;
            GlobalGetF64Slot [W __ N] 0 => cell::<B, GlobalGet<f64, ToSlot>>;
            GlobalGetV128 [W2 __ N] 0 => cell::<B, GlobalGet<V128, ToAcc>>;
            GlobalGetV128Slot [W2 __ N] 0 => cell::<B, GlobalGet<V128, ToSlot>>;
            /// `R[a] := size of memory c d in pages`
            MemorySize [W __ N] 0 => memory::size::<B, ToAcc>;
            MemorySizeSlot [W __ N] 0 => memory::size::<B, ToSlot>;
            /// `R[a] := bits of R[b] where R[d], else of R[c]`
            Bitselect [W2 R2 R2 R2] 0 => vector::bitselect::<B, ToAcc>;
            BitselectSlot [W2 R2 R2 R2] 0 => vector::bitselect::<B, ToSlot>;
            /// `R[a] := lanes of R[b], or of the accumulator, rotated left by c d`
            I32x4Rotl [W2 R2 N] 0 => cell::<B, Rotate<u32, Slot, ToAcc>>;
            I32x4RotlSlot [W2 R2 N] 0 => cell::<B, Rotate<u32, Slot, ToSlot>>;
            I32x4RotlAcc [W2 __ N] 0 => cell::<B, Rotate<u32, Acc, ToAcc>>;
            I32x4RotlAccSlot [W2 __ N] 0 => cell::<B, Rotate<u32, Acc, ToSlot>>;
            I64x2Rotl [W2 R2 N] 0 => cell::<B, Rotate<u64, Slot, ToAcc>>;
            I64x2RotlSlot [W2 R2 N] 0 => cell::<B, Rotate<u64, Slot, ToSlot>>;
            I64x2RotlAcc [W2 __ N] 0 => cell::<B, Rotate<u64, Acc, ToAcc>>;
            I64x2RotlAccSlot [W2 __ N] 0 => cell::<B, Rotate<u64, Acc, ToSlot>>;
            /// `R[a] := R[b] * R[c] + R[d]`, rounded once.
            F32x4Fma [W2 R2 R2 R2] 0 => cell::<B, Machine<FusedF32, ToAcc>>;
            F32x4FmaSlot [W2 R2 R2 R2] 0 => cell::<B, Machine<FusedF32, ToSlot>>;
            F64x2Fma [W2 R2 R2 R2] 0 => cell::<B, Machine<FusedF64, ToAcc>>;
            F64x2FmaSlot [W2 R2 R2 R2] 0 => cell::<B, Machine<FusedF64, ToSlot>>;
            /// `R[a] := what an instruction of x86_64 makes of R[b] and R[c]`; if it has one operand, that is both.
            Pshufb [W2 R2 R2 __] 0 => cell::<B, Machine<Pshufb, ToAcc>>;
            PshufbSlot [W2 R2 R2 __] 0 => cell::<B, Machine<Pshufb, ToSlot>>;
            Pmulhrsw [W2 R2 R2 __] 0 => cell::<B, Machine<Pmulhrsw, ToAcc>>;
            PmulhrswSlot [W2 R2 R2 __] 0 => cell::<B, Machine<Pmulhrsw, ToSlot>>;
            Pmaddubsw [W2 R2 R2 __] 0 => cell::<B, Machine<Pmaddubsw, ToAcc>>;
            PmaddubswSlot [W2 R2 R2 __] 0 => cell::<B, Machine<Pmaddubsw, ToSlot>>;
            Cvttps2dq [W2 R2 R2 __] 0 => cell::<B, Machine<Cvttps2dq, ToAcc>>;
            Cvttps2dqSlot [W2 R2 R2 __] 0 => cell::<B, Machine<Cvttps2dq, ToSlot>>;
            Cvttpd2dq [W2 R2 R2 __] 0 => cell::<B, Machine<Cvttpd2dq, ToAcc>>;
            Cvttpd2dqSlot [W2 R2 R2 __] 0 => cell::<B, Machine<Cvttpd2dq, ToSlot>>;
            /// `R[a] := lanes of R[b], R[c] as the extension says`
            Shuffle [W2 R2 R2 __] 2 => cell::<B, Shuffle<Baseline, ToAcc>>;
            ShuffleSlot [W2 R2 R2 __] 2 => cell::<B, Shuffle<Baseline, ToSlot>>;

            /// `R[a] := R[b] as an i32`, the greatest one if it is greater: an index of a table with 64-bit indices, which
            /// has fewer elements.
            ClampIndex [W R __ __] 0 => cell::<B, Clamp<ToAcc>>;
            ClampIndexSlot [W R __ __] 0 => cell::<B, Clamp<ToSlot>>;

            /// `R[a] := R[b]`
            Copy [W R __ __] 0 => cell::<B, Copy<u64>>;
            CopyV128 [W2 R2 __ __] 0 => cell::<B, Copy<V128>>;
            /// `R[a] := accumulator`
            SpillInt [W __ __ __] 0 => variable::spill::<B, u64>;
            SpillF32 [W __ __ __] 0 => variable::spill::<B, f32>;
            SpillF64 [W __ __ __] 0 => variable::spill::<B, f64>;
            SpillV128 [W2 __ __ __] 0 => variable::spill::<B, V128>;
            /// `R[a] := c d`
            Const [W __ N] 0 => cell::<B, Constant>;
            ConstWide [W __ __ __] 1 => cell::<B, ConstantWide>;
            ConstV128 [W2 __ __ __] 2 => vector::constant::<B>;
            /// `global c d := R[a]`
            GlobalSetAccInt [__ __ N] 0 => cell::<B, GlobalSet<u64, Acc>>;
            GlobalSetAccF32 [__ __ N] 0 => cell::<B, GlobalSet<f32, Acc>>;
            GlobalSetAccF64 [__ __ N] 0 => cell::<B, GlobalSet<f64, Acc>>;
            GlobalSetAccV128 [__ __ N] 0 => cell::<B, GlobalSet<V128, Acc>>;
            GlobalSetInt [R __ N] 0 => cell::<B, GlobalSet<u64, Slot>>;
            GlobalSetF32 [R __ N] 0 => cell::<B, GlobalSet<f32, Slot>>;
            GlobalSetF64 [R __ N] 0 => cell::<B, GlobalSet<f64, Slot>>;
            GlobalSetV128 [R2 __ N] 0 => cell::<B, GlobalSet<V128, Slot>>;

            /// `R[a], R[a + 1] := the 128 bits R[b], R[c] + or - R[d], R[extension]`; in each the low half is first.
            I64Add128 [W2 R R R] 1 => cell::<B, Sum<Add>>;
            I64Sub128 [W2 R R R] 1 => cell::<B, Sum<Sub>>;
            /// `R[a], R[a + 1] := R[b] * R[c]`, all of the product.
            I64MulWideS [W2 R R __] 0 => cell::<B, Product<i64>>;
            I64MulWideU [W2 R R __] 0 => cell::<B, Product<u64>>;

            /// `R[a] := R[b] + extension`, of 64 bits: an address and a large offset. It traps if the sum is larger.
            EffectiveAddress [W R __ __] 1 => memory64::effective_address::<B>;

            Unreachable [__ __ __ __] 0 => control::unreachable::<B>;
            Br [__ __ T] 0 => cell::<B, Br<Forward>>;
            BrBack [__ __ T] 1 => cell::<B, Br<Back>>;
            /// `if R[a] != 0: goto`
            BrIf [R __ T] 0 => cell::<B, BrIf<Slot, NonZero, Forward>>;
            BrIfBack [R __ T] 1 => cell::<B, BrIf<Slot, NonZero, Back>>;
            BrIfAcc [__ __ T] 0 => cell::<B, BrIf<Acc, NonZero, Forward>>;
            BrIfAccBack [__ __ T] 1 => cell::<B, BrIf<Acc, NonZero, Back>>;
            /// `if R[a] == 0: goto`
            BrUnless [R __ T] 0 => cell::<B, BrIf<Slot, Zero, Forward>>;
            BrUnlessBack [R __ T] 1 => cell::<B, BrIf<Slot, Zero, Back>>;
            BrUnlessAcc [__ __ T] 0 => cell::<B, BrIf<Acc, Zero, Forward>>;
            BrUnlessAccBack [__ __ T] 1 => cell::<B, BrIf<Acc, Zero, Back>>;
            /// `goto extension[min(R[a], c d)]`; it has `c d + 1` extension words, each a distance.
            BrTable [R __ N] 0 => cell::<B, BrTable<Slot>>;
            BrTableAcc [__ __ N] 0 => cell::<B, BrTable<Acc>>;
            /// Pays `c d` of fuel for an arm, or for the first arrival at a loop.
            Charge [__ __ N] 0 => cell::<B, Charge>;
            /// Stops a resumable call, if a debugger wants that, before the instruction at offset `c d` of the module.
            Breakpoint [__ __ N] 0 => slow::breakpoint::<B>;
            /// Enters the compiled code of the loop that follows, if there is some: the extension is the address of the word
            /// that has it. The cell is at word `c d`; the function's header is at slot `b`.
            Island [__ X N] 1 => native::island::<B>;
            /// Traps if `R[a]` is null.
            TrapIfNull [R __ __ __] 0 => control::trap_if_null::<B>;
            /// Calls function `c d` of the module: frame at `R[a]`, header at slot `b` of it.
            Call [X X N] 0 => cell::<B, Call>;
            CallImport [X X N] 0 => call::call_import::<B>;
            /// Calls element `R[c]` of a table: extension low half the table's word, high half the type's number.
            CallIndirect [X X R __] 1 => call::call_indirect::<B, Slot>;
            CallIndirectAcc [X X __ __] 1 => call::call_indirect::<B, Acc>;
            /// Calls the function that `R[c]` refers to.
            CallRef [X X R __] 0 => call::call_ref::<B>;
            /// Tail calls: arguments at `R[a]`, `d` slots of them, own header at slot `b`. The extension is the function.
            ReturnCall [X X X X] 1 => call::return_call::<B>;
            ReturnCallImport [X X X X] 1 => call::return_call_import::<B>;
            ReturnCallIndirect [X X R X] 1 => call::return_call_indirect::<B>;
            /// The function is the one that `R[c]` refers to; the extension means nothing.
            ReturnCallRef [X X R X] 1 => call::return_call_ref::<B>;
            /// Returns nothing; the header is at slot `b`.
            Return [__ X __ __] 0 => cell::<B, Return>;
            /// Returns `R[a]`, the accumulator, or the extension.
            ReturnInt [R X __ __] 0 => cell::<B, ReturnValue<u64, Slot>>;
            ReturnF32 [R X __ __] 0 => cell::<B, ReturnValue<f32, Slot>>;
            ReturnF64 [R X __ __] 0 => cell::<B, ReturnValue<f64, Slot>>;
            ReturnV128 [R2 X __ __] 0 => cell::<B, ReturnValue<V128, Slot>>;
            ReturnIntAcc [__ X __ __] 0 => cell::<B, ReturnValue<u64, Acc>>;
            ReturnF32Acc [__ X __ __] 0 => cell::<B, ReturnValue<f32, Acc>>;
            ReturnF64Acc [__ X __ __] 0 => cell::<B, ReturnValue<f64, Acc>>;
            ReturnV128Acc [__ X __ __] 0 => cell::<B, ReturnValue<V128, Acc>>;
            ReturnIntImm [__ X __ __] 1 => cell::<B, ReturnValue<u64, Imm>>;
            /// Returns `c` slots from `R[a]` on.
            ReturnValues [X X X __] 0 => call::ret_values::<B>;

            /// Throws an exception with the tag in word `c d` of the context; it carries the slots from `R[a]` on.
            Throw [X __ N] 0 => throw::throw::<B>;
            /// Throws the exception `R[a]`.
            ThrowRef [R __ __ __] 0 => throw::throw_ref::<B>;

            /// Makes NaNs canonical: `R[a]` in place, and the accumulator.
            CanonF32 [X __ __ __] 0 => bulk::canon::<B, bulk::CanonF32>;
            CanonF64 [X __ __ __] 0 => bulk::canon::<B, bulk::CanonF64>;
            CanonF32x4 [X __ __ __] 0 => bulk::canon::<B, bulk::CanonF32x4>;
            CanonF64x2 [X __ __ __] 0 => bulk::canon::<B, bulk::CanonF64x2>;

            // Not in translated code: where an execution begins and ends, and where a call between instances returns to.
            Exit [__ __ __ __] 0 => slow::exit::<B>;
            CrossReturn [__ __ __ __] 0 => slow::cross_return::<B>;
            /// Where compiled code is entered: its address, and that of what passes it arguments; the header is at slot `b`.
            Native [__ X __ __] 2 => native::enter_native::<B>;
            /// What dropped code is overwritten with.
            Dropped [__ __ __ __] 0 => slow::dropped::<B>;
        }
    };
}
pub(crate) use special_rows;
special_rows!(special);

/// Ops with a row a class, in the classes' order.
impl SpecialOp {
    pub(crate) const fn global_get(class: Class) -> Op {
        Op(Self::GlobalGetInt.op().0 + 2 * class as u16)
    }

    /// From the accumulator, or from a slot.
    pub(crate) const fn global_set(class: Class, acc: bool) -> Op {
        let first = if acc { Self::GlobalSetAccInt } else { Self::GlobalSetInt };
        Op(first.op().0 + class as u16)
    }

    pub(crate) const fn spill(class: Class) -> Op {
        Op(Self::SpillInt.op().0 + class as u16)
    }
}

/// `R[a] := R[d] != 0 ? R[b] : R[c]`, a row a class.
pub(crate) struct SelectOp;

impl SelectOp {
    pub(crate) const NAMES: &'static [&'static str] = &["SelectInt", "SelectF32", "SelectF64", "SelectV128"];
    pub(crate) const COUNT: usize = 4;
    pub(crate) const STRIDE: usize = 4;

    pub(crate) const fn op(class: Class) -> Op {
        Op(Self::BASE + class as u16 * 4)
    }
}
