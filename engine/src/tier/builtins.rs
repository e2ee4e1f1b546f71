//! What compiled code calls of the engine. All of it takes a context first and gives 0, or 1 if the guest is to stop, for
//! which the execution knows the reason.

use crate::exec::{bulk, native};
use crate::vmctx::VmCtx;

/// A function that compiled code calls, in the platform's C convention.
#[allow(private_interfaces, reason = "compiled code has contexts; nobody else calls these")]
pub type BuiltinFn<A, B> = unsafe extern "C" fn(*mut VmCtx, A, B) -> u32;

/// The table of builtins that a context points to: a word each, in the order of declaration.
#[repr(C)]
#[allow(missing_debug_implementations, reason = "functions")]
#[allow(private_interfaces, reason = "compiled code has contexts; nobody else calls these")]
pub struct Builtins {
    /// `(context, arguments, stub's native frame)`: calls what `STORE_CALLEE` says; results replace the arguments. A loop's
    /// continuation that tail-calls gives no native frame, and is left.
    pub call: BuiltinFn<*mut u64, *const u8>,
    /// `(context, end, 0)`: a frame reaches to `end`, which is beyond the limit.
    pub stack: BuiltinFn<*mut u64, u64>,
    /// `(context, 0, 0)`: the limit is 0 at a loop.
    pub poll: BuiltinFn<u64, u64>,
    /// `(context, cost, 0)`: the slice of fuel is smaller than this.
    pub refill: BuiltinFn<u64, u64>,
    /// `(context, operands, indices)`, for each [`BulkOp`].
    pub bulk: [BuiltinFn<*mut u64, u64>; BulkOp::ALL.len()],
}

/// The builtins of this engine.
pub static BUILTINS: Builtins = Builtins {
    call: native::call,
    stack: native::stack,
    poll: native::poll,
    refill: native::refill,
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
