//! The scalar rows: integer, float, conversions, comparisons.

use super::{Op, family};
use crate::module::trap::Trap;
use crate::value::float;

#[inline(always)]
fn nonzero<T: Default + PartialEq>(x: T) -> Result<T, Trap> {
    if x == T::default() { Err(Trap::IntegerDivisionByZero) } else { Ok(x) }
}

macro_rules! unary_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := op(R[b])`. Forms: operand in acc, in slot.
            UnaryOp, unary, stride 4, forms (numeric::unary_forms), shape unary;
            I32Clz(x: u32) -> u32 { x.leading_zeros() }
            I32Ctz(x: u32) -> u32 { x.trailing_zeros() }
            I32Popcnt(x: u32) -> u32 { x.count_ones() }
            I32Extend8S(x: u32) -> u32 { x as i8 as i32 as u32 }
            I32Extend16S(x: u32) -> u32 { x as i16 as i32 as u32 }
            I64Clz(x: u64) -> u64 { x.leading_zeros() as u64 }
            I64Ctz(x: u64) -> u64 { x.trailing_zeros() as u64 }
            I64Popcnt(x: u64) -> u64 { x.count_ones() as u64 }
            I64Extend8S(x: u64) -> u64 { x as i8 as i64 as u64 }
            I64Extend16S(x: u64) -> u64 { x as i16 as i64 as u64 }
            I64Extend32S [I64ExtendI32S] (x: u64) -> u64 { x as i32 as i64 as u64 }
            I32WrapI64(x: u64) -> u32 { x as u32 }
            RefIsNull(x: u64) -> u32 { (x == 0) as u32 }

            F32Abs(x: f32) -> f32 { float::f32_abs(x) }
            F32Neg(x: f32) -> f32 { float::f32_neg(x) }
            F32Ceil(x: f32) -> f32 { float::f32_ceil(x) } => F32
            F32Floor(x: f32) -> f32 { float::f32_floor(x) } => F32
            F32Trunc(x: f32) -> f32 { float::f32_trunc(x) } => F32
            F32Nearest(x: f32) -> f32 { float::f32_nearest(x) } => F32
            F32Sqrt(x: f32) -> f32 { float::f32_sqrt(x) } => F32
            F64Abs(x: f64) -> f64 { float::f64_abs(x) }
            F64Neg(x: f64) -> f64 { float::f64_neg(x) }
            F64Ceil(x: f64) -> f64 { float::f64_ceil(x) } => F64
            F64Floor(x: f64) -> f64 { float::f64_floor(x) } => F64
            F64Trunc(x: f64) -> f64 { float::f64_trunc(x) } => F64
            F64Nearest(x: f64) -> f64 { float::f64_nearest(x) } => F64
            F64Sqrt(x: f64) -> f64 { float::f64_sqrt(x) } => F64

            I32TruncF32S(x: f32) -> u32 { float::i32_trunc_f32_s(x) }
            I32TruncF32U(x: f32) -> u32 { float::i32_trunc_f32_u(x) }
            I32TruncF64S(x: f64) -> u32 { float::i32_trunc_f64_s(x) }
            I32TruncF64U(x: f64) -> u32 { float::i32_trunc_f64_u(x) }
            I64TruncF32S(x: f32) -> u64 { float::i64_trunc_f32_s(x) }
            I64TruncF32U(x: f32) -> u64 { float::i64_trunc_f32_u(x) }
            I64TruncF64S(x: f64) -> u64 { float::i64_trunc_f64_s(x) }
            I64TruncF64U(x: f64) -> u64 { float::i64_trunc_f64_u(x) }
            I32TruncSatF32S(x: f32) -> u32 { float::i32_trunc_sat_f32_s(x) }
            I32TruncSatF32U(x: f32) -> u32 { float::i32_trunc_sat_f32_u(x) }
            I32TruncSatF64S(x: f64) -> u32 { float::i32_trunc_sat_f64_s(x) }
            I32TruncSatF64U(x: f64) -> u32 { float::i32_trunc_sat_f64_u(x) }
            I64TruncSatF32S(x: f32) -> u64 { float::i64_trunc_sat_f32_s(x) }
            I64TruncSatF32U(x: f32) -> u64 { float::i64_trunc_sat_f32_u(x) }
            I64TruncSatF64S(x: f64) -> u64 { float::i64_trunc_sat_f64_s(x) }
            I64TruncSatF64U(x: f64) -> u64 { float::i64_trunc_sat_f64_u(x) }
            F32ConvertI32S(x: u32) -> f32 { float::f32_convert_i32_s(x) }
            F32ConvertI32U(x: u32) -> f32 { float::f32_convert_i32_u(x) }
            F32ConvertI64S(x: u64) -> f32 { float::f32_convert_i64_s(x) }
            F32ConvertI64U(x: u64) -> f32 { float::f32_convert_i64_u(x) }
            F64ConvertI32S(x: u32) -> f64 { float::f64_convert_i32_s(x) }
            F64ConvertI32U(x: u32) -> f64 { float::f64_convert_i32_u(x) }
            F64ConvertI64S(x: u64) -> f64 { float::f64_convert_i64_s(x) }
            F64ConvertI64U(x: u64) -> f64 { float::f64_convert_i64_u(x) }
            F32DemoteF64(x: f64) -> f32 { float::f32_demote_f64(x) } => F32
            F64PromoteF32(x: f32) -> f64 { float::f64_promote_f32(x) } => F64
            I32ReinterpretF32(x: f32) -> u32 { x.to_bits() }
            I64ReinterpretF64(x: f64) -> u64 { x.to_bits() }
            F32ReinterpretI32(x: u32) -> f32 { f32::from_bits(x) }
            F64ReinterpretI64(x: u64) -> f64 { f64::from_bits(x) }
        }
    };
}
pub(crate) use unary_rows;
unary_rows!(family);

macro_rules! commutative_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := op(x, y)` where the order doesn't matter.
            CommutativeOp, commutative, stride 8, forms (numeric::commutative_forms), shape commutative;
            I32Add(x: u32, y: u32) -> u32 { x.wrapping_add(y) }
            I32Mul(x: u32, y: u32) -> u32 { x.wrapping_mul(y) }
            I32And(x: u32, y: u32) -> u32 { x & y }
            I32Or(x: u32, y: u32) -> u32 { x | y }
            I32Xor(x: u32, y: u32) -> u32 { x ^ y }
            I64Add(x: u64, y: u64) -> u64 { x.wrapping_add(y) }
            I64Mul(x: u64, y: u64) -> u64 { x.wrapping_mul(y) }
            I64And(x: u64, y: u64) -> u64 { x & y }
            I64Or(x: u64, y: u64) -> u64 { x | y }
            I64Xor(x: u64, y: u64) -> u64 { x ^ y }
            F32Add(x: f32, y: f32) -> f32 { x + y } => F32
            F32Mul(x: f32, y: f32) -> f32 { x * y } => F32
            F64Add(x: f64, y: f64) -> f64 { x + y } => F64
            F64Mul(x: f64, y: f64) -> f64 { x * y } => F64
        }
    };
}
pub(crate) use commutative_rows;
commutative_rows!(family);

