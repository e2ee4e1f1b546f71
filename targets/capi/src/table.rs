//! Tables.

use crate::boundary::exports;
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_table_t;
use crate::object::{Object, wasm_ref_t};
use crate::pointers::{Handle, Out, Require};
use crate::store::{StoreRef, wasm_store_t};
use crate::types::wasm_tabletype_t;
use crate::val::{reference_to_val, val_to_reference};
use dunlin::{RefType, Table, Val};

impl wasm_table_t {
    fn get(&self) -> Result<(Table, &StoreRef)> {
        match (&self.as_ref().object, &self.as_ref().store) {
            (Object::Table(table), Some(store)) => Ok((*table, store)),
            _ => Err(Failure::argument("an object is no table")),
        }
    }
}

fn element(store: &StoreRef, reference: Option<&wasm_ref_t>, ty: RefType) -> Result<Val> {
    reference_to_val(store, reference, ty.heap_type())
}

fn new(
    store: Option<&wasm_store_t>,
    ty: Option<&wasm_tabletype_t>,
    init: Option<&wasm_ref_t>,
) -> Result<Box<wasm_table_t>> {
    let store = &store.require()?.0;
    let ty = ty.and_then(wasm_tabletype_t::get).require()?;
    let init = element(store, init, ty.element())?;
    let table = Table::new(store.context(), ty, init)?;
    wasm_table_t::try_new(Some(store.clone()), Object::Table(table)).ok_or(Failure::NO_MEMORY)
}

fn set(table: Option<&wasm_table_t>, index: u64, reference: Option<&wasm_ref_t>) -> Result<()> {
    let (table, store) = table.require()?.get()?;
    let ty = table.ty(store.context());
    let value = element(store, reference, ty.element())?;
    Ok(table.set(store.context(), index, value)?)
}

fn grow(table: Option<&wasm_table_t>, delta: u64, init: Option<&wasm_ref_t>) -> Result<u64> {
    let (table, store) = table.require()?.get()?;
    let ty = table.ty(store.context());
    let init = element(store, init, ty.element())?;
    Ok(table.grow(store.context(), delta, init)?)
}

exports! {
    fn wasm_table_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_tabletype_t>,
        init: Handle<'_, wasm_ref_t>,
    ) -> Option<Box<wasm_table_t>> {
        new(store.get(), ty, init.get()).ok()
    }

    fn wasm_table_type(table: Option<&wasm_table_t>) -> Option<Box<wasm_tabletype_t>> {
        let (table, store) = table?.get().ok()?;
        wasm_tabletype_t::new(table.ty(store.context()))
    }

    fn wasm_table_get(table: Option<&wasm_table_t>, index: u32) -> Option<Box<wasm_ref_t>> {
        let (table, store) = table?.get().ok()?;
        let value = table.get(store.context(), index.into())?;
        val_to_reference(store, value).ok()?
    }

    fn wasm_table_set(table: Handle<'_, wasm_table_t>, index: u32, reference: Handle<'_, wasm_ref_t>) -> bool {
        set(table.get(), index.into(), reference.get()).is_ok()
    }

    fn wasm_table_size(table: Option<&wasm_table_t>) -> u32 {
        let size = table.and_then(|table| table.get().ok()).map_or(0, |(table, store)| table.size(store.context()));
        u32::try_from(size).unwrap_or(u32::MAX)
    }

    fn wasm_table_grow(table: Handle<'_, wasm_table_t>, delta: u32, init: Handle<'_, wasm_ref_t>) -> bool {
        grow(table.get(), delta.into(), init.get()).is_ok()
    }

    fn dunlin_table_set(table: Handle<'_, wasm_table_t>, index: u64, reference: Handle<'_, wasm_ref_t>) -> Outcome {
        set(table.get(), index, reference.get())
    }

    fn dunlin_table_grow(
        table: Handle<'_, wasm_table_t>,
        delta: u64,
        init: Handle<'_, wasm_ref_t>,
        former_size: Out<'_, u64>,
    ) -> Outcome {
        former_size.put(grow(table.get(), delta, init.get())?);
        Ok(())
    }
}
