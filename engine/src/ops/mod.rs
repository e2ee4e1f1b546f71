//! The op table: what a cell can do.
//!
//! Each op is declared once, as a row of a *family*: its name (the wasm operator it serves, unless it says
//! otherwise), its operands' types and its meaning. The numbering, the handlers ([`crate::runtime::exec`]), the selection
//! from wasm operators and the disassembler all come from the rows.
//!
//! A family's ops share their *forms*: where operands come from and where the result goes (see
//! [`crate::runtime::exec::operand`]). An op's number is its family's base, plus its row times the family's stride, plus its
//! form. In every family with a result, form bit 0 tells whether the result goes to a slot as well as to the
//! accumulator, so that a producer can be patched to spill what it made.

mod bulk;
pub(crate) mod cells;
pub(crate) mod frame;
mod memory;
mod scalar;
mod special;
mod vector;

pub(crate) use bulk::bulk_rows;
pub use bulk::{BulkOp, BulkResult};
pub(crate) use memory::*;
pub(crate) use scalar::*;
pub(crate) use special::*;
pub(crate) use vector::*;

use crate::module::trap::Trap;
use crate::value::V128;
use crate::value::raw::Raw;

/// A cell's op in one of its forms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Op(pub(crate) u16);

/// The row's name and the form's number.
impl core::fmt::Display for Op {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (name, form) = self.name();
        write!(f, "{name}.{form}")
    }
}

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
            I32 | I64 | FuncRef | ExternRef => Class::Int,
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

/// What a row's meaning may give: a value, or a value or a trap.
pub(crate) trait Evaluated<T> {
    fn evaluated(self) -> Result<T, Trap>;
}
macro_rules! evaluated {
    ($($t:ty)*) => {$(
        impl Evaluated<$t> for $t {
            #[inline(always)]
            fn evaluated(self) -> Result<$t, Trap> { Ok(self) }
        }
        impl Evaluated<$t> for Result<$t, Trap> {
            #[inline(always)]
            fn evaluated(self) -> Result<$t, Trap> { self }
        }
        impl Evaluated<$t> for Result<$t, crate::value::float::TruncError> {
            #[inline(always)]
            fn evaluated(self) -> Result<$t, Trap> {
                use crate::value::float::TruncError::*;
                self.map_err(|e| match e {
                    NotANumber => Trap::BadConversionToInteger,
                    Overflow => Trap::IntegerOverflow,
                })
            }
        }
    )*};
}
evaluated! { u32 u64 f32 f64 V128 }

/// A row: its op in the first form.
pub(crate) trait Row {
    const OP: Op;
}

/// `R[a] := op(x)`
pub(crate) trait Unary {
    type In: Classed;
    type Out: Classed;
    fn eval(x: Self::In) -> Result<Self::Out, Trap>;
}

/// `R[a] := op(x, y)`
pub(crate) trait Binary {
    type L: Classed;
    type R: Classed;
    type Out: Classed;
    fn eval(x: Self::L, y: Self::R) -> Result<Self::Out, Trap>;
}

/// `R[a] := x cmp y`, or a branch on it.
pub(crate) trait Compare {
    type In: Classed;
    fn test(x: Self::In, y: Self::In) -> bool;
}

/// `R[a] := op(lane)`
pub(crate) trait Extract {
    type Lane: Copy;
    type Out: Classed;
    fn eval(x: Self::Lane) -> Self::Out;
}

/// `R[a] := x with lane l replaced by y`
pub(crate) trait Replace {
    type R: Classed;
    fn eval(x: V128, lane: u8, y: Self::R) -> V128;
}

/// `R[a] := op(bytes at ea)`
pub(crate) trait Load {
    type Raw: Raw;
    type Out: Classed;
    fn eval(x: Self::Raw) -> Self::Out;
}

/// `bytes at ea := op(x)`
pub(crate) trait Store {
    type In: Classed;
    type Raw: Raw;
    fn eval(x: Self::In) -> Self::Raw;
}

