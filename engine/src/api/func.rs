use crate::api::host::sealed::Host;
use crate::memory::{Buf, Kind, Shared};
use crate::runtime::store::{HostFunc, StoreInner, slots_of};
use crate::words::Count;
use crate::{
    AsContext, AsContextMut, Caller, Engine, Error, Func, FuncType, IntoFunc, TypedFunc, Val, ValType,
    ValTypes, WasmParams, WasmResults,
};

impl Func {
    /// Makes a function of a closure whose type is known only at run time.
    ///
    /// The closure gets its arguments, which have the types of the parameters, and sets its results, which are zero or
    /// null at first.
    ///
    /// ```
    /// use dunlin::{Engine, Func, FuncType, Store, Val, ValType};
    /// let mut store = Store::new(&Engine::default(), 0u32);
    /// let ty = FuncType::new([ValType::I64], [ValType::I64]);
    /// let double = Func::new(&mut store, ty, |mut caller, args, results| {
    ///     *caller.data_mut() += 1;
    ///     results[0] = Val::I64(2 * args[0].unwrap_i64());
    ///     Ok(())
    /// });
    /// let mut results = [Val::I64(0)];
    /// double.call(&mut store, &[Val::I64(21)], &mut results)?;
    /// assert_eq!((results[0].unwrap_i64(), *store.data()), (42, 1));
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// A result of another type than `ty` says is an error when the function is called.
    ///
    /// # Panics
    ///
    /// If the budget or the system has no room: see [`Func::try_new`].
    pub fn new<T: 'static>(
        store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        made(Self::try_new(store, ty, func))
    }

    /// Makes a function of a closure whose type is known only at run time: see [`Func::new`].
    ///
    /// # Errors
    ///
    /// If the budget or the system has no room.
    pub fn try_new<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        let host = dynamic_host_func(store.engine(), ty, func)?;
        Self::from_host(store.inner_mut(), &host)
    }

    /// Makes a function of a closure, whose type says the function's: see [`IntoFunc`].
    ///
    /// # Panics
    ///
    /// If the budget or the system has no room: see [`Func::try_wrap`].
    pub fn wrap<T: 'static, Params, Results>(
        store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Self {
        made(Self::try_wrap(store, func))
    }

    /// Makes a function of a closure, whose type says the function's: see [`IntoFunc`].
    ///
    /// # Errors
    ///
    /// If the budget or the system has no room.
    pub fn try_wrap<T: 'static, Params, Results>(
        mut store: impl AsContextMut<Data = T>,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        let Host(host) = func.into_host(store.engine())?;
        Self::from_host(store.inner_mut(), &host)
    }

    /// The function's type.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        self.ty_in(store.as_context().inner())
    }

    /// Calls the function; `results` must be as long as its results are many, whatever is in it.
    ///
    /// # Errors
    ///
    /// If the number of arguments or results, or the type of an argument, isn't the function's, if the function
    /// traps, or if a host function that it calls fails.
    ///
    /// # Panics
    ///
    /// If a reference in the arguments belongs to another store. A panic in a host function that the guest calls goes
    /// on here; the store can still be used.
    pub fn call(
        &self,
        mut store: impl AsContextMut,
        params: &[Val],
        results: &mut [Val],
    ) -> Result<(), Error> {
        let mut store = store.as_context_mut();
        let ty = self.ty_in(store.inner());
        check_count("arguments", ty.params(), params.len())?;
        check_count("results", ty.results(), results.len())?;
        let header = slots_of(ty.params()).max(slots_of(ty.results())) as usize;
        let (mut few, mut many);
        let slots = if header <= 32 {
            few = [0; 32];
            &mut few[..header]
        } else {
            many = Buf::with_capacity(&store.inner().budget, Kind::Host, header)?;
            many.try_resize(header, 0)?;
            &mut many[..]
        };
        store_vals(store.inner(), "argument", ty.params(), params, slots)?;
        let func = self.ptr(store.inner());
        let inner = store.inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow `store`, which isn't used otherwise meanwhile; the slots are
        // the function's header; and afterwards they hold its results.
        unsafe {
            StoreInner::invoke(inner, func.as_ptr(), slots)?;
            load_vals(store.inner(), ty.results(), slots, |i, val| results[i] = val);
        }
        Ok(())
    }

    /// The function with its type, if it takes all values of the parameters' types and gives values of the results' types.
    ///
    /// # Errors
    ///
    /// If it doesn't.
    pub fn typed<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
    ) -> Result<TypedFunc<P, R>, Error> {
        let store = store.as_context();
        let (engine, ty) = (&store.inner().engine, self.ty_in(store.inner()));
        let params =
            P::TYPES.iter().zip(ty.params()).all(|(given, param)| engine.value_matches(*given, param));
        let results =
            ty.results().zip(R::TYPES).all(|(result, wanted)| engine.value_matches(result, *wanted));
        let counts = (ty.params().len(), ty.results().len()) == (P::TYPES.len(), R::TYPES.len());
        if !(params && results && counts) {
            let expected = FuncType::new(P::TYPES.iter().copied(), R::TYPES.iter().copied());
            return Err(Error::msg(format_args!("expected a function of type {expected}, not {ty}")));
        }
        Ok(TypedFunc::new_unchecked(*self))
    }
}

