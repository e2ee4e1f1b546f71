//! A store's guests to a snapshot.

use super::names::{Names, OTHERS, address, code_of, counts, shares_memory};
use super::segments::Segments;
use super::site::Sites;
use super::{Definitions, Part, Writer, refused};
use crate::memory::{Buf, Kind};
use crate::module::ExternKind;
use crate::module::types::Mutability;
use crate::runtime::error::Error;
use crate::runtime::exec::{Execution, Frozen};
use crate::runtime::store::StoreInner;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj};
use core::ptr::NonNull;
use std::io::Write;

/// A call that is suspended.
pub(crate) struct Call<'a> {
    pub(crate) func: NonNull<FuncObj>,
    /// Why it stopped.
    pub(crate) reason: &'a Error,
    pub(crate) at: Standing<'a>,
}

/// Where a call stands.
pub(crate) enum Standing<'a> {
    Begun(&'a Execution),
    /// With these arguments.
    NotBegun(&'a [u64]),
}

impl Call<'_> {
    /// The arguments, if it hasn't begun.
    pub(super) fn args(&self) -> &[u64] {
        match self.at {
            Standing::Begun(_) => &[],
            Standing::NotBegun(args) => args,
        }
    }
}

/// Writes a snapshot of all instances, and of a call that is suspended. Whatever can't be moved is refused before anything is
/// written.
///
/// # Safety
/// The store is live, and used in no other way meanwhile; the call is one of its.
pub(crate) unsafe fn write(
    store: *mut StoreInner,
    definitions: &dyn Definitions,
    embedder: &[u8],
    call: Option<&Call<'_>>,
    to: &mut dyn Write,
) -> Result<(), Error> {
    // SAFETY: the caller's contract.
    unsafe {
        if (*store).depth > 0 {
            return Err(refused("the store is executing"));
        }
        let budget = (*store).budget.clone();
        let names = Names::new(&*store, definitions)?;
        let frozen = match call.map(|call| &call.at) {
            Some(Standing::Begun(execution)) => Some(execution.freeze((*store).engine.dispatch(), &budget)?),
            _ => None,
        };
        let mut sites = Sites::new(&budget);
        let mut dry = Encoder { store, names, to: Writer::new(&budget, None)?, call };
        dry.all(embedder, frozen.as_ref(), &mut sites)?;
        // Now it is known which names are needed.
        let to = Writer::new(&budget, Some(to))?;
        dry.names.exceptions.forget(&budget);
        let mut encoder = Encoder { store, names: dry.names, to, call };
        encoder.all(embedder, frozen.as_ref(), &mut sites)?;
        encoder.to.finish()
    }
}

pub(super) struct Encoder<'a, 'w> {
    pub(super) store: *mut StoreInner,
    pub(super) names: Names<'a>,
    pub(super) to: Writer<'w>,
    pub(super) call: Option<&'a Call<'a>>,
}

