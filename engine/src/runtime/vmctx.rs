//! The `#[repr(C)]` runtime state that handlers and compiled code reach through pointers.
//!
//! Everything here is owned by a store (`store/`) and stays at a fixed address until that store is dropped, so code may
//! follow these pointers without checks. Nothing here is visible to embedders.

use crate::ops::frame::CONTEXT_WORDS;
use crate::runtime::store::InstanceObj;
use core::sync::atomic::{AtomicPtr, AtomicUsize};

/// The state that all executions and instances of a store share: what charges and calls look at first.
#[repr(C)]
pub(crate) struct VmStore {
    /// The rest of the current slice of fuel. A charge that would make it negative takes the cold path.
    pub(crate) slice: i64,
    /// The end of the part of the value stack that is charged, and that frames may use.
    pub(crate) stack_end: *mut u64,
    /// The store itself, for the cold path.
    pub(crate) store: *mut crate::runtime::store::StoreInner,
    /// What handlers pass to the cold path besides their cell.
    pub(crate) pending: Pending,
    /// The callee that compiled code passes to a stub: a `*mut FuncObj`, or twice the index among the functions that
    /// the module defines, plus one.
    pub(crate) callee: u64,
    /// The builtin that compiled code has the bridge call, and its argument.
    pub(crate) bridged: [u64; 2],
    /// The word of the context that leads to the tag of what compiled code throws.
    pub(crate) thrown: u64,
    /// Nonzero while compiled code deoptimises, so that the execution can be suspended: see `exec::deopt`.
    pub(crate) leaving: u64,
    /// Where the interpreter goes on when the code of a loop returns: a word of the function's code plus one, or 0 if
    /// the function itself has returned. With [`LANDING_THROWS`](crate::runtime::tier::layout::LANDING_THROWS), it goes
    /// on with an exception that is thrown there.
    pub(crate) landing: u64,
}

impl VmStore {
    /// The state of the store at `store`, which has no execution yet.
    pub(crate) fn new(store: *mut crate::runtime::store::StoreInner) -> Self {
        Self {
            slice: 0,
            stack_end: core::ptr::null_mut(),
            store,
            pending: Pending::default(),
            callee: 0,
            bridged: [0; 2],
            thrown: 0,
            leaving: 0,
            landing: 0,
        }
    }
}

/// What a handler passes to the cold path, or keeps for itself. A field is valid only where a handler has just written
/// it.
#[repr(C)]
pub(crate) struct Pending {
    /// The callee, where it may be in another instance or a host function.
    pub(crate) func: *mut FuncObj,
    /// A frame's header, while a tail call moves arguments over it.
    pub(crate) header: [u64; 2],
}

impl Default for Pending {
    fn default() -> Self {
        Self { func: core::ptr::null_mut(), header: [0; 2] }
    }
}

/// The context of an instance: what its code sees. Arrays of pointers follow it in memory, laid out by [`VmLayout`].
#[repr(C)]
pub(crate) struct VmCtx {
    pub(crate) store: *mut VmStore,
    /// The module's entry table: a word for each defined function, which points to the prologue of its code.
    pub(crate) entries: *const AtomicPtr<u64>,
    /// Memory 0, or an empty memory for an instance without one.
    pub(crate) mem0: *mut MemoryObj,
    /// The cold part of the instance.
    pub(crate) instance: *mut InstanceObj,
    /// The module's table of compiled code: a word for each defined function, null as long as it isn't compiled.
    pub(crate) natives: *const AtomicPtr<u8>,
    /// A word for each type of the module, which points to its stub (see [`crate::runtime::tier`]); behind them, the bridge.
    pub(crate) stubs: *const AtomicPtr<u8>,
    /// The end of the usable value stack, which compiled code compares frames with; 0 while an interruption is pending,
    /// so that one comparison finds both.
    pub(crate) limit: *const AtomicUsize,
    /// The poll page, a safepoint poll by load: inaccessible while an interruption is pending. Null if compiled code
    /// compares the limit instead, and until the store's first execution is made.
    pub(crate) poll: *const u8,
    /// Memory 0's base. Compiled code uses it if memories have guard regions: then it never moves.
    pub(crate) base0: *mut u8,
    /// The engine-wide numbers of the module's types, by type index.
    pub(crate) signatures: *const u32,
    /// The engine's functions that compiled code calls.
    pub(crate) builtins: *const crate::runtime::tier::Builtins,
}

const _: () = assert!(size_of::<VmCtx>() == CONTEXT_WORDS as usize * size_of::<usize>());

/// A function object: what references, imports and handles point to.
#[repr(C)]
pub(crate) struct FuncObj {
    /// The engine-wide number of its type; equal numbers mean equal types. Others may be of a subtype.
    pub(crate) sig: u32,
    /// The slot of the frame's header: the larger of the numbers of parameter and result slots.
    pub(crate) header: u32,
    /// The instance that it runs in; null for a host function.
    pub(crate) vm: *mut VmCtx,
    /// Its compiled code, for indirect calls from compiled code of the same instance. Null until such a call has gone
    /// through the stub and found code, and again once code has been thrown away.
    pub(crate) code: *const u8,
    /// Its word in the module's entry table; for a host function, a word that always leads to the cold path.
    pub(crate) entry: *const AtomicPtr<u64>,
    /// Index among the functions that its module defines, or among the store's host functions.
    pub(crate) index: u32,
    /// Index of this object among the store's functions: what a `Func` handle holds.
    pub(crate) handle: u32,
}

/// A linear memory. `base` changes when the memory grows without a reservation, so copies have to be reloaded.
#[repr(C)]
pub(crate) struct MemoryObj {
    pub(crate) base: *mut u8,
    /// Size in bytes, a multiple of the page size. Of a shared memory, it is a copy that may lag behind.
    pub(crate) len: u64,
    /// Of a shared memory, where its size in bytes is; else null.
    pub(crate) shared_len: *const crate::sys::AtomicU64,
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

/// A tag: what tells exceptions apart. Two are the same if they are the same object.
pub(crate) struct TagObj {
    /// The engine-wide number of its type, whose parameters are what exceptions carry.
    pub(crate) sig: u32,
    /// How many slots these take.
    pub(crate) slots: u32,
    /// Where it is defined: a context and the index there; or null, if the host has made it.
    pub(crate) vm: *mut VmCtx,
    pub(crate) index: u32,
    pub(crate) handle: u32,
    /// Keeps the number of its type, if the host has made it.
    pub(crate) _sigs: Option<crate::runtime::engine::Sigs>,
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