/// A load into one lane.
pub(crate) trait LaneLoad {
    type Raw: Raw;
    fn eval(x: V128, lane: u8, y: Self::Raw) -> V128;
}

/// A store of one lane.
pub(crate) trait LaneStore {
    type Raw: Raw;
    fn eval(x: Self::Raw) -> Self::Raw;
}

/// What deterministic NaNs want done to an op's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Canon {
    F32,
    F64,
    F32x4,
    F64x2,
}

/// The operand forms of a two-operand family, in the order of their numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Forms {
    /// slot slot, acc slot, slot imm, acc imm
    Commutative,
    /// those, and slot acc, imm slot, imm acc
    Ordered,
    /// slot slot, acc slot, slot imm, acc imm, slot acc
    Vector,
    /// slot slot, acc slot, slot acc
    Replace,
    /// The forms of commutative ops, in this order only: the shift count is never in an accumulator.
    Shift,
}

/// Where an access goes, apart from its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct MemArg {
    pub(crate) memory: u32,
    pub(crate) offset: u64,
}

impl From<&wasmparser::MemArg> for MemArg {
    fn from(memarg: &wasmparser::MemArg) -> Self {
        let memory = match memarg.target {
            wasmparser::MemArgTarget::Memory(memory) => memory,
            wasmparser::MemArgTarget::Array(_) => unreachable!("no such feature is on"),
        };
        Self { memory, offset: memarg.offset }
    }
}

/// A wasm operator as the table knows it: the op in its first form, and the classes of what it takes and gives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selected {
    Unary { op: Op, to: Class, canon: Option<Canon> },
    Binary { op: Op, to: Class, forms: Forms, imm: Imm, canon: Option<Canon> },
    Compare { op: Op, imm: Imm },
    Extract { op: Op, to: Class, lane: u8 },
    Replace { op: Op, lane: u8 },
    Load { op: Op, to: Class, memarg: MemArg },
    Store { op: Op, from: Class, memarg: MemArg },
    LoadLane { op: Op, memarg: MemArg, lane: u8 },
    StoreLane { op: Op, memarg: MemArg, lane: u8 },
}

/// The table's row for `operator`, if a family serves it; control, variables and bulk operations are the
/// translator's own.
pub(crate) fn select(operator: &wasmparser::Operator<'_>) -> Option<Selected> {
    LoadOp::of(operator)
        .or_else(|| CommutativeOp::of(operator))
        .or_else(|| IntCompareOp::of(operator))
        .or_else(|| StoreOp::of(operator))
        .or_else(|| OrderedOp::of(operator))
        .or_else(|| UnaryOp::of(operator))
        .or_else(|| FloatCompareOp::of(operator))
        .or_else(|| VectorOp::of(operator))
        .or_else(|| VectorUnaryOp::of(operator))
        .or_else(|| ShiftOp::of(operator))
        .or_else(|| ExtractOp::of(operator))
        .or_else(|| ReplaceOp::of(operator))
        .or_else(|| LoadLaneOp::of(operator))
        .or_else(|| StoreLaneOp::of(operator))
}

