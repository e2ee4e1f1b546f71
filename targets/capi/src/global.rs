//! Globals.

use crate::boundary::exports;
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_global_t;
use crate::object::Object;
use crate::pointers::{Handle, Out, Require};
use crate::store::{StoreRef, wasm_store_t};
use crate::types::wasm_globaltype_t;
use crate::val::wasm_val_t;
use dunlin::Global;

impl wasm_global_t {
    fn get(&self) -> Result<(Global, &StoreRef)> {
        match (&self.as_ref().object, &self.as_ref().store) {
            (Object::Global(global), Some(store)) => Ok((*global, store)),
            _ => Err(Failure::argument("an object is no global")),
        }
    }
}

fn new(
    store: Option<&wasm_store_t>,
    ty: Option<&wasm_globaltype_t>,
    value: Option<&wasm_val_t>,
) -> Result<Box<wasm_global_t>> {
    let (store, value) = (&store.require()?.0, value.require()?);
    let ty = ty.and_then(wasm_globaltype_t::get).require()?;
    let global = Global::new(store.context(), ty, value.to_val(store, ty.content())?)?;
    wasm_global_t::try_new(Some(store.clone()), Object::Global(global)).ok_or(Failure::NO_MEMORY)
}

fn get(global: Option<&wasm_global_t>) -> Result<wasm_val_t> {
    let (global, store) = global.require()?.get()?;
    let value = global.get(store.context());
    wasm_val_t::of_val(store, value)
}

fn set(global: Option<&wasm_global_t>, value: Option<&wasm_val_t>) -> Result<()> {
    let (global, store) = global.require()?.get()?;
    let ty = global.ty(store.context());
    let value = value.require()?.to_val(store, ty.content())?;
    Ok(global.set(store.context(), value)?)
}

exports! {
    fn wasm_global_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_globaltype_t>,
        value: Option<&wasm_val_t>,
    ) -> Option<Box<wasm_global_t>> {
        new(store.get(), ty, value).ok()
    }

    fn wasm_global_type(global: Option<&wasm_global_t>) -> Option<Box<wasm_globaltype_t>> {
        let (global, store) = global?.get().ok()?;
        wasm_globaltype_t::new(global.ty(store.context()))
    }

    fn wasm_global_get(global: Option<&wasm_global_t>, out: Out<'_, wasm_val_t>) {
        out.put(get(global).unwrap_or(wasm_val_t::I32_ZERO));
    }

    fn wasm_global_set(global: Handle<'_, wasm_global_t>, value: Option<&wasm_val_t>) {
        // The standard has no way to say that it wasn't set.
        let _ = set(global.get(), value);
    }

    fn dunlin_global_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_globaltype_t>,
        value: Option<&wasm_val_t>,
        out: Out<'_, Option<Box<wasm_global_t>>>,
    ) -> Outcome {
        *out.cleared()? = Some(new(store.get(), ty, value)?);
        Ok(())
    }

    fn dunlin_global_set(global: Handle<'_, wasm_global_t>, value: Option<&wasm_val_t>) -> Outcome {
        set(global.get(), value)
    }
}
