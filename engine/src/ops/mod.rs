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

mod atomic;
mod bulk;
pub(crate) mod cells;
mod class;
mod family;
pub(crate) mod frame;
pub(crate) mod handlers;
mod meaning;
mod memory;
mod scalar;
mod select;
mod special;
mod vector;

pub(crate) use atomic::{AtomicKind, AtomicOp, atomic_rows};
pub(crate) use bulk::bulk_rows;
pub use bulk::{BulkOp, BulkResult};
pub(crate) use class::{Class, Classed, Imm};
pub(crate) use family::{family, imm_words, pattern, row, selected};
pub(crate) use meaning::*;
pub(crate) use memory::*;
pub(crate) use scalar::*;
pub(crate) use select::{Canon, Forms, MemArg, Selected, select};
pub(crate) use special::*;
pub(crate) use vector::*;

use family::families;

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

families! {
    UnaryOp VectorUnaryOp CommutativeOp OrderedOp VectorOp ShiftOp IntCompareOp FloatCompareOp ExtractOp ReplaceOp
    LoadOp StoreOp LoadLaneOp StoreLaneOp SelectOp BulkOp AtomicOp SpecialOp
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
        let b = if matches!(form / 2, 1 | 3 | 5 | 6) { R } else { __ };
        return ([dst(form), b, N, N], matches!(form / 2, 3 | 6) as usize);
    }
    if let Some((_, form, _)) = family!(StoreOp) {
        let a = if matches!(form, 0..3 | 9..=12 | 15) { R } else { __ };
        let b = if matches!(form, 0 | 3 | 6 | 9 | 10 | 13 | 15) { R } else { __ };
        return ([a, b, N, N], matches!(form, 2 | 5 | 8 | 9 | 12 | 14 | 15) as usize);
    }
    if let Some((_, form, _)) = family!(LoadLaneOp) {
        return ([W, R, R, X], if form == 0 { 1 } else { 2 });
    }
    if let Some((_, form, _)) = family!(StoreLaneOp) {
        return ([__, R, R, X], if form == 0 { 1 } else { 2 });
    }
    if let Some((_, form)) = within(op, SelectOp::BASE, SelectOp::COUNT, SelectOp::STRIDE) {
        return ([dst(form), R, R, if form >= 2 { R } else { __ }], 0);
    }
    if within(op, BulkOp::BASE, BulkOp::COUNT, BulkOp::STRIDE).is_some() {
        // Operands from slot `a` on, where the result goes as well; the extension's halves are indices.
        return ([X, __, __, __], 1);
    }
    if let Some((row, _)) = within(op, AtomicOp::BASE, AtomicOp::COUNT, AtomicOp::STRIDE) {
        // The extension's halves are the memory's word and the offset.
        return (AtomicOp::KINDS[row].fields(), 1);
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