/// Declares a family from its rows.
///
/// `Name [OtherOperators] (x: T, ..) -> T { meaning } => C`: the row serves wasmparser's operator `Name` and the
/// others listed, which mean the same on slots; its NaNs are made canonical as `C` if that is wanted.
macro_rules! family {
    (
        $(#[$doc:meta])*
        $Enum:ident, $module:ident, stride $stride:literal, forms $forms:tt, shape $shape:ident;
        $($Name:ident $([$($alias:ident)*])? ($($x:ident: $t:ty),*) -> $out:ty $body:block $(=> $canon:ident)?)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        #[allow(clippy::enum_variant_names)]
        pub(crate) enum $Enum { $($Name),* }

        #[doc(hidden)]
        #[allow(clippy::upper_case_acronyms)]
        pub(crate) mod $module { $(pub(crate) enum $Name {})* }

        $(impl $crate::ops::Row for $module::$Name {
            const OP: Op = Op($Enum::$Name as u16 * $stride + $Enum::BASE);
        })*
        $($crate::ops::row! { $shape $module $Name ($($x: $t),*) -> $out $body })*

        impl $Enum {
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($Name)),*];
            pub(crate) const COUNT: usize = Self::NAMES.len();
            pub(crate) const STRIDE: usize = $stride;
            /// Extension words of each row's immediate.
            pub(crate) const IMM_WORDS: &'static [usize] =
                &[$($crate::ops::imm_words!($shape $($t),*)),*];

            #[inline]
            pub(crate) fn of(operator: &wasmparser::Operator<'_>) -> Option<$crate::ops::Selected> {
                #[allow(unused_imports)]
                use $crate::ops::{Classed, Selected, Canon};
                use wasmparser::Operator;
                match operator {
                    $($crate::ops::pattern!($shape $Name $([$($alias)*])? memarg lane) => Some(
                        $crate::ops::selected!($shape (<$module::$Name as $crate::ops::Row>::OP) ($($t),*) $out,
                            (None $(.or(Some(Canon::$canon)))?) memarg lane)
                    ),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use family;

macro_rules! imm_words {
    (commutative $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (ordered $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (shift $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (vector $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (compare $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    ($shape:ident $($t:ty),*) => {
        0
    };
}
pub(crate) use imm_words;

macro_rules! row {
    (unary $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Unary for $m::$N {
            type In = $t;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t) -> Result<$out, $crate::module::trap::Trap> { $crate::ops::Evaluated::<$out>::evaluated($body) }
        }
    };
    (compare $m:ident $N:ident ($x:ident: $t:ty, $y:ident: $u:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Compare for $m::$N {
            type In = $t;
            #[inline(always)]
            fn test($x: $t, $y: $t) -> bool $body
        }
    };
    (extract $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Extract for $m::$N {
            type Lane = $t;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t) -> $out $body
        }
    };
    (replace $m:ident $N:ident ($x:ident: $t:ty, $lane:ident: $l:ty, $y:ident: $u:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Replace for $m::$N {
            type R = $u;
            #[inline(always)]
            fn eval($x: V128, $lane: u8, $y: $u) -> V128 $body
        }
    };
    (load $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Load for $m::$N {
            type Raw = $t;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t) -> $out $body
        }
    };
    (store $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Store for $m::$N {
            type In = $t;
            type Raw = $out;
            #[inline(always)]
            fn eval($x: $t) -> $out $body
        }
    };
    (loadlane $m:ident $N:ident ($x:ident: $v:ty, $lane:ident: $l:ty, $y:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::LaneLoad for $m::$N {
            type Raw = $t;
            #[inline(always)]
            fn eval($x: V128, $lane: u8, $y: $t) -> V128 $body
        }
    };
    (storelane $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::LaneStore for $m::$N {
            type Raw = $out;
            #[inline(always)]
            fn eval($x: $out) -> $out $body
        }
    };
    // Commutative, ordered, vector and shift families have binary rows.
    ($binary:ident $m:ident $N:ident ($x:ident: $t:ty, $y:ident: $u:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Binary for $m::$N {
            type L = $t;
            type R = $u;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t, $y: $u) -> Result<$out, $crate::module::trap::Trap> {
                $crate::ops::Evaluated::<$out>::evaluated($body)
            }
        }
    };
}
pub(crate) use row;

macro_rules! pattern {
    (load $N:ident [$($a:ident)*] $m:ident $l:ident) => { Operator::$N { memarg: $m } $(| Operator::$a { memarg: $m })* };
    (store $N:ident [$($a:ident)*] $m:ident $l:ident) => { Operator::$N { memarg: $m } $(| Operator::$a { memarg: $m })* };
    (load $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m } };
    (store $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m } };
    (extract $N:ident $m:ident $l:ident) => { Operator::$N { lane: $l } };
    (replace $N:ident $m:ident $l:ident) => { Operator::$N { lane: $l } };
    (loadlane $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m, lane: $l } };
    (storelane $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m, lane: $l } };
    ($shape:ident $N:ident $m:ident $l:ident) => { Operator::$N };
    ($shape:ident $N:ident [$($a:ident)*] $m:ident $l:ident) => { Operator::$N $(| Operator::$a)* };
}
pub(crate) use pattern;

macro_rules! selected {
    (unary $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Unary { op: $op, to: <$out>::CLASS, canon: $canon }
    };
    (commutative $($rest:tt)*) => { $crate::ops::selected!(@binary Commutative $($rest)*) };
    (ordered $($rest:tt)*) => { $crate::ops::selected!(@binary Ordered $($rest)*) };
    (vector $($rest:tt)*) => { $crate::ops::selected!(@binary Vector $($rest)*) };
    (shift $($rest:tt)*) => { $crate::ops::selected!(@binary Shift $($rest)*) };
    (@binary $forms:ident $op:tt ($t:ty, $u:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Binary {
            op: $op, to: <$out>::CLASS,
            forms: $crate::ops::Forms::$forms, imm: <$u>::IMM, canon: $canon,
        }
    };
    (compare $op:tt ($t:ty, $u:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Compare { op: $op, imm: <$t>::IMM }
    };
    (extract $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Extract { op: $op, to: <$out>::CLASS, lane: *$l }
    };
    (replace $op:tt ($t:ty, $l8:ty, $u:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Replace { op: $op, lane: *$l }
    };
    (load $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Load { op: $op, to: <$out>::CLASS, memarg: $m.into() }
    };
    (store $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Store { op: $op, from: <$t>::CLASS, memarg: $m.into() }
    };
    (loadlane $op:tt ($($t:ty),*) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::LoadLane { op: $op, memarg: $m.into(), lane: *$l }
    };
    (storelane $op:tt ($($t:ty),*) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::StoreLane { op: $op, memarg: $m.into(), lane: *$l }
    };
}
pub(crate) use selected;

/// Gives each family its base, one after the other, and strings their handlers into one table.
macro_rules! families {
    ($first:ident $($family:ident)*) => {
        impl $first { pub(crate) const BASE: u16 = 0; }
        families! { @bases $first $($family)* }

        /// How many op numbers there are.
        pub(crate) const OPS: usize = $first::COUNT * $first::STRIDE $(+ $family::COUNT * $family::STRIDE)*;

        impl Op {
            /// The row's name and form, for people.
            pub(crate) fn name(self) -> (&'static str, u16) {
                families! { @name self $first }
                $(families! { @name self $family })*
                ("?", self.0)
            }
        }
    };
    (@bases $a:ident $b:ident $($rest:ident)*) => {
        impl $b { pub(crate) const BASE: u16 = $a::BASE + ($a::COUNT * $a::STRIDE) as u16; }
        const _: () = assert!($b::BASE % 2 == 0);
        families! { @bases $b $($rest)* }
    };
    (@bases $a:ident) => {};
    (@name $self:ident $family:ident) => {
        if let Some(n) = $self.0.checked_sub($family::BASE)
            && (n as usize) < $family::COUNT * $family::STRIDE
        {
            let row = n as usize / $family::STRIDE;
            return ($family::NAMES[row], n - (row * $family::STRIDE) as u16);
        }
    };
}

families! {
    UnaryOp VectorUnaryOp CommutativeOp OrderedOp VectorOp ShiftOp IntCompareOp FloatCompareOp ExtractOp ReplaceOp
    LoadOp StoreOp LoadLaneOp StoreLaneOp SelectOp BulkOp SpecialOp
}

/// What the fields of a cell hold, and how many extension words it has (for `br_table`, how many at least).
pub(crate) const fn layout(op: Op) -> ([Field; 4], usize) {
    use Field::*;
    /// The row and the form.
    const fn within(op: Op, base: u16, count: usize, stride: usize) -> Option<(usize, usize)> {
        let n = op.0.wrapping_sub(base) as usize;
        if n < count * stride { Some((n / stride, n % stride)) } else { None }
    }
    const fn dst(form: usize) -> Field {
        if form & 1 == 1 { W } else { __ }
    }
    macro_rules! family {
        ($($F:ident)|+) => {{
            let mut found = None;
            $(if let Some((row, form)) = within(op, $F::BASE, $F::COUNT, $F::STRIDE) {
                found = Some((row, form, $F::IMM_WORDS[row]));
            })+
            found
        }};
    }
    if let Some((_, form, _)) = family!(UnaryOp | VectorUnaryOp) {
        return ([dst(form), if form >= 2 { R } else { __ }, X, X], 0);
    }
    if let Some((_, form, _)) = family!(ExtractOp) {
        return ([dst(form), R2, X, __], 0);
    }
    if let Some((_, form, imm)) = family!(CommutativeOp | OrderedOp | VectorOp | ShiftOp | FloatCompareOp) {
        let (b, cd, ext) = match form / 2 {
            0 => (R, [R, __], 0),
            1 => (__, [R, __], 0),
            2 | 5 => (R, [N, N], imm),
            3 | 6 => (__, [N, N], imm),
            _ => (R, [__, __], 0),
        };
        return ([dst(form), b, cd[0], cd[1]], ext);
    }
    if let Some((_, form, _)) = family!(ReplaceOp) {
        let (b, c) = [(R, R), (__, R), (R, __)][form / 2];
        return ([dst(form), b, c, X], 0);
    }
    if let Some((_, form, words)) = family!(IntCompareOp) {
        let (x, y, imm) = [(R, R, 0), (__, R, 0), (R, N, 1), (__, N, 1)][form % 8 / 2];
        return if form < 8 {
            ([dst(form), x, y, if imm == 1 { N } else { __ }], imm * words)
        } else {
            ([x, if imm == 1 { __ } else { y }, T, T], imm + form % 2)
        };
    }
    if let Some((_, form, _)) = family!(LoadOp) {
        return ([dst(form), if matches!(form / 2, 1 | 3) { R } else { __ }, N, N], (form / 2 == 3) as usize);
    }
    if let Some((_, form, _)) = family!(StoreOp) {
        let a = if matches!(form, 0..3 | 9) { R } else { __ };
        let b = if matches!(form, 0 | 3 | 6 | 9) { R } else { __ };
        return ([a, b, N, N], matches!(form, 2 | 5 | 8 | 9) as usize);
    }
    if let Some((_, form, _)) = family!(LoadLaneOp) {
        return ([W, R, R, X], 1 + form);
    }
    if let Some((_, form, _)) = family!(StoreLaneOp) {
        return ([__, R, R, X], 1 + form);
    }
    if let Some((_, form)) = within(op, SelectOp::BASE, SelectOp::COUNT, SelectOp::STRIDE) {
        return ([dst(form), R, R, if form >= 2 { R } else { __ }], 0);
    }
    if within(op, BulkOp::BASE, BulkOp::COUNT, BulkOp::STRIDE).is_some() {
        // Operands from slot `a` on, where the result goes as well; the extension's halves are indices.
        return ([X, __, __, __], 1);
    }
    let (fields, ext) = SpecialOp::FIELDS[(op.0 - SpecialOp::BASE) as usize];
    let mut all = [__; 4];
    let mut field = 0;
    while field < fields.len() {
        all[field] = fields[field];
        field += 1;
    }
    if fields.len() == 3 {
        // `N` and `T` take both `c` and `d`.
        all[3] = all[2];
    }
    (all, ext as usize)
}
