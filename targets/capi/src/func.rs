//! Functions.

use crate::boundary::{c_types, exports};
use crate::call::{Vals, check_results, give};
use crate::callback::{Callback, Numeric, Plain, WithCaller, WithEnv, host_func, numeric_host_func};
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_func_t;
use crate::host_info::{Finalizer, UserData};
use crate::object::{Object, Trapped};
use crate::own::try_box;
use crate::pointers::{Array, ArrayMut, Handle, Out, Require};
use crate::store::{StoreRef, wasm_store_t};
use crate::types::wasm_functype_t;
use crate::val::wasm_val_t;
use crate::vec::CVec;
use dunlin::{Func, FuncType, ResumableCall, SuspendedCall};
use std::ffi::c_void;

impl wasm_func_t {
    /// The function, and an owner of its store: C may delete the handle while the function executes.
    pub(crate) fn get(&self) -> Result<(Func, StoreRef)> {
        match (&self.as_ref().object, &self.as_ref().store) {
            (Object::Func(func), Some(store)) => Ok((*func, store.clone())),
            _ => Err(Failure::argument("an object is no function")),
        }
    }

    pub(crate) fn of(store: &StoreRef, func: Func) -> Result<Box<Self>> {
        Self::try_new(Some(store.clone()), Object::Func(func)).ok_or(Failure::NO_MEMORY)
    }

    fn ty(&self) -> Option<FuncType> {
        let (func, store) = self.get().ok()?;
        Some(func.ty(store.context()))
    }
}

/// Values that C passes, and how many.
type Given<'a> = (Array<'a, wasm_val_t>, usize);
/// Where it wants values, and how many.
type Wanted<'a> = (ArrayMut<'a, wasm_val_t>, usize);

fn call(func: &wasm_func_t, (args, arg_count): Given<'_>, (places, count): Wanted<'_>) -> Result<()> {
    let (func, store) = func.get()?;
    let ty = func.ty(store.context());
    let mut args = Vals::of(&store, "arguments", ty.params(), args.slice(arg_count)?)?;
    check_results(&ty, count)?;
    let mut results = Vals::zero(count)?;
    func.call(store.context(), args.as_mut(), results.as_mut())?;
    give(&store, results.as_mut(), places.slice(count)?)
}

fn new(
    store: Option<&wasm_store_t>,
    ty: Option<&wasm_functype_t>,
    callback: Option<Callback>,
    env: UserData,
) -> Result<Box<wasm_func_t>> {
    let (store, callback) = (&store.require()?.0, callback.require()?);
    let ty = ty.and_then(wasm_functype_t::get).require()?;
    let func = Func::try_new(store.context(), ty.clone(), host_func(ty, callback, env))?;
    wasm_func_t::of(store, func)
}

/// A call that stopped and can go on.
pub struct dunlin_suspended_t {
    store: StoreRef,
    call: SuspendedCall,
}

/// Gives C what became of a resumable call.
fn resumed(
    store: StoreRef,
    outcome: ResumableCall,
    mut results: Vals,
    (places, count): Wanted<'_>,
    out: &mut Option<Box<dunlin_suspended_t>>,
) -> Result<()> {
    match outcome {
        ResumableCall::Finished => give(&store, results.as_mut(), places.slice(count)?),
        ResumableCall::Suspended(call) => {
            *out = Some(try_box(dunlin_suspended_t { store, call }).ok_or(Failure::NO_MEMORY)?);
            Ok(())
        }
    }
}

c_types! {
    dunlin_suspended_t = "dunlin_suspended_t";
}

