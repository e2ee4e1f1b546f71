//! The memory layout that compiled code relies on: offsets in bytes.
//!
//! A context begins with the fields that are named here. Arrays of pointers follow it, whose first words
//! [`View`](super::View) gives. What these pointers lead to lives as long as the context.

use super::builtins::Builtins;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj, VmCtx, VmStore};
use core::mem::offset_of;

/// The version of the rule that says what costs how much fuel, and when: it is compiled in.
pub const FUEL_RULE: u32 = 3;

/// The inaccessible bytes behind the 4 GiB of a guarded memory.
pub const GUARD: u64 = crate::memory::pages::GUARD;

/// Whether a memory of this type is guarded where memories are. Accesses to others are always checked.
pub fn is_guardable(ty: &crate::MemoryType) -> bool {
    ty.is_guardable()
}

/// In a context: the store's part, at the same address for all contexts of a store.
pub const VMCTX_STORE: i32 = offset_of!(VmCtx, store) as i32;
/// In a context: memory 0's object.
pub const VMCTX_MEM0: i32 = offset_of!(VmCtx, mem0) as i32;
/// In a context: memory 0's base, if memories are guarded.
pub const VMCTX_BASE0: i32 = offset_of!(VmCtx, base0) as i32;
/// In a context: the table of compiled code, a word for each function that the module defines; null if it isn't
/// compiled.
pub const VMCTX_NATIVES: i32 = offset_of!(VmCtx, natives) as i32;
/// In a context: the table of stubs, a word for each type; behind them is the bridge to builtins.
pub const VMCTX_STUBS: i32 = offset_of!(VmCtx, stubs) as i32;
/// In a context: the pointer to the word that frames are compared with: the end of the stack, or 0 while an
/// interruption is pending.
pub const VMCTX_LIMIT: i32 = offset_of!(VmCtx, limit) as i32;
/// In a context: the poll page, which faults when it is read while an interruption is pending; for code that doesn't
/// [suspend](super::View::suspends).
pub const VMCTX_POLL: i32 = offset_of!(VmCtx, poll) as i32;
/// How many bytes of the poll page can be read.
pub const POLL_BYTES: i32 = 4096;
/// In a context: the pointer to the numbers of the module's types, u32s.
pub const VMCTX_SIGNATURES: i32 = offset_of!(VmCtx, signatures) as i32;
/// In a context: the pointer to the table of builtins.
pub const VMCTX_BUILTINS: i32 = offset_of!(VmCtx, builtins) as i32;

/// In the builtins: `(context, arguments, stub's native frame)`, calls `STORE_CALLEE`; results replace the arguments.
/// An OSR entry that tail-calls passes null for the native frame, and is unwound.
///
/// All builtins but `BUILTIN_COPY` and `BUILTIN_FILL` take a context and two more words, in the platform's C calling
/// convention, and return an i32: 0, or another number if the guest has to stop, with the reason recorded in the
/// execution.
pub const BUILTIN_CALL: i32 = offset_of!(Builtins, call) as i32;
/// In the builtins: `(context, end, 0)`, called where a frame's `end` is beyond the limit.
pub const BUILTIN_STACK: i32 = offset_of!(Builtins, stack) as i32;
/// In the builtins: `(context, 0, 0)`, called where a loop finds the limit to be 0.
pub const BUILTIN_POLL: i32 = offset_of!(Builtins, poll) as i32;
/// In the builtins: `(context, cost, 0)`, called where the slice of fuel is smaller than `cost`.
pub const BUILTIN_REFILL: i32 = offset_of!(Builtins, refill) as i32;
/// In the builtins: `(context, frame, place)`, called by each function that deoptimises: see `STORE_LEAVING`.
pub const BUILTIN_LEFT: i32 = offset_of!(Builtins, left) as i32;
/// In the builtins: `(to, from, n)`, copies bytes, which may overlap. Like the next, it has no context and no result.
pub const BUILTIN_COPY: i32 = offset_of!(Builtins, copy) as i32;
/// In the builtins: `(to, value, n)`, fills bytes with a number's lowest.
pub const BUILTIN_FILL: i32 = offset_of!(Builtins, fill) as i32;
/// In the builtins: `(context, operands, indices)`, a word for each [`BulkOp`](super::BulkOp).
pub const BUILTIN_BULK: i32 = offset_of!(Builtins, bulk) as i32;

