//! Asynchronous host functions.

use crate::api::func::{initial, load_vals, store_vals};
use crate::api::host::sealed::Ret;
use crate::api::wasm_ty::sealed::{Slots, Values};
use crate::memory::{Buf, Charge, Kind, Shared, try_box};
use crate::runtime::store::{Answer, HostFunc, HostFuture, StoreInner, slots_of};
use crate::runtime::vmctx::VmCtx;
use crate::{AsContextMut, Caller, Engine, Error, Func, FuncType, Linker, Val, WasmParams, WasmRet};
use alloc::boxed::Box;

/// The store and the calling context of a host function's call.
#[derive(Clone, Copy)]
struct Called {
    store: *mut StoreInner,
    vm: *mut VmCtx,
}

// SAFETY: the call's future is polled only as a part of that of an asynchronous call, which has borrowed the store
// exclusively, and is `Send` only if the store is.
unsafe impl Send for Called {}

impl Called {
    /// # Safety
    /// The store has data of type `T`, and nobody else uses it for `'a`.
    unsafe fn caller<'a, T>(self) -> Caller<'a, T> {
        // SAFETY: the caller's contract; it is the pointer by which the store knows itself.
        unsafe { Caller::of(self.store, self.vm) }
    }

    fn inner(&self) -> &StoreInner {
        // SAFETY: as for `Send`: the future that has this is polled while nobody else uses the store.
        unsafe { &*self.store }
    }
}

/// The boxed future that an asynchronous host function returns.
type Later<'a, R> = Box<dyn Future<Output = R> + Send + 'a>;

/// The future of a call, on the heap, with what it is charged for.
fn boxed(called: Called, future: impl Future<Output = Answer> + Send + 'static) -> Result<HostFuture, Error> {
    let charge = called.inner().budget.charge(Kind::Host, size_of_val(&future) as u64)?;
    let paid = async move {
        let _held: Charge = charge;
        future.await
    };
    Ok(Box::into_pin(try_box(Kind::Host, paid)? as Box<dyn Future<Output = Answer> + Send>))
}

fn wrapped<T: 'static, P: WasmParams + 'static, R: WasmRet + 'static>(
    engine: &Engine,
    func: impl for<'a> Fn(Caller<'a, T>, P) -> Later<'a, R> + Send + Sync + 'static,
) -> Result<Shared<HostFunc>, Error> {
    let results = <R as Ret>::Values::TYPES;
    let ty = FuncType::new(P::TYPES.iter().copied(), results.iter().copied());
    let func = Shared::try_new(Kind::Host, func)?;
    // SAFETY: `HostFunc` promises a store of `T`, and slots of this type.
    unsafe {
        HostFunc::new(engine, ty, move |store, vm, slots| {
            StoreInner::call_asynchronous(store, slots, |slots| {
                let called = Called { store, vm };
                let params = P::load(&Slots(called.inner()), slots);
                let func = func.clone();
                boxed(called, async move {
                    let future = func(called.caller(), params);
                    let values = Box::into_pin(future).await.into_result()?;
                    let mut results = Buf::new(&called.inner().budget, Kind::Host);
                    results.try_resize(<R as Ret>::Values::SLOTS, 0)?;
                    values.store(&Slots(called.inner()), &mut results);
                    Ok(results)
                })
            })
        })
    }
}

