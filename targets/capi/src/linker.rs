//! Linkers: imports by their names.

use crate::boundary::{c_types, exports};
use crate::callback::{Callback, Numeric, WithCaller, host_func, numeric_host_func};
use crate::engine::wasm_engine_t;
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::{wasm_extern_t, wasm_instance_t, wasm_module_t};
use crate::host_info::{Finalizer, UserData};
use crate::instance::to_extern;
use crate::own::try_box;
use crate::pointers::{Handle, Out, Require, Text};
use crate::store::{StoreData, StoreRef, wasm_store_t};
use crate::types::wasm_functype_t;
use crate::wasi;
use dunlin::{InstancePre, Linker};
use std::ffi::c_void;

/// A linker.
pub struct dunlin_linker_t {
    linker: Linker<StoreData>,
    only: OnlyStore,
}

/// A module whose imports have been found.
pub struct dunlin_instance_pre_t {
    pre: InstancePre<StoreData>,
    only: OnlyStore,
}

/// The store that all definitions but functions belong to, if there are some.
#[derive(Clone, Default)]
struct OnlyStore(Option<StoreRef>);

impl OnlyStore {
    fn check(&self, store: &StoreRef) -> Result<()> {
        match &self.0 {
            Some(only) if !only.same(store) => {
                Err(Failure::argument("what is defined in the linker belongs to another store"))
            }
            _ => Ok(()),
        }
    }

    /// One more definition belongs to this store.
    fn add(&mut self, store: &StoreRef) -> Result<()> {
        self.check(store)?;
        self.0.get_or_insert_with(|| store.clone());
        Ok(())
    }
}

c_types! {
    dunlin_linker_t = "dunlin_linker_t";
    dunlin_instance_pre_t = "dunlin_instance_pre_t";
}

exports! {
    fn dunlin_linker_new(engine: Handle<'_, wasm_engine_t>, out: Out<'_, Option<Box<dunlin_linker_t>>>) -> Outcome {
        let (engine, out) = (engine.require()?, out.cleared()?);
        let linker = dunlin_linker_t { linker: Linker::new(engine.0.engine()), only: OnlyStore::default() };
        *out = Some(try_box(linker).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_linker_delete(linker: Option<Box<dunlin_linker_t>>) {
        drop(linker);
    }

    fn dunlin_linker_allow_shadowing(linker: Option<&mut dunlin_linker_t>, allow: bool) {
        if let Some(linker) = linker {
            linker.linker.allow_shadowing(allow);
        }
    }

    fn dunlin_linker_define(
        linker: Option<&mut dunlin_linker_t>,
        store: Handle<'_, wasm_store_t>,
        module: Text<'_>,
        name: Text<'_>,
        item: Option<&wasm_extern_t>,
    ) -> Outcome {
        let (linker, store) = (linker.require()?, &store.require()?.0);
        let item = to_extern(store, item.require()?)?;
        linker.only.add(store)?;
        linker.linker.define(store.context(), module.utf8()?, name.utf8()?, item)?;
        Ok(())
    }

    fn dunlin_linker_define_func(
        linker: Option<&mut dunlin_linker_t>,
        module: Text<'_>,
        name: Text<'_>,
        ty: Option<&wasm_functype_t>,
        callback: Option<WithCaller>,
        env: *mut c_void,
        finalizer: Finalizer,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        let (linker, callback) = (linker.require()?, Callback::WithCaller(callback.require()?));
        let ty = ty.and_then(wasm_functype_t::get).require()?;
        linker.linker.func_new(module.utf8()?, name.utf8()?, ty.clone(), host_func(ty, callback, env))?;
        Ok(())
    }

    fn dunlin_linker_define_numeric_func(
        linker: Option<&mut dunlin_linker_t>,
        module: Text<'_>,
        name: Text<'_>,
        ty: Option<&wasm_functype_t>,
        callback: Option<Numeric>,
        env: *mut c_void,
        finalizer: Finalizer,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        let (linker, func) = (linker.require()?, numeric_host_func(callback.require()?, env));
        let ty = ty.and_then(wasm_functype_t::get).require()?;
        linker.linker.func_numeric(module.utf8()?, name.utf8()?, ty, func)?;
        Ok(())
    }

    fn dunlin_linker_define_instance(
        linker: Option<&mut dunlin_linker_t>,
        module: Text<'_>,
        instance: Option<&wasm_instance_t>,
    ) -> Outcome {
        let (instance, store) = instance.require()?.get()?;
        let linker = linker.require()?;
        linker.only.add(store)?;
        linker.linker.instance(store.context(), module.utf8()?, instance)?;
        Ok(())
    }

    fn dunlin_linker_alias(
        linker: Option<&mut dunlin_linker_t>,
        module: Text<'_>,
        name: Text<'_>,
        as_module: Text<'_>,
        as_name: Text<'_>,
    ) -> Outcome {
        let linker = linker.require()?;
        linker.linker.alias(module.utf8()?, name.utf8()?, as_module.utf8()?, as_name.utf8()?)?;
        Ok(())
    }

    fn dunlin_linker_define_unknown_imports_as_traps(
        linker: Option<&mut dunlin_linker_t>,
        module: Option<&wasm_module_t>,
    ) -> Outcome {
        linker.require()?.linker.define_unknown_imports_as_traps(module.require()?.module()?)?;
        Ok(())
    }

    fn dunlin_linker_define_wasi(linker: Option<&mut dunlin_linker_t>) -> Outcome {
        wasi::define(&mut linker.require()?.linker)
    }

    fn dunlin_linker_instantiate(
        linker: Option<&dunlin_linker_t>,
        store: Handle<'_, wasm_store_t>,
        module: Option<&wasm_module_t>,
        out: Out<'_, Option<Box<wasm_instance_t>>>,
    ) -> Outcome {
        let (linker, out) = (linker.require()?, out.cleared()?);
        let (store, module) = (store.require()?.0.clone(), module.require()?.module()?.clone());
        linker.only.check(&store)?;
        let instance = linker.linker.instantiate(store.context(), &module)?;
        *out = Some(wasm_instance_t::of(&store, instance)?);
        Ok(())
    }

    fn dunlin_linker_instantiate_pre(
        linker: Option<&dunlin_linker_t>,
        module: Option<&wasm_module_t>,
        out: Out<'_, Option<Box<dunlin_instance_pre_t>>>,
    ) -> Outcome {
        let (linker, out) = (linker.require()?, out.cleared()?);
        let pre = linker.linker.instantiate_pre(module.require()?.module()?)?;
        let pre = dunlin_instance_pre_t { pre, only: linker.only.clone() };
        *out = Some(try_box(pre).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_instance_pre_instantiate(
        pre: Option<&dunlin_instance_pre_t>,
        store: Handle<'_, wasm_store_t>,
        out: Out<'_, Option<Box<wasm_instance_t>>>,
    ) -> Outcome {
        let (pre, store, out) = (pre.require()?, store.require()?.0.clone(), out.cleared()?);
        pre.only.check(&store)?;
        let instance = pre.pre.clone().instantiate(store.context())?;
        *out = Some(wasm_instance_t::of(&store, instance)?);
        Ok(())
    }

    fn dunlin_instance_pre_delete(pre: Option<Box<dunlin_instance_pre_t>>) {
        drop(pre);
    }
}
