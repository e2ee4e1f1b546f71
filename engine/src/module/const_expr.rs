//! Constant expressions: the first values of globals, the offsets and items of segments.

use alloc::boxed::Box;
use wasmparser::Operator;

use crate::memory::limits::MAX_CONST_EXPR_DEPTH;
use crate::memory::{Budget, Buf, Charge, Kind};
use crate::module::load_error::{ErrorKind, LoadError};
use crate::module::operators;

/// One instruction of a constant expression. Floats and vectors are their raw bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConstOp {
    I32(u32),
    I64(u64),
    F32(u32),
    F64(u64),
    V128(u128),
    GlobalGet(u32),
    RefNull,
    RefFunc(u32),
    I32Add,
    I32Sub,
    I32Mul,
    I64Add,
    I64Sub,
    I64Mul,
}

impl ConstOp {
    /// How many operands it takes; each leaves one result.
    fn operands(self) -> usize {
        use ConstOp::*;
        match self {
            I32(_) | I64(_) | F32(_) | F64(_) | V128(_) | GlobalGet(_) | RefNull | RefFunc(_) => 0,
            I32Add | I32Sub | I32Mul | I64Add | I64Sub | I64Mul => 2,
        }
    }
}

/// A validated constant expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConstExpr(Ops);

/// Nearly all are a single instruction, which needs no memory of its own. The final `end` isn't kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ops {
    One(ConstOp),
    Several(Box<[ConstOp]>),
}

impl ConstExpr {
    /// `i32.const`.
    pub(crate) fn i32(value: u32) -> ConstExpr {
        ConstExpr(Ops::One(ConstOp::I32(value)))
    }

    /// `i64.const`.
    pub(crate) fn i64(value: u64) -> ConstExpr {
        ConstExpr(Ops::One(ConstOp::I64(value)))
    }

    /// Its instructions.
    pub(crate) fn ops(&self) -> &[ConstOp] {
        match &self.0 {
            Ops::One(op) => core::slice::from_ref(op),
            Ops::Several(ops) => ops,
        }
    }

    /// Takes over an expression that validation has accepted.
    pub(crate) fn parse(
        expr: &wasmparser::ConstExpr<'_>,
        budget: &Budget,
    ) -> Result<(ConstExpr, Charge), LoadError> {
        let mut reader = expr.get_binary_reader();
        let start = reader.original_position();
        let memory = |error| LoadError::memory(error, start);
        let mut count = 0;
        let mut counted = reader.clone();
        while !counted.eof() {
            operators::read(&mut counted).map_err(LoadError::invalid)?;
            count += 1;
        }
        // The last one is `end`, which is not kept.
        let mut ops =
            Buf::with_capacity(budget, Kind::Metadata, count - 1usize.min(count)).map_err(memory)?;
        let mut depth = 0;
        while !reader.eof() {
            let offset = reader.original_position();
            let op = match operators::read(&mut reader).map_err(LoadError::invalid)? {
                Operator::End => continue,
                Operator::I32Const { value } => ConstOp::I32(value.cast_unsigned()),
                Operator::I64Const { value } => ConstOp::I64(value.cast_unsigned()),
                Operator::F32Const { value } => ConstOp::F32(value.bits()),
                Operator::F64Const { value } => ConstOp::F64(value.bits()),
                #[cfg(feature = "simd")]
                Operator::V128Const { value } => ConstOp::V128(u128::from_le_bytes(*value.bytes())),
                Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
                Operator::RefNull { .. } => ConstOp::RefNull,
                Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
                Operator::I32Add => ConstOp::I32Add,
                Operator::I32Sub => ConstOp::I32Sub,
                Operator::I32Mul => ConstOp::I32Mul,
                Operator::I64Add => ConstOp::I64Add,
                Operator::I64Sub => ConstOp::I64Sub,
                Operator::I64Mul => ConstOp::I64Mul,
                _ => {
                    return Err(LoadError::new(
                        ErrorKind::Unsupported,
                        "unsupported instruction in a constant expression",
                        offset,
                    ));
                }
            };
            depth = depth + 1 - op.operands();
            if depth > MAX_CONST_EXPR_DEPTH {
                return Err(LoadError::new(
                    ErrorKind::Limit,
                    format_args!(
                        "constant expression needs more than {MAX_CONST_EXPR_DEPTH} operands at once"
                    ),
                    offset,
                ));
            }
            ops.try_push(op).map_err(memory)?;
        }
        if let [op] = *ops {
            return Ok((ConstExpr(Ops::One(op)), budget.nothing(Kind::Metadata)));
        }
        let (ops, charge) = ops.into_boxed().map_err(memory)?;
        Ok((ConstExpr(Ops::Several(ops)), charge))
    }