exports! {
    fn wasm_func_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_functype_t>,
        callback: Option<Plain>,
    ) -> Option<Box<wasm_func_t>> {
        new(store.get(), ty, callback.map(Callback::Plain), UserData::default()).ok()
    }

    fn wasm_func_new_with_env(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_functype_t>,
        callback: Option<WithEnv>,
        env: *mut c_void,
        finalizer: Finalizer,
    ) -> Option<Box<wasm_func_t>> {
        new(store.get(), ty, callback.map(Callback::WithEnv), UserData::new(env, finalizer)).ok()
    }

    fn dunlin_func_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_functype_t>,
        callback: Option<WithCaller>,
        env: *mut c_void,
        finalizer: Finalizer,
        out: Out<'_, Option<Box<wasm_func_t>>>,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        *out.cleared()? = Some(new(store.get(), ty, callback.map(Callback::WithCaller), env)?);
        Ok(())
    }

    fn dunlin_func_new_numeric(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_functype_t>,
        callback: Option<Numeric>,
        env: *mut c_void,
        finalizer: Finalizer,
        out: Out<'_, Option<Box<wasm_func_t>>>,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        let (store, callback, out) = (&store.require()?.0, callback.require()?, out.cleared()?);
        let ty = ty.and_then(wasm_functype_t::get).require()?;
        let func = Func::new_numeric(store.context(), ty, numeric_host_func(callback, env))?;
        *out = Some(wasm_func_t::of(store, func)?);
        Ok(())
    }

    fn wasm_func_type(func: Option<&wasm_func_t>) -> Option<Box<wasm_functype_t>> {
        wasm_functype_t::new(func?.ty()?)
    }

    fn wasm_func_param_arity(func: Option<&wasm_func_t>) -> usize {
        func.and_then(wasm_func_t::ty).map_or(0, |ty| ty.params().len())
    }

    fn wasm_func_result_arity(func: Option<&wasm_func_t>) -> usize {
        func.and_then(wasm_func_t::ty).map_or(0, |ty| ty.results().len())
    }

    fn wasm_func_call(
        func: Option<&wasm_func_t>,
        args: Option<&CVec<wasm_val_t>>,
        results: Option<&mut CVec<wasm_val_t>>,
    ) -> Trapped {
        let store = func.and_then(|func| func.as_ref().store.clone());
        let (args, results) = (CVec::array(args), CVec::array_mut(results));
        func.require().and_then(|func| call(func, args, results)).map_err(|failure| (store, failure))
    }

    fn dunlin_func_call(
        func: Option<&wasm_func_t>,
        args: Array<'_, wasm_val_t>,
        arg_count: usize,
        results: ArrayMut<'_, wasm_val_t>,
        result_count: usize,
    ) -> Outcome {
        call(func.require()?, (args, arg_count), (results, result_count))
    }

    fn dunlin_func_call_resumable(
        func: Option<&wasm_func_t>,
        args: Array<'_, wasm_val_t>,
        arg_count: usize,
        results: ArrayMut<'_, wasm_val_t>,
        result_count: usize,
        out: Out<'_, Option<Box<dunlin_suspended_t>>>,
    ) -> Outcome {
        let out = out.cleared()?;
        let ((func, store), wanted) = (func.require()?.get()?, (results, result_count));
        let ty = func.ty(store.context());
        let mut args = Vals::of(&store, "arguments", ty.params(), args.slice(arg_count)?)?;
        check_results(&ty, result_count)?;
        let mut results = Vals::zero(result_count)?;
        let outcome = func.call_resumable(store.context(), args.as_mut(), results.as_mut())?;
        resumed(store, outcome, results, wanted, out)
    }

    fn dunlin_suspended_resume(
        suspended: Option<Box<dunlin_suspended_t>>,
        host_results: Array<'_, wasm_val_t>,
        host_result_count: usize,
        results: ArrayMut<'_, wasm_val_t>,
        result_count: usize,
        out: Out<'_, Option<Box<dunlin_suspended_t>>>,
    ) -> Outcome {
        let out = out.cleared()?;
        let (suspended, wanted) = (suspended.require()?, (results, result_count));
        let dunlin_suspended_t { store, call } = *suspended;
        check_results(&call.func().ty(store.context()), result_count)?;
        let host_results = host_results.slice(host_result_count)?;
        let host_ty = call.host_func(store.context()).map(|host| host.ty(store.context()));
        let none = FuncType::new([], []);
        let types = host_ty.as_ref().unwrap_or(&none).results();
        let mut host_results = Vals::of(&store, "results of the host function", types, host_results)?;
        let mut results = Vals::zero(result_count)?;
        let outcome = call.resume_with(store.context(), host_results.as_mut(), results.as_mut())?;
        resumed(store, outcome, results, wanted, out)
    }

    fn dunlin_suspended_trap_code(suspended: Option<&dunlin_suspended_t>, out: Out<'_, i32>) -> bool {
        let trap = suspended.and_then(|suspended| suspended.call.reason().trap());
        trap.map(|trap| out.put(crate::failure::trap_number(trap))).is_some()
    }

    fn dunlin_suspended_message(suspended: Option<&dunlin_suspended_t>, out: Out<'_, crate::vec::wasm_byte_vec_t>) {
        let text = |suspended: &dunlin_suspended_t| crate::vec::wasm_byte_vec_t::of_text(suspended.call.reason());
        out.put(suspended.map_or_else(CVec::empty, text));
    }

    fn dunlin_suspended_host_func(suspended: Option<&dunlin_suspended_t>) -> Option<Box<wasm_func_t>> {
        let dunlin_suspended_t { store, call } = suspended?;
        wasm_func_t::of(store, call.host_func(store.context())?).ok()
    }

    fn dunlin_suspended_delete(suspended: Option<Box<dunlin_suspended_t>>) {
        drop(suspended);
    }
}
