//! Objects of C's own, and any other objects, as guests hold them: `externref`.

use crate::boundary::exports;
use crate::failure::{Failure, Result};
use crate::handles::wasm_foreign_t;
use crate::object::{Foreign, Object};
use crate::own::Shared;
use crate::pointers::Handle;
use crate::store::{StoreRef, wasm_store_t};
use dunlin::ExternRef;

/// The reference by which guests hold an object: always the same one.
pub(crate) fn to_extern_ref(store: &StoreRef, object: &Object) -> Result<ExternRef> {
    let mut context = store.context();
    let key = object.key();
    if let Some(known) = context.data().extern_refs.get(&key) {
        return Ok(*known);
    }
    context.data_mut().extern_refs.try_reserve(1).map_err(|_| Failure::NO_MEMORY)?;
    let reference = ExternRef::new(&mut context, object.clone())?;
    context.data_mut().extern_refs.insert(key, reference);
    Ok(reference)
}

/// The object that a guest holds.
pub(crate) fn of_extern_ref(store: &StoreRef, reference: ExternRef) -> Option<Object> {
    let context = store.context();
    reference.data(&context).downcast_ref::<Object>().cloned()
}

exports! {
    fn wasm_foreign_new(store: Handle<'_, wasm_store_t>) -> Option<Box<wasm_foreign_t>> {
        let foreign = Object::Foreign(Shared::try_new(Foreign::default())?);
        wasm_foreign_t::try_new(Some(store.get()?.0.clone()), foreign)
    }
}
