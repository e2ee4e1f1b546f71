//! The interpreter's virtual-machine registers, and the two dispatch backends.
//!
//! A handler is a function over these registers that ends by dispatching the next cell. In the *tail* backend that is a
//! tail call (a jump), so the registers stay in processor registers; in the *loop* backend the handler returns them to
//! a dispatch loop. Both are compiled from one source: a handler is generic over its [`Backend`].

use super::Dispatch;
#[cfg(any(feature = "coredump", feature = "snapshot"))]
use crate::ops::Class;
use crate::runtime::vmctx::VmCtx;
use crate::value::V128;

#[cfg(target_arch = "x86_64")]
pub(crate) type Vector = core::arch::x86_64::__m128i;
#[cfg(target_arch = "aarch64")]
pub(crate) type Vector = core::arch::aarch64::uint8x16_t;
// In two registers for floats, where integers have too few.
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
pub(crate) type Vector = Doubles;
#[cfg(not(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    all(target_arch = "arm", target_abi = "eabihf")
)))]
pub(crate) type Vector = [u64; 2];

#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Doubles(f64, f64);

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

#[cfg(any(feature = "coredump", feature = "snapshot"))]
impl Regs {
    /// What the accumulator of a class holds, in the format of slots.
    pub(super) fn accumulator(&self, class: Class) -> [u64; 2] {
        match class {
            Class::Int => [self.acc, 0],
            Class::F32 => [self.f32.to_bits().into(), 0],
            Class::F64 => [self.f64.to_bits(), 0],
            Class::V128 => {
                let bits = u128::from_le_bytes(from_vector(self.v128).0);
                [bits as u64, (bits >> 64) as u64]
            }
        }
    }
}

#[inline(always)]
pub(crate) const fn to_vector(v: V128) -> Vector {
    // SAFETY: both are 16 plain bytes, and every bit pattern is a value of either.
    unsafe { core::mem::transmute::<[u8; 16], Vector>(v.0) }
}

#[inline(always)]
pub(crate) fn from_vector(v: Vector) -> V128 {
    // SAFETY: as for `to_vector`.
    V128(unsafe { core::mem::transmute::<Vector, [u8; 16]>(v) })
}

