use super::context::StoreData;
use crate::memory::{Kind, try_box};
use crate::runtime::store::StoreInner;
use crate::{AsContext, AsContextMut, Budget, Engine, Error, InterruptHandle, StoreContext, StoreContextMut};
use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ptr::NonNull;

/// The world of some instances: their functions, memories, tables and globals, and the embedder's data.
///
/// Instances in it live until it is dropped, even when all handles are gone; so make a store for each guest rather
/// than one for all. Handles such as [`Func`](crate::Func) and [`Memory`](crate::Memory) only say which object of
/// which store is meant.
///
/// A store is used by one thread at a time, and may go from thread to thread if its data may.
///
/// ```
/// use dunlin::{Engine, Store};
/// let mut store = Store::new(&Engine::default(), 41);
/// *store.data_mut() += 1;
/// assert_eq!(store.into_data(), 42);
/// ```
pub struct Store<T> {
    ptr: NonNull<StoreData<T>>,
    owned: PhantomData<StoreData<T>>,
}

// SAFETY: it owns what it points to, like a box; and `StoreInner` is `Send`.
unsafe impl<T: Send> Send for Store<T> {}
// SAFETY: as for `Send`; and `StoreInner` is `Sync`.
unsafe impl<T: Sync> Sync for Store<T> {}

impl<T> Store<T> {
    /// A store of this engine, with the embedder's data.
    ///
    /// # Panics
    ///
    /// If the engine's budget or the system has no room for an empty store: see [`Store::try_new`].
    pub fn new(engine: &Engine, data: T) -> Self {
        match Self::try_new(engine, data) {
            Ok(store) => store,
            Err(error) => panic!("a store can't be had: {error}"),
        }
    }

    /// A store of this engine, with the embedder's data.
    ///
    /// # Errors
    ///
    /// If the engine's budget or the system has no room for an empty store.
    pub fn try_new(engine: &Engine, data: T) -> Result<Self, Error> {
        Self::with_budget(engine, engine.budget(), data)
    }

    /// A store whose instances, memories, tables and stack are charged to this budget rather than to the engine's,
    /// which pays for modules: for a tenant, a [sub-budget](Budget::sub_budget) of the engine's.
    ///
    /// # Errors
    ///
    /// If the budget or the system has no room for an empty store.
    pub fn with_budget(engine: &Engine, budget: &Budget, data: T) -> Result<Self, Error> {
        let charge = budget.charge(Kind::Instance, size_of::<StoreData<T>>() as u64)?;
        let inner = StoreInner::new(engine, budget)?;
        let boxed = try_box(Kind::Instance, StoreData { inner, data, _charge: charge })?;
        let ptr = NonNull::from(Box::leak(boxed));
        // SAFETY: it is new and ours alone. From now on every access goes through this pointer.
        unsafe { (*ptr.as_ptr()).inner.vm.store = ptr.as_ptr().cast() };
        Ok(Self { ptr, owned: PhantomData })
    }

    pub(super) fn ptr(&self) -> NonNull<StoreData<T>> {
        self.ptr
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.as_context().data()
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.as_context_mut().into_parts().1
    }

    /// Drops the store and gives the embedder's data back.
    pub fn into_data(self) -> T {
        let store = core::mem::ManuallyDrop::new(self);
        // SAFETY: `try_new` made it from a box, and `drop` doesn't get it.
        let boxed = unsafe { Box::from_raw(store.ptr.as_ptr()) };
        boxed.data
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.as_context().engine()
    }

    /// What everything in this store is charged to. A host function that holds memory on a guest's behalf charges it
    /// here, too: see [`Budget::charge`].
    pub fn budget(&self) -> &Budget {
        &self.as_context().inner().budget
    }

    /// Sets how much the guest may still execute before it traps with
    /// [`OutOfFuel`](crate::Trap::OutOfFuel). A new store has none.
    ///
    /// A unit is about one WebAssembly instruction. Each function call, each turn of a loop, and each larger part of an
    /// `if` or a switch takes what it costs before it begins; for smaller parts, what is expected of them is taken with
    /// the code around them. Operations on many bytes or elements take more. The same execution takes the same amount on
    /// every machine, interpreted or compiled. A host function can set and read the fuel, too.
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel: see [`Config::consume_fuel`](crate::Config::consume_fuel).
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.as_context_mut().set_fuel(fuel)
    }

    /// What was dispatched so far, if the engine's [`Dispatch`](crate::Dispatch) counts that.
    pub fn dispatch_counts(&self) -> Option<crate::DispatchCounts> {
        let inner = self.as_context().inner();
        let counts = &inner.exec.as_ref()?.counts;
        (inner.engine.dispatch() == crate::Dispatch::Count).then(|| counts.sorted())
    }

    /// Begins a profile: how much is executed in which stacks of functions. A profile that was begun before is lost.
    ///
    /// Whenever at most `every` units (see [`Store::set_fuel`]) have been executed, the functions that execute are
    /// noted; 10,000 costs little time and tells enough of anything that takes a second. The same execution gives the
    /// same profile. It neither needs fuel to be counted nor changes how much is used. Host functions don't appear,
    /// but the guest's functions on either side of them do. What a profile takes of the budget is bounded.
    pub fn profile(&mut self, every: u64) {
        self.as_context_mut().inner_mut().begin_profile(every);
    }

    /// Ends the profile that [`Store::profile`] began, and gives it; `None` if there is none.
    pub fn take_profile(&mut self) -> Option<crate::Profile> {
        self.as_context_mut().inner_mut().take_profile()
    }

    /// The fuel that is left.
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel: see [`Config::consume_fuel`](crate::Config::consume_fuel).
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.as_context().get_fuel()
    }

    /// Something with which another thread can stop what this store executes.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle::new(self.as_context().inner().interrupt.clone())
    }
}

impl<T: Default> Default for Store<T> {
    /// A store of an engine of its own with the default configuration, with the default data.
    fn default() -> Self {
        Self::new(&Engine::default(), T::default())
    }
}

impl<T> Drop for Store<T> {
    fn drop(&mut self) {
        // SAFETY: `try_new` made it from a box.
        drop(unsafe { Box::from_raw(self.ptr.as_ptr()) });
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store").field("data", self.data()).finish_non_exhaustive()
    }
}

impl<T> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        // SAFETY: the store is borrowed, and knows itself by this pointer.
        unsafe { StoreContext::new(self.ptr()) }
    }
}

impl<T> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        // SAFETY: the store is borrowed exclusively, and knows itself by this pointer.
        unsafe { StoreContextMut::new(self.ptr()) }
    }
}