fn dynamic<T: 'static, F>(engine: &Engine, ty: FuncType, func: F) -> Result<Shared<HostFunc>, Error>
where
    F: for<'a> Fn(Caller<'a, T>, &'a [Val], &'a mut [Val]) -> Later<'a, Result<(), Error>>
        + Send
        + Sync
        + 'static,
{
    let sigs = engine.register(&ty)?;
    let types = engine.known_type(sigs[0]);
    let func = Shared::try_new(Kind::Host, func)?;
    // SAFETY: `HostFunc` promises a store of `T`, and slots of this type.
    unsafe {
        HostFunc::new(engine, types.clone(), move |store, vm, slots| {
            StoreInner::call_asynchronous(store, slots, |slots| {
                let called = Called { store, vm };
                let (types, func) = (types.clone(), func.clone());
                let (params, results) = (types.params(), types.results());
                let mut vals = Buf::new(&called.inner().budget, Kind::Host);
                vals.try_resize(params.len() + results.len(), Val::I32(0))?;
                load_vals(called.inner(), params, slots, |i, val| vals[i] = val);
                for (val, ty) in vals[types.params().len()..].iter_mut().zip(types.results()) {
                    *val = initial(ty);
                }
                boxed(called, async move {
                    let (args, rets) = vals.split_at_mut(types.params().len());
                    let future = func(called.caller(), args, rets);
                    Box::into_pin(future).await?;
                    let mut slots = Buf::new(&called.inner().budget, Kind::Host);
                    slots.try_resize(slots_of(types.results()) as usize, 0)?;
                    let rets = &vals[types.params().len()..];
                    store_vals(called.inner(), "result", types.results(), rets, &mut slots)?;
                    Ok(slots)
                })
            })
        })
    }
}

impl<T: 'static> Linker<T> {
    /// Defines an asynchronous host function, whose type the closure says: the second parameter is a tuple of the
    /// arguments. Where the future isn't ready, the guest's call is suspended; it must be an [asynchronous
    /// one](crate::TypedFunc::call_async). The future may use the caller, and so the store, until it is ready.
    ///
    /// A call that isn't asynchronous fails where it gets to the function.
    ///
    /// # Errors
    ///
    /// If the names are taken (see [`Linker::allow_shadowing`]), or the budget has no room.
    pub fn func_wrap_async<F, Params: WasmParams + 'static, Args: WasmRet + 'static>(
        &mut self,
        module: &str,
        name: &str,
        func: F,
    ) -> Result<&mut Self, Error>
    where
        F: for<'a> Fn(Caller<'a, T>, Params) -> Later<'a, Args> + Send + Sync + 'static,
    {
        let host = wrapped(self.engine(), func)?;
        self.insert_host(module, name, host)
    }

    /// Defines an asynchronous host function whose type is known only at run time: see [`Linker::func_wrap_async`] and
    /// [`Linker::func_new`].
    ///
    /// # Errors
    ///
    /// If the names are taken (see [`Linker::allow_shadowing`]), or the budget has no room.
    pub fn func_new_async<F>(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: F,
    ) -> Result<&mut Self, Error>
    where
        F: for<'a> Fn(Caller<'a, T>, &'a [Val], &'a mut [Val]) -> Later<'a, Result<(), Error>>
            + Send
            + Sync
            + 'static,
    {
        let host = dynamic(self.engine(), ty, func)?;
        self.insert_host(module, name, host)
    }
}

impl Func {
    /// Makes an asynchronous host function: see [`Linker::func_wrap_async`].
    ///
    /// # Panics
    ///
    /// If the budget or the system has no room.
    pub fn wrap_async<T: 'static, F, P: WasmParams + 'static, R: WasmRet + 'static>(
        mut store: impl AsContextMut<Data = T>,
        func: F,
    ) -> Self
    where
        F: for<'a> Fn(Caller<'a, T>, P) -> Later<'a, R> + Send + Sync + 'static,
    {
        let mut store = store.as_context_mut();
        let made = wrapped(store.engine(), func);
        super::super::func::made(made.and_then(|host| Self::from_host(store.inner_mut(), &host)))
    }

    /// Makes an asynchronous host function whose type is known only at run time: see [`Linker::func_new_async`].
    ///
    /// # Panics
    ///
    /// If the budget or the system has no room.
    pub fn new_async<T: 'static, F>(mut store: impl AsContextMut<Data = T>, ty: FuncType, func: F) -> Self
    where
        F: for<'a> Fn(Caller<'a, T>, &'a [Val], &'a mut [Val]) -> Later<'a, Result<(), Error>>
            + Send
            + Sync
            + 'static,
    {
        let mut store = store.as_context_mut();
        let made = dynamic(store.engine(), ty, func);
        super::super::func::made(made.and_then(|host| Self::from_host(store.inner_mut(), &host)))
    }
}
