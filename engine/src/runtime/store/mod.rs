//! The objects of a store (instances, functions, memories, tables, globals, tags and exceptions), and the operations on them that aren't
//! in the interpreter's handlers.
//!
//! This is the non-generic part of `Store<T>`. Objects are in arenas (`arena.rs`): they never move and are freed only
//! when the store is dropped, so raw pointers between them stay valid. One thread at a time uses a store.

mod arena;
mod asynchronous;
mod atomic;
mod bulk;
mod deadline;
pub(crate) mod exceptions;
mod fuel;
mod func;
pub(crate) mod handle;
mod hook;
#[cfg(feature = "snapshot")]
mod image;
mod instance;
mod instantiate;
mod limiter;
mod memory;
mod parked;
mod table;
#[cfg(feature = "record")]
mod tape;
mod template;

pub(crate) use asynchronous::{Answer, HostFuture, Pause};
pub(crate) use bulk::Extent;
pub(crate) use deadline::AtDeadline;
pub use deadline::UpdateDeadline;
#[cfg(feature = "snapshot")]
pub(crate) use func::DefinedFunc;
pub(crate) use func::{HostFunc, slots_of};
pub use hook::CallHook;
#[cfg(feature = "snapshot")]
pub(crate) use image::MemoryImage;
pub(crate) use instance::InstanceObj;
pub(crate) use instantiate::{Import, check_imports, describe, instantiate};
#[cfg(feature = "snapshot")]
pub(crate) use instantiate::{Memories, unfilled};
pub use limiter::ResourceLimiter;
pub(crate) use memory::MemoryInner;
pub(crate) use parked::{Parked, ResumableOutcome, ResumedBy, Ticket};
pub(crate) use table::TableInner;
pub(crate) use template::Template;

use crate::memory::{Budget, Buf, Charge, Kind, Map, Shared, try_box};
use crate::module::types::{GlobalType, ValType};
use crate::runtime::debug::Debugging;
use crate::runtime::engine::{Engine, Sigs};
use crate::runtime::exec::{self, Execution, Kept, Watch};
use crate::runtime::interrupt::InterruptState;
use crate::runtime::profile::Profiler;
#[cfg(feature = "record")]
use crate::runtime::record::Tape;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj, TagObj, VmStore};
use crate::sys::AtomicU64;
use crate::{Error, Val};
use alloc::boxed::Box;
use arena::Arena;
use asynchronous::Asynchronous;
use core::any::Any;
use core::num::NonZeroU64;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use exceptions::Exceptions;
use fuel::FuelState;
use hook::Hook;
use limiter::FindLimiter;

/// The identity of a store, by which the use of a handle with the wrong store is detected.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct StoreId(NonZeroU64);

impl StoreId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        StoreId(NonZeroU64::new(NEXT.fetch_add(1, Ordering::Relaxed)).expect("fewer than 2^64 stores"))
    }
}

