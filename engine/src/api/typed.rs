use super::wasm_ty::sealed::{Slots, Values};
use crate::runtime::store::StoreInner;
use crate::{AsContextMut, Error, Func};
use core::marker::PhantomData;

/// What a [`TypedFunc`] takes: one value, or a tuple of 0 to 16.
pub trait WasmParams: Values {}

/// What a [`TypedFunc`] returns: one value, or a tuple of 0 to 16.
pub trait WasmResults: Values {}

impl<V: Values> WasmParams for V {}
impl<V: Values> WasmResults for V {}

/// A function whose type is known to Rust, so that calls need no checks and no allocation.
///
/// [`Func::typed`] and [`Instance::get_typed_func`](crate::Instance::get_typed_func) make it.
pub struct TypedFunc<Params, Results> {
    func: Func,
    ty: PhantomData<fn(Params) -> Results>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> core::fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("TypedFunc").field(&self.func).finish()
    }
}

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// The function has this type, as the caller has checked.
    pub(super) fn new_unchecked(func: Func) -> Self {
        Self { func, ty: PhantomData }
    }

    const HEADER: usize = if P::SLOTS > R::SLOTS { P::SLOTS } else { R::SLOTS };

    /// The function without its type.
    pub fn func(&self) -> &Func {
        &self.func
    }

    /// Calls the function.
    ///
    /// # Errors
    ///
    /// If it traps, or a host function that it calls fails.
    ///
    /// # Panics
    ///
    /// If the function or a reference in the parameters belongs to another store. A panic in a host function that the
    /// guest calls goes on here; the store can still be used.
    pub fn call(&self, mut store: impl AsContextMut, params: P) -> Result<R, Error> {
        let mut store = store.as_context_mut();
        // SAFETY: the pointer stands for the exclusive borrow `store`, which isn't used otherwise meanwhile.
        unsafe {
            if Self::HEADER <= 4 {
                self.call_with::<4>(store.inner_ptr(), params)
            } else {
                self.call_with::<32>(store.inner_ptr(), params)
            }
        }
    }

    /// # Safety
    /// The store is live, and nobody else uses it meanwhile. `N` slots suffice.
    #[inline]
    unsafe fn call_with<const N: usize>(&self, store: *mut StoreInner, params: P) -> Result<R, Error> {
        let mut slots = [0; N];
        // SAFETY: the caller's contract. The type was checked when `self` was made, so that is the function's header, and
        // the results have these types.
        unsafe {
            let func = self.func.ptr(&*store);
            params.store(&Slots(&*store), &mut slots);
            StoreInner::invoke(store, func.as_ptr(), &mut slots[..Self::HEADER])?;
            Ok(R::load(&Slots(&*store), &slots))
        }
    }
}