/// # Safety
/// For the unsafe methods: the store is live and used in no other way, and what is pointed to is of it.
impl Encoder<'_, '_> {
    unsafe fn all(
        &mut self,
        embedder: &[u8],
        frozen: Option<&Frozen>,
        sites: &mut Sites,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let numbers = self.modules()?;
            self.to.part(Part::Embedder)?;
            self.to.counted(embedder)?;
            self.names()?;
            self.instances(&numbers)?;
            self.state()?;
            self.call(frozen, sites)
        }
    }

    /// The modules' digests; gives the number of each instance's module.
    unsafe fn modules(&mut self) -> Result<Buf<u32>, Error> {
        // SAFETY: the caller's contract.
        let budget = unsafe { &(*self.store).budget };
        let (mut digests, mut numbers) = (Buf::new(budget, Kind::Host), Buf::new(budget, Kind::Host));
        for instance in self.names.instances.iter() {
            // SAFETY: objects live as long as the store.
            let digest = unsafe { instance.as_ref().module.shared().data.digest };
            let Some(digest) = digest else {
                return Err(refused("a module's engine wasn't configured for that, by Config::snapshots"));
            };
            let known = digests.iter().position(|known| *known == digest);
            if known.is_none() {
                digests.try_push(digest)?;
            }
            numbers.try_push(known.unwrap_or(digests.len() - 1) as u32)?;
        }
        self.to.part(Part::Modules)?;
        self.to.u32(digests.len() as u32)?;
        for digest in digests.iter() {
            self.to.bytes(digest)?;
        }
        Ok(numbers)
    }

    /// What objects of the host are called, and how large they are.
    unsafe fn names(&mut self) -> Result<(), Error> {
        self.to.part(Part::Names)?;
        self.to.u32(self.names.used.len() as u32)?;
        for &(definition, kind, address) in self.names.used.iter() {
            let (module, name) = self.names.names(definition);
            self.to.u8(code_of(kind))?;
            self.to.counted(module.as_bytes())?;
            self.to.counted(name.as_bytes())?;
            // SAFETY: the caller's contract.
            unsafe { size(&mut self.to, kind, address)? };
        }
        Ok(())
    }

    unsafe fn instances(&mut self, numbers: &[u32]) -> Result<(), Error> {
        self.to.part(Part::Instances)?;
        self.to.u32(numbers.len() as u32)?;
        for (at, number) in numbers.iter().enumerate() {
            self.to.u32(*number)?;
            // SAFETY: objects live as long as the store.
            let instance = unsafe { self.names.instances[at].as_ref() };
            // SAFETY: the caller's contract.
            unsafe {
                self.names.imports(instance, |name| self.to.name(name))?;
                for kind in [ExternKind::Table, ExternKind::Memory] {
                    let (all, imported) = counts(instance, kind);
                    for index in imported..all {
                        size(&mut self.to, kind, address(instance, kind, index))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What instances and the host's objects hold.
    unsafe fn state(&mut self) -> Result<(), Error> {
        self.to.part(Part::State)?;
        for at in 0..self.names.instances.len() {
            let object = self.names.instances[at];
            // SAFETY: objects live as long as the store.
            let instance = unsafe { object.as_ref() };
            for word in instance.dropped.iter() {
                self.to.u64(*word)?;
            }
            for kind in OTHERS {
                let (all, imported) = counts(instance, kind);
                for index in imported..all {
                    // SAFETY: the caller's contract.
                    unsafe {
                        let is_there = kind == ExternKind::Memory && Segments::are_there(instance);
                        let segments = match is_there {
                            true => Some(Segments::of(&mut *self.store, object, index)?),
                            false => None,
                        };
                        self.object(kind, address(instance, kind, index), segments)?;
                    }
                }
            }
        }
        let mut at = 0;
        // What tables hold may be called by names that haven't been needed before; but those are functions.
        while let Some(&(_, kind, address)) = self.names.used.get(at) {
            // SAFETY: the caller's contract.
            unsafe { self.object(kind, address, None)? };
            at += 1;
        }
        Ok(())
    }

    unsafe fn object(
        &mut self,
        kind: ExternKind,
        address: usize,
        segments: Option<Segments>,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            match kind {
                ExternKind::Func | ExternKind::Tag => Ok(()),
                ExternKind::Global => {
                    let GlobalObj { value, ty, .. } = &*(address as *const GlobalObj);
                    // What never changes is what instantiation makes of it.
                    match ty.mutability() {
                        Mutability::Const => Ok(()),
                        Mutability::Var => self.to.value(&mut self.names, ty.content(), *value),
                    }
                }
                ExternKind::Table => {
                    let table = &*(address as *const TableObj);
                    let element = table.inner.ty.element();
                    for (index, slot) in table.elements().iter().enumerate().filter(|(_, slot)| **slot != 0) {
                        self.to.u32(index as u32)?;
                        self.to.reference(&mut self.names, element, *slot)?;
                    }
                    self.to.u32(u32::MAX)
                }
                ExternKind::Memory => {
                    let memory = &*(address as *const MemoryObj);
                    if memory.shared().is_some() {
                        return Err(shares_memory());
                    }
                    self.to.pages(memory, segments)
                }
            }
        }
    }
}

/// The size of a table in elements, or of a memory in pages.
///
/// # Safety
/// It is the address of an object of that kind, of a live store.
unsafe fn size(to: &mut Writer<'_>, kind: ExternKind, address: usize) -> Result<(), Error> {
    // SAFETY: the caller's contract.
    unsafe {
        match kind {
            ExternKind::Table => to.u64((*(address as *const TableObj)).len),
            ExternKind::Memory => to.u64((*(address as *const MemoryObj)).pages()),
            _ => Ok(()),
        }
    }
}
