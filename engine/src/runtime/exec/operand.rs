//! Operand sources and result destinations: the axes along which an op has several forms.
//!
//! A cell's operand word is four 16-bit fields `a b c d`. `a` is the destination slot; sources are a slot, the
//! accumulator of their type, or an immediate in `c d` (one of 64 bits takes the next word).

use super::regs::{Regs, from_vector, to_vector};
use crate::ops::{Binary, Classed, Compare, Extract, Load, Replace, Row, Store, Unary};
use crate::value::V128;

/// Field positions in the operand word.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;
pub(crate) const D: usize = 3;

impl Regs {
    /// 16-bit field `n` of the current cell.
    #[inline(always)]
    pub(crate) unsafe fn field(&self, n: usize) -> usize {
        // SAFETY: a cell has at least two words.
        unsafe { *self.ip.add(1).cast::<u16>().add(n) as usize }
    }

    /// The 32-bit field that `c d` make.
    #[inline(always)]
    pub(crate) unsafe fn wide(&self) -> u32 {
        // SAFETY: a cell has at least two words.
        unsafe { *self.ip.add(1).cast::<u32>().add(1) }
    }

    /// Extension word `n` of the current cell.
    #[inline(always)]
    pub(crate) unsafe fn ext(&self, n: usize) -> u64 {
        // SAFETY: the handler's op has that many extension words.
        unsafe { *self.ip.add(2 + n) }
    }

    /// The slot that field `n` names.
    #[inline(always)]
    pub(crate) unsafe fn slot(&self, n: usize) -> *mut u64 {
        // SAFETY: the handler contract (`Backend`): a field that names a slot names one of the
        // frame.
        unsafe { self.sp.add(self.field(n)) }
    }
}

/// A type of value, as slots and accumulators represent it.
///
/// # Safety
///
/// For the unsafe methods: the pointer is to the slot (for a [`V128`], to the first of two) that holds or receives such
/// a value; `imm` is only called at a cell with an immediate of this type.
pub(crate) trait Value: Classed {
    unsafe fn load(p: *const u64) -> Self;
    unsafe fn store(self, p: *mut u64);
    fn acc(r: &Regs) -> Self;
    fn set_acc(self, r: &mut Regs);
    unsafe fn imm(r: &Regs) -> Self;
}

/// Rows whose operands and results are values that handlers can move.
macro_rules! rows {
    ($($Row:ident: $Meaning:ident<$($part:ident: $bound:ident),*>)*) => {$(
        pub(crate) trait $Row: $Meaning<$($part: $bound),*> + Row {}
        impl<O: $Meaning<$($part: $bound),*> + Row> $Row for O {}
    )*};
}
rows! {
    UnaryRow: Unary<In: Value, Out: Value>
    BinaryRow: Binary<L: Value, R: Value, Out: Value>
    CompareRow: Compare<In: Value>
    ExtractRow: Extract<Out: Value>
    ReplaceRow: Replace<R: Value>
    LoadRow: Load<Out: Value>
    StoreRow: Store<In: Value>
}

impl Value for u32 {
    #[inline(always)]
    unsafe fn load(p: *const u64) -> Self {
        // SAFETY: the caller passes a slot.
        unsafe { *p as u32 }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u64) {
        // SAFETY: the caller passes a slot.
        unsafe { *p = self as u64 }
    }
    #[inline(always)]
    fn acc(r: &Regs) -> Self {
        r.acc as u32
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = self as u64
    }
    #[inline(always)]
    unsafe fn imm(r: &Regs) -> Self {
        // SAFETY: the cell has such an immediate.
        unsafe { r.wide() }
    }
}

impl Value for u64 {
    #[inline(always)]
    unsafe fn load(p: *const u64) -> Self {
        // SAFETY: the caller passes a slot.
        unsafe { *p }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u64) {
        // SAFETY: the caller passes a slot.
        unsafe { *p = self }
    }
    #[inline(always)]
    fn acc(r: &Regs) -> Self {
        r.acc
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.acc = self
    }
    #[inline(always)]
    unsafe fn imm(r: &Regs) -> Self {
        // SAFETY: a cell with an i64 immediate has that word.
        unsafe { r.ext(0) }
    }
}

