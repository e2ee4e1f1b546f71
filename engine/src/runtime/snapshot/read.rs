//! A snapshot to a store's guests. Everything is looked at before anything executes.

use super::call::{RestoredCall, read_call};
use super::memory::{Base, clear};
use super::names::{Found, OTHERS, address, counts, kind_of};
use super::segments::Segments;
use super::{Definitions, Part, Reader, cannot_grow, wrong};
use crate::Module;
use crate::memory::{Budget, Buf, Kind};
use crate::module::origin::ModuleDigest;
use crate::module::types::Mutability;
use crate::module::{DataMode, ExternKind};
use crate::runtime::error::{Error, ErrorKind};
use crate::runtime::store::handle::Extern;
use crate::runtime::store::{Import, InstanceObj, Memories, StoreInner, check_imports, unfilled};
use crate::runtime::vmctx::{GlobalObj, MemoryObj, TableObj};
use core::ptr::NonNull;
use std::io::Read;

/// The most bytes that an embedder may keep in a snapshot.
pub(super) const MOST_EMBEDDED: u32 = 16 << 20;

/// The most bytes of a name.
pub(super) const MOST_NAME: u32 = 100_000;

/// What a snapshot says before anything has to be made of it.
pub(crate) struct Head {
    pub(crate) modules: Buf<ModuleDigest>,
    pub(crate) embedder: Buf<u8>,
}

impl Head {
    pub(crate) fn read<R: Read>(from: &mut Reader<R>, budget: &Budget) -> Result<Self, Error> {
        from.part(Part::Modules)?;
        let mut modules = Buf::new(budget, Kind::Host);
        for _ in 0..from.u32()? {
            let mut digest = [0; 32];
            from.fill(&mut digest)?;
            modules.try_push(digest)?;
        }
        from.part(Part::Embedder)?;
        let embedder = from.counted(budget, MOST_EMBEDDED)?;
        Ok(Self { modules, embedder })
    }
}

/// What was restored.
pub(crate) struct Restored {
    pub(crate) instances: Buf<NonNull<InstanceObj>>,
    pub(crate) call: Option<RestoredCall>,
}

/// Restores what follows the head, into a store.
///
/// # Safety
/// The store is live, and used in no other way meanwhile; objects among the definitions are of it.
pub(crate) unsafe fn restore<R: Read>(
    from: &mut Reader<R>,
    head: &Head,
    store: *mut StoreInner,
    definitions: &dyn Definitions,
    modules: &[&Module],
) -> Result<Restored, Error> {
    // SAFETY: the caller's contract.
    unsafe {
        let budget = (*store).budget.clone();
        let mut decoder = Decoder { from, store, found: Found::new(&budget) };
        decoder.names(definitions)?;
        decoder.instances(head, modules)?;
        decoder.state()?;
        let Decoder { from, found, .. } = decoder;
        let call = read_call(from, store, &found)?;
        from.part(Part::End)?;
        let mut instances = Buf::new(&budget, Kind::Host);
        instances.try_extend_from_slice(found.instances())?;
        Ok(Restored { instances, call })
    }
}

struct Decoder<'a, R> {
    from: &'a mut Reader<R>,
    store: *mut StoreInner,
    found: Found,
}