/// A store without its embedder's data.
pub(crate) struct StoreInner {
    pub(crate) vm: VmStore,
    pub(crate) id: StoreId,
    pub(crate) engine: Engine,
    /// The budget of everything in the store.
    pub(crate) budget: Budget,
    pub(crate) exec: Option<Box<Execution>>,
    /// Whether the execution stays when the outermost call has ended.
    keeps_stack: Option<Kept>,
    /// Executions that are suspended, or that wait for a nested one to end.
    pub(crate) parked: Buf<Parked>,
    next_parked: u64,
    pub(crate) fuel: FuelState,
    /// The activation whose loops are being watched for OSR, if one is.
    pub(crate) watch: Option<Watch>,
    /// The profile that is being made, if one is.
    pub(crate) profiler: Option<Profiler>,
    /// What a debugger wants, if there is one.
    pub(crate) debugging: Option<Box<Debugging>>,
    pub(crate) interrupt: Shared<InterruptState>,
    at_deadline: AtDeadline,
    limiter: Option<Box<FindLimiter>>,
    hook: Option<Box<Hook>>,
    asynchronous: Asynchronous,
    /// The record that is being written, or replayed.
    #[cfg(feature = "record")]
    pub(crate) tape: Option<Box<Tape>>,
    /// How deeply calls from the host into the guest are nested.
    pub(crate) depth: u32,
    pub(crate) funcs: Arena<FuncObj>,
    pub(crate) memories: Arena<MemoryObj>,
    /// The memory 0 of instances without a memory.
    empty_memory: Option<NonNull<MemoryObj>>,
    pub(crate) tables: Arena<TableObj>,
    pub(crate) globals: Arena<GlobalObj>,
    pub(crate) tags: Arena<TagObj>,
    pub(crate) exceptions: Exceptions,
    pub(crate) instances: Arena<InstanceObj>,
    pub(crate) host_funcs: Buf<Shared<HostFunc>>,
    /// The function object of each host function, by the address of the latter.
    host_func_refs: Map<usize, NonNull<FuncObj>>,
    extern_refs: Buf<Box<dyn Any + Send + Sync>>,
    /// The function types that the host's tables and globals name.
    named_types: Buf<Sigs>,
    /// A buffer for arguments and results of dynamically typed host functions, kept to reuse its memory.
    pub(crate) vals: Buf<Val>,
    /// For the execution, the interrupt state, and the values of external references.
    charge: Charge,
}

/// The bytes of a store with an execution, apart from the embedder's data and the stack: at least what the store
/// charges for itself, plus the first allocations of its lists.
pub(crate) const EMPTY_BYTES: u64 =
    (size_of::<StoreInner>() + size_of::<Execution>()) as u64 + Shared::<InterruptState>::BYTES + 2048;

// SAFETY: the raw pointers lead to objects that this store owns, or to modules and states that it holds a
// count of and that are `Send + Sync` themselves. Host functions and external references are `Send + Sync` by their
// bounds. Nothing is tied to the thread that made it.
unsafe impl Send for StoreInner {}
// SAFETY: a shared store can only be read: whatever changes an object asks for the store exclusively.
unsafe impl Sync for StoreInner {}

impl StoreInner {
    /// A store whose own pointer (`vm.store`) still has to be set.
    pub(crate) fn new(engine: &Engine, budget: &Budget) -> Result<Self, Error> {
        let charge = budget.charge(Kind::Instance, Shared::<InterruptState>::BYTES)?;
        let interrupt = Shared::try_new(Kind::Instance, InterruptState::new())?;
        if engine.config().epoch_interruption {
            engine.epochs().add(&interrupt)?;
        }
        Ok(Self {
            vm: VmStore::new(core::ptr::null_mut()),
            id: StoreId::new(),
            engine: engine.clone(),
            budget: budget.clone(),
            exec: None,
            keeps_stack: None,
            parked: Buf::new(budget, Kind::Instance),
            next_parked: 0,
            fuel: FuelState::new(engine.consumes_fuel(), engine.tier()),
            watch: None,
            profiler: None,
            debugging: None,
            interrupt,
            at_deadline: AtDeadline::Trap,
            limiter: None,
            hook: None,
            asynchronous: Asynchronous::default(),
            #[cfg(feature = "record")]
            tape: None,
            depth: 0,
            funcs: Arena::new(budget, Kind::Instance),
            memories: Arena::new(budget, Kind::Instance),
            empty_memory: None,
            tables: Arena::new(budget, Kind::Instance),
            globals: Arena::new(budget, Kind::Global),
            tags: Arena::new(budget, Kind::Instance),
            exceptions: Exceptions::new(budget),
            instances: Arena::new(budget, Kind::Instance),
            host_funcs: Buf::new(budget, Kind::Instance),
            host_func_refs: Map::new(budget, Kind::Instance),
            extern_refs: Buf::new(budget, Kind::Host),
            named_types: Buf::new(budget, Kind::Host),
            vals: Buf::new(budget, Kind::Host),
            charge,
        })
    }

