//! The handlers that replace those of vector ops on an x86_64 with SSE4.2.

use crate::module::trap::Trap;
use crate::ops::{Binary, OPS, Op, Row, SpecialOp, Unary, vector_unary as unary, vectors as binary};
use crate::runtime::exec::cell::cell_sse42;
use crate::runtime::exec::numeric::{unary_forms_sse42, vector_forms_sse42};
use crate::runtime::exec::operand::{ToAcc, ToSlot};
use crate::runtime::exec::regs::{Handler, Tail};
use crate::runtime::exec::vector::Shuffle;
use crate::value::V128;
use crate::value::simd::sse42 as simd;
use core::marker::PhantomData;

/// A row whose meaning is computed with SSE4.2. The type stands for all such rows.
pub(crate) struct Sse42<O = ()>(PhantomData<O>);

impl<O: Row> Row for Sse42<O> {
    const OP: Op = O::OP;
}

macro_rules! rows {
    (unary $($U:ident $u:ident)* ; binary $($B:ident $b:ident)*) => {
        $(impl Unary for Sse42<unary::$U> {
            type In = <unary::$U as Unary>::In;
            type Out = <unary::$U as Unary>::Out;
            #[inline(always)]
            fn eval(x: Self::In) -> Result<Self::Out, Trap> {
                Ok(simd::$u(x))
            }
        })*
        $(impl Binary for Sse42<binary::$B> {
            type L = V128;
            type R = V128;
            type Out = V128;
            #[inline(always)]
            fn eval(x: V128, y: V128) -> Result<V128, Trap> {
                Ok(simd::$b(x, y))
            }
        })*

        /// The first op of each row, in their order, and the handlers of its forms.
        static ROWS: &[(Op, &[Handler<Tail>])] = &[
            $((unary::$U::OP, &unary_forms_sse42::<Tail, Sse42<unary::$U>>()),)*
            $((binary::$B::OP, &vector_forms_sse42::<Tail, Sse42<binary::$B>>()),)*
            (SpecialOp::Shuffle.op(), &[
                cell_sse42::<Tail, Shuffle<Sse42, ToAcc>>,
                cell_sse42::<Tail, Shuffle<Sse42, ToSlot>>,
            ]),
        ];
    };
}

rows! {
    unary
    I8x16Abs i8x16_abs
    I8x16Popcnt i8x16_popcnt
    I16x8ExtAddPairwiseI8x16S i16x8_extadd_pairwise_i8x16_s
    I16x8ExtAddPairwiseI8x16U i16x8_extadd_pairwise_i8x16_u
    I16x8Abs i16x8_abs
    I32x4Abs i32x4_abs
    I64x2ExtendLowI32x4S i64x2_extend_low_i32x4_s
    I64x2ExtendHighI32x4S i64x2_extend_high_i32x4_s
    F32x4ConvertI32x4U f32x4_convert_i32x4_u
    I32x4TruncSatF64x2UZero i32x4_trunc_sat_f64x2_u_zero
    F32x4Ceil f32x4_ceil
    F32x4Floor f32x4_floor
    F32x4Trunc f32x4_trunc
    F32x4Nearest f32x4_nearest
    F64x2Ceil f64x2_ceil
    F64x2Floor f64x2_floor
    F64x2Trunc f64x2_trunc
    F64x2Nearest f64x2_nearest
    I8x16Splat i8x16_splat
    ;
    binary
    I8x16Swizzle i8x16_swizzle
    I16x8LtU i16x8_lt_u
    I16x8GtU i16x8_gt_u
    I16x8LeU i16x8_le_u
    I16x8GeU i16x8_ge_u
    I32x4LtU i32x4_lt_u
    I32x4GtU i32x4_gt_u
    I32x4LeU i32x4_le_u
    I32x4GeU i32x4_ge_u
    I64x2Eq i64x2_eq
    I64x2Ne i64x2_ne
    I64x2LtS i64x2_lt_s
    I64x2GtS i64x2_gt_s
    I64x2LeS i64x2_le_s
    I64x2GeS i64x2_ge_s
    I8x16MinS i8x16_min_s
    I8x16MaxS i8x16_max_s
    I16x8Q15MulrSatS i16x8_q15mulr_sat_s
    I16x8NarrowI32x4U i16x8_narrow_i32x4_u
    I16x8MinU i16x8_min_u
    I16x8MaxU i16x8_max_u
    I16x8ExtMulLowI8x16S i16x8_extmul_low_i8x16_s
    I16x8ExtMulLowI8x16U i16x8_extmul_low_i8x16_u
    I32x4Mul i32x4_mul
    I32x4MinS i32x4_min_s
    I32x4MinU i32x4_min_u
    I32x4MaxS i32x4_max_s
    I32x4MaxU i32x4_max_u
    I64x2ExtMulLowI32x4S i64x2_extmul_low_i32x4_s
    I64x2ExtMulHighI32x4S i64x2_extmul_high_i32x4_s
}

/// Whether there is a handler for each op: linking asks for every cell, and most are about no vectors.
static REPLACED: [bool; OPS] = {
    let mut replaced = [false; OPS];
    let mut row = 0;
    while row < ROWS.len() {
        let (first, forms) = ROWS[row];
        let mut form = 0;
        while form < forms.len() {
            replaced[first.0 as usize + form] = true;
            form += 1;
        }
        row += 1;
    }
    replaced
};

/// The handler for `op` that replaces the baseline one, if this machine has SSE4.2.
#[inline]
pub(crate) fn handler(op: Op) -> Option<Handler<Tail>> {
    if REPLACED[op.0 as usize] { replacement(op) } else { None }
}

#[cold]
fn replacement(op: Op) -> Option<Handler<Tail>> {
    let row = ROWS.partition_point(|(first, _)| first.0 <= op.0).checked_sub(1)?;
    let (first, forms) = ROWS[row];
    let handler = forms.get((op.0 - first.0) as usize)?;
    crate::sys::has!("sse4.2").then_some(*handler)
}

/// Every one of them, with its op.
pub(crate) fn all() -> impl Iterator<Item = (Op, Handler<Tail>)> {
    ROWS.iter().flat_map(|(first, forms)| forms.iter().zip(first.0..).map(|(&handler, op)| (Op(op), handler)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_order() {
        assert!(ROWS.is_sorted_by_key(|(first, _)| first.0));
        for (op, handler) in all() {
            let found = super::handler(op).map(|h| h as usize);
            assert!(found.is_none_or(|found| found == handler as usize), "{op}");
        }
    }
}