/// Declares handlers: functions of one signature, in the calling convention that passes every field of [`Regs`] in a
/// processor register.
macro_rules! handlers {
    ($(
        $(#[$attr:meta])*
        fn $name:ident<B $(, $g:ident: $bound:path)* $(; const $c:ident: $ct:ty)?>(mut $r:ident) $body:block
    )*) => {$(
        handlers! { @abi $(#[$attr])* $name [$($g: $bound),*] [$($c: $ct)?] $r $body }
    )*};
    (@abi $($handler:tt)*) => {
        #[cfg(target_arch = "x86_64")]
        handlers! { @fn "sysv64" (*mut u8, u64, *mut $crate::runtime::vmctx::VmCtx, u64) $($handler)* }
        #[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
        handlers! { @fn "C" (u64, f32, f32, f32) $($handler)* }
        #[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_abi = "eabihf"))))]
        handlers! { @fn "C" (*mut u8, u64, *mut $crate::runtime::vmctx::VmCtx, u64) $($handler)* }
    };
    (
        @fn $abi:literal ($first:ty, $second:ty, $third:ty, $fourth:ty)
        $(#[$attr:meta])* $name:ident [$($g:ident: $bound:path),*] [$($c:ident: $ct:ty)?] $r:ident $body:block
    ) => {
        $(#[$attr])*
        // SAFETY: it is a section of code. What is in one, LLVM's outliner leaves as it is: see targets/build.sh.
        #[cfg_attr(dunlin_handlers_apart, unsafe(link_section = ".text.handlers"))]
        #[allow(unused_mut, unused_unsafe, unused_variables, clippy::too_many_arguments, improper_ctypes_definitions)]
        pub(crate) unsafe extern $abi fn $name<B: $crate::runtime::exec::regs::Backend $(, $g: $bound)* $(, const $c: $ct)?>(
            ip: *const u64, sp: *mut u64, a: $first, b: $second, c: $third, d: $fourth,
            f32: f32, f64: f64, v128: $crate::runtime::exec::regs::Vector,
        ) -> B::Out {
            let mut $r = $crate::runtime::exec::regs::received!(ip sp a b c d f32 f64 v128);
            // SAFETY: the handler contract (`Backend`), which whoever dispatches here keeps.
            unsafe { $body }
        }
    };
}
pub(crate) use handlers;

/// The registers that a handler is called with.
#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
macro_rules! received {
    ($ip:ident $sp:ident $mem:ident $len:ident $vm:ident $acc:ident $f32:ident $f64:ident $v128:ident) => {
        $crate::runtime::exec::regs::Regs {
            ip: $ip,
            sp: $sp,
            mem: $mem,
            len: $len,
            vm: $vm,
            acc: $acc,
            f32: $f32,
            f64: $f64,
            v128: $v128,
        }
    };
}
/// The same where only four words go to integer registers: addresses and the length come in those for floats, bit by bit.
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
macro_rules! received {
    ($ip:ident $sp:ident $acc:ident $mem:ident $len:ident $vm:ident $f32:ident $f64:ident $v128:ident) => {
        $crate::runtime::exec::regs::Regs {
            ip: $ip,
            sp: $sp,
            mem: core::ptr::with_exposed_provenance_mut($mem.to_bits() as usize),
            len: $len.to_bits() as u64,
            vm: core::ptr::with_exposed_provenance_mut($vm.to_bits() as usize),
            acc: $acc,
            f32: $f32,
            f64: $f64,
            v128: $v128,
        }
    };
}
pub(crate) use received;

macro_rules! handler_type {
    ($abi:literal, $($t:ty),*) => {
        #[allow(
            improper_ctypes_definitions,
            reason = "vectors are passed in registers; no other language is involved"
        )]
        pub(crate) type Handler<B> =
            unsafe extern $abi fn(*const u64, *mut u64, $($t,)* f32, f64, Vector) -> <B as Backend>::Out;
    };
}
#[cfg(target_arch = "x86_64")]
handler_type!("sysv64", *mut u8, u64, *mut VmCtx, u64);
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
handler_type!("C", u64, f32, f32, f32);
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "arm", target_abi = "eabihf"))))]
handler_type!("C", *mut u8, u64, *mut VmCtx, u64);

/// A dispatch backend: how a handler ends.
///
/// # Safety
///
/// The *handler contract*. A handler may assume, and whoever dispatches to it (a handler by [`next`](Backend::next) or
/// [`jump`](Backend::jump), the host by [`run`](Backend::run)) guarantees:
/// - `ip` is at a cell of the handler's op, in code that was translated from a validated body and linked for this
///   backend. For a handler of the cold path it is the cell that jumped there.
/// - `sp` is slot 0 of the frame of the function that the code belongs to. The whole frame lies in the charged part of
///   the execution's value stack, so every slot that a field of the cell names can be accessed, and its header holds
///   the address to return to and the caller's frame.
/// - `vm` is the live context of the instance that the function belongs to. Every index in the cell names something
///   that the instance has. What the context points to lives as long as the store.
/// - `mem` and `len` are the current base and length of memory 0.
/// - An accumulator that the cell reads holds the value that an earlier cell left there.
/// - The store has an execution, and no reference to the store or its parts is held across a dispatch.
///
/// [`check`](crate::translate::check) tests the part of this that concerns the code itself.
pub(crate) trait Backend: Sized + 'static {
    type Out;
    /// Dispatches the cell at `r.ip`.
    ///
    /// # Safety
    /// The [handler contract](Backend#safety) holds for the cell at `r.ip`.
    unsafe fn next(r: Regs) -> Self::Out;
    /// Dispatches the cell at `r.ip`, whose handler is at `near`.
    ///
    /// # Safety
    /// As for [`Backend::next`]; `near` is what [`Tail::near`] gives for the cell's handler, or the backend is another.
    unsafe fn next_near(r: Regs, _near: u32) -> Self::Out {
        // SAFETY: the caller keeps the contract.
        unsafe { Self::next(r) }
    }
    /// Jumps to another handler, with the same cell.
    ///
    /// # Safety
    /// As for [`Backend::next`].
    unsafe fn jump(r: Regs, to: Handler<Self>) -> Self::Out;
    /// Ends dispatch.
    fn stop() -> Self::Out;
    /// The address of a cell that belongs to no function.
    fn stub(stub: Stub) -> *const u64;
    /// Dispatches from `r` until a handler stops. The first handler is the one at this address; 0 means the cell's own.
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

