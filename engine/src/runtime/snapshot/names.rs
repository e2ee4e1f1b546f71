//! What objects are called: by the instance that defines them, or by what an import calls them.

use super::known::{ReadExceptions, Written};
use super::{refused, wrong};
use crate::memory::{Budget, Buf, Kind, Map, Shared};
use crate::module::types::{HeapType, RefType};
use crate::module::{ExternKind, ImportKind};
use crate::runtime::error::Error;
use crate::runtime::store::handle::{Extern, Func, Global, Memory, Table, Tag};
use crate::runtime::store::{Import, InstanceObj, StoreInner};
use crate::runtime::vmctx::{FuncObj, TagObj, VmCtx};
use core::ptr::NonNull;

/// What imports are called: a linker.
pub(crate) trait Definitions {
    /// The definition with this number, if there are so many.
    fn at(&self, number: usize) -> Option<(&str, &str, &Import)>;

    /// What has these names.
    fn find(&self, module: &str, name: &str) -> Option<&Import>;
}

/// What an object is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Name {
    /// By the instance that defines it, and the index there.
    Defined(u32, u32),
    /// By a number among the names of the snapshot.
    Host(u32),
}

/// The kinds as numbers of the format.
pub(super) fn code_of(kind: ExternKind) -> u8 {
    match kind {
        ExternKind::Func => 0,
        ExternKind::Table => 1,
        ExternKind::Memory => 2,
        ExternKind::Global => 3,
        ExternKind::Tag => 4,
    }
}

pub(super) fn kind_of(code: u8) -> Option<ExternKind> {
    use ExternKind::*;
    [Func, Table, Memory, Global, Tag].into_iter().find(|kind| code_of(*kind) == code)
}

/// The address of an object of an instance.
///
/// # Safety
/// The instance is complete, and has the index.
pub(super) unsafe fn address(instance: &InstanceObj, kind: ExternKind, index: u32) -> usize {
    match kind {
        ExternKind::Func => unreachable!("functions know where they are defined"),
        ExternKind::Table => instance.table(index).as_ptr() as usize,
        ExternKind::Memory => instance.memory(index).as_ptr() as usize,
        ExternKind::Global => instance.global(index).as_ptr() as usize,
        ExternKind::Tag => instance.tag(index).as_ptr() as usize,
    }
}

/// How many objects of a kind an instance has, and how many of them are imported.
pub(super) fn counts(instance: &InstanceObj, kind: ExternKind) -> (u32, u32) {
    let data = &instance.module.shared().data;
    let (all, imported) = match kind {
        ExternKind::Func => (data.funcs.len(), data.imported_funcs),
        ExternKind::Table => (data.tables.len(), data.imported_tables),
        ExternKind::Memory => (data.memories.len(), data.imported_memories),
        ExternKind::Global => (data.globals.len(), data.imported_globals),
        ExternKind::Tag => (data.tags.len(), data.imported_tags),
    };
    (all as u32, imported)
}

pub(super) fn kind_of_import(import: ImportKind) -> ExternKind {
    match import {
        ImportKind::Func(_) => ExternKind::Func,
        ImportKind::Table(_) => ExternKind::Table,
        ImportKind::Memory(_) => ExternKind::Memory,
        ImportKind::Global(_) => ExternKind::Global,
        ImportKind::Tag(_) => ExternKind::Tag,
    }
}

#[cold]
pub(super) fn shares_memory() -> Error {
    refused("a memory is shared, and other threads may use it")
}

/// Everything but functions.
pub(super) const OTHERS: [ExternKind; 4] =
    [ExternKind::Table, ExternKind::Memory, ExternKind::Global, ExternKind::Tag];

/// What is known of the names of a store's objects.
pub(super) struct Names<'d> {
    definitions: &'d dyn Definitions,
    /// The instances, and for each of the store's which of them it is. Those whose instantiation failed halfway are none: nothing
    /// leads to them.
    pub(super) instances: Buf<NonNull<InstanceObj>>,
    numbers: Buf<u32>,
    /// By address: which instance defines it, and the index there.
    defined: Map<usize, (u32, u32)>,
    /// By address: the number of the definition, and its number among the names once it has one.
    hosts: Map<usize, (u32, Option<u32>)>,
    /// The numbers of the definitions that are needed, with what they are and their addresses.
    pub(super) used: Buf<(u32, ExternKind, usize)>,
    pub(super) exceptions: Written,
}

