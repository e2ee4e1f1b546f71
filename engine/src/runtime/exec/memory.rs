//! Handlers of loads and stores, and of memory sizes.

use super::cell::{Body, cell, leaves};
#[cfg(target_arch = "x86_64")]
use super::control::opaque;
use super::memory64;
use super::operand::{A, Acc, B as FB, Dst, LoadRow, Slot, Src, StoreRow, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use crate::module::trap::Trap;
use crate::ops::{Class, Classed, Op};
use crate::runtime::vmctx::{MemoryObj, VmCtx};
use crate::value::raw::Raw;
use core::marker::PhantomData;

/// Which memory a cell accesses.
///
/// # Safety
///
/// For `memory`: the [handler contract](super::regs::Backend#safety) holds, and extension word `word` of the cell is
/// this one's, if it has [`WORDS`](Which::WORDS).
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
        // SAFETY: the caller's contract: extension word `word` names a memory of the instance.
        unsafe {
            let m: *mut MemoryObj = VmCtx::pointer(r.vm, r.ext(word) as u32);
            ((*m).base, (*m).len)
        }
    }
}

/// A source of the 32-bit address of an access.
///
/// # Safety
///
/// For `get`: as for [`Src::get`].
pub(crate) trait Address {
    /// Added to the number of a load's form, and of a store's.
    const LOAD: u16;
    const STORE: u16;
    unsafe fn get(r: &Regs, field: usize) -> u64;
}
impl<S: Src> Address for S {
    const LOAD: u16 = if S::CODE == Acc::CODE { 0 } else { 2 };
    const STORE: u16 = if S::CODE == Acc::CODE { 3 } else { 0 };
    #[inline(always)]
    unsafe fn get(r: &Regs, field: usize) -> u64 {
        // SAFETY: the caller's contract, passed on.
        unsafe { S::get::<u32>(r, field) as u64 }
    }
}
/// The cell's offset alone.
pub(crate) enum Absolute {}
impl Address for Absolute {
    const LOAD: u16 = 4;
    const STORE: u16 = 6;
    #[inline(always)]
    unsafe fn get(_: &Regs, _: usize) -> u64 {
        0
    }
}

/// The address of the `size` bytes before `end`, which are known to be in the memory.
///
/// x86_64 has too few registers to keep both the address and its end, as LLVM prefers; aarch64 has no addressing mode
/// with base, index and displacement, so there the address is that of the first byte.
#[inline(always)]
pub(crate) fn before(mem: *mut u8, end: u64, size: u64) -> *mut u8 {
    mem.wrapping_add(end as usize).wrapping_sub(size as usize)
}

/// Where `size` bytes at `ea` end.
#[inline(always)]
pub(crate) fn end(ea: u64, size: u64) -> u64 {
    let end = ea + size;
    #[cfg(target_arch = "x86_64")]
    let end = opaque(end);
    end
}

/// `R[a] := op(bytes at address + offset)`
pub(crate) struct Ld<O, P, T, M>(PhantomData<(O, P, T, M)>);

impl<O: LoadRow, P: Address, T: Dst, M: Which> Body for Ld<O, P, T, M> {
    const OP: Op = Op(O::OP.0 + if M::WORDS == 1 { 6 } else { P::LOAD } + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(O::Out::CLASS);
    const CLOBBERS: Option<Class> = match O::Out::CLASS {
        Class::Int if P::LOAD == Acc::LOAD => None,
        class => Some(class),
    };

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op; the bounds check covers what is read.
        unsafe {
            let (mem, len) = M::memory(r, 0);
            let end = end(P::get(r, FB) + r.wide() as u64, O::Raw::SIZE);
            if end > len {
                return Err(Trap::MemoryOutOfBounds);
            }
            T::put(r, O::eval(O::Raw::read(before(mem, end, O::Raw::SIZE))));
            r.ip = r.ip.add(2 + M::WORDS);
        }
        Ok(())
    }
}

/// `bytes at address + offset := op(value)`
pub(crate) struct St<O, P, V, M>(PhantomData<(O, P, V, M)>);

impl<O: StoreRow, P: Address, V: Src, M: Which> Body for St<O, P, V, M> {
    const OP: Op = Op(O::OP.0 + if M::WORDS == 1 { 9 } else { P::STORE + V::CODE as u16 });

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op; the bounds check covers what is written.
        unsafe {
            let (mem, len) = M::memory(r, 0);
            let end = end(P::get(r, A) + r.wide() as u64, O::Raw::SIZE);
            if end > len {
                return Err(Trap::MemoryOutOfBounds);
            }
            let x = if V::IMM { Value::load(r.ip.add(2)) } else { V::get(r, FB) };
            O::eval(x).write(before(mem, end, O::Raw::SIZE));
            r.ip = r.ip.add(2 + M::WORDS + V::IMM as usize);
        }
        Ok(())
    }
}

handlers! {
    fn size<B, T: Dst>(mut r) {
        let m: *mut MemoryObj = VmCtx::pointer(r.vm, r.wide());
        T::put(&mut r, (*m).pages());
        r.ip = r.ip.add(2);
        B::next(r)
    }
}

pub(crate) const fn load_forms<B: Backend, O: LoadRow>() -> [Handler<B>; 14] {
    let [a, b, c, d, e, f] = memory64::load_forms::<B, O>();
    [
        cell::<B, Ld<O, Acc, ToAcc, Memory0>>,
        cell::<B, Ld<O, Acc, ToSlot, Memory0>>,
        cell::<B, Ld<O, Slot, ToAcc, Memory0>>,
        cell::<B, Ld<O, Slot, ToSlot, Memory0>>,
        cell::<B, Ld<O, Absolute, ToAcc, Memory0>>,
        cell::<B, Ld<O, Absolute, ToSlot, Memory0>>,
        cell::<B, Ld<O, Slot, ToAcc, MemoryN>>,
        cell::<B, Ld<O, Slot, ToSlot, MemoryN>>,
        a,
        b,
        c,
        d,
        e,
        f,
    ]
}

/// Address and value: each in slot (0), the accumulator (1), or the cell (2) gives form `3 * address + value`; then
/// both in slots for a memory other than 0; then those for 64-bit addresses.
pub(crate) const fn store_forms<B: Backend, O: StoreRow>() -> [Handler<B>; 16] {
    use super::operand::Imm;
    let [a, b, c, d, e, f] = memory64::store_forms::<B, O>();
    [
        cell::<B, St<O, Slot, Slot, Memory0>>,
        cell::<B, St<O, Slot, Acc, Memory0>>,
        cell::<B, St<O, Slot, Imm, Memory0>>,
        cell::<B, St<O, Acc, Slot, Memory0>>,
        cell::<B, St<O, Acc, Acc, Memory0>>,
        cell::<B, St<O, Acc, Imm, Memory0>>,
        cell::<B, St<O, Absolute, Slot, Memory0>>,
        cell::<B, St<O, Absolute, Acc, Memory0>>,
        cell::<B, St<O, Absolute, Imm, Memory0>>,
        cell::<B, St<O, Slot, Slot, MemoryN>>,
        a,
        b,
        c,
        d,
        e,
        f,
    ]
}
