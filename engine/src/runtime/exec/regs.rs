//! The machine registers of the interpreter, and the two ways from one handler to the next.
//!
//! A handler is a function over these registers that ends by going to the next cell. In the *tail* backend that
//! is a tail call (a jump), and the registers stay in the processor's; in the *loop* backend it returns them to a
//! loop. Both come from one source: a handler is generic over its [`Backend`].

use super::Dispatch;
use crate::runtime::vmctx::VmCtx;
use crate::value::V128;

#[cfg(target_arch = "x86_64")]
pub(crate) type Vector = core::arch::x86_64::__m128i;
#[cfg(target_arch = "aarch64")]
pub(crate) type Vector = core::arch::aarch64::uint8x16_t;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) type Vector = [u64; 2];

/// What one handler hands to the next.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Regs {
    /// The current cell.
    pub(crate) ip: *const u64,
    /// Slot 0 of the current frame.
    pub(crate) sp: *mut u64,
    /// Memory 0's base and length in bytes: copies, reloaded after whatever may grow or replace it.
    pub(crate) mem: *mut u8,
    pub(crate) len: u64,
    pub(crate) vm: *mut VmCtx,
    /// The accumulators: the last result of integer or reference type, and of each other type.
    pub(crate) acc: u64,
    pub(crate) f32: f32,
    pub(crate) f64: f64,
    pub(crate) v128: Vector,
}

#[inline(always)]
pub(crate) fn to_vector(v: V128) -> Vector {
    // SAFETY: both are 16 plain bytes, and every bit pattern is a value of either.
    unsafe { core::mem::transmute::<[u8; 16], Vector>(v.0) }
}

#[inline(always)]
pub(crate) fn from_vector(v: Vector) -> V128 {
    // SAFETY: as above.
    V128(unsafe { core::mem::transmute::<Vector, [u8; 16]>(v) })
}

