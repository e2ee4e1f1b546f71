//! Host functions that C wrote.

use crate::boundary::{c_types, exports};
use crate::call::Vals;
use crate::failure::{Failure, Result};
use crate::handles::{wasm_extern_t, wasm_instance_t};
use crate::host_info::UserData;
use crate::object::{Object, Trapped};
use crate::own::try_vec;
use crate::pointers::{Handle, Text, dunlin_slot_t};
use crate::store::{StoreData, StoreRef, wasm_store_t};
use crate::val::wasm_val_t;
use crate::vec::CVec;
use dunlin::{Caller, Error, FuncType, Instance, Val};
use std::ffi::c_void;

type ValVec = CVec<wasm_val_t>;

pub(crate) type Plain = unsafe extern "C" fn(*const ValVec, *mut ValVec) -> Trapped;
pub(crate) type WithEnv = unsafe extern "C" fn(*mut c_void, *const ValVec, *mut ValVec) -> Trapped;
pub(crate) type WithCaller = unsafe extern "C" fn(
    *mut c_void,
    *mut dunlin_caller_t,
    *const wasm_val_t,
    usize,
    *mut wasm_val_t,
    usize,
) -> Trapped;
pub(crate) type Numeric =
    unsafe extern "C" fn(*mut c_void, *mut dunlin_caller_t, *mut dunlin_slot_t) -> Trapped;

/// A function of C's that takes values.
#[derive(Clone, Copy)]
pub(crate) enum Callback {
    Plain(Plain),
    WithEnv(WithEnv),
    WithCaller(WithCaller),
}

/// The store that a host function is called in, and the instance that called it.
pub struct dunlin_caller_t {
    store: wasm_store_t,
    instance: Option<Instance>,
}

impl dunlin_caller_t {
    fn new(caller: &Caller<'_, StoreData>) -> Self {
        Self { store: wasm_store_t(caller.data().store()), instance: caller.instance() }
    }
}

/// What the engine calls for such a function.
pub(crate) fn host_func(
    ty: FuncType,
    callback: Callback,
    env: UserData,
) -> impl Fn(Caller<'_, StoreData>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static {
    move |caller, args, results| {
        let mut caller = dunlin_caller_t::new(&caller);
        call(&mut caller, &ty, callback, &env, args, results).map_err(Failure::into_error)
    }
}

fn call(
    caller: &mut dunlin_caller_t,
    ty: &FuncType,
    callback: Callback,
    env: &UserData,
    args: &[Val],
    results: &mut [Val],
) -> Result<()> {
    let store = caller.store.0.clone();
    let (mut c_args, mut c_results) = (values(&store, args)?, values(&store, results)?);
    let (args, places) = (CVec::lent(&mut c_args), &mut CVec::lent(&mut c_results));
    // SAFETY: C gave the function for this use, as its prototype and the header say. What it is passed lives until it returns.
    let trapped = unsafe {
        match callback {
            Callback::Plain(call) => call(&args, places),
            Callback::WithEnv(call) => call(env.get(), &args, places),
            Callback::WithCaller(call) => {
                let (given, wanted) = (c_args.len(), c_results.len());
                call(env.get(), caller, c_args.as_ptr(), given, c_results.as_mut_ptr(), wanted)
            }
        }
    };
    if let Some(failure) = trapped.take() {
        return Err(failure);
    }
    results.copy_from_slice(Vals::of(&store, "results", ty.results(), &c_results)?.as_mut());
    Ok(())
}

fn values(store: &StoreRef, vals: &[Val]) -> Result<Vec<wasm_val_t>> {
    let mut all = try_vec(vals.len()).ok_or(Failure::NO_MEMORY)?;
    for val in vals {
        all.push(wasm_val_t::of_val(store, *val)?);
    }
    Ok(all)
}

/// What the engine calls for a function of C's that takes slots.
pub(crate) fn numeric_host_func(
    callback: Numeric,
    env: UserData,
) -> impl Fn(Caller<'_, StoreData>, &mut [u64]) -> Result<(), Error> + Send + Sync + 'static {
    move |caller, slots| {
        let mut caller = dunlin_caller_t::new(&caller);
        // SAFETY: C gave the function for this use, as its prototype and the header say. What it is passed lives until it
        // returns.
        let trapped = unsafe { callback(env.get(), &mut caller, slots.as_mut_ptr().cast()) };
        trapped.take().map_or(Ok(()), |failure| Err(failure.into_error()))
    }
}

c_types! {
    dunlin_caller_t = "dunlin_caller_t";
    Option<Plain> = "wasm_func_callback_t";
    Option<WithEnv> = "wasm_func_callback_with_env_t";
    Option<WithCaller> = "dunlin_func_callback_t";
    Option<Numeric> = "dunlin_numeric_callback_t";
}

exports! {
    fn dunlin_caller_store(caller: Handle<'_, dunlin_caller_t>) -> Handle<'_, wasm_store_t> {
        Handle::new(caller.get().map(|caller| &caller.store))
    }

    fn dunlin_caller_instance(caller: Handle<'_, dunlin_caller_t>) -> Option<Box<wasm_instance_t>> {
        let caller = caller.get()?;
        wasm_instance_t::try_new(Some(caller.store.0.clone()), Object::Instance(caller.instance?))
    }

    fn dunlin_caller_get_export(caller: Handle<'_, dunlin_caller_t>, name: Text<'_>) -> Option<Box<wasm_extern_t>> {
        let (caller, name) = (caller.get()?, name.utf8().ok()?);
        let store = &caller.store.0;
        let found = caller.instance?.get_export(store.context(), name)?;
        wasm_extern_t::try_new(Some(store.clone()), found.into())
    }

    fn dunlin_caller_data(caller: Handle<'_, dunlin_caller_t>) -> *mut c_void {
        caller.get().map_or(std::ptr::null_mut(), |caller| caller.store.0.user_data())
    }
}
