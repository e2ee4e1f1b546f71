//! Instances of clones.

use super::super::cannot_grow;
use super::super::names::{Found, Name, Names, address, counts, shares_memory};
use super::{Value, reference};
use crate::Module;
use crate::memory::{Budget, Buf, Kind};
use crate::module::ExternKind;
use crate::module::types::Mutability;
use crate::runtime::error::Error;
use crate::runtime::store::{DefinedFunc, InstanceObj, Memories, MemoryImage, StoreInner, unfilled};
use crate::runtime::vmctx::TableObj;
use core::ptr::NonNull;

/// An instance, as it was.
pub(super) struct Kept {
    module: Module,
    imports: Buf<Name>,
    dropped: Buf<u64>,
    /// Those of its own that are mutable, by their index.
    globals: Buf<(u32, Value)>,
    /// Its own.
    tables: Buf<Table>,
    memories: Buf<MemoryImage>,
    /// Those of its functions that tables refer to.
    referred: Buf<DefinedFunc>,
}

/// A table: its size, and the elements that aren't null.
struct Table {
    index: u32,
    len: u64,
    elements: Buf<(u32, Name)>,
}

impl Kept {
    /// # Safety
    /// The instance is complete, and of a live store, which is used in no other way meanwhile.
    pub(super) unsafe fn take(
        instance: NonNull<InstanceObj>,
        names: &mut Names<'_>,
        budget: &Budget,
    ) -> Result<Self, Error> {
        // SAFETY: the caller's contract; indices are of the instance's own objects.
        unsafe {
            let instance = instance.as_ref();
            let own = |kind| {
                let (all, imported) = counts(instance, kind);
                imported..all
            };
            let mut imports = Buf::new(budget, Kind::Host);
            names.imports(instance, |name| Ok(imports.try_push(name)?))?;
            let mut dropped = Buf::new(budget, Kind::Host);
            dropped.try_extend_from_slice(&instance.dropped)?;
            let mut globals = Buf::new(budget, Kind::Host);
            for index in own(ExternKind::Global) {
                let global = instance.global(index).as_ref();
                // What never changes is what instantiation makes of it.
                if global.ty.mutability() == Mutability::Var {
                    globals.try_push((index, Value::take(names, global.ty.content(), global.value)?))?;
                }
            }
            let mut tables = Buf::new(budget, Kind::Host);
            for index in own(ExternKind::Table) {
                let table = instance.table(index).as_ref();
                let mut elements = Buf::new(budget, Kind::Host);
                for (at, slot) in table.elements().iter().enumerate() {
                    if let Some(name) = names.reference(table.inner.ty.element(), *slot)? {
                        elements.try_push((at as u32, name))?;
                    }
                }
                tables.try_push(Table { index, len: table.len, elements })?;
            }
            let mut memories = Buf::new(budget, Kind::Host);
            for index in own(ExternKind::Memory) {
                let memory = instance.memory(index).as_ref();
                if memory.shared().is_some() {
                    return Err(shares_memory());
                }
                memories.try_push(MemoryImage::of(memory.pages(), memory.bytes(), budget)?)?;
            }
            let (module, referred) = (instance.module.clone(), Buf::new(budget, Kind::Host));
            Ok(Self { module, imports, dropped, globals, tables, memories, referred })
        }
    }

    /// Finds the functions of each instance that tables of any refer to, so that clones can make them at once.
    pub(super) fn find_referred(all: &mut [Self], budget: &Budget) -> Result<(), Error> {
        let mut named = Buf::new(budget, Kind::Host);
        for element in all.iter().flat_map(|kept| kept.tables.iter()).flat_map(|table| table.elements.iter())
        {
            if let Name::Defined(instance, func) = element.1 {
                named.try_push((instance, func))?;
            }
        }
        named.sort_unstable();
        let mut last = None;
        for name in named.iter().copied() {
            let kept = &mut all[name.0 as usize];
            if last.replace(name) != Some(name) && name.1 >= kept.module.shared().data.imported_funcs {
                kept.referred.try_push(DefinedFunc::of(kept.module.shared(), name.1))?;
            }
        }
        Ok(())
    }

    /// Makes the instance again, behind those that it imports from. Only its memories are as they were.
    ///
    /// # Safety
    /// What was found is in the store, which is live.
    pub(super) unsafe fn make(&self, store: &mut StoreInner, found: &mut Found) -> Result<(), Error> {
        let data = &self.module.shared().data;
        let mut imports = Buf::with_capacity(&store.budget, Kind::Host, self.imports.len())?;
        for (import, name) in data.imports.iter().zip(self.imports.iter()) {
            // SAFETY: the caller's contract.
            let import = unsafe { found.import(store, import.kind, *name)? };
            imports.try_push(import.ok_or_else(|| super::wrong("an import is nothing"))?)?;
        }
        let memories = Memories::Images(&self.memories);
        let instance = unfilled(store, &self.module, imports.iter().cloned(), memories)?;
        // SAFETY: it is an instance of the store, and the functions are of its module.
        unsafe { store.make_func_refs(instance.as_ref().vm(), &self.referred)? };
        found.add_instance(instance)
    }

    /// Gives it the rest of what it was.
    ///
    /// # Safety
    /// It is an instance that this has made, in this store, with what was found.
    pub(super) unsafe fn fill(
        &self,
        store: &mut StoreInner,
        mut instance: NonNull<InstanceObj>,
        found: &Found,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract: the module has these objects, and no reference to one is held.
        unsafe {
            instance.as_mut().dropped.copy_from_slice(&self.dropped);
            for (index, value) in self.globals.iter() {
                let value = value.give(store, found)?;
                instance.as_ref().global(*index).as_mut().value = value;
            }
            for kept in self.tables.iter() {
                let table = address(instance.as_ref(), ExternKind::Table, kept.index) as *mut TableObj;
                let more = kept.len - (*table).len;
                if more > 0 {
                    store.table_grow_or_why(table, more, 0)?.map_err(|why| cannot_grow("table", why))?;
                }
                (*table).elements_mut().fill(0);
                for (at, name) in kept.elements.iter() {
                    let slot = reference(*name, store, found)?;
                    (*table).elements_mut()[*at as usize] = slot;
                }
            }
            Ok(())
        }
    }
}
