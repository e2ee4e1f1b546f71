//! Linear memories.

use crate::boundary::exports;
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_memory_t;
use crate::object::Object;
use crate::pointers::{Array, ArrayMut, Byte, Handle, Out, Require};
use crate::store::{StoreRef, wasm_store_t};
use crate::types::wasm_memorytype_t;
use dunlin::{Error, Memory, MemoryType, SharedMemory, Trap};
use std::ptr::null_mut;

/// A memory of either kind.
enum Either<'a> {
    Own(Memory, &'a StoreRef),
    Shared(&'a SharedMemory),
}

impl wasm_memory_t {
    fn get(&self) -> Result<Either<'_>> {
        match (&self.as_ref().object, &self.as_ref().store) {
            (Object::Memory(memory), Some(store)) => Ok(Either::Own(*memory, store)),
            (Object::SharedMemory(memory), _) => Ok(Either::Shared(memory)),
            _ => Err(Failure::argument("an object is no memory")),
        }
    }
}

impl Either<'_> {
    fn ty(&self) -> MemoryType {
        match self {
            Either::Own(memory, store) => memory.ty(store.context()),
            Either::Shared(memory) => memory.ty(),
        }
    }

    fn pages(&self) -> u64 {
        match self {
            Either::Own(memory, store) => memory.size(store.context()),
            Either::Shared(memory) => memory.size(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Either::Own(memory, store) => memory.data_size(store.context()),
            Either::Shared(memory) => memory.data_size(),
        }
    }

    fn data(&self) -> *mut Byte {
        match self {
            Either::Own(memory, store) => memory.data_mut(store.context()).as_mut_ptr().cast(),
            Either::Shared(memory) => memory.data().as_ptr().cast_mut().cast(),
        }
    }

    fn grow(&self, delta: u64) -> Result<u64> {
        Ok(match self {
            Either::Own(memory, store) => memory.grow(store.context(), delta)?,
            Either::Shared(memory) => memory.grow(delta)?,
        })
    }
}

fn new(store: Option<&wasm_store_t>, ty: Option<&wasm_memorytype_t>) -> Result<Box<wasm_memory_t>> {
    let store = &store.require()?.0;
    let ty = ty.and_then(wasm_memorytype_t::get).require()?;
    let object = match ty.is_shared() {
        true => Object::SharedMemory(SharedMemory::new(store.engine().engine(), ty)?),
        false => Object::Memory(Memory::new(store.context(), ty)?),
    };
    wasm_memory_t::try_new(Some(store.clone()), object).ok_or(Failure::NO_MEMORY)
}

fn out_of_bounds() -> Failure {
    Error::from(Trap::MemoryOutOfBounds).into()
}

exports! {
    fn wasm_memory_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_memorytype_t>,
    ) -> Option<Box<wasm_memory_t>> {
        new(store.get(), ty).ok()
    }

    fn wasm_memory_type(memory: Option<&wasm_memory_t>) -> Option<Box<wasm_memorytype_t>> {
        wasm_memorytype_t::new(memory?.get().ok()?.ty())
    }

    fn wasm_memory_data(memory: Handle<'_, wasm_memory_t>) -> *mut Byte {
        memory.get().and_then(|memory| memory.get().ok()).map_or(null_mut(), |memory| memory.data())
    }

    fn wasm_memory_data_size(memory: Option<&wasm_memory_t>) -> usize {
        memory.and_then(|memory| memory.get().ok()).map_or(0, |memory| memory.len())
    }

    fn wasm_memory_size(memory: Option<&wasm_memory_t>) -> u32 {
        let pages = memory.and_then(|memory| memory.get().ok()).map_or(0, |memory| memory.pages());
        u32::try_from(pages).unwrap_or(u32::MAX)
    }

    fn wasm_memory_grow(memory: Handle<'_, wasm_memory_t>, delta: u32) -> bool {
        memory.require().and_then(|memory| memory.get()?.grow(delta.into())).is_ok()
    }

    fn dunlin_memory_new(
        store: Handle<'_, wasm_store_t>,
        ty: Option<&wasm_memorytype_t>,
        out: Out<'_, Option<Box<wasm_memory_t>>>,
    ) -> Outcome {
        *out.cleared()? = Some(new(store.get(), ty)?);
        Ok(())
    }

    fn dunlin_memory_grow(memory: Handle<'_, wasm_memory_t>, delta: u64, former_size: Out<'_, u64>) -> Outcome {
        former_size.put(memory.require()?.get()?.grow(delta)?);
        Ok(())
    }

    fn dunlin_memory_read(
        memory: Option<&wasm_memory_t>,
        offset: u64,
        into: ArrayMut<'_, Byte>,
        len: usize,
    ) -> Outcome {
        let (memory, into) = (memory.require()?.get()?, into.bytes(len)?);
        let offset = usize::try_from(offset).map_err(|_| out_of_bounds())?;
        match memory {
            Either::Own(memory, store) => memory.read(store.context(), offset, into),
            Either::Shared(memory) => memory.read(offset, into),
        }
        .map_err(|_| out_of_bounds())
    }

    fn dunlin_memory_write(
        memory: Handle<'_, wasm_memory_t>,
        offset: u64,
        from: Array<'_, Byte>,
        len: usize,
    ) -> Outcome {
        let (memory, from) = (memory.require()?.get()?, from.bytes(len)?);
        let offset = usize::try_from(offset).map_err(|_| out_of_bounds())?;
        match memory {
            Either::Own(memory, store) => memory.write(store.context(), offset, from),
            Either::Shared(memory) => memory.write(offset, from),
        }
        .map_err(|_| out_of_bounds())
    }
}
