//! The types of operands and results, as far as handlers and cells tell them apart.

use crate::value::V128;

/// Which accumulator a value uses: its type, as far as handlers care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// i32 (zero-extended), i64 and references.
    Int,
    F32,
    F64,
    V128,
}

impl Class {
    pub(crate) const COUNT: usize = 4;

    pub(crate) fn slots(self) -> u32 {
        if self == Class::V128 { 2 } else { 1 }
    }

    pub(crate) fn of(ty: crate::module::types::ValType) -> Self {
        use crate::module::types::ValType::*;
        match ty {
            I32 | I64 | Ref(_) => Class::Int,
            F32 => Class::F32,
            F64 => Class::F64,
            V128 => Class::V128,
        }
    }
}

/// How a type's immediates are kept in a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Imm {
    /// 32 bits.
    I32,
    /// The extension word.
    I64,
    /// 32 bits.
    F32,
    /// The extension word.
    F64,
    /// Two extension words.
    V128,
    None,
}

impl Imm {
    /// Whether a constant can be an immediate.
    pub(crate) fn exists(self) -> bool {
        self != Imm::None
    }

    /// Extension words that it takes.
    pub(crate) const fn words(self) -> usize {
        match self {
            Imm::I64 | Imm::F64 => 1,
            Imm::V128 => 2,
            _ => 0,
        }
    }
}

/// What the rows' Rust types stand for.
pub(crate) trait Classed: Copy {
    const CLASS: Class;
    const IMM: Imm;
}
macro_rules! classed {
    ($($t:ty: $c:ident $i:ident)*) => {
        $(impl Classed for $t { const CLASS: Class = Class::$c; const IMM: Imm = Imm::$i; })*
    };
}
classed! { u32: Int I32 u64: Int I64 f32: F32 F32 f64: F64 F64 V128: V128 V128 }