/// # Safety
/// As for [`restore`].
impl<R: Read> Decoder<'_, R> {
    unsafe fn names(&mut self, definitions: &dyn Definitions) -> Result<(), Error> {
        self.from.part(Part::Names)?;
        for _ in 0..self.from.u32()? {
            let kind = kind_of(self.from.u8()?).ok_or_else(|| wrong("a name is of no kind"))?;
            // SAFETY: the caller's contract.
            let budget = unsafe { (*self.store).budget.clone() };
            let (module, name) =
                (self.from.counted(&budget, MOST_NAME)?, self.from.counted(&budget, MOST_NAME)?);
            let text = |bytes| core::str::from_utf8(bytes).map_err(|_| wrong("a name isn't UTF-8"));
            let (module, name) = (text(&module)?, text(&name)?);
            let missing = || {
                let (module, name) = (module.escape_debug(), name.escape_debug());
                Error::of_kind(
                    ErrorKind::Link,
                    format_args!("the snapshot needs `{module}.{name}`, which is not defined"),
                )
            };
            let import = definitions.find(module, name).ok_or_else(missing)?.clone();
            let is = match &import {
                Import::Host(_) | Import::Extern(Extern::Func(_)) => ExternKind::Func,
                Import::Extern(Extern::Table(_)) => ExternKind::Table,
                Import::Extern(Extern::Memory(_)) => ExternKind::Memory,
                Import::Extern(Extern::Global(_)) => ExternKind::Global,
                Import::Extern(Extern::Tag(_)) => ExternKind::Tag,
                Import::Extern(Extern::SharedMemory(_)) => return Err(missing()),
            };
            if is != kind {
                return Err(missing());
            }
            // SAFETY: the caller's contract.
            unsafe {
                if let Some(address) = host_object(&*self.store, &import) {
                    self.resize(kind, address)?;
                }
            }
            self.found.imports.try_push((kind, import))?;
        }
        Ok(())
    }

    /// Makes a table or a memory as large as the snapshot says.
    unsafe fn resize(&mut self, kind: ExternKind, address: usize) -> Result<(), Error> {
        let too_small = |what| Error::msg(format_args!("the snapshot's {what} doesn't fit here"));
        // SAFETY: the caller's contract; the address is of an object of that kind.
        unsafe {
            match kind {
                ExternKind::Table => {
                    let table = address as *mut TableObj;
                    let more = self.from.u64()?.checked_sub((*table).len);
                    let more = more.ok_or_else(|| too_small("table"))?;
                    let grown = (*self.store).table_grow_or_why(table, more, 0)?;
                    grown.map(drop).map_err(|why| cannot_grow("table", why))
                }
                ExternKind::Memory => {
                    let memory = address as *mut MemoryObj;
                    let more = self.from.u64()?.checked_sub((*memory).pages());
                    let more = more.ok_or_else(|| too_small("memory"))?;
                    let grown = (*self.store).memory_grow_or_why(memory, more)?;
                    grown.map(drop).map_err(|why| cannot_grow("memory", why))
                }
                _ => Ok(()),
            }
        }
    }

    unsafe fn instances(&mut self, head: &Head, modules: &[&Module]) -> Result<(), Error> {
        self.from.part(Part::Instances)?;
        for _ in 0..self.from.u32()? {
            let number = self.from.u32()?;
            let digest =
                head.modules.get(number as usize).ok_or_else(|| wrong("an instance is of no module"))?;
            let is_it = |module: &&&Module| module.shared().data.digest.as_ref() == Some(digest);
            let module = *modules.iter().find(is_it).ok_or_else(|| {
                let [a, b, c, d, ..] = *digest;
                Error::of_kind(
                    ErrorKind::Link,
                    format_args!("the module of the digest {a:02x}{b:02x}{c:02x}{d:02x}... isn't there"),
                )
            })?;
            // SAFETY: the caller's contract.
            unsafe { self.instance(module)? };
        }
        Ok(())
    }

    unsafe fn instance(&mut self, module: &Module) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let budget = (*self.store).budget.clone();
            let mut imports = Buf::new(&budget, Kind::Host);
            for import in &module.shared().data.imports {
                let name = self.from.name()?.ok_or_else(|| wrong("an import has no name"))?;
                let import = self
                    .found
                    .import(&mut *self.store, import.kind, name)?
                    .ok_or_else(|| wrong("an import is nothing"))?;
                imports.try_push(import)?;
            }
            check_imports(Some(&*self.store), module, imports.iter().cloned().map(Some))?;
            let instance = unfilled(&mut *self.store, module, imports.iter().cloned(), Memories::Fresh)?;
            self.found.add_instance(instance)?;
            for kind in [ExternKind::Table, ExternKind::Memory] {
                let (all, imported) = counts(instance.as_ref(), kind);
                for index in imported..all {
                    self.resize(kind, address(instance.as_ref(), kind, index))?;
                }
            }
            Ok(())
        }
    }

    unsafe fn state(&mut self) -> Result<(), Error> {
        self.from.part(Part::State)?;
        for at in 0..self.found.instances().len() {
            let mut instance = self.found.instances()[at];
            // SAFETY: the caller's contract.
            unsafe {
                for word in 0..instance.as_ref().dropped.len() {
                    let bits = self.from.u64()?;
                    instance.as_mut().dropped[word] = bits;
                }
                drop_applied(instance);
                for kind in OTHERS {
                    let (all, imported) = counts(instance.as_ref(), kind);
                    for index in imported..all {
                        let address = address(instance.as_ref(), kind, index);
                        self.object(kind, address, Some((instance, index)))?;
                    }
                }
            }
        }
        for at in 0..self.found.imports.len() {
            let (kind, import) = &self.found.imports[at];
            let kind = *kind;
            // SAFETY: the caller's contract.
            unsafe {
                if let Some(address) = host_object(&*self.store, import) {
                    self.object(kind, address, None)?;
                }
            }
        }
        Ok(())
    }

    unsafe fn object(
        &mut self,
        kind: ExternKind,
        address: usize,
        defined: Option<(NonNull<InstanceObj>, u32)>,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            match kind {
                ExternKind::Func | ExternKind::Tag => Ok(()),
                ExternKind::Global => {
                    let global = address as *mut GlobalObj;
                    if (*global).ty.mutability() == Mutability::Var {
                        let ty = (*global).ty.content();
                        (*global).value = self.from.value(&mut *self.store, &self.found, ty, false)?;
                    }
                    Ok(())
                }
                ExternKind::Table => self.table(address as *mut TableObj),
                ExternKind::Memory => {
                    let memory = address as *mut MemoryObj;
                    match (self.from.base()?, defined) {
                        (Base::Zero, _) => clear(&mut *memory),
                        (Base::Segments, Some((instance, index))) => self.apply(instance, index)?,
                        (Base::Segments, None) => return Err(wrong("the host's memory has segments")),
                    }
                    self.from.pages(&mut *memory)
                }
            }
        }
    }

    unsafe fn table(&mut self, table: *mut TableObj) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let element = (*table).inner.ty.element();
            // Tables whose elements are never null have one at each place.
            let mut least = 0;
            (*table).elements_mut().fill(0);
            loop {
                let index = self.from.u32()?;
                if index == u32::MAX {
                    break;
                }
                if u64::from(index) >= (*table).len || index < least {
                    return Err(wrong("an element isn't where one can be"));
                }
                least = index + 1;
                let slot = self.from.reference(&mut *self.store, &self.found, element, false)?;
                (*table).elements_mut()[index as usize] = slot;
            }
            if !element.is_nullable() && (*table).elements().contains(&0) {
                return Err(wrong("an element is null that never is"));
            }
            Ok(())
        }
    }

    /// Has a memory's active segments where they belong, as instantiation does.
    unsafe fn apply(&mut self, instance: NonNull<InstanceObj>, memory: u32) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            if !Segments::are_there(instance.as_ref()) {
                // They were put there while the module was loaded.
                return Ok(());
            }
            let data = &instance.as_ref().module.shared().data;
            let vm = instance.as_ref().vm();
            let ty = data.memories[memory as usize];
            let size = ty.minimum().saturating_mul(ty.page_size());
            for (segment, of) in data.data.iter().enumerate() {
                if let DataMode::Active { memory: to, offset } = &of.mode
                    && *to == memory
                {
                    let start = (*self.store).eval(vm, offset)?[0];
                    if start.checked_add(of.len.into()).is_none_or(|end| end > size) {
                        break;
                    }
                    let payload = data.data_payload(segment as u32);
                    let memory = instance.as_ref().memory(memory).as_mut();
                    memory.bytes_mut()[start as usize..][..payload.len()].copy_from_slice(payload);
                }
            }
            Ok(())
        }
    }
}

/// Active and declared segments are dropped, whatever a snapshot says.
///
/// # Safety
/// The instance is live, and used in no other way meanwhile.
unsafe fn drop_applied(mut instance: NonNull<InstanceObj>) {
    // SAFETY: the caller's contract.
    unsafe {
        let module = instance.as_ref().module.clone();
        let data = &module.shared().data;
        for (index, segment) in data.data.iter().enumerate() {
            if !matches!(segment.mode, DataMode::Passive) {
                instance.as_mut().drop_data(index as u32);
            }
        }
        for (index, segment) in data.elems.iter().enumerate() {
            if !matches!(segment.mode, crate::module::ElemMode::Passive) {
                instance.as_mut().drop_elem(index as u32);
            }
        }
    }
}

/// The address of an object of the host's that has a state.
fn host_object(store: &StoreInner, import: &Import) -> Option<usize> {
    match import {
        Import::Extern(Extern::Table(table)) => Some(table.ptr(store).as_ptr() as usize),
        Import::Extern(Extern::Memory(memory)) => Some(memory.ptr(store).as_ptr() as usize),
        Import::Extern(Extern::Global(global)) => Some(global.ptr(store).as_ptr() as usize),
        _ => None,
    }
}