/// Declares handlers: functions of the one signature, in the calling convention that keeps every register in one.
macro_rules! handlers {
    ($(
        $(#[$attr:meta])*
        fn $name:ident<B $(, $g:ident: $bound:path)* $(; const $c:ident: $ct:ty)?>(mut $r:ident) $body:block
    )*) => {$(
        handlers! { @abi $(#[$attr])* $name [$($g: $bound),*] [$($c: $ct)?] $r $body }
    )*};
    (@abi $(#[$attr:meta])* $name:ident [$($g:ident: $bound:path),*] [$($c:ident: $ct:ty)?] $r:ident $body:block) => {
        #[cfg(target_arch = "x86_64")]
        handlers! { @fn "sysv64" $(#[$attr])* $name [$($g: $bound),*] [$($c: $ct)?] $r $body }
        #[cfg(not(target_arch = "x86_64"))]
        handlers! { @fn "C" $(#[$attr])* $name [$($g: $bound),*] [$($c: $ct)?] $r $body }
    };
    (@fn $abi:literal $(#[$attr:meta])* $name:ident [$($g:ident: $bound:path),*] [$($c:ident: $ct:ty)?] $r:ident $body:block) => {
        $(#[$attr])*
        #[allow(unused_mut, unused_unsafe, unused_variables, clippy::too_many_arguments, improper_ctypes_definitions)]
        pub(crate) unsafe extern $abi fn $name<B: $crate::runtime::exec::regs::Backend $(, $g: $bound)* $(, const $c: $ct)?>(
            ip: *const u64, sp: *mut u64, mem: *mut u8, len: u64, vm: *mut $crate::runtime::vmctx::VmCtx, acc: u64,
            f32: f32, f64: f64, v128: $crate::runtime::exec::regs::Vector,
        ) -> B::Out {
            let mut $r = $crate::runtime::exec::regs::Regs { ip, sp, mem, len, vm, acc, f32, f64, v128 };
            // SAFETY: whoever dispatches here passes registers that translated, validated code made: `ip` at a
            // cell of this handler's op, whose slots lie in the frame at `sp`; `mem`, `len` and `vm` current.
            unsafe { $body }
        }
    };
}
pub(crate) use handlers;

macro_rules! handler_type {
    ($abi:literal) => {
        #[allow(
            improper_ctypes_definitions,
            reason = "vectors are passed in registers; no other language is involved"
        )]
        pub(crate) type Handler<B> = unsafe extern $abi fn(
            *const u64,
            *mut u64,
            *mut u8,
            u64,
            *mut VmCtx,
            u64,
            f32,
            f64,
            Vector,
        ) -> <B as Backend>::Out;
    };
}
#[cfg(target_arch = "x86_64")]
handler_type!("sysv64");
#[cfg(not(target_arch = "x86_64"))]
handler_type!("C");

/// How a handler leaves.
pub(crate) trait Backend: Sized + 'static {
    type Out;
    /// Goes on with the cell at `r.ip`.
    ///
    /// # Safety
    /// `r.ip` is at a linked cell of this backend and the registers are what it expects.
    unsafe fn next(r: Regs) -> Self::Out;
    /// Goes on in another handler with the same cell.
    ///
    /// # Safety
    /// As for [`Backend::next`].
    unsafe fn jump(r: Regs, to: Handler<Self>) -> Self::Out;
    /// Ends dispatch.
    fn stop() -> Self::Out;
    /// The cell of an op that stands in no function.
    fn stub(stub: Stub) -> *const u64;
    /// Dispatches from `r` until a handler stops; the first handler is the one at this address, or if it is 0, the
    /// cell's own.
    ///
    /// # Safety
    /// As for [`Backend::next`]; the address is of a handler of this backend that `r` suits.
    unsafe fn run_at(r: Regs, handler: usize);
    /// Dispatches from `r` until a handler stops.
    ///
    /// # Safety
    /// As for [`Backend::next`].
    unsafe fn run(r: Regs) {
        // SAFETY: the caller keeps the contract.
        unsafe { Self::run_at(r, 0) }
    }
}

/// Cells outside functions.
#[derive(Clone, Copy)]
pub(crate) enum Stub {
    /// Where a whole execution returns to.
    Exit,
    /// Where a call between instances returns to.
    CrossReturn,
}

impl Dispatch {
    /// The cell of an op that stands in no function, for this way of dispatch.
    pub(super) fn stub(self, stub: Stub) -> *const u64 {
        match self {
            Dispatch::Tail => Tail::stub(stub),
            Dispatch::Loop | Dispatch::Count => Loop::stub(stub),
        }
    }
}

/// Makes the two stubs of a backend. In a static, since their addresses tell them apart.
macro_rules! stubs {
    ($B:ty) => {
        fn stub(stub: Stub) -> *const u64 {
            static CELLS: [Handler<$B>; 2] = [super::slow::exit::<$B>, super::slow::cross_return::<$B>];
            (&raw const CELLS[stub as usize]).cast()
        }
    };
}

macro_rules! enter_handler {
    ($h:expr, $r:expr) => {
        ($h)($r.ip, $r.sp, $r.mem, $r.len, $r.vm, $r.acc, $r.f32, $r.f64, $r.v128)
    };
}

/// Handlers jump to each other: the fast way, where the compiler makes tail calls of them.
pub(crate) enum Tail {}

impl Backend for Tail {
    type Out = ();

    stubs!(Tail);

    #[inline(always)]
    unsafe fn next(r: Regs) {
        // SAFETY: `r.ip` is at a cell, whose first word is a handler of this backend.
        unsafe {
            let h = *r.ip.cast::<Handler<Tail>>();
            enter_handler!(h, r)
        }
    }

    #[inline(always)]
    unsafe fn jump(r: Regs, to: Handler<Tail>) {
        // SAFETY: the caller keeps the contract.
        unsafe { enter_handler!(to, r) }
    }

    #[inline(always)]
    fn stop() {}

    unsafe fn run_at(r: Regs, handler: usize) {
        // SAFETY: the caller keeps the contract.
        unsafe {
            if handler == 0 {
                return Self::next(r);
            }
            Self::jump(r, core::mem::transmute::<usize, Handler<Tail>>(handler))
        }
    }
}

/// Handlers return to a loop: right for every build and machine.
pub(crate) enum Loop {}

/// Registers on their way back to the loop.
#[repr(C)]
pub(crate) struct LoopOut {
    pub(crate) regs: Regs,
    /// The first word of the next cell: a handler, unless linking put something else there; 0 ends the loop.
    pub(crate) to: u64,
}

impl Backend for Loop {
    type Out = LoopOut;

    stubs!(Loop);

    #[inline(always)]
    unsafe fn next(r: Regs) -> LoopOut {
        // SAFETY: `r.ip` is at a cell, whose first word is a handler of this backend.
        LoopOut { regs: r, to: unsafe { *r.ip } }
    }

    #[inline(always)]
    unsafe fn jump(r: Regs, to: Handler<Loop>) -> LoopOut {
        LoopOut { regs: r, to: to as usize as u64 }
    }

    #[inline(always)]
    fn stop() -> LoopOut {
        let null = core::ptr::null_mut();
        let regs = Regs {
            ip: core::ptr::null(),
            sp: null,
            mem: null.cast(),
            len: 0,
            vm: null.cast(),
            acc: 0,
            f32: 0.0,
            f64: 0.0,
            v128: to_vector(V128([0; 16])),
        };
        LoopOut { regs, to: 0 }
    }

    unsafe fn run_at(mut r: Regs, handler: usize) {
        // SAFETY: the caller keeps the contract, and each handler leaves registers fit for the one it names.
        unsafe {
            let mut to = if handler == 0 { *r.ip } else { handler as u64 };
            while to != 0 {
                let h = core::mem::transmute::<usize, Handler<Loop>>(to as usize);
                let out = enter_handler!(h, r);
                (to, r) = (out.to, out.regs);
            }
        }
    }
}

pub(crate) use enter_handler;
