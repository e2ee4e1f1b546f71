//! The `#[repr(C)]` state that handlers reach through registers, and that machine code will share.
//!
//! Everything here is owned by a store (`store/`) and lives at a fixed address until that store is dropped, so
//! handlers may follow these pointers without checks. Nothing here is visible to embedders.

use crate::ops::frame::CONTEXT_WORDS;
use crate::runtime::store::InstanceObj;
use core::sync::atomic::{AtomicPtr, AtomicUsize};

/// What one store's executions share: the first thing any charge or call looks at.
#[repr(C)]
pub(crate) struct VmStore {
    /// What is left of the current slice of fuel. A charge that would make it negative goes to the cold path.
    pub(crate) slice: i64,
    /// End of the part of the value stack that frames may use now.
    pub(crate) stack_end: *mut u64,
    /// The store itself, which cold functions recover.
    pub(crate) store: *mut crate::runtime::store::StoreInner,
    /// What a handler that went to the cold path needs.
    pub(crate) pending: Pending,
    /// What compiled code calls that isn't compiled, or may not be: a `*mut FuncObj`, or twice the index among the
    /// functions that the module defines, plus one.
    pub(crate) callee: u64,
    /// What compiled code has the bridge call, and with what.
    pub(crate) bridged: [u64; 2],
    /// Whether compiled code is being left, for the execution to go on later: see `exec::leave`.
    pub(crate) leaving: u64,
}

impl VmStore {
    /// For a store at `store`, with nothing to run on yet.
    pub(crate) fn new(store: *mut crate::runtime::store::StoreInner) -> Self {
        Self {
            slice: 0,
            stack_end: core::ptr::null_mut(),
            store,
            pending: Pending::default(),
            callee: 0,
            bridged: [0; 2],
            leaving: 0,
        }
    }
}

/// A handler's message to the cold path, or to itself; each field means something only to those that read it.
#[repr(C)]
pub(crate) struct Pending {
    /// The callee, where it may be in another instance or the host's.
    pub(crate) func: *mut FuncObj,
    /// A frame's header while a tail call moves arguments over it.
    pub(crate) header: [u64; 2],
}

impl Default for Pending {
    fn default() -> Self {
        Self { func: core::ptr::null_mut(), header: [0; 2] }
    }
}

/// One instance as its code sees it. Followed in memory by arrays of pointers, laid out by [`VmLayout`](crate::ops::frame::VmLayout).
#[repr(C)]
pub(crate) struct VmCtx {
    pub(crate) store: *mut VmStore,
    /// The module's entry table: one word a defined function, pointing to its code's prologue.
    pub(crate) entries: *const AtomicPtr<u64>,
    /// Memory 0, or an empty memory for an instance without one.
    pub(crate) mem0: *mut MemoryObj,
    /// The cold part of the instance.
    pub(crate) instance: *mut InstanceObj,
    /// The module's table of compiled code: one word a defined function, null as long as it isn't compiled.
    pub(crate) natives: *const AtomicPtr<u8>,
    /// One word a type of the module: code that calls whatever isn't compiled (see [`crate::runtime::tier`]).
    pub(crate) stubs: *const AtomicPtr<u8>,
    /// The end of the value stack as far as frames may use it now; 0 when somebody wants an interruption.
    pub(crate) limit: *const AtomicUsize,
    /// A page that can't be read when somebody wants an interruption; null if compiled code looks at the limit instead.
    pub(crate) poll: *const u8,
    /// Memory 0's base, if memories have guard regions: then it never moves.
    pub(crate) base0: *mut u8,
    /// The engine-wide numbers of the module's types.
    pub(crate) signatures: *const u32,
    /// What compiled code calls of the engine.
    pub(crate) builtins: *const crate::runtime::tier::Builtins,
}

const _: () = assert!(size_of::<VmCtx>() == CONTEXT_WORDS as usize * 8);

/// A function as a reference to it sees it: the target of `call_indirect`, of imports and of handles.
#[repr(C)]
pub(crate) struct FuncObj {
    /// The engine-wide number of its type; equal numbers mean equal types.
    pub(crate) sig: u32,
    /// Params and results in slots, for the header's place: `max` of both.
    pub(crate) header: u32,
    /// The instance that it runs in; null for a host function.
    pub(crate) vm: *mut VmCtx,
    /// Its compiled code, for code of the same instance that calls it through a table: null until such a call has found
    /// that there is some, and again when code is thrown away.
    pub(crate) code: *const u8,
    /// Its word of the module's entry table; for a host function a word that always leads to the cold path.
    pub(crate) entry: *const AtomicPtr<u64>,
    /// Index among the functions that its module defines, or among the store's host functions.
    pub(crate) index: u32,
    /// Index of this object among the store's functions: what a `Func` handle holds.
    pub(crate) handle: u32,
}

/// A linear memory. `base` moves when it grows without a reservation; whoever holds a copy reloads it.
#[repr(C)]
pub(crate) struct MemoryObj {
    pub(crate) base: *mut u8,
    /// Size in bytes, a multiple of the page size.
    pub(crate) len: u64,
    pub(crate) inner: crate::runtime::store::MemoryInner,
}

/// A table of references. Elements are raw: a `*mut FuncObj` or an external reference's number, 0 for null.
#[repr(C)]
pub(crate) struct TableObj {
    pub(crate) base: *mut u64,
    pub(crate) len: u64,
    pub(crate) inner: crate::runtime::store::TableInner,
}

/// A global's value, in the format of slots.
#[repr(C, align(16))]
pub(crate) struct GlobalObj {
    pub(crate) value: [u64; 2],
    pub(crate) ty: crate::module::types::GlobalType,
    pub(crate) handle: u32,
}

impl VmCtx {
    /// Reads pointer `word` of the arrays behind a context.
    ///
    /// # Safety
    /// `vm` is a live context and `word` lies within its layout, in an array of `T` pointers.
    #[inline(always)]
    pub(crate) unsafe fn pointer<T>(vm: *mut VmCtx, word: u32) -> *mut T {
        // SAFETY: the caller keeps the contract.
        unsafe { *vm.cast::<*mut T>().add(word as usize) }
    }

    /// Memory `index` of a context's instance.
    ///
    /// # Safety
    /// `vm` is a live context whose module has that memory.
    pub(crate) unsafe fn memory(vm: *mut VmCtx, index: u32) -> *mut MemoryObj {
        // SAFETY: the caller keeps the contract.
        unsafe { Self::pointer(vm, (*(*vm).instance).module.shared().layout.memories + index) }
    }

    /// Table `index` of a context's instance.
    ///
    /// # Safety
    /// `vm` is a live context whose module has that table.
    pub(crate) unsafe fn table(vm: *mut VmCtx, index: u32) -> *mut TableObj {
        // SAFETY: the caller keeps the contract.
        unsafe { Self::pointer(vm, (*(*vm).instance).module.shared().layout.tables + index) }
    }
}