    /// The function, if this is nothing but a reference to one.
    pub(crate) fn as_ref_func(&self) -> Option<u32> {
        match *self.ops() {
            [ConstOp::RefFunc(index)] => Some(index),
            _ => None,
        }
    }

    /// The number, if this is nothing but one of 32 bits.
    pub(crate) fn as_i32(&self) -> Option<u32> {
        match *self.ops() {
            [ConstOp::I32(value)] => Some(value),
            _ => None,
        }
    }

    /// Computes the value: raw bits, zero-extended. A null reference is 0.
    pub(crate) fn eval(
        &self,
        mut globals: impl FnMut(u32) -> u128,
        mut func_ref: impl FnMut(u32) -> u64,
    ) -> u128 {
        let mut stack = [0u128; MAX_CONST_EXPR_DEPTH];
        let mut height = 0;
        for op in self.ops() {
            height -= op.operands();
            let (a, b) = if op.operands() == 2 { (stack[height], stack[height + 1]) } else { (0, 0) };
            let i32s = |f: fn(u32, u32) -> u32| u128::from(f(a as u32, b as u32));
            let i64s = |f: fn(u64, u64) -> u64| u128::from(f(a as u64, b as u64));
            stack[height] = match *op {
                ConstOp::I32(bits) | ConstOp::F32(bits) => bits.into(),
                ConstOp::I64(bits) | ConstOp::F64(bits) => bits.into(),
                ConstOp::V128(bits) => bits,
                ConstOp::GlobalGet(index) => globals(index),
                ConstOp::RefNull => 0,
                ConstOp::RefFunc(index) => func_ref(index).into(),
                ConstOp::I32Add => i32s(u32::wrapping_add),
                ConstOp::I32Sub => i32s(u32::wrapping_sub),
                ConstOp::I32Mul => i32s(u32::wrapping_mul),
                ConstOp::I64Add => i64s(u64::wrapping_add),
                ConstOp::I64Sub => i64s(u64::wrapping_sub),
                ConstOp::I64Mul => i64s(u64::wrapping_mul),
            };
            height += 1;
        }
        stack[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(ops: &[ConstOp]) -> u128 {
        ConstExpr(Ops::Several(ops.into()))
            .eval(|index| 1000 + u128::from(index), |index| 2000 + u64::from(index))
    }

    #[test]
    fn values_are_raw_bits() {
        use ConstOp::*;
        assert_eq!(eval(&[I32(u32::MAX)]), u128::from(u32::MAX));
        assert_eq!(eval(&[GlobalGet(3)]), 1003);
        assert_eq!(eval(&[RefFunc(4)]), 2004);
        assert_eq!(eval(&[RefNull]), 0);
        assert_eq!(eval(&[V128(u128::MAX - 1)]), u128::MAX - 1);
    }

    #[test]
    fn arithmetic_wraps_and_keeps_its_order() {
        use ConstOp::*;
        assert_eq!(eval(&[I32(1), I32(2), I32Sub]), u128::from(u32::MAX));
        assert_eq!(eval(&[I64(1), I64(2), I64Sub]), u128::from(u64::MAX));
        assert_eq!(eval(&[I32(2), I32(3), I32(4), I32Mul, I32Add]), 14);
    }
}