impl<'d> Names<'d> {
    pub(super) fn new(store: &StoreInner, definitions: &'d dyn Definitions) -> Result<Self, Error> {
        let budget = &store.budget;
        let mut names = Self {
            definitions,
            instances: Buf::new(budget, Kind::Host),
            numbers: Buf::new(budget, Kind::Host),
            defined: Map::new(budget, Kind::Host),
            hosts: Map::new(budget, Kind::Host),
            used: Buf::new(budget, Kind::Host),
            exceptions: Written::new(&store.engine, budget),
        };
        for object in store.instances.iter() {
            let number = names.instances.len() as u32;
            names.numbers.try_push(number)?;
            // SAFETY: objects live as long as the store.
            let instance = unsafe { object.as_ref() };
            if !instance.is_complete() {
                continue;
            }
            names.instances.try_push(object)?;
            for kind in OTHERS {
                let (all, imported) = counts(instance, kind);
                for index in imported..all {
                    // SAFETY: it is complete, and the index is one of its own.
                    let address = unsafe { address(instance, kind, index) };
                    names.defined.try_insert(address, (number, index))?;
                }
            }
        }
        let mut number = 0;
        while let Some((.., import)) = definitions.at(number) {
            if let Some(address) = host_address(store, import)
                && names.hosts.get(&address).is_none()
            {
                names.hosts.try_insert(address, (number as u32, None))?;
            }
            number += 1;
        }
        Ok(names)
    }

    /// Which instance this is, which is complete.
    pub(super) fn number(&self, instance: &InstanceObj) -> u32 {
        self.numbers[instance.handle as usize]
    }

    /// What a function is called.
    pub(super) fn func(&mut self, func: *const FuncObj) -> Result<Name, Error> {
        // SAFETY: function objects, and instances, live as long as the store.
        unsafe {
            if (*func).vm.is_null() {
                return self.host(func as usize, ExternKind::Func);
            }
            let instance = &*(*(*func).vm).instance;
            Ok(Name::Defined(
                self.number(instance),
                instance.module.shared().data.imported_funcs + (*func).index,
            ))
        }
    }

    /// What another object is called.
    pub(super) fn other(&mut self, address: usize, kind: ExternKind) -> Result<Name, Error> {
        match self.defined.get(&address) {
            Some(&(instance, index)) => Ok(Name::Defined(instance, index)),
            None => self.host(address, kind),
        }
    }

    fn host(&mut self, address: usize, kind: ExternKind) -> Result<Name, Error> {
        let Some((definition, name)) = self.hosts.get_mut(&address) else {
            let what = match kind {
                ExternKind::Func => "function",
                ExternKind::Table => "table",
                ExternKind::Memory => "memory",
                ExternKind::Global => "global",
                ExternKind::Tag => "tag",
            };
            return Err(refused(format_args!("the host has made a {what} that the linker has no name for")));
        };
        let number = match *name {
            Some(number) => number,
            None => {
                let number = self.used.len() as u32;
                self.used.try_push((*definition, kind, address))?;
                *name = Some(number);
                number
            }
        };
        Ok(Name::Host(number))
    }

    /// What an instance's imports are called, in order.
    ///
    /// # Safety
    /// The instance is complete, and of a live store.
    pub(super) unsafe fn imports(
        &mut self,
        instance: &InstanceObj,
        mut each: impl FnMut(Name) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let shared = instance.module.shared();
        let (mut funcs, mut tables, mut memories, mut globals, mut tags) = (0.., 0.., 0.., 0.., 0..);
        for import in &shared.data.imports {
            let kind = kind_of_import(import.kind);
            let index = match kind {
                ExternKind::Func => funcs.next(),
                ExternKind::Table => tables.next(),
                ExternKind::Memory => memories.next(),
                ExternKind::Global => globals.next(),
                ExternKind::Tag => tags.next(),
            };
            let index = index.unwrap_or_default();
            // SAFETY: the caller's contract.
            let name = unsafe {
                if kind == ExternKind::Func {
                    let func: *mut FuncObj = VmCtx::pointer(instance.vm(), shared.layout.funcs + index);
                    self.func(func)?
                } else {
                    if kind == ExternKind::Memory && instance.memory(index).as_ref().shared().is_some() {
                        return Err(shares_memory());
                    }
                    self.other(address(instance, kind, index), kind)?
                }
            };
            each(name)?;
        }
        Ok(())
    }

    /// What a reference is to; `None` for null.
    pub(super) fn reference(&mut self, ty: RefType, slot: u64) -> Result<Option<Name>, Error> {
        if slot == 0 {
            return Ok(None);
        }
        match ty.heap_type() {
            HeapType::Func | HeapType::ConcreteFunc(_) => self.func(slot as *const FuncObj).map(Some),
            HeapType::Extern => {
                Err(refused("a guest has a reference to something of the host's, which has no name"))
            }
            HeapType::Exn => Err(refused("a guest has a reference to an exception")),
        }
    }

    /// What a definition is.
    pub(super) fn definition(&self, definition: u32) -> &'d Import {
        self.definitions.at(definition as usize).expect("it is one of them").2
    }

    /// The two names of a definition.
    pub(super) fn names(&self, definition: u32) -> (&'d str, &'d str) {
        let (module, name, _) = self.definitions.at(definition as usize).expect("it is one of them");
        (module, name)
    }
}

