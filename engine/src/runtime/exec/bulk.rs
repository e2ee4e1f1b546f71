//! Handlers of ops that are rare or take long: growth, bulk memory, tables, references; and of NaN canonicalisation.
//!
//! Operands are in consecutive slots from `R[a]`, the result goes to `R[a]`. The halves of the extension word are the
//! instruction's index immediates. Compiled code calls the same operations as builtins.

use super::builtins;
use super::control;
use super::operand::{A, Value};
use super::regs::{Backend, Handler, Regs, handlers};
use super::sample;
use super::slow;
use crate::module::trap::Trap;
use crate::ops::{self, BulkOp};
use crate::runtime::error::Error;
use crate::runtime::shared_memory::Expected;
use crate::runtime::store::{Extent, StoreInner};
use crate::runtime::tier::BuiltinFn;
use crate::runtime::vmctx::{MemoryObj, TableObj, VmCtx};
use crate::value::{V128, float, v128};
use core::sync::atomic::{Ordering, fence};

/// An op's operands, and the store and instance that it works on.
pub(crate) struct Operands<'a> {
    pub(crate) store: &'a mut StoreInner,
    pub(crate) vm: *mut VmCtx,
    slots: *mut u64,
    /// The index immediates.
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// # Safety
///
/// For the unsafe methods: the op that these are the operands of has the operand or the result that is asked for, and
/// indices name what its instance has.
impl Operands<'_> {
    /// Operand `n`. Slots hold an i32 zero-extended, so an index or a length is the same whichever type it has.
    unsafe fn get(&self, n: usize) -> u64 {
        // SAFETY: `n` is an operand of the op: the caller's contract.
        unsafe { *self.slots.add(n) }
    }

    unsafe fn put(&mut self, x: u64) {
        // SAFETY: the result's slot is the first operand's, or the next free one.
        unsafe { *self.slots = x }
    }

    /// Charges `units` of fuel.
    unsafe fn charge(&mut self, units: u64) -> Result<(), Trap> {
        if (self.store.vm.slice as u64) < units {
            // SAFETY: `run` has published the position, or compiled code executes.
            unsafe { sample::refill(self.store, units, core::ptr::null_mut(), 0)? };
        }
        self.store.charge_bulk(units)
    }

    /// Pays for what `work` does with operands 0 (to), 1 (from, if it copies) and 2 (how much), and has it done. If
    /// it is interrupted, the operands become what is still to be done, which is paid back: so it can be tried again.
    unsafe fn extent(
        &mut self,
        a_unit: u64,
        copies: bool,
        work: impl FnOnce(&mut Self, &mut Extent) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // SAFETY: the caller's op has these operands.
        unsafe {
            let mut extent =
                Extent { dst: self.get(0), src: if copies { self.get(1) } else { 0 }, n: self.get(2) };
            self.charge(extent.n / a_unit)?;
            let done = work(self, &mut extent);
            if let Err(e) = &done
                && e.trap() == Some(Trap::Interrupt)
            {
                // It is interrupted after whole units.
                self.store.vm.slice += (extent.n / a_unit) as i64;
                *self.slots = extent.dst;
                if copies {
                    *self.slots.add(1) = extent.src;
                }
                *self.slots.add(2) = extent.n;
            }
            done
        }
    }

    unsafe fn table(&self, index: u32) -> *mut TableObj {
        // SAFETY: the caller names a table of the module.
        unsafe { VmCtx::table(self.vm, index) }
    }

    /// The memory of an atomic access to `size` bytes, and where they are in it.
    unsafe fn atomic(&self, size: u64) -> Result<(*mut MemoryObj, u64), Trap> {
        // SAFETY: the caller's op has an address first, and names a memory and an offset.
        unsafe {
            let m = self.memory(self.x);
            let at = self.get(0).checked_add(self.y.into()).ok_or(Trap::MemoryOutOfBounds)?;
            if !at.is_multiple_of(size) {
                return Err(Trap::HeapMisaligned);
            }
            if (*m).covers(at, size) { Ok((m, at)) } else { Err(Trap::MemoryOutOfBounds) }
        }
    }

    unsafe fn memory(&self, index: u32) -> *mut MemoryObj {
        // SAFETY: the caller names a memory of the module.
        unsafe { VmCtx::memory(self.vm, index) }
    }
}

/// An op as a builtin of compiled code.
///
/// # Safety
/// `slots` are the op's operands, in a frame of the context's store.
unsafe extern "C" fn builtin<O: Bulk>(vm: *mut VmCtx, slots: *mut u64, indices: u64) -> u32 {
    // SAFETY: the caller's contract. No reference into the store is held while compiled code runs.
    unsafe {
        let store = &mut *(*(*vm).store).store;
        let mut operands = Operands { store, vm, slots, x: indices as u32, y: (indices >> 32) as u32 };
        match O::run(&mut operands) {
            Ok(()) => 0,
            Err(e) => builtins::failed(vm, e),
        }
    }
}

