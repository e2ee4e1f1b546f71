//! What bounds a store's memories, tables and instances besides the budget: a limiter of the embedder's.

use super::StoreInner;
use crate::Error;
use crate::memory::GrowError;
use crate::module::types::{MemoryType, TableType};
use crate::runtime::error::ErrorKind;
use crate::runtime::vmctx::{MemoryObj, TableObj};
use alloc::boxed::Box;

/// Decides whether memories and tables of a store may grow: see [`Store::limiter`](crate::Store::limiter). The budget
/// decides as well.
///
/// Sizes are in bytes and elements, `usize::MAX` where they don't fit; `current` is 0 for what is being made, and
/// `maximum` the type's. An error of the first four makes the guest trap.
pub trait ResourceLimiter: Send {
    /// Whether a memory may grow.
    ///
    /// # Errors
    ///
    /// If the guest shall trap.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Error>;

    /// A memory couldn't grow, though it might.
    ///
    /// # Errors
    ///
    /// If the guest shall trap, rather than get -1.
    fn memory_grow_failed(&mut self, error: Error) -> Result<(), Error> {
        let _ = error;
        Ok(())
    }

    /// Whether a table may grow.
    ///
    /// # Errors
    ///
    /// If the guest shall trap.
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, Error>;

    /// A table couldn't grow, though it might.
    ///
    /// # Errors
    ///
    /// If the guest shall trap, rather than get -1.
    fn table_grow_failed(&mut self, error: Error) -> Result<(), Error> {
        let _ = error;
        Ok(())
    }

    /// How many instances the store may have.
    fn instances(&self) -> usize {
        10_000
    }

    /// How many tables the store may have.
    fn tables(&self) -> usize {
        10_000
    }

    /// How many memories the store may have.
    fn memories(&self) -> usize {
        10_000
    }
}

/// Finds the limiter in the embedder's data, by the pointer by which the store knows itself.
pub(crate) type FindLimiter = dyn (FnMut(*mut StoreInner) -> *mut dyn ResourceLimiter) + Send + Sync;

impl StoreInner {
    pub(crate) fn set_limiter(&mut self, find: Box<FindLimiter>) {
        self.limiter = Some(find);
    }

    fn ask<R>(&mut self, ask: impl FnOnce(&mut dyn ResourceLimiter) -> R) -> Option<R> {
        let limiter = self.limiter.as_mut()?(self.vm.store);
        // SAFETY: it is a part of the embedder's data, which nobody uses while the store itself is used.
        Some(ask(unsafe { &mut *limiter }))
    }

    fn admit(
        &mut self,
        (what, count): (&str, u32),
        most: impl FnOnce(&mut dyn ResourceLimiter) -> usize,
    ) -> Result<(), Error> {
        match self.ask(most) {
            Some(most) if count as usize >= most => {
                let message = format_args!("the store's limiter allows for {most} {what}");
                Err(Error::of_kind(ErrorKind::Limit, message))
            }
            _ => Ok(()),
        }
    }

    /// Whether there may be one more instance.
    pub(super) fn admit_instance(&mut self) -> Result<(), Error> {
        self.admit(("instances", self.instances.len()), |limiter| limiter.instances())
    }

    /// Whether there may be one more memory, of this type.
    pub(crate) fn admit_memory(&mut self, ty: MemoryType) -> Result<(), Error> {
        if self.limiter.is_none() || ty.is_shared {
            return Ok(());
        }
        // The one that stands for the lack of a memory doesn't count.
        let count = self.memories.len() - u32::from(self.empty_memory.is_some());
        self.admit(("memories", count), |limiter| limiter.memories())?;
        let (size, maximum) = (bytes(ty, ty.minimum()), ty.maximum().map(|pages| bytes(ty, pages)));
        match self.ask(|limiter| limiter.memory_growing(0, size, maximum)).transpose()? {
            Some(false) => Err(refused("memory", size, "bytes")),
            _ => Ok(()),
        }
    }

    /// Whether there may be one more table, of this type.
    pub(crate) fn admit_table(&mut self, ty: TableType) -> Result<(), Error> {
        if self.limiter.is_none() {
            return Ok(());
        }
        self.admit(("tables", self.tables.len()), |limiter| limiter.tables())?;
        let (size, maximum) = (saturated(ty.minimum()), ty.maximum().map(saturated));
        match self.ask(|limiter| limiter.table_growing(0, size, maximum)).transpose()? {
            Some(false) => Err(refused("table", size, "elements")),
            _ => Ok(()),
        }
    }

    /// Grows a memory if the limiter lets it. The outer error is the limiter's.
    ///
    /// # Safety
    /// `memory` is one of this store's.
    #[cold]
    pub(super) unsafe fn grow_limited_memory(
        &mut self,
        memory: *mut MemoryObj,
        delta: u64,
    ) -> Result<Result<u64, GrowError>, Error> {
        // SAFETY: the caller's contract; the object lives outside of `self`.
        let (ty, len) = unsafe { ((*memory).inner.ty, (*memory).len as usize) };
        let desired = len.saturating_add(bytes(ty, delta));
        let maximum = ty.maximum().map(|pages| bytes(ty, pages));
        if self.ask(|limiter| limiter.memory_growing(len, desired, maximum)).transpose()? == Some(false) {
            return Ok(Err(GrowError::Limit));
        }
        // SAFETY: as before.
        let grown = unsafe { (*memory).grow(delta) };
        if grown.is_err() {
            let error = refused("memory", desired, "bytes");
            self.ask(|limiter| limiter.memory_grow_failed(error)).transpose()?;
        }
        Ok(grown)
    }

    /// Grows a table if the limiter lets it. The outer error is the limiter's.
    ///
    /// # Safety
    /// As for [`StoreInner::table_grow`].
    #[cold]
    pub(super) unsafe fn grow_limited_table(
        &mut self,
        table: *mut TableObj,
        delta: u64,
        init: u64,
    ) -> Result<Result<u64, GrowError>, Error> {
        // SAFETY: the caller's contract; the object lives outside of `self`.
        let (ty, len) = unsafe { ((*table).inner.ty, (*table).len) };
        let (size, desired) = (saturated(len), saturated(len.saturating_add(delta)));
        let maximum = ty.maximum().map(saturated);
        if self.ask(|limiter| limiter.table_growing(size, desired, maximum)).transpose()? == Some(false) {
            return Ok(Err(GrowError::Limit));
        }
        // SAFETY: as before.
        let grown = unsafe { (*table).grow(delta, init) };
        if grown.is_err() {
            let error = refused("table", desired, "elements");
            self.ask(|limiter| limiter.table_grow_failed(error)).transpose()?;
        }
        Ok(grown)
    }
}

fn bytes(ty: MemoryType, pages: u64) -> usize {
    saturated(pages.saturating_mul(ty.page_size()))
}

/// What a limiter is asked about: on 32 bits, sizes that no memory can have don't wrap to some that it could.
fn saturated(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn refused(what: &str, size: usize, unit: &str) -> Error {
    Error::of_kind(ErrorKind::Limit, format_args!("a {what} of {size} {unit} isn't allowed here"))
}