macro_rules! ordered_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := op(x, y)`.
            OrderedOp, ordered, stride 14, forms (numeric::ordered_forms), shape ordered;
            I32Sub(x: u32, y: u32) -> u32 { x.wrapping_sub(y) }
            I32DivS(x: u32, y: u32) -> u32 {
                match (x as i32).checked_div(nonzero(y)? as i32) {
                    Some(quotient) => Ok(quotient as u32),
                    None => Err(Trap::IntegerOverflow),
                }
            }
            I32DivU(x: u32, y: u32) -> u32 { x / nonzero(y)? }
            // No closures: optimised for size, they would be called. Nor `wrapping_rem`, with which a handler calls.
            I32RemS(x: u32, y: u32) -> u32 { (x as i32).checked_rem(nonzero(y)? as i32).unwrap_or(0) as u32 }
            I32RemU(x: u32, y: u32) -> u32 { x % nonzero(y)? }
            I32Shl(x: u32, y: u32) -> u32 { x.wrapping_shl(y) }
            I32ShrS(x: u32, y: u32) -> u32 { (x as i32).wrapping_shr(y) as u32 }
            I32ShrU(x: u32, y: u32) -> u32 { x.wrapping_shr(y) }
            I32Rotl(x: u32, y: u32) -> u32 { x.rotate_left(y & 31) }
            I32Rotr(x: u32, y: u32) -> u32 { x.rotate_right(y & 31) }
            I64Sub(x: u64, y: u64) -> u64 { x.wrapping_sub(y) }
            I64DivS(x: u64, y: u64) -> u64 {
                match (x as i64).checked_div(nonzero(y)? as i64) {
                    Some(quotient) => Ok(quotient as u64),
                    None => Err(Trap::IntegerOverflow),
                }
            }
            I64DivU(x: u64, y: u64) -> u64 { x / nonzero(y)? }
            I64RemS(x: u64, y: u64) -> u64 { (x as i64).checked_rem(nonzero(y)? as i64).unwrap_or(0) as u64 }
            I64RemU(x: u64, y: u64) -> u64 { x % nonzero(y)? }
            I64Shl(x: u64, y: u64) -> u64 { x.wrapping_shl(y as u32) }
            I64ShrS(x: u64, y: u64) -> u64 { (x as i64).wrapping_shr(y as u32) as u64 }
            I64ShrU(x: u64, y: u64) -> u64 { x.wrapping_shr(y as u32) }
            I64Rotl(x: u64, y: u64) -> u64 { x.rotate_left(y as u32 & 63) }
            I64Rotr(x: u64, y: u64) -> u64 { x.rotate_right(y as u32 & 63) }
            F32Sub(x: f32, y: f32) -> f32 { x - y } => F32
            F32Div(x: f32, y: f32) -> f32 { x / y } => F32
            F32Min(x: f32, y: f32) -> f32 { float::f32_min(x, y) } => F32
            F32Max(x: f32, y: f32) -> f32 { float::f32_max(x, y) } => F32
            F32Copysign(x: f32, y: f32) -> f32 { float::f32_copysign(x, y) }
            F64Sub(x: f64, y: f64) -> f64 { x - y } => F64
            F64Div(x: f64, y: f64) -> f64 { x / y } => F64
            F64Min(x: f64, y: f64) -> f64 { float::f64_min(x, y) } => F64
            F64Max(x: f64, y: f64) -> f64 { float::f64_max(x, y) } => F64
            F64Copysign(x: f64, y: f64) -> f64 { float::f64_copysign(x, y) }
        }
    };
}
pub(crate) use ordered_rows;
ordered_rows!(family);

macro_rules! int_compare_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := x cmp y` (forms 0 to 7), or `if x cmp y: goto` (forms 8 to 15).
            ///
            /// A row's opposite is its neighbour: row `n ^ 1`.
            IntCompareOp, int_compare, stride 16, forms (numeric::int_compare_forms), shape compare;
            I32Eq(x: u32, y: u32) -> u32 { x == y }
            I32Ne(x: u32, y: u32) -> u32 { x != y }
            I32LtS(x: u32, y: u32) -> u32 { (x as i32) < y as i32 }
            I32GeS(x: u32, y: u32) -> u32 { x as i32 >= y as i32 }
            I32LtU(x: u32, y: u32) -> u32 { x < y }
            I32GeU(x: u32, y: u32) -> u32 { x >= y }
            I32GtS(x: u32, y: u32) -> u32 { x as i32 > y as i32 }
            I32LeS(x: u32, y: u32) -> u32 { x as i32 <= y as i32 }
            I32GtU(x: u32, y: u32) -> u32 { x > y }
            I32LeU(x: u32, y: u32) -> u32 { x <= y }
            I64Eq(x: u64, y: u64) -> u32 { x == y }
            I64Ne(x: u64, y: u64) -> u32 { x != y }
            I64LtS(x: u64, y: u64) -> u32 { (x as i64) < y as i64 }
            I64GeS(x: u64, y: u64) -> u32 { x as i64 >= y as i64 }
            I64LtU(x: u64, y: u64) -> u32 { x < y }
            I64GeU(x: u64, y: u64) -> u32 { x >= y }
            I64GtS(x: u64, y: u64) -> u32 { x as i64 > y as i64 }
            I64LeS(x: u64, y: u64) -> u32 { x as i64 <= y as i64 }
            I64GtU(x: u64, y: u64) -> u32 { x > y }
            I64LeU(x: u64, y: u64) -> u32 { x <= y }
        }
    };
}
pub(crate) use int_compare_rows;
int_compare_rows!(family);