/// Copies bytes for compiled code, which has checked the bounds.
///
/// # Safety
/// As for [`core::ptr::copy`].
pub(crate) unsafe extern "C" fn copy_bytes(to: *mut u8, from: *const u8, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { from.copy_to(to, n) }
}

/// Fills bytes for compiled code, which has checked the bounds.
///
/// # Safety
/// As for [`core::ptr::write_bytes`].
pub(crate) unsafe extern "C" fn fill_bytes(to: *mut u8, value: u64, n: usize) {
    // SAFETY: the caller's contract.
    unsafe { to.write_bytes(value as u8, n) }
}

/// What a rare op does.
pub(crate) trait Bulk {
    fn run(o: &mut Operands<'_>) -> Result<(), Error>;

    /// Does it at once, if that is simple. Says whether it has; otherwise nothing has happened.
    ///
    /// # Safety
    /// The [handler contract](Backend#safety) holds, and the cell is of this op.
    #[inline(always)]
    unsafe fn at_once(_: &Regs) -> bool {
        false
    }
}

/// Operands of an op that accesses one place in memory 0, or two of them.
struct Short {
    slots: *const u64,
    mem: *mut u8,
    n: usize,
}

impl Short {
    /// The most bytes that are short: a page's.
    const MOST: u64 = 4096;

    /// If so many bytes are short, and their fuel is there, which is paid then: the operands.
    #[inline(always)]
    unsafe fn paid(r: &Regs, places: usize) -> Option<Self> {
        // SAFETY: the caller's contract: these are the op's operands, the last one how many bytes.
        unsafe {
            let slots = r.slot(A).cast_const();
            let n = *slots.add(2);
            // No closures: optimised for size, they would be called, with a pointer to the registers.
            let mut fits = n <= Self::MOST;
            for place in 0..places {
                let (end, overflows) = (*slots.add(place)).overflowing_add(n);
                fits &= !overflows & (end <= r.len);
            }
            // Both memories are number 0.
            if r.ext(0) != 0 || !fits {
                return None;
            }
            if !control::pay(r, n / BYTES_A_UNIT) {
                control::give_back(r, n / BYTES_A_UNIT);
                return None;
            }
            Some(Self { slots, mem: r.mem, n: n as usize })
        }
    }

