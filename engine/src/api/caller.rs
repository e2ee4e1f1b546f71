#[cfg(feature = "std")]
use crate::InterruptWaiter;
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::VmCtx;
use crate::{
    AsContext, AsContextMut, Budget, Engine, Error, Extern, Instance, StoreContext, StoreContextMut,
};
use core::ptr::NonNull;

/// The store that a host function is called in, and the instance that called it.
///
/// It serves wherever a store does, so a host function can call back into the guest.
pub struct Caller<'a, T> {
    pub(super) store: StoreContextMut<'a, T>,
    instance: Option<Instance>,
}

impl<T> Caller<'_, T> {
    /// Calls `f` with a caller.
    ///
    /// # Safety
    /// `store` is the pointer by which a live `Store<T>` knows itself, and nobody else uses it meanwhile; `caller` is
    /// null or a context of one of its instances.
    pub(super) unsafe fn with<R>(
        store: *mut StoreInner,
        caller: *mut VmCtx,
        f: impl FnOnce(Caller<'_, T>) -> R,
    ) -> R {
        // SAFETY: the caller's contract, for as long as this call.
        f(unsafe { Caller::of(store, caller) })
    }
}

impl<'a, T> Caller<'a, T> {
    /// # Safety
    /// As for [`Caller::with`], for `'a`.
    pub(super) unsafe fn of(store: *mut StoreInner, caller: *mut VmCtx) -> Self {
        // SAFETY: the caller's contract: it points to the whole store.
        let store = unsafe { StoreContextMut::new(NonNull::new_unchecked(store.cast())) };
        let instance = if caller.is_null() {
            None
        } else {
            // SAFETY: the caller's contract.
            Some(Instance::from_raw(store.inner(), unsafe { (*(*caller).instance).handle }))
        };
        Caller { store, instance }
    }
}

impl<T> Caller<'_, T> {
    /// The embedder's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// What everything in the store is charged to: see [`Store::budget`](crate::Store::budget).
    pub fn budget(&self) -> &Budget {
        &self.store.inner().budget
    }

    /// The instance whose code called the host function; `None` if the embedder called it.
    pub fn instance(&self) -> Option<Instance> {
        self.instance
    }

    /// What the calling instance exports by this name; `None` also if the embedder called the host function.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        self.instance?.get_export(&self.store, name)
    }

    /// The fuel that is left: see [`Store::get_fuel`](crate::Store::get_fuel).
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.store.get_fuel()
    }

    /// Sets the fuel: see [`Store::set_fuel`](crate::Store::set_fuel).
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.store.set_fuel(fuel)
    }

    /// Something that becomes readable when the store is interrupted, for a host function that blocks in a poll.
    ///
    /// # Errors
    ///
    /// If the system has no pipe left.
    #[cfg(feature = "std")]
    pub fn interrupt_waiter(&self) -> std::io::Result<InterruptWaiter> {
        InterruptWaiter::new(self.store.inner().interrupt.clone())
    }

    /// Whether an interruption was asked for and hasn't stopped anything yet. The host function should then return
    /// [`Trap::Interrupt`](crate::Trap::Interrupt) as its error.
    pub fn is_interrupted(&self) -> bool {
        self.store.inner().interrupt.is_set()
    }

    /// The store, for functions that are generic over less than a caller.
    pub fn as_store(&mut self) -> StoreContextMut<'_, T> {
        self.as_context_mut()
    }
}

impl<T: core::fmt::Debug> core::fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Caller").field("data", self.as_context().data()).finish_non_exhaustive()
    }
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}
