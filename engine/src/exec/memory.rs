//! Handlers of loads and stores, and of memory sizes.

use super::place::{A, Acc, B as FB, Dst, Slot, Src, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use super::slow;
use crate::ops::{Load, Store};
use crate::trap::Trap;
use crate::value::V128;
use crate::vmctx::{MemoryObj, VmCtx};

/// What memory holds: little-endian bytes of one size.
pub(crate) trait Raw: Copy {
    const SIZE: u64;
    unsafe fn read(p: *const u8) -> Self;
    unsafe fn write(self, p: *mut u8);
}

macro_rules! raw {
    ($($t:ty)*) => {$(
        impl Raw for $t {
            const SIZE: u64 = size_of::<$t>() as u64;
            #[inline(always)]
            unsafe fn read(p: *const u8) -> Self {
                // SAFETY: the caller checked that `SIZE` bytes from `p` lie in the memory.
                <$t>::from_le_bytes(unsafe { p.cast::<[u8; size_of::<$t>()]>().read() })
            }
            #[inline(always)]
            unsafe fn write(self, p: *mut u8) {
                // SAFETY: the caller checked that `SIZE` bytes from `p` lie in the memory.
                unsafe { p.cast::<[u8; size_of::<$t>()]>().write(self.to_le_bytes()) }
            }
        }
    )*};
}
raw! { u8 i8 u16 i16 u32 i32 u64 f32 f64 }

impl Raw for V128 {
    const SIZE: u64 = 16;
    #[inline(always)]
    unsafe fn read(p: *const u8) -> Self {
        // SAFETY: the caller checked that 16 bytes from `p` lie in the memory.
        V128(unsafe { p.cast::<[u8; 16]>().read() })
    }
    #[inline(always)]
    unsafe fn write(self, p: *mut u8) {
        // SAFETY: the caller checked that 16 bytes from `p` lie in the memory.
        unsafe { p.cast::<[u8; 16]>().write(self.0) }
    }
}

/// Which memory a cell accesses.
pub(crate) trait Which {
    /// Extension words that it takes, after any others.
    const WORDS: usize;
    unsafe fn memory(r: &Regs, word: usize) -> (*mut u8, u64);
}

/// Memory 0, whose base and length are in registers.
pub(crate) enum Memory0 {}
/// The memory whose word in the instance is in extension word `word`.
pub(crate) enum MemoryN {}

impl Which for Memory0 {
    const WORDS: usize = 0;
    #[inline(always)]
    unsafe fn memory(r: &Regs, _: usize) -> (*mut u8, u64) {
        (r.mem, r.len)
    }
}

impl Which for MemoryN {
    const WORDS: usize = 1;
    #[inline(always)]
    unsafe fn memory(r: &Regs, word: usize) -> (*mut u8, u64) {
        // SAFETY: the translator put a memory's word there, and memories outlive the code that runs on them.
        unsafe {
            let m: *mut MemoryObj = VmCtx::pointer(r.vm, r.ext(word) as u32);
            ((*m).base, (*m).len)
        }
    }
}

/// An address of 32 bits.
pub(crate) trait Address {
    unsafe fn get(r: &Regs, field: usize) -> u64;
}
impl<S: Src> Address for S {
    #[inline(always)]
    unsafe fn get(r: &Regs, field: usize) -> u64 {
        // SAFETY: passed on.
        unsafe { S::get::<u32>(r, field) as u64 }
    }
}
/// The cell's offset alone.
pub(crate) enum Absolute {}
impl Address for Absolute {
    #[inline(always)]
    unsafe fn get(_: &Regs, _: usize) -> u64 {
        0
    }
}

handlers! {
    fn load<B, O: Load, P: Address, T: Dst, M: Which>(mut r) {
        let (mem, len) = M::memory(&r, 0);
        let ea = P::get(&r, FB) + r.wide() as u64;
        if ea + O::Raw::SIZE > len {
            return slow::trap::<B>(r, Trap::MemoryOutOfBounds);
        }
        T::put(&mut r, O::eval(O::Raw::read(mem.add(ea as usize))));
        r.ip = r.ip.add(2 + M::WORDS);
        B::next(r)
    }

    fn store<B, O: Store, P: Address, V: Src, M: Which>(mut r) {
        let (mem, len) = M::memory(&r, 0);
        let ea = P::get(&r, A) + r.wide() as u64;
        if ea + O::Raw::SIZE > len {
            return slow::trap::<B>(r, Trap::MemoryOutOfBounds);
        }
        let x = if V::IMM { Value::load(r.ip.add(2)) } else { V::get(&r, FB) };
        O::eval(x).write(mem.add(ea as usize));
        r.ip = r.ip.add(2 + M::WORDS + V::IMM as usize);
        B::next(r)
    }

    fn size<B, T: Dst>(mut r) {
        let m: *mut MemoryObj = VmCtx::pointer(r.vm, r.wide());
        T::put(&mut r, ((*m).len >> 16) as u32);
        r.ip = r.ip.add(2);
        B::next(r)
    }
}

pub(crate) const fn load_forms<B: Backend, O: Load>() -> [Handler<B>; 8] {
    [
        load::<B, O, Acc, ToAcc, Memory0>,
        load::<B, O, Acc, ToSlot, Memory0>,
        load::<B, O, Slot, ToAcc, Memory0>,
        load::<B, O, Slot, ToSlot, Memory0>,
        load::<B, O, Absolute, ToAcc, Memory0>,
        load::<B, O, Absolute, ToSlot, Memory0>,
        load::<B, O, Slot, ToAcc, MemoryN>,
        load::<B, O, Slot, ToSlot, MemoryN>,
    ]
}

/// Address and value: each in slot (0), the accumulator (1), or the cell (2) gives form `3 * address + value`; then
/// both in slots for a memory other than 0.
pub(crate) const fn store_forms<B: Backend, O: Store>() -> [Handler<B>; 10] {
    use super::place::Imm;
    [
        store::<B, O, Slot, Slot, Memory0>,
        store::<B, O, Slot, Acc, Memory0>,
        store::<B, O, Slot, Imm, Memory0>,
        store::<B, O, Acc, Slot, Memory0>,
        store::<B, O, Acc, Acc, Memory0>,
        store::<B, O, Acc, Imm, Memory0>,
        store::<B, O, Absolute, Slot, Memory0>,
        store::<B, O, Absolute, Acc, Memory0>,
        store::<B, O, Absolute, Imm, Memory0>,
        store::<B, O, Slot, Slot, MemoryN>,
    ]
}