    /// The place that an operand names.
    #[inline(always)]
    unsafe fn place(&self, operand: usize) -> *mut u8 {
        // SAFETY: it is an operand, and in bounds.
        unsafe { self.mem.add(*self.slots.add(operand) as usize) }
    }
}

handlers! {
    #[cold]
    #[inline(never)]
    fn bulk<B, O: Bulk>(mut r) {
        if O::at_once(&r) {
            r.ip = r.ip.add(3);
            return B::next(r);
        }
        slow::stand(&r, false);
        match run::<O>(r.vm, r.slot(A), r.ext(0)) {
            Ok(()) => {
                slow::reload(&mut r);
                r.ip = r.ip.add(3);
                B::next(r)
            }
            Err(e) => slow::stop::<B>(r, e),
        }
    }

    fn canon<B, O: Canonical>(mut r) {
        let x = O::canonical(<O::T as Value>::load(r.slot(A)));
        x.store(r.slot(A));
        x.set_acc(&mut r);
        r.ip = r.ip.add(2);
        B::next(r)
    }
}

// Of the registers it gets parts: see `slow::stand`.
#[inline(never)]
unsafe fn run<O: Bulk>(vm: *mut VmCtx, slots: *mut u64, indices: u64) -> Result<(), Error> {
    // SAFETY: the handler contract (`Backend`).
    unsafe {
        let store = &mut *(*(*vm).store).store;
        O::run(&mut Operands { store, vm, slots, x: indices as u32, y: (indices >> 32) as u32 })
    }
}

/// From the table's rows: what compiled code calls and the interpreter's handlers, in the order of [`BulkOp`].
macro_rules! rows {
    ($($(#[$doc:meta])* $Name:ident { $($field:ident),* } $indices:tt $n:literal $(-> $result:ident)?;)*) => {
        pub(crate) const BUILTINS: [BuiltinFn<*mut u64, u64>; BulkOp::COUNT] = [$(builtin::<$Name>),*];

        pub(super) const fn handlers<B: Backend>() -> [[Handler<B>; 1]; BulkOp::COUNT] {
            [$([bulk::<B, $Name>]),*]
        }
    };
}
ops::bulk_rows!(rows);

/// What the operators do.
macro_rules! meanings {
    ($($(#[$doc:meta])* $Name:ident |$o:ident| $body:expr $(, at once |$r:ident| $short:expr)?;)*) => {$(
        $(#[$doc])*
        enum $Name {}
        impl Bulk for $Name {
            #[allow(unused_unsafe, reason = "not every operation needs it")]
            fn run($o: &mut Operands<'_>) -> Result<(), Error> {
                // SAFETY: the operands are where the op expects them, and its indices name what the module has: the
                // translator, or the compiler of the tier, sees to that. Objects live as long as the store.
                unsafe { $body }
            }
            $(
                #[inline(always)]
                unsafe fn at_once($r: &Regs) -> bool {
                    // SAFETY: the caller's contract; both ranges are in bounds.
                    unsafe { $short }
                }
            )?
        }
    )*};
}

/// The result of growing: the old size or, in an index's type, -1.
fn grown(old: Option<u64>, is_64: bool) -> u64 {
    old.unwrap_or(if is_64 { u64::MAX } else { u32::MAX.into() })
}

meanings! {
    MemoryGrow |o| {
        let m = o.memory(o.x);
        let old = o.store.memory_grow(m, o.get(0))?;
        o.put(grown(old, (*m).inner.ty.is_64));
        Ok(())
    };
    MemoryFill |o| {
        let value = o.get(1) as u8;
        o.extent(BYTES_A_UNIT, false, |o, extent| o.store.memory_fill(o.vm, o.x, value, extent))
    }, at once |r| {
        let Some(short) = Short::paid(r, 1) else { return false };
        short.place(0).write_bytes(*short.slots.add(1) as u8, short.n);
        true
    };
    MemoryCopy |o| {
        o.extent(BYTES_A_UNIT, true, |o, extent| o.store.memory_copy(o.vm, o.x, o.y, extent))
    }, at once |r| {
        let Some(short) = Short::paid(r, 2) else { return false };
        short.place(1).copy_to(short.place(0), short.n);
        true
    };
    MemoryInit |o| {
        o.extent(BYTES_A_UNIT, true, |o, extent| o.store.memory_init(o.vm, o.x, o.y, extent))
    };
    DataDrop |o| {
        o.store.data_drop(o.vm, o.x);
        Ok(())
    };
    TableGet |o| {
        let t = o.table(o.x);
        let i = o.get(0);
        if i >= (*t).len {
            return Err(Trap::TableOutOfBounds.into());
        }
        o.put(*(*t).base.add(i as usize));
        Ok(())
    };
    TableSet |o| {
        let t = o.table(o.x);
        let i = o.get(0);
        if i >= (*t).len {
            return Err(Trap::TableOutOfBounds.into());
        }
        *(*t).base.add(i as usize) = o.get(1);
        Ok(())
    };
    TableSize |o| {
        o.put((*o.table(o.x)).len);
        Ok(())
    };
    TableGrow |o| {
        o.charge(o.get(1) / ELEMENTS_A_UNIT)?;
        let t = o.table(o.x);
        let old = o.store.table_grow(t, o.get(1), o.get(0))?;
        o.put(grown(old, (*t).inner.ty.is_64));
        Ok(())
    };
    TableFill |o| {
        let value = o.get(1);
        o.extent(ELEMENTS_A_UNIT, false, |o, extent| o.store.table_fill(o.vm, o.x, value, extent))
    };
    TableCopy |o| {
        o.extent(ELEMENTS_A_UNIT, true, |o, extent| o.store.table_copy(o.vm, o.x, o.y, extent))
    };
    TableInit |o| {
        o.extent(ELEMENTS_A_UNIT, true, |o, extent| o.store.table_init(o.vm, o.x, o.y, extent))
    };
    ElemDrop |o| {
        o.store.elem_drop(o.vm, o.x);
        Ok(())
    };
    MemoryAtomicNotify |o| {
        let (m, at) = o.atomic(4)?;
        let woken = StoreInner::atomic_notify(m, at, o.get(1) as u32)?;
        o.put(woken.into());
        Ok(())
    };
    MemoryAtomicWait32 |o| {
        let (m, at) = o.atomic(4)?;
        let ended = o.store.atomic_wait(m, at, Expected::Word(o.get(1) as u32), o.get(2) as i64)?;
        o.put(ended as u64);
        Ok(())
    };
    MemoryAtomicWait64 |o| {
        let (m, at) = o.atomic(8)?;
        let ended = o.store.atomic_wait(m, at, Expected::DoubleWord(o.get(1)), o.get(2) as i64)?;
        o.put(ended as u64);
        Ok(())
    };
    AtomicFence |_o| {
        fence(Ordering::SeqCst);
        Ok(())
    };
    RefFunc |o| {
        let f = o.store.func_ref(o.vm, o.x)?;
        o.put(f as u64);
        Ok(())
    };
}

/// How much of a bulk operation costs one unit of fuel, in addition to the operation's own unit.
const BYTES_A_UNIT: u64 = 64;
const ELEMENTS_A_UNIT: u64 = 8;

/// A NaN canonicalisation, of a scalar or of the lanes of a vector.
pub(crate) trait Canonical {
    type T: Value;
    fn canonical(x: Self::T) -> Self::T;
}

macro_rules! canonical {
    ($($Name:ident $t:ty = $f:path;)*) => {$(
        pub(crate) enum $Name {}
        impl Canonical for $Name {
            type T = $t;
            #[inline(always)]
            fn canonical(x: $t) -> $t { $f(x) }
        }
    )*};
}
canonical! {
    CanonF32 f32 = float::f32_canon;
    CanonF64 f64 = float::f64_canon;
    CanonF32x4 V128 = v128::f32x4_canon;
    CanonF64x2 V128 = v128::f64x2_canon;
}