    /// # Panics
    /// If a handle belongs to another store.
    #[inline]
    pub(crate) fn check(&self, id: StoreId) {
        if id != self.id {
            wrong_store();
        }
    }

    /// Calls a function: arguments in, results out, `FuncObj::header` slots.
    ///
    /// # Safety
    /// `store` is a live store, reached through its own pointer (`vm.store`), and no reference to its parts is held;
    /// `func` is one of its functions.
    pub(crate) unsafe fn invoke(
        store: *mut StoreInner,
        func: *mut FuncObj,
        args_results: &mut [u64],
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        let inner = unsafe { &mut *store };
        if let AtDeadline::Call(_) = inner.at_deadline {
            // SAFETY: the caller's contract.
            return unsafe { Self::invoke_with_deadlines(store, func, args_results) };
        }
        inner.ensure_execution()?;
        // SAFETY: the caller's contract; `inner` is not used meanwhile.
        unsafe {
            let result = exec::invoke(store, func, args_results);
            (*store).leave_execution();
            result
        }
    }

    /// Makes a global that holds `value`.
    pub(crate) fn new_global(
        &mut self,
        ty: GlobalType,
        value: [u64; 2],
    ) -> Result<NonNull<GlobalObj>, Error> {
        let handle = self.globals.len();
        self.globals.push(GlobalObj { value, ty, handle })
    }

    /// Keeps the function type that `ty` names, if it does, as long as the store lives.
    pub(crate) fn keep_type(&mut self, ty: ValType) -> Result<(), Error> {
        if let Some(sigs) = self.engine.keep(ty)? {
            self.named_types.try_push(sigs)?;
        }
        Ok(())
    }

    /// Keeps a host value as long as the store lives. Returns its number, in the format of slots.
    pub(crate) fn new_extern_ref<T: Any + Send + Sync>(&mut self, value: T) -> Result<u32, Error> {
        if self.extern_refs.len() >= u32::MAX as usize - 1 {
            return Err(Error::msg("a store holds at most 2^32 external references"));
        }
        self.extern_refs.try_reserve(1)?;
        self.charge.grow(size_of::<T>() as u64)?;
        let value = try_box(Kind::Host, value).inspect_err(|_| self.charge.shrink(size_of::<T>() as u64))?;
        self.extern_refs.try_push(value)?;
        Ok(self.extern_refs.len() as u32 - 1)
    }

    pub(crate) fn extern_ref(&self, index: u32) -> &(dyn Any + Send + Sync) {
        &*self.extern_refs[index as usize]
    }
}

impl Drop for StoreInner {
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        self.check_charge();
        if self.engine.config().epoch_interruption {
            self.engine.epochs().remove(&self.interrupt);
        }
        if let Some(exec) = self.exec.take() {
            exec.end(self.engine.stacks());
        }
        if let Some(kept) = self.keeps_stack.take() {
            self.engine.stacks().let_go(kept);
        }
    }
}

#[cfg(debug_assertions)]
impl StoreInner {
    /// Where nothing was leaked, nothing is charged but for what is there.
    fn check_charge(&self) {
        let executions = || (self.parked.len() + usize::from(self.exec.is_some())) * size_of::<Execution>();
        let values = || self.extern_refs.iter().map(|value| size_of_val(&**value)).sum::<usize>();
        assert!(
            crate::sys::panicking()
                || self.charge.bytes() == Shared::<InterruptState>::BYTES + (executions() + values()) as u64,
            "{} bytes are charged for {} bytes of executions and {} of values",
            self.charge.bytes(),
            executions(),
            values()
        );
    }
}

#[cold]
#[inline(never)]
fn wrong_store() -> ! {
    panic!("a handle was used with another store than the one that it belongs to")
}
