//! Where compiled code finds what: offsets in bytes.
//!
//! A context begins with the fields that are named here; arrays of pointers follow, whose first words
//! [`View`](super::View) knows. Whatever is behind one of these pointers lives as long as the context.

use super::builtins::Builtins;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj, VmCtx, VmStore};
use core::mem::offset_of;

/// The bytes behind the 4 GiB of a guarded memory that can't be accessed either.
pub const GUARD: u64 = crate::memory::pages::GUARD;

/// In a context: the store's part, at the same address for all contexts of a store.
pub const VMCTX_STORE: i32 = offset_of!(VmCtx, store) as i32;
/// In a context: memory 0's object.
pub const VMCTX_MEM0: i32 = offset_of!(VmCtx, mem0) as i32;
/// In a context: memory 0's base, if memories are guarded.
pub const VMCTX_BASE0: i32 = offset_of!(VmCtx, base0) as i32;
/// In a context: the table of compiled code, a word a function that the module defines, which may be null.
pub const VMCTX_NATIVES: i32 = offset_of!(VmCtx, natives) as i32;
/// In a context: the table of stubs, a word a type; behind them is the bridge to builtins.
pub const VMCTX_STUBS: i32 = offset_of!(VmCtx, stubs) as i32;
/// In a context: the pointer to the word that frames are compared with: the end of the stack, or 0 to interrupt.
pub const VMCTX_LIMIT: i32 = offset_of!(VmCtx, limit) as i32;
/// In a context: a page that faults when read while somebody wants an interruption, for code that doesn't
/// [suspend](super::View::suspends).
pub const VMCTX_POLL: i32 = offset_of!(VmCtx, poll) as i32;
/// How many bytes of that can be read.
pub const POLL_BYTES: i32 = 4096;
/// In a context: the pointer to the numbers of the module's types, u32s.
pub const VMCTX_SIGNATURES: i32 = offset_of!(VmCtx, signatures) as i32;
/// In a context: the pointer to the table of builtins.
pub const VMCTX_BUILTINS: i32 = offset_of!(VmCtx, builtins) as i32;

/// In the builtins: `(context, arguments, stub's native frame)`, calls what `STORE_CALLEE` says; results replace the
/// arguments. A loop's continuation that tail-calls gives no native frame, and is left.
///
/// All builtins take a context and two more words, in the platform's C convention, and give an i32: 0, or another number if the guest is to
/// stop, for which the execution knows the reason.
pub const BUILTIN_CALL: i32 = offset_of!(Builtins, call) as i32;
/// In the builtins: `(context, end, 0)`, a frame reaches to `end`, which is beyond the limit.
pub const BUILTIN_STACK: i32 = offset_of!(Builtins, stack) as i32;
/// In the builtins: `(context, 0, 0)`, the limit is 0 at a loop.
pub const BUILTIN_POLL: i32 = offset_of!(Builtins, poll) as i32;
/// In the builtins: `(context, cost, 0)`, the slice of fuel is smaller than this.
pub const BUILTIN_REFILL: i32 = offset_of!(Builtins, refill) as i32;
/// In the builtins: `(context, frame, place)`, a function has been left: see `STORE_LEAVING`.
pub const BUILTIN_LEFT: i32 = offset_of!(Builtins, left) as i32;
/// In the builtins: `(to, from, n)`, copies bytes, which may overlap. Like the next, it has no context and no result.
pub const BUILTIN_COPY: i32 = offset_of!(Builtins, copy) as i32;
/// In the builtins: `(to, value, n)`, fills bytes with a number's lowest.
pub const BUILTIN_FILL: i32 = offset_of!(Builtins, fill) as i32;
/// In the builtins: `(context, operands, indices)`, a word for each [`BulkOp`](super::BulkOp).
pub const BUILTIN_BULK: i32 = offset_of!(Builtins, bulk) as i32;

/// In a store's part: what is left of the slice of fuel, an i64.
pub const STORE_SLICE: i32 = offset_of!(VmStore, slice) as i32;
/// In a store's part: what a stub is to call: a function object, or twice the index among the functions that the module
/// defines, plus one.
pub const STORE_CALLEE: i32 = offset_of!(VmStore, callee) as i32;

/// In a store's part: the builtin that the bridge is to call.
pub const STORE_BRIDGED: i32 = offset_of!(VmStore, bridged) as i32;
/// In a store's part: what it is to be given, besides the context.
pub const STORE_BRIDGED_ARG: i32 = STORE_BRIDGED + 8;

/// In a store's part: not 0 while compiled code is being left. If code [suspends](super::View::suspends), it looks after
/// each call and builtin; then it writes what is live to slots, calls `BUILTIN_LEFT` for each function, innermost first, and returns.
pub const STORE_LEAVING: i32 = offset_of!(VmStore, leaving) as i32;

/// In what `BUILTIN_LEFT` is told: what kind of place it is.
pub const LEFT_KIND: u64 = 3 << 62;
/// Behind the call at that offset.
pub const LEFT_AFTER: u64 = 0;
/// At the instruction at that offset, with its operands in slots.
pub const LEFT_AT: u64 = 1 << 62;
/// At an arrival at the loop at that offset, which isn't paid yet.
pub const LEFT_AT_LOOP: u64 = 2 << 62;
/// Before the function is entered, with its arguments in slots.
pub const LEFT_AT_ENTRY: u64 = 3 << 62;
/// In what `BUILTIN_LEFT` is told: the offset in the module, below 2^30, above the function's index in 32 bits.
pub const LEFT_OFFSET: u64 = !LEFT_KIND & !0xffff_ffff;

/// In a memory: its base.
pub const MEMORY_BASE: i32 = offset_of!(MemoryObj, base) as i32;
/// In a memory: its size in bytes, a u64.
pub const MEMORY_LEN: i32 = offset_of!(MemoryObj, len) as i32;
/// In a table: its elements, words.
pub const TABLE_BASE: i32 = offset_of!(TableObj, base) as i32;
/// In a table: how many there are, a u64.
pub const TABLE_LEN: i32 = offset_of!(TableObj, len) as i32;
/// In a global: its value.
pub const GLOBAL_VALUE: i32 = offset_of!(GlobalObj, value) as i32;

/// In a function object: its type's number, a u32.
pub const FUNC_SIG: i32 = offset_of!(FuncObj, sig) as i32;
/// In a function object: the context that it runs in.
pub const FUNC_VM: i32 = offset_of!(FuncObj, vm) as i32;
/// In a function object: its code, if it is compiled and a call by way of its type's stub has found that; otherwise null. To be
/// called in the same context.
pub const FUNC_CODE: i32 = offset_of!(FuncObj, code) as i32;
/// In a function object: its index among those that its module defines, a u32.
pub const FUNC_INDEX: i32 = offset_of!(FuncObj, index) as i32;
