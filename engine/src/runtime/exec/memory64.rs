//! Handlers of loads and stores by 64-bit addresses: their sums with the offset are checked. An offset has 32 bits here; a
//! larger one is added by a cell before.

use super::cell::{Body, cell, leaves};
#[cfg(target_arch = "x86_64")]
use super::control::opaque;
use super::memory::{MemoryN, Which, before};
use super::operand::{A, Acc, B as FB, Dst, Imm, LoadRow, Slot, Src, StoreRow, ToAcc, ToSlot, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use super::slow;
use crate::module::trap::Trap;
use crate::ops::{Class, Classed, Op};
use crate::value::raw::Raw;
use core::marker::PhantomData;

/// Where an access goes.
///
/// # Safety
///
/// For `bytes`: the [handler contract](super::regs::Backend#safety) holds, and the current cell's address comes from
/// here, named by `field`.
pub(crate) trait Place {
    /// The form of a load to the accumulator.
    const LOAD: u16;
    /// The first form of a store.
    const STORE: u16;
    /// Extension words that it takes.
    const WORDS: usize;
    /// The place of the `size` bytes that are accessed, if they are in bounds.
    unsafe fn bytes(r: &Regs, field: usize, size: u64) -> Result<*mut u8, Trap>;
}

/// In memory 0.
pub(crate) struct Near<S>(PhantomData<S>);
/// In the memory whose word is extension word 0; the address is in a slot.
pub(crate) enum Far {}

/// Where `size` bytes at `address` and `offset` end; a sum beyond 2^64 is beyond any memory.
#[inline(always)]
pub(crate) fn end64(address: u64, offset: u64, size: u64) -> u64 {
    let end = address.saturating_add(offset + size);
    // See `memory::end`.
    #[cfg(target_arch = "x86_64")]
    let end = opaque(end);
    end
}

impl<S: Src> Place for Near<S> {
    const LOAD: u16 = if S::CODE == Acc::CODE { 8 } else { 10 };
    const STORE: u16 = if S::CODE == Acc::CODE { 13 } else { 10 };
    const WORDS: usize = 0;
    #[inline(always)]
    unsafe fn bytes(r: &Regs, field: usize, size: u64) -> Result<*mut u8, Trap> {
        // SAFETY: the caller's contract, passed on.
        let address: u64 = unsafe { S::get(r, field) };
        // SAFETY: as above.
        let end = address.checked_add(u64::from(unsafe { r.wide() }) + size);
        let end = end.filter(|end| *end <= r.len).ok_or(Trap::MemoryOutOfBounds)?;
        Ok(before(r.mem, end, size))
    }
}

impl Place for Far {
    const LOAD: u16 = 12;
    const STORE: u16 = 15;
    const WORDS: usize = 1;
    #[inline(always)]
    unsafe fn bytes(r: &Regs, field: usize, size: u64) -> Result<*mut u8, Trap> {
        // SAFETY: the caller's contract: the cell's extension word names a memory of the instance.
        unsafe {
            let end = end64(u64::load(r.slot(field)), r.wide().into(), size);
            let (mem, len) = MemoryN::memory(r, 0);
            if end > len { Err(Trap::MemoryOutOfBounds) } else { Ok(before(mem, end, size)) }
        }
    }
}

/// `R[a] := op(bytes at the place)`
pub(crate) struct Load<O, P, T>(PhantomData<(O, P, T)>);

impl<O: LoadRow, P: Place, T: Dst> Body for Load<O, P, T> {
    const OP: Op = Op(O::OP.0 + P::LOAD + T::CODE);
    const LEAVES: Option<Class> = leaves::<T>(O::Out::CLASS);

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op; what is read is in bounds.
        unsafe {
            let from = P::bytes(r, FB, O::Raw::SIZE)?;
            T::put(r, O::eval(O::Raw::read(from)));
            r.ip = r.ip.add(2 + P::WORDS);
        }
        Ok(())
    }
}

/// `bytes at the place := op(value)`
pub(crate) struct Store<O, P, V>(PhantomData<(O, P, V)>);

impl<O: StoreRow, P: Place, V: Src> Body for Store<O, P, V> {
    // There is no form with both in accumulators.
    const OP: Op = Op(O::OP.0 + P::STORE + if P::STORE == 13 && V::IMM { 1 } else { V::CODE as u16 });

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        // SAFETY: the handler contract (`Backend`): the cell is of this op; what is written is in bounds.
        unsafe {
            let to = P::bytes(r, A, O::Raw::SIZE)?;
            let x = if V::IMM { Value::load(r.ip.add(2)) } else { V::get(r, FB) };
            O::eval(x).write(to);
            r.ip = r.ip.add(2 + P::WORDS + V::IMM as usize);
        }
        Ok(())
    }
}

handlers! {
    // `R[a] := R[b] + extension`, both of 64 bits; an access there would trap if the sum has no place in them.
    fn effective_address<B>(mut r) {
        match u64::load(r.slot(FB)).checked_add(r.ext(0)) {
            Some(ea) => {
                ea.store(r.slot(A));
                r.ip = r.ip.add(3);
                B::next(r)
            }
            None => slow::trap::<B>(r, Trap::MemoryOutOfBounds),
        }
    }
}

/// Forms 8 to 13 of a load.
pub(super) const fn load_forms<B: Backend, O: LoadRow>() -> [Handler<B>; 6] {
    [
        cell::<B, Load<O, Near<Acc>, ToAcc>>,
        cell::<B, Load<O, Near<Acc>, ToSlot>>,
        cell::<B, Load<O, Near<Slot>, ToAcc>>,
        cell::<B, Load<O, Near<Slot>, ToSlot>>,
        cell::<B, Load<O, Far, ToAcc>>,
        cell::<B, Load<O, Far, ToSlot>>,
    ]
}

/// Forms 10 to 15 of a store.
pub(super) const fn store_forms<B: Backend, O: StoreRow>() -> [Handler<B>; 6] {
    [
        cell::<B, Store<O, Near<Slot>, Slot>>,
        cell::<B, Store<O, Near<Slot>, Acc>>,
        cell::<B, Store<O, Near<Slot>, Imm>>,
        cell::<B, Store<O, Near<Acc>, Slot>>,
        cell::<B, Store<O, Near<Acc>, Imm>>,
        cell::<B, Store<O, Far, Slot>>,
    ]
}