/// Cells that belong to no function: targets of returns.
#[derive(Clone, Copy)]
pub(crate) enum Stub {
    /// Where a whole execution returns to.
    Exit,
    /// Where a call between instances returns to.
    CrossReturn,
}

impl Dispatch {
    /// The address of a cell that belongs to no function, for this backend.
    pub(super) fn stub(self, stub: Stub) -> *const u64 {
        match self {
            Dispatch::Tail => Tail::stub(stub),
            Dispatch::Loop | Dispatch::Count => Loop::stub(stub),
        }
    }
}

/// The first word of a cell that belongs to no function: as in code, a word has 64 bits whatever an address has.
#[repr(C, align(8))]
struct StubCell<B: Backend>(Handler<B>, [u8; 8 - size_of::<usize>()]);

impl<B: Backend> StubCell<B> {
    const fn new(handler: Handler<B>) -> Self {
        Self(handler, [0; 8 - size_of::<usize>()])
    }
}

/// Makes the two stubs of a backend. They are in a static because code compares their addresses.
macro_rules! stubs {
    ($B:ty) => {
        fn stub(stub: Stub) -> *const u64 {
            static CELLS: [StubCell<$B>; 2] =
                [StubCell::new(super::slow::exit::<$B>), StubCell::new(super::slow::cross_return::<$B>)];
            (&raw const CELLS[stub as usize]).cast()
        }
    };
}

#[cfg(not(all(target_arch = "arm", target_abi = "eabihf")))]
macro_rules! enter_handler {
    ($h:expr, $r:expr) => {
        ($h)($r.ip, $r.sp, $r.mem, $r.len, $r.vm, $r.acc, $r.f32, $r.f64, $r.v128)
    };
}
#[cfg(all(target_arch = "arm", target_abi = "eabihf"))]
macro_rules! enter_handler {
    ($h:expr, $r:expr) => {
        ($h)(
            $r.ip,
            $r.sp,
            $r.acc,
            f32::from_bits($r.mem.expose_provenance() as u32),
            f32::from_bits($r.len as u32),
            f32::from_bits($r.vm.expose_provenance() as u32),
            $r.f32,
            $r.f64,
            $r.v128,
        )
    };
}

/// Handlers jump to each other: fast, if the compiler emits their last calls as tail calls.
pub(crate) enum Tail {}

impl Tail {
    /// Whether the entries of a `br_table` say where their targets' handlers are. On x86_64, that address takes no more
    /// instructions than a load from the target's cell, and isn't waited for as long. On aarch64 it takes two more.
    pub(crate) const KNOWS_NEAR: bool = cfg!(target_arch = "x86_64");

    fn middle() -> u64 {
        super::control::unreachable::<Tail> as *const () as usize as u64
    }

    /// Half a word that says where a handler is: how far from one of them. All are in this program.
    pub(crate) fn near(handler: u64) -> u32 {
        let distance = handler.wrapping_sub(Self::middle());
        debug_assert_eq!(distance as i32 as i64 as u64, distance, "a program of less than 2 GiB");
        distance as u32
    }
}

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
    unsafe fn next_near(r: Regs, near: u32) {
        if !Self::KNOWS_NEAR {
            // SAFETY: the caller keeps the contract.
            return unsafe { Self::next(r) };
        }
        let handler = Tail::middle().wrapping_add(near as i32 as i64 as u64) as usize;
        // SAFETY: the caller keeps the contract, so this is the address of a handler of this backend.
        unsafe { Self::jump(r, core::mem::transmute::<usize, Handler<Tail>>(handler)) }
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

/// Handlers return to a dispatch loop: correct in every build and on every machine.
pub(crate) enum Loop {}

/// Registers on their way back to the loop.
#[repr(C)]
pub(crate) struct LoopOut {
    pub(crate) regs: Regs,
    /// The first word of the next cell: a handler, or the number of an op if the code is linked for
    /// [`Dispatch::Count`]; 0 ends the loop.
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
