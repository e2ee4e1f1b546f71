//! Tags, and exceptions that the host makes, throws and catches.

use crate::boundary::exports;
use crate::call::{Vals, given};
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_extern_t;
use crate::object::{Object, Trapped, wasm_ref_t};
use crate::pointers::{Array, Handle, Out, Require};
use crate::store::{StoreRef, wasm_store_t};
use crate::types::wasm_functype_t;
use crate::val::wasm_val_t;
use crate::vec::CVec;
use dunlin::{Error, ExnRef, Tag, TagType};

fn tag_of(handle: &wasm_extern_t) -> Result<(Tag, &StoreRef)> {
    match (&handle.as_ref().object, &handle.as_ref().store) {
        (Object::Tag(tag), Some(store)) => Ok((*tag, store)),
        _ => Err(Failure::argument("an object is no tag")),
    }
}

fn exception_of(handle: &wasm_ref_t) -> Result<(ExnRef, &StoreRef)> {
    match (&handle.object, &handle.store) {
        (Object::Exception(exception), Some(store)) => Ok((*exception, store)),
        _ => Err(Failure::argument("an object is no exception")),
    }
}

fn throw(exception: Option<&wasm_ref_t>) -> Result<Failure> {
    let (exception, store) = exception_of(exception.require()?)?;
    let thrown = store.context().throw::<()>(exception);
    Ok(thrown.err().map_or(Failure::NO_MEMORY, |thrown| Error::from(thrown).into()))
}

exports! {
    fn dunlin_tag_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_functype_t>,
        out: Out<'_, Option<Box<wasm_extern_t>>>,
    ) -> Outcome {
        let out = out.cleared()?;
        let (store, ty) = (&store.require()?.0, ty.and_then(wasm_functype_t::get).require()?);
        if !ty.results().is_empty() {
            return Err(Failure::argument("the type of a tag has no results"));
        }
        let tag = Tag::new(store.context(), &TagType::new(ty))?;
        *out = Some(wasm_extern_t::try_new(Some(store.clone()), Object::Tag(tag)).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_tag_type(tag: Option<&wasm_extern_t>) -> Option<Box<wasm_functype_t>> {
        let (tag, store) = tag_of(tag?).ok()?;
        wasm_functype_t::new(tag.ty(store.context()).ty().clone())
    }

    fn dunlin_exception_new(
        tag: Option<&wasm_extern_t>,
        fields: Array<'_, wasm_val_t>,
        count: usize,
        out: Out<'_, Option<Box<wasm_ref_t>>>,
    ) -> Outcome {
        let out = out.cleared()?;
        let (tag, store) = tag_of(tag.require()?)?;
        let ty = tag.ty(store.context());
        let mut vals = Vals::of(store, "values", ty.ty().params(), fields.slice(count)?)?;
        let exception = ExnRef::new(store.context(), &tag, vals.as_mut())?;
        let made = wasm_ref_t::try_new(Some(store.clone()), Object::Exception(exception));
        *out = Some(made.ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_exception_tag(exception: Option<&wasm_ref_t>) -> Option<Box<wasm_extern_t>> {
        let (exception, store) = exception_of(exception?).ok()?;
        let tag = exception.tag(store.context());
        wasm_extern_t::try_new(Some(store.clone()), Object::Tag(tag))
    }

    fn dunlin_exception_fields(exception: Option<&wasm_ref_t>, out: Out<'_, CVec<wasm_val_t>>) -> Outcome {
        let (exception, store) = exception_of(exception.require()?)?;
        let vals = exception.fields(store.context());
        out.put(given(store, &vals)?.into());
        Ok(())
    }

    fn dunlin_exception_throw(exception: Option<&wasm_ref_t>) -> Trapped {
        Err((None, throw(exception).unwrap_or_else(|failure| failure)))
    }

    fn dunlin_store_take_exception(store: Handle<'_, wasm_store_t>) -> Option<Box<wasm_ref_t>> {
        let store = &store.get()?.0;
        let exception = store.context().take_pending_exception()?;
        wasm_ref_t::try_new(Some(store.clone()), Object::Exception(exception))
    }
}