/// The address of the object that a definition is in a store, if it is there.
fn host_address(store: &StoreInner, import: &Import) -> Option<usize> {
    match import {
        Import::Host(host) => store.known_host_func(host).map(|func| func.as_ptr() as usize),
        Import::Extern(item) => Some(match item {
            Extern::Func(func) => func.ptr(store).as_ptr() as usize,
            Extern::Table(table) => table.ptr(store).as_ptr() as usize,
            Extern::Memory(memory) => memory.ptr(store).as_ptr() as usize,
            Extern::Global(global) => global.ptr(store).as_ptr() as usize,
            Extern::Tag(tag) => tag.ptr(store).as_ptr() as usize,
            Extern::SharedMemory(_) => return None,
        }),
    }
}

/// What the snapshot's names stand for in the store that it is restored into.
pub(super) struct Found {
    pub(super) imports: Buf<(ExternKind, Import)>,
    instances: Buf<NonNull<InstanceObj>>,
    pub(super) exceptions: ReadExceptions,
}

impl Found {
    pub(super) fn new(budget: &Budget) -> Self {
        let (imports, instances) = (Buf::new(budget, Kind::Host), Buf::new(budget, Kind::Host));
        Self { imports, instances, exceptions: ReadExceptions::new(budget) }
    }

    pub(super) fn add_instance(&mut self, instance: NonNull<InstanceObj>) -> Result<(), Error> {
        Ok(self.instances.try_push(instance)?)
    }

    pub(super) fn instances(&self) -> &[NonNull<InstanceObj>] {
        &self.instances
    }

    pub(super) fn instance(&self, number: u32) -> Option<NonNull<InstanceObj>> {
        self.instances.get(number as usize).copied()
    }

    /// The instance with this number, if it defines a function with this index.
    pub(super) fn defining(&self, number: u32, func: u32) -> Result<NonNull<InstanceObj>, Error> {
        let instance = self.instance(number).ok_or_else(|| wrong("a frame is of no instance"))?;
        // SAFETY: objects live as long as their store.
        let (all, imported) = counts(unsafe { instance.as_ref() }, ExternKind::Func);
        if (imported..all).contains(&func) { Ok(instance) } else { Err(wrong("a frame is of no function")) }
    }

    /// What an import of this kind is, which has this name.
    ///
    /// # Safety
    /// The store is live, and what was found is in it.
    pub(super) unsafe fn import(
        &self,
        store: &mut StoreInner,
        wanted: ImportKind,
        name: Name,
    ) -> Result<Option<Import>, Error> {
        let (number, index) = match name {
            Name::Host(number) => {
                return Ok(self.imports.get(number as usize).map(|(_, import)| import.clone()));
            }
            Name::Defined(number, index) => (number, index),
        };
        let kind = kind_of_import(wanted);
        let Some(instance) = self.instance(number) else { return Ok(None) };
        // SAFETY: the caller's contract; the index is looked at.
        unsafe {
            let object = instance.as_ref();
            if index >= counts(object, kind).0 {
                return Ok(None);
            }
            Ok(Some(Import::Extern(match kind {
                ExternKind::Func => {
                    let func = store.func_ref(object.vm(), index)?;
                    Extern::Func(Func::from_obj(store, &*func))
                }
                ExternKind::Table => Extern::Table(Table::from_obj(store, object.table(index).as_ref())),
                ExternKind::Memory => Extern::Memory(Memory::from_obj(store, object.memory(index).as_ref())),
                ExternKind::Global => {
                    Extern::Global(Global { store: store.id, index: object.global(index).as_ref().handle })
                }
                ExternKind::Tag => {
                    Extern::Tag(Tag { store: store.id, index: object.tag(index).as_ref().handle })
                }
            })))
        }
    }

    /// The tag with this name.
    pub(super) fn tag(&self, store: &StoreInner, name: Name) -> Option<NonNull<TagObj>> {
        match name {
            Name::Host(number) => match self.imports.get(number as usize)? {
                (ExternKind::Tag, Import::Extern(Extern::Tag(tag))) => Some(tag.ptr(store)),
                _ => None,
            },
            Name::Defined(instance, index) => {
                let instance = self.instance(instance)?;
                // SAFETY: objects live as long as the store; the index is looked at.
                unsafe {
                    let is_there = index < counts(instance.as_ref(), ExternKind::Tag).0;
                    is_there.then(|| instance.as_ref().tag(index))
                }
            }
        }
    }

    /// The function with this name.
    pub(super) fn func(&self, store: &mut StoreInner, name: Name) -> Result<Option<NonNull<FuncObj>>, Error> {
        match name {
            Name::Host(number) => match self.imports.get(number as usize) {
                Some((ExternKind::Func, Import::Host(host))) => {
                    Ok(Some(store.host_func(&Shared::clone(host))?))
                }
                Some((ExternKind::Func, Import::Extern(Extern::Func(func)))) => Ok(Some(func.ptr(store))),
                _ => Ok(None),
            },
            Name::Defined(instance, index) => {
                let Some(instance) = self.instance(instance) else { return Ok(None) };
                // SAFETY: objects live as long as the store; the index is looked at.
                unsafe {
                    if index >= counts(instance.as_ref(), ExternKind::Func).0 {
                        return Ok(None);
                    }
                    Ok(NonNull::new(store.func_ref(instance.as_ref().vm(), index)?))
                }
            }
        }
    }
}
