//! Instances.

use crate::boundary::exports;
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::{wasm_extern_t, wasm_instance_t, wasm_module_t};
use crate::object::{Object, Trapped};
use crate::own::try_vec;
use crate::pointers::{Array, Handle, Out, Require, Text};
use crate::store::{StoreRef, wasm_store_t};
use crate::vec::{CVec, collect};
use dunlin::{Extern, Instance};

impl wasm_instance_t {
    pub(crate) fn get(&self) -> Result<(Instance, &StoreRef)> {
        match (&self.as_ref().object, &self.as_ref().store) {
            (Object::Instance(instance), Some(store)) => Ok((*instance, store)),
            _ => Err(Failure::argument("an object is no instance")),
        }
    }

    pub(crate) fn of(store: &StoreRef, instance: Instance) -> Result<Box<Self>> {
        Self::try_new(Some(store.clone()), Object::Instance(instance)).ok_or(Failure::NO_MEMORY)
    }
}

/// What an import is, in this store.
pub(crate) fn to_extern(store: &StoreRef, item: &wasm_extern_t) -> Result<Extern> {
    let item = item.as_ref();
    let shared = matches!(item.object, Object::SharedMemory(_));
    if !shared && !item.store.as_ref().is_some_and(|own| own.same(store)) {
        return Err(Failure::argument("an import belongs to another store"));
    }
    item.object.to_extern().ok_or_else(|| Failure::argument("an object is no import"))
}

fn new(
    store: Option<&wasm_store_t>,
    module: Option<&wasm_module_t>,
    imports: &[Option<Box<wasm_extern_t>>],
) -> Result<Box<wasm_instance_t>> {
    let (store, module) = (&store.require()?.0.clone(), module.require()?.module()?.clone());
    let mut given = try_vec(imports.len()).ok_or(Failure::NO_MEMORY)?;
    for import in imports {
        given.push(to_extern(store, import.as_deref().require()?)?);
    }
    let instance = Instance::new(store.context(), &module, &given)?;
    wasm_instance_t::of(store, instance)
}

exports! {
    fn wasm_instance_new(
        store: Handle<'_, wasm_store_t>,
        module: Option<&wasm_module_t>,
        imports: Option<&CVec<Option<Box<wasm_extern_t>>>>,
        trap: Out<'_, Trapped>,
    ) -> Option<Box<wasm_instance_t>> {
        let store = store.get();
        match new(store, module, imports.map_or(&[], CVec::as_slice)) {
            Ok(instance) => {
                trap.put(Trapped::NONE);
                Some(instance)
            }
            Err(failure) => {
                trap.put_or_drop(Trapped::new(store.map(|store| &store.0), failure));
                None
            }
        }
    }

    fn wasm_instance_exports(
        instance: Option<&wasm_instance_t>,
        out: Out<'_, CVec<Option<Box<wasm_extern_t>>>>,
    ) {
        let Some((instance, store)) = instance.and_then(|instance| instance.get().ok()) else {
            return out.put(CVec::empty());
        };
        let context = store.context();
        let exports = instance.exports(&context).map(|export| {
            wasm_extern_t::try_new(Some(store.clone()), export.into_extern().into()).map(Some)
        });
        out.put(collect(exports));
    }

    fn dunlin_instance_new(
        store: Handle<'_, wasm_store_t>,
        module: Option<&wasm_module_t>,
        imports: Array<'_, Option<Box<wasm_extern_t>>>,
        import_count: usize,
        out: Out<'_, Option<Box<wasm_instance_t>>>,
    ) -> Outcome {
        let out = out.cleared()?;
        *out = Some(new(store.get(), module, imports.slice(import_count)?)?);
        Ok(())
    }

    fn dunlin_instance_get_export(
        instance: Option<&wasm_instance_t>,
        name: Text<'_>,
    ) -> Option<Box<wasm_extern_t>> {
        let ((instance, store), name) = (instance?.get().ok()?, name.utf8().ok()?);
        let found = instance.get_export(store.context(), name)?;
        wasm_extern_t::try_new(Some(store.clone()), found.into())
    }
}