macro_rules! float_compare_rows {
    ($then:ident) => {
        $then! {
            /// `R[a] := x cmp y`.
            FloatCompareOp, float_compare, stride 8, forms (numeric::compare_forms), shape compare;
            F32Eq(x: f32, y: f32) -> u32 { x == y }
            F32Ne(x: f32, y: f32) -> u32 { x != y }
            F32Lt(x: f32, y: f32) -> u32 { x < y }
            F32Gt(x: f32, y: f32) -> u32 { x > y }
            F32Le(x: f32, y: f32) -> u32 { x <= y }
            F32Ge(x: f32, y: f32) -> u32 { x >= y }
            F64Eq(x: f64, y: f64) -> u32 { x == y }
            F64Ne(x: f64, y: f64) -> u32 { x != y }
            F64Lt(x: f64, y: f64) -> u32 { x < y }
            F64Gt(x: f64, y: f64) -> u32 { x > y }
            F64Le(x: f64, y: f64) -> u32 { x <= y }
            F64Ge(x: f64, y: f64) -> u32 { x >= y }
        }
    };
}
pub(crate) use float_compare_rows;
float_compare_rows!(family);

/// The comparison that gives the same with its operands exchanged.
pub(crate) fn swapped(op: Op) -> Op {
    use FloatCompareOp as F;
    use IntCompareOp as I;
    const INT: &[(I, I)] = &[
        (I::I32LtS, I::I32GtS),
        (I::I32LtU, I::I32GtU),
        (I::I32LeS, I::I32GeS),
        (I::I32LeU, I::I32GeU),
        (I::I64LtS, I::I64GtS),
        (I::I64LtU, I::I64GtU),
        (I::I64LeS, I::I64GeS),
        (I::I64LeU, I::I64GeU),
    ];
    const FLOAT: &[(F, F)] =
        &[(F::F32Lt, F::F32Gt), (F::F32Le, F::F32Ge), (F::F64Lt, F::F64Gt), (F::F64Le, F::F64Ge)];
    let ints = INT.iter().map(|&(a, b)| (a.op(), b.op()));
    let floats = FLOAT.iter().map(|&(a, b)| (a.op(), b.op()));
    for (a, b) in ints.chain(floats) {
        if op == a {
            return b;
        }
        if op == b {
            return a;
        }
    }
    op
}

impl IntCompareOp {
    /// The op in its first form.
    pub(crate) const fn op(self) -> Op {
        Op(Self::BASE + self as u16 * Self::STRIDE as u16)
    }

    /// Whether `op` is a comparison that puts its result in the accumulator, and so can become a branch.
    pub(crate) fn is_value(op: Op) -> bool {
        let n = op.0.wrapping_sub(Self::BASE) as usize;
        n < Self::COUNT * Self::STRIDE && n % Self::STRIDE < 8
    }

    /// Whether it compares 64 bits.
    pub(crate) fn is_wide(op: Op) -> bool {
        (op.0 - Self::BASE) / Self::STRIDE as u16 >= IntCompareOp::I64Eq as u16
    }

    /// The comparison that holds when `op`, in the same form, doesn't.
    pub(crate) fn opposite(op: Op) -> Op {
        let n = op.0 - Self::BASE;
        let stride = Self::STRIDE as u16;
        Op(Self::BASE + ((n / stride) ^ 1) * stride + n % stride)
    }
}

impl FloatCompareOp {
    /// The op in its first form.
    pub(crate) const fn op(self) -> Op {
        Op(Self::BASE + self as u16 * Self::STRIDE as u16)
    }
}