/// In the builtins: `(context, values, bridge's native frame)`, throws an exception with the tag that the word in
/// [`STORE_THROWN`] leads to. Like the next, it is called by the bridge; it goes on where the exception is caught, or
/// unwinds, and only returns if it fails otherwise, or if the guest has to [leave](STORE_LEAVING) first.
pub const BUILTIN_THROW: i32 = offset_of!(Builtins, throw) as i32;
/// In the builtins: `(context, reference, bridge's native frame)`, throws an exception that there is a reference to.
pub const BUILTIN_THROW_REF: i32 = offset_of!(Builtins, throw_ref) as i32;
/// In the builtins: `(context, slots, what)`, takes the pending exception, where control has come to a
/// [landing](super::Landing). With [`CAUGHT_VALUES`] in `what`, the exception's values go to the slots; with
/// [`CAUGHT_REFERENCE`], a reference to it goes behind them. It never fails.
pub const BUILTIN_CAUGHT: i32 = offset_of!(Builtins, caught) as i32;
/// See [`BUILTIN_CAUGHT`].
pub const CAUGHT_VALUES: i64 = 1;
/// See [`BUILTIN_CAUGHT`].
pub const CAUGHT_REFERENCE: i64 = 2;

/// In a store's part: what is left of the slice of fuel, an i64.
pub const STORE_SLICE: i32 = offset_of!(VmStore, slice) as i32;
/// In a store's part: the callee for a stub: a function object, or twice the index among the functions that the module
/// defines, plus one.
pub const STORE_CALLEE: i32 = offset_of!(VmStore, callee) as i32;

/// In a store's part: the builtin that the bridge is to call.
pub const STORE_BRIDGED: i32 = offset_of!(VmStore, bridged) as i32;
/// In a store's part: the argument of that builtin, besides the context.
pub const STORE_BRIDGED_ARG: i32 = STORE_BRIDGED + 8;
/// In a store's part: the word of the context that leads to the tag for `BUILTIN_THROW`, a u64.
pub const STORE_THROWN: i32 = offset_of!(VmStore, thrown) as i32;

/// In a store's part: nonzero while compiled code deoptimises. Code that [suspends](super::View::suspends) checks it
/// behind each call and builtin. If it is set, the code writes its live values to slots, calls `BUILTIN_LEFT` for each
/// function (inlined ones too), innermost first, and returns.
pub const STORE_LEAVING: i32 = offset_of!(VmStore, leaving) as i32;

/// In a store's part: where the interpreter goes on when the code of a loop alone returns: the word of a label in the
/// function's code plus one, a u64. As long as the function itself returns, it isn't written.
pub const STORE_LANDING: i32 = offset_of!(VmStore, landing) as i32;
/// In `STORE_LANDING`: an exception is thrown at the word, which is that of the loop's header. It may be caught in the
/// function, by blocks around the loop.
pub const LANDING_THROWS: u64 = 1 << 63;
/// In `STORE_LANDING`, with `LANDING_THROWS`: from this bit on, how many blocks are around the innermost of these.
pub const LANDING_DEPTH: u32 = 32;

/// In the place that `BUILTIN_LEFT` gets: the kind of place.
pub const LEFT_KIND: u64 = 3 << 62;
/// Behind the call at the offset.
pub const LEFT_AFTER: u64 = 0;
/// Before the instruction at the offset, with its operands in slots.
pub const LEFT_AT: u64 = 1 << 62;
/// At an arrival at the loop at the offset, or at the arm that follows the instruction there, which hasn't been charged
/// for yet.
pub const LEFT_AT_CHARGE: u64 = 2 << 62;
/// Before the function is entered, with its arguments in slots.
pub const LEFT_AT_ENTRY: u64 = 3 << 62;
/// In the place that `BUILTIN_LEFT` gets: the offset in the module, below 2^30, above the 32 bits of the function's
/// index.
pub const LEFT_OFFSET: u64 = !LEFT_KIND & !0xffff_ffff;

/// In a memory: its base.
pub const MEMORY_BASE: i32 = offset_of!(MemoryObj, base) as i32;
/// In a memory: its size in bytes, a u64.
pub const MEMORY_LEN: i32 = offset_of!(MemoryObj, len) as i32;
/// In a memory that is shared: a pointer to its size in bytes, a u64 that other threads may increase.
pub const MEMORY_SHARED_LEN: i32 = offset_of!(MemoryObj, shared_len) as i32;
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
/// In a function object: its code, if it is compiled and a call through its type's stub has found that; otherwise null.
/// Only for calls within the same context.
pub const FUNC_CODE: i32 = offset_of!(FuncObj, code) as i32;
/// In a function object: its index among those that its module defines, a u32.
pub const FUNC_INDEX: i32 = offset_of!(FuncObj, index) as i32;