impl Value for f32 {
    #[inline(always)]
    unsafe fn load(p: *const u64) -> Self {
        // SAFETY: the caller passes a slot, and slots are little-endian.
        unsafe { *p.cast::<f32>() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u64) {
        // SAFETY: the caller passes a slot.
        unsafe { *p = self.to_bits() as u64 }
    }
    #[inline(always)]
    fn acc(r: &Regs) -> Self {
        r.f32
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.f32 = self
    }
    #[inline(always)]
    unsafe fn imm(r: &Regs) -> Self {
        // SAFETY: the cell has such an immediate.
        f32::from_bits(unsafe { r.wide() })
    }
}

impl Value for f64 {
    #[inline(always)]
    unsafe fn load(p: *const u64) -> Self {
        // SAFETY: the caller passes a slot.
        unsafe { *p.cast::<f64>() }
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u64) {
        // SAFETY: the caller passes a slot.
        unsafe { *p.cast::<f64>() = self }
    }
    #[inline(always)]
    fn acc(r: &Regs) -> Self {
        r.f64
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.f64 = self
    }
    #[inline(always)]
    unsafe fn imm(r: &Regs) -> Self {
        // SAFETY: a cell with an f64 immediate has that word.
        f64::from_bits(unsafe { r.ext(0) })
    }
}

impl Value for V128 {
    #[inline(always)]
    unsafe fn load(p: *const u64) -> Self {
        // Not `read_unaligned`, which takes a local's address in builds without full optimisation.
        // SAFETY: the caller passes the first of two slots.
        V128(unsafe { *p.cast::<[u8; 16]>() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut u64) {
        // SAFETY: the caller passes the first of two slots.
        unsafe { *p.cast::<[u8; 16]>() = self.0 }
    }
    #[inline(always)]
    fn acc(r: &Regs) -> Self {
        from_vector(r.v128)
    }
    #[inline(always)]
    fn set_acc(self, r: &mut Regs) {
        r.v128 = to_vector(self)
    }
    #[inline(always)]
    unsafe fn imm(r: &Regs) -> Self {
        // SAFETY: a cell with a v128 immediate has these two words.
        unsafe { Self::load(r.ip.add(2)) }
    }
}

/// Where an operand comes from.
///
/// # Safety
///
/// For `get`: the [handler contract](super::regs::Backend#safety) holds, and the current cell has an operand of type
/// `T` from this source, named by `field`.
pub(crate) trait Src {
    /// A number for the source, to compare in constants.
    const CODE: u8;
    const IMM: bool = false;
    unsafe fn get<T: Value>(r: &Regs, field: usize) -> T;
}

/// In the accumulator of its type.
pub(crate) enum Acc {}
/// In the slot that its field names.
pub(crate) enum Slot {}
/// In the cell.
pub(crate) enum Imm {}

impl Src for Acc {
    const CODE: u8 = 1;
    #[inline(always)]
    unsafe fn get<T: Value>(r: &Regs, _: usize) -> T {
        T::acc(r)
    }
}

impl Src for Slot {
    const CODE: u8 = 0;
    #[inline(always)]
    unsafe fn get<T: Value>(r: &Regs, field: usize) -> T {
        // SAFETY: the field names a slot of the frame.
        unsafe { T::load(r.slot(field)) }
    }
}

impl Src for Imm {
    const CODE: u8 = 2;
    const IMM: bool = true;
    #[inline(always)]
    unsafe fn get<T: Value>(r: &Regs, _: usize) -> T {
        // SAFETY: the cell has an immediate.
        unsafe { T::imm(r) }
    }
}

/// Where a result goes: always to the accumulator of its type, and for some also to a slot.
///
/// # Safety
///
/// For `put`: the [handler contract](super::regs::Backend#safety) holds; if the destination is a slot, field `a` of the
/// cell names it.
pub(crate) trait Dst {
    /// Added to the number of a form.
    const CODE: u16;
    unsafe fn put<T: Value>(r: &mut Regs, x: T);
}

/// The accumulator alone.
pub(crate) enum ToAcc {}
/// The accumulator and slot `a`.
pub(crate) enum ToSlot {}

impl Dst for ToAcc {
    const CODE: u16 = 0;
    #[inline(always)]
    unsafe fn put<T: Value>(r: &mut Regs, x: T) {
        x.set_acc(r)
    }
}

impl Dst for ToSlot {
    const CODE: u16 = 1;
    #[inline(always)]
    unsafe fn put<T: Value>(r: &mut Regs, x: T) {
        // SAFETY: `a` names a slot of the frame.
        unsafe { x.store(r.slot(A)) }
        x.set_acc(r)
    }
}
