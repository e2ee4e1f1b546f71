//! Handlers of atomic loads, stores and read-modify-writes, of any memory and by addresses of either size.

use super::cell::{Body, cell};
use super::memory::{MemoryN, Which};
use super::operand::{A, B as FB, C, D, Value};
use super::regs::{Backend, Handler, Regs};
use crate::module::trap::Trap;
use crate::ops::{self, AtomicKind, AtomicOp, Op};
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::SeqCst};

/// Bytes of one size, as slots hold them.
///
/// # Safety
///
/// For `at`: `p` is aligned to the size, and so many bytes from it on lie in a memory.
trait Bytes: Copy {
    type Atomic: 'static;
    const SIZE: u64;
    unsafe fn at<'a>(p: *mut u8) -> &'a Self::Atomic;
    fn of(slot: u64) -> Self;
    fn slot(self) -> u64;
}

macro_rules! bytes {
    ($($t:ty: $Atomic:ty;)*) => {$(
        impl Bytes for $t {
            type Atomic = $Atomic;
            const SIZE: u64 = size_of::<$t>() as u64;
            #[inline(always)]
            unsafe fn at<'a>(p: *mut u8) -> &'a $Atomic {
                // SAFETY: the caller's contract. What else accesses these bytes meanwhile is code of guests, of which
                // RATIONALE.md says why it may.
                unsafe { <$Atomic>::from_ptr(p.cast()) }
            }
            #[inline(always)]
            fn of(slot: u64) -> Self { slot as $t }
            #[inline(always)]
            fn slot(self) -> u64 { self.into() }
        }
    )*};
}
bytes! { u8: AtomicU8; u16: AtomicU16; u32: AtomicU32; u64: AtomicU64; }

/// What a row does.
trait Atomic {
    const OP: AtomicOp;
    type T: Bytes;
    /// With the bytes, and operands `x` and `y`; those that there aren't are 0. Gives the result, or 0.
    fn act(bytes: &<Self::T as Bytes>::Atomic, x: Self::T, y: Self::T) -> Self::T;
}

/// The access of a row.
struct Access<O>(PhantomData<O>);

impl<O: Atomic> Body for Access<O> {
    const OP: Op = O::OP.op();

    #[inline(always)]
    unsafe fn run(r: &mut Regs) -> Result<(), Trap> {
        let kind = const { O::OP.kind() };
        // SAFETY: the handler contract (`Backend`): the cell is of this op, and its extension word names a memory of
        // the instance. The bytes are aligned, since memories are, and in bounds.
        unsafe {
            let at = place::<O::T>(r)?;
            // No closure: optimised for size, it would be called, with a pointer to the registers.
            let x = if kind.operands() > 1 { u64::load(r.slot(C)) } else { 0 };
            let y = if kind.operands() > 2 { u64::load(r.slot(D)) } else { 0 };
            let (x, y) = (O::T::of(x), O::T::of(y));
            let result = O::act(O::T::at(at), x, y);
            if !matches!(kind, AtomicKind::Store) {
                result.slot().store(r.slot(A));
            }
            r.ip = r.ip.add(3);
        }
        Ok(())
    }
}

/// The bytes that the cell accesses.
///
/// # Safety
/// As for [`Body::run`] of an atomic op.
#[inline(always)]
unsafe fn place<T: Bytes>(r: &Regs) -> Result<*mut u8, Trap> {
    // SAFETY: the caller's contract. What is added to the base is below the memory's length.
    unsafe {
        let (base, len) = MemoryN::memory(r, 0);
        let start = u64::load(r.slot(FB)).checked_add(r.ext(0) >> 32);
        let start = start.ok_or(Trap::MemoryOutOfBounds)?;
        if start % T::SIZE != 0 {
            return Err(Trap::HeapMisaligned);
        }
        // An aligned start is at least as far from 2^64.
        if len < T::SIZE || start > len - T::SIZE {
            Err(Trap::MemoryOutOfBounds)
        } else {
            Ok(base.add(start as usize))
        }
    }
}

macro_rules! atomics {
    ($($Name:ident $([$($alias:ident)*])? $Kind:ident ($t:ty, $does:ident);)*) => {
        $(
            enum $Name {}
            impl Atomic for $Name {
                const OP: AtomicOp = AtomicOp::$Name;
                type T = $t;
                #[inline(always)]
                fn act(bytes: &<$t as Bytes>::Atomic, x: $t, y: $t) -> $t {
                    atomics!(@$Kind $does, bytes, x, y)
                }
            }
        )*

        pub(super) const fn handlers<B: Backend>() -> [[Handler<B>; 1]; AtomicOp::COUNT] {
            [$([cell::<B, Access<$Name>>]),*]
        }
    };
    (@Load $does:ident, $bytes:ident, $x:ident, $y:ident) => {{
        let _ = ($x, $y);
        $bytes.$does(SeqCst)
    }};
    (@Store $does:ident, $bytes:ident, $x:ident, $y:ident) => {{
        $bytes.$does($x, SeqCst);
        $y
    }};
    (@Rmw $does:ident, $bytes:ident, $x:ident, $y:ident) => {{
        let _ = $y;
        $bytes.$does($x, SeqCst)
    }};
    (@Cmpxchg $does:ident, $bytes:ident, $x:ident, $y:ident) => {
        match $bytes.$does($x, $y, SeqCst, SeqCst) {
            Ok(old) | Err(old) => old,
        }
    };
}
ops::atomic_rows!(atomics);