pub(super) fn made(func: Result<Func, Error>) -> Func {
    func.unwrap_or_else(|error| panic!("a host function can't be had: {error}"))
}

pub(super) fn check_count(what: &'static str, expected: ValTypes<'_>, found: usize) -> Result<(), Error> {
    if expected.len() == found {
        Ok(())
    } else {
        Err(Error::msg(format_args!("expected {}, not {found}", Count(expected.len() as u64, what))))
    }
}

/// Writes values to slots, after a look at their types.
pub(super) fn store_vals(
    store: &StoreInner,
    what: &str,
    types: ValTypes<'_>,
    vals: &[Val],
    mut slots: &mut [u64],
) -> Result<(), Error> {
    for (i, (ty, val)) in types.zip(vals).enumerate() {
        val.expect_ty(store, ty).map_err(|error| error.context(format_args!("{what} {i}")))?;
        let (these, rest) = slots.split_at_mut(ty.slots() as usize);
        these.copy_from_slice(&val.to_raw(store)[..these.len()]);
        slots = rest;
    }
    Ok(())
}

/// Reads values from slots.
///
/// # Safety
/// They hold values of these types, of this store.
pub(super) unsafe fn load_vals(
    store: &StoreInner,
    types: ValTypes<'_>,
    mut slots: &[u64],
    mut sink: impl FnMut(usize, Val),
) {
    for (i, ty) in types.enumerate() {
        let (these, rest) = slots.split_at(ty.slots() as usize);
        // SAFETY: the caller's contract.
        sink(i, unsafe { Val::from_raw(store, ty, these) });
        slots = rest;
    }
}

/// What a result is before the host sets it: null, even if it must not stay that.
pub(super) fn initial(ty: ValType) -> Val {
    match ty {
        ValType::Ref(ty) => Val::null(ty.heap_type()),
        _ => Val::default_for_ty(ty).expect("numbers and vectors have a zero"),
    }
}

/// A host function of a closure that takes and gives [`Val`]s.
pub(super) fn dynamic_host_func<T: 'static>(
    engine: &Engine,
    ty: FuncType,
    func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
) -> Result<Shared<HostFunc>, Error> {
    // The engine's copy, if it has one: that is charged, and the embedder's isn't.
    let sigs = engine.register(&ty)?;
    let types = engine.known_type(sigs[0]);
    // SAFETY: `HostFunc` promises a store of `T`, and slots of this type.
    unsafe {
        HostFunc::new(engine, types.clone(), move |store, vm, slots| {
            let (params, results) = (types.params(), types.results());
            // The store keeps the memory; calls within this call find none and get their own.
            let none = Buf::new(&(*store).budget, Kind::Host);
            let mut vals = core::mem::replace(&mut (*store).vals, none);
            vals.clear();
            vals.try_resize(params.len() + results.len(), Val::I32(0))?;
            load_vals(&*store, params, slots, |i, val| vals[i] = val);
            let defaults = results.map(initial);
            vals[params.len()..].iter_mut().zip(defaults).for_each(|(val, default)| *val = default);
            let (args, rets) = vals.split_at_mut(params.len());
            let result = Caller::with(store, vm, |caller| func(caller, args, rets))
                .and_then(|()| store_vals(&*store, "result", results, rets, slots));
            (*store).vals = vals;
            result
        })
    }
}
