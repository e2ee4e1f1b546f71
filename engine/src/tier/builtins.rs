//! What compiled code calls of the engine. All of it takes a context first and gives 0, or 1 if the guest is to stop, for
//! which the execution knows the reason.

use crate::exec::{bulk, leave, native};
use crate::vmctx::VmCtx;

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
}

/// The builtins of this engine.
pub(crate) static BUILTINS: Builtins = Builtins {
    call: native::call,
    stack: native::stack,
    poll: native::poll,
    refill: native::refill,
    left: leave::left,
    copy: bulk::copy_bytes,
    fill: bulk::fill_bytes,
    bulk: bulk::BUILTINS,
};

/// An instruction that a builtin executes: operands in consecutive slots, result in the first; what it names is in the halves
/// of one number, the lower first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the specification's names")]
pub enum BulkOp {
    MemoryGrow,
    MemoryFill,
    MemoryCopy,
    MemoryInit,
    DataDrop,
    TableGet,
    TableSet,
    TableSize,
    TableGrow,
    TableFill,
    TableCopy,
    TableInit,
    ElemDrop,
    RefFunc,
}

impl BulkOp {
    /// All, in the order of their builtins.
    pub const ALL: [BulkOp; 14] = [
        BulkOp::MemoryGrow,
        BulkOp::MemoryFill,
        BulkOp::MemoryCopy,
        BulkOp::MemoryInit,
        BulkOp::DataDrop,
        BulkOp::TableGet,
        BulkOp::TableSet,
        BulkOp::TableSize,
        BulkOp::TableGrow,
        BulkOp::TableFill,
        BulkOp::TableCopy,
        BulkOp::TableInit,
        BulkOp::ElemDrop,
        BulkOp::RefFunc,
    ];
}
