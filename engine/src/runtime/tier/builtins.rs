//! The engine's functions that compiled code calls. Except for `copy` and `fill`, they take a context first and return
//! 0, or 1 if the guest has to stop, with the reason recorded in the execution.

use crate::ops::BulkOp;
use crate::runtime::exec::{builtins, bulk, deopt, throw};
use crate::runtime::vmctx::VmCtx;

/// A function that compiled code calls, in the platform's C convention.
pub(crate) type BuiltinFn<A, B> = unsafe extern "C" fn(*mut VmCtx, A, B) -> u32;

/// The table of builtins that a context points to: a word each. [`layout`](super::layout) says what they do.
#[repr(C)]
pub(crate) struct Builtins {
    pub(crate) call: BuiltinFn<*mut u64, *const u8>,
    pub(crate) stack: BuiltinFn<*mut u64, u64>,
    pub(crate) poll: BuiltinFn<u64, u64>,
    pub(crate) refill: BuiltinFn<u64, u64>,
    pub(crate) left: BuiltinFn<*mut u64, u64>,
    pub(crate) copy: unsafe extern "C" fn(*mut u8, *const u8, usize),
    pub(crate) fill: unsafe extern "C" fn(*mut u8, u64, usize),
    pub(crate) bulk: [BuiltinFn<*mut u64, u64>; BulkOp::ALL.len()],
    pub(crate) throw: BuiltinFn<*mut u64, *const u8>,
    pub(crate) throw_ref: BuiltinFn<u64, *const u8>,
    pub(crate) caught: BuiltinFn<*mut u64, u64>,
}

/// The builtins of this engine.
pub(crate) static BUILTINS: Builtins = Builtins {
    call: builtins::call,
    stack: builtins::stack,
    poll: builtins::poll,
    refill: builtins::refill,
    left: deopt::left,
    copy: bulk::copy_bytes,
    fill: bulk::fill_bytes,
    bulk: bulk::BUILTINS,
    throw: throw::throw_compiled,
    throw_ref: throw::throw_ref_compiled,
    caught: throw::caught_compiled,
};
