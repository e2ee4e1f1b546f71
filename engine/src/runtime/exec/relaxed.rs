//! Relaxed vector ops as machines do them in one instruction.

use super::cell::{Body, leaves};
use super::operand::{B as FB, C, D, Dst, Value};
use super::regs::Regs;
use crate::module::trap::Trap;
use crate::ops::{Class, Op, SpecialOp};
use crate::value::{V128, simd};
use core::marker::PhantomData;

/// An instruction.
pub(crate) trait Instruction {
    const OP: SpecialOp;
    /// What it makes of `R[b]`, `R[c]` and `R[d]`, as many as it has operands.
    ///
    /// # Safety
    /// The handler contract (`Backend`), for a cell of this op; and the processor must have the instruction.
    unsafe fn eval(r: &Regs) -> V128;
}

macro_rules! instructions {
    ($($Name:ident $op:ident $function:ident($($field:ident),*);)*) => {$(
        pub(crate) enum $Name {}

        impl Instruction for $Name {
            const OP: SpecialOp = SpecialOp::$op;
            #[inline(always)]
            unsafe fn eval(r: &Regs) -> V128 {
                // SAFETY: the caller's contract.
                unsafe { simd::$function($(V128::load(r.slot($field))),*) }
            }
        }
    )*};
}
instructions! {
    FusedF32 F32x4Fma f32x4_fma(FB, C, D);
    FusedF64 F64x2Fma f64x2_fma(FB, C, D);
    Pshufb Pshufb x86_pshufb(FB, C);
    Pmulhrsw Pmulhrsw x86_pmulhrsw(FB, C);
    Pmaddubsw Pmaddubsw x86_pmaddubsw(FB, C);
    Cvttps2dq Cvttps2dq x86_cvttps2dq(FB);
    Cvttpd2dq Cvttpd2dq x86_cvttpd2dq(FB);
}

/// `R[a] := the result of an instruction`
pub(crate) struct Machine<I, T>(PhantomData<(I, T)>);

impl<I: Instruction, T: Dst> Body for Machine<I, T> {
    const OP: Op = Op(I::OP.op().0 + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(Class::V128);
    const CLOBBERS: Option<Class> = Some(Class::V128);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op, which is translated to only where the
        // processor has the instruction (`RelaxedSimd::of_this_machine`).
        unsafe {
            T::put(r, I::eval(r));
            r.ip = r.ip.add(2);
        }
        Ok(())
    }
}
