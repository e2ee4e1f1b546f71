//! Borrowed stores: what functions of the API take.

use crate::memory::Charge;
use crate::runtime::store::StoreInner;
use crate::{Budget, Engine, Error};
use core::marker::PhantomData;
use core::ptr::NonNull;

/// What a store points to. A pointer to it is one to its first part, too.
#[repr(C)]
pub(super) struct StoreData<T> {
    pub(crate) inner: StoreInner,
    pub(crate) data: T,
    /// For the memory of this.
    pub(super) _charge: Charge,
}

/// A shared borrow of a [`Store`](crate::Store).
pub struct StoreContext<'a, T> {
    store: NonNull<StoreData<T>>,
    borrow: PhantomData<&'a StoreData<T>>,
}

/// An exclusive borrow of a [`Store`](crate::Store).
pub struct StoreContextMut<'a, T> {
    store: NonNull<StoreData<T>>,
    borrow: PhantomData<&'a mut StoreData<T>>,
}

// SAFETY: it is a `&StoreData<T>` by another name.
unsafe impl<T: Sync> Send for StoreContext<'_, T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Sync> Sync for StoreContext<'_, T> {}
// SAFETY: it is a `&mut StoreData<T>` by another name.
unsafe impl<T: Send> Send for StoreContextMut<'_, T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Sync> Sync for StoreContextMut<'_, T> {}

impl<T> Clone for StoreContext<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StoreContext<'_, T> {}

impl<'a, T> StoreContext<'a, T> {
    /// # Safety
    /// The store lives and isn't borrowed exclusively for `'a`.
    pub(super) unsafe fn new(store: NonNull<StoreData<T>>) -> Self {
        Self { store, borrow: PhantomData }
    }

    pub(crate) fn inner(&self) -> &'a StoreInner {
        // SAFETY: what this stands for is a shared borrow.
        unsafe { &(*self.store.as_ptr()).inner }
    }

    /// The embedder's data.
    pub fn data(&self) -> &'a T {
        // SAFETY: as in `inner`.
        unsafe { &(*self.store.as_ptr()).data }
    }

    /// The store's engine.
    pub fn engine(&self) -> &'a Engine {
        &self.inner().engine
    }

    /// What everything in the store is charged to: see [`Store::budget`](crate::Store::budget).
    pub fn budget(&self) -> &'a Budget {
        &self.inner().budget
    }

    /// The fuel that is left: see [`Store::get_fuel`](crate::Store::get_fuel).
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.inner().get_fuel()
    }
}

impl<'a, T> StoreContextMut<'a, T> {
    /// # Safety
    /// The store lives, and nobody else uses it for `'a`. The pointer is the one that the store knows itself by.
    pub(super) unsafe fn new(store: NonNull<StoreData<T>>) -> Self {
        Self { store, borrow: PhantomData }
    }

    pub(crate) fn inner(&self) -> &StoreInner {
        // SAFETY: what this stands for is an exclusive borrow, of which a part is borrowed again.
        unsafe { &(*self.store.as_ptr()).inner }
    }

    pub(crate) fn inner_mut(&mut self) -> &mut StoreInner {
        // SAFETY: as in `inner`.
        unsafe { &mut (*self.store.as_ptr()).inner }
    }

    /// The store as execution takes it: nothing of it may be borrowed meanwhile.
    pub(crate) fn inner_ptr(&mut self) -> *mut StoreInner {
        self.store.as_ptr().cast()
    }

    /// The embedder's data.
    pub fn data(&self) -> &T {
        // SAFETY: as in `inner`.
        unsafe { &(*self.store.as_ptr()).data }
    }

    /// The embedder's data.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: as in `inner`.
        unsafe { &mut (*self.store.as_ptr()).data }
    }

    /// Both parts of the store, borrowed for as long as the store is.
    pub(crate) fn into_parts(self) -> (&'a mut StoreInner, &'a mut T) {
        // SAFETY: this is an exclusive borrow for `'a`, and it ends here.
        let StoreData { inner, data, .. } = unsafe { &mut *self.store.as_ptr() };
        (inner, data)
    }

    /// The store's engine.
    pub fn engine(&self) -> &Engine {
        &self.inner().engine
    }

    /// What everything in the store is charged to: see [`Store::budget`](crate::Store::budget).
    pub fn budget(&self) -> &Budget {
        &self.inner().budget
    }

    /// Sets the fuel: see [`Store::set_fuel`](crate::Store::set_fuel).
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.inner_mut().set_fuel(fuel)
    }

    /// The fuel that is left: see [`Store::get_fuel`](crate::Store::get_fuel).
    ///
    /// # Errors
    ///
    /// If the engine doesn't count fuel.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.inner().get_fuel()
    }
}

/// Whatever gives shared access to a store: a [`Store`](crate::Store), a [`Caller`](crate::Caller), their contexts, and references to them.
pub trait AsContext {
    /// The embedder's data in the store.
    type Data;

    /// Borrows the store.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// Whatever gives exclusive access to a store: a [`Store`](crate::Store), a [`Caller`](crate::Caller), their contexts, and references to them.
pub trait AsContextMut: AsContext {
    /// Borrows the store exclusively.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T> AsContext for StoreContext<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        *self
    }
}

impl<T> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        // SAFETY: it is borrowed from `self`.
        unsafe { StoreContext::new(self.store) }
    }
}

impl<T> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        // SAFETY: it is borrowed exclusively from `self`.
        unsafe { StoreContextMut::new(self.store) }
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

impl<'a, C: AsContext> From<&'a C> for StoreContext<'a, C::Data> {
    fn from(context: &'a C) -> Self {
        context.as_context()
    }
}

impl<'a, C: AsContext> From<&'a mut C> for StoreContext<'a, C::Data> {
    fn from(context: &'a mut C) -> Self {
        C::as_context(context)
    }
}

impl<'a, C: AsContextMut> From<&'a mut C> for StoreContextMut<'a, C::Data> {
    fn from(context: &'a mut C) -> Self {
        context.as_context_mut()
    }
}
