//! Linear memories: where their bytes are, and how they grow.

use super::StoreInner;
use crate::Error;
use crate::alloc::MemoryError;
use crate::budget::{Budget, Charge, Kind};
use crate::limits::MAX_MEMORY_PAGES;
use crate::sys::{Mapping, RESERVE_MEMORIES};
use crate::types::MemoryType;
use crate::vmctx::MemoryObj;
use core::ptr::NonNull;

/// The bytes of a page.
pub(crate) const PAGE: u64 = 65536;

/// What a [`MemoryObj`] consists of besides its place and size.
pub(crate) struct MemoryInner {
    pub(crate) ty: MemoryType,
    /// `None` while the memory has no bytes and no reservation.
    mapping: Option<Mapping>,
    /// Its current size, in bytes: that is what the budget counts, whatever is reserved or touched.
    charge: Charge,
    pub(crate) handle: u32,
}

impl MemoryInner {
    /// The pages that the memory may never exceed.
    fn max_pages(&self) -> u64 {
        self.ty.maximum().unwrap_or(MAX_MEMORY_PAGES).min(MAX_MEMORY_PAGES)
    }
}

impl MemoryObj {
    pub(crate) fn pages(&self) -> u64 {
        self.len / PAGE
    }

    /// The type as importers see it: with the current size for a minimum.
    pub(crate) fn current_type(&self) -> MemoryType {
        MemoryType { minimum: self.pages(), ..self.inner.ty }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `base` leads to `len` bytes (or dangles, for none), which change only through `&mut` or by
        // execution, for which the store is borrowed exclusively.
        unsafe { std::slice::from_raw_parts(self.base, self.len as usize) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `bytes`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.len as usize) }
    }

    /// Whether `len` bytes from `start` on are within the memory.
    pub(crate) fn covers(&self, start: u64, len: u64) -> bool {
        start.checked_add(len).is_some_and(|end| end <= self.len)
    }

    /// Adds pages; the result is the former size in pages, or `None` when the type, the engine's limit, the
    /// budget or the system refuses.
    fn grow(&mut self, delta: u64) -> Option<u64> {
        let old = self.pages();
        let pages = old.checked_add(delta).filter(|pages| *pages <= self.inner.max_pages())?;
        if delta == 0 {
            return Some(old);
        }
        let len = usize::try_from(pages * PAGE).ok()?;
        self.inner.charge.grow(delta * PAGE).ok()?;
        if self.map(len).is_none() {
            self.inner.charge.shrink(delta * PAGE);
            return None;
        }
        self.len = len as u64;
        Some(old)
    }

    /// Makes sure that `len` bytes are mapped.
    fn map(&mut self, len: usize) -> Option<()> {
        let mapping = match self.inner.mapping.take() {
            None => Mapping::new(len).ok()?,
            Some(mapping) if len <= mapping.len() => mapping,
            Some(mapping) => match mapping.grow(len) {
                Ok(mapping) => mapping,
                Err(mapping) => {
                    self.inner.mapping = Some(mapping);
                    return None;
                }
            },
        };
        self.base = self.inner.mapping.insert(mapping).as_mut_ptr();
        Some(())
    }
}

/// What a budget and those that it draws on could ever give.
fn most_ever(budget: &Budget) -> u64 {
    let here = budget.limit().unwrap_or(u64::MAX);
    budget.parent().map_or(here, |parent| here.min(most_ever(parent)))
}

impl StoreInner {
    /// Makes a zeroed memory.
    pub(crate) fn new_memory(&mut self, ty: MemoryType) -> Result<NonNull<MemoryObj>, Error> {
        self.new_memory_in(ty, RESERVE_MEMORIES)
    }

    /// [`StoreInner::new_memory`]; `reserve` says whether to try to get address space for growth in advance.
    fn new_memory_in(&mut self, ty: MemoryType, reserve: bool) -> Result<NonNull<MemoryObj>, Error> {
        let budget = &self.budget;
        let bytes = ty.minimum().saturating_mul(PAGE);
        let mut memory = MemoryObj {
            base: NonNull::dangling().as_ptr(),
            len: 0,
            inner: MemoryInner {
                ty,
                mapping: None,
                charge: budget.nothing(Kind::Memory),
                handle: self.memories.len(),
            },
        };
        let limit = memory.inner.max_pages();
        if ty.minimum() > limit {
            return Err(Error::msg(format_args!("a memory has at most {limit} pages, not {}", ty.minimum())));
        }
        // Beyond the budget it can't grow anyway.
        let most = (limit * PAGE).min(most_ever(budget)).max(bytes);
        if reserve && most > 0 {
            memory.inner.mapping = Mapping::reserve(most as usize).ok();
            if let Some(mapping) = &memory.inner.mapping
                && budget.available().is_some()
            {
                mapping.in_small_pages();
            }
        }
        memory.inner.charge.grow(bytes)?;
        if bytes > 0 {
            let refused = || MemoryError::system(Kind::Memory, bytes);
            let len = usize::try_from(bytes).map_err(|_| refused())?;
            memory.map(len).ok_or_else(refused)?;
            memory.len = bytes;
        }
        self.memories.push(memory)
    }

    /// What an instance without a memory has for memory 0.
    pub(crate) fn empty_memory(&mut self) -> Result<NonNull<MemoryObj>, Error> {
        if let Some(memory) = self.empty_memory {
            return Ok(memory);
        }
        let memory = self.new_memory(MemoryType::new(0, Some(0)))?;
        self.empty_memory = Some(memory);
        Ok(memory)
    }

    /// `memory.grow`: the former size in pages, or `None` for -1.
    ///
    /// # Safety
    /// `memory` is one of this store's.
    pub(crate) unsafe fn memory_grow(&mut self, memory: *mut MemoryObj, delta_pages: u64) -> Option<u64> {
        // SAFETY: the caller's contract; the object lives outside of `self`.
        unsafe { (*memory).grow(delta_pages) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AsContextMut, Engine, Store};

    #[test]
    fn memories_grow_with_and_without_a_reservation() {
        for reserve in [true, false] {
            let mut store = Store::new(&Engine::default(), ());
            let mut context = store.as_context_mut();
            let mut memory =
                context.inner_mut().new_memory_in(MemoryType::new(0, Some(20)), reserve).unwrap();
            // SAFETY: the store lives, and nobody else uses it.
            let memory = unsafe { memory.as_mut() };
            assert_eq!(memory.inner.mapping.is_some(), reserve);
            assert!(memory.bytes().is_empty());
            assert_eq!(memory.grow(1), Some(0));
            let base = memory.base;
            memory.bytes_mut().fill(7);
            assert_eq!(memory.grow(19), Some(1));
            assert_eq!(memory.grow(1), None);
            assert!(!reserve || memory.base == base, "a reservation spares moving");
            let (old, new) = memory.bytes().split_at(65536);
            assert!(old.iter().all(|byte| *byte == 7) && new.iter().all(|byte| *byte == 0));
            assert_eq!(memory.bytes().len(), 20 << 16);
        }
    }
}
