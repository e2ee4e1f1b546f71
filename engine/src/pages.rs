//! The bytes of a linear memory: reserved, mapped, grown, and charged by their size.

use crate::alloc::MemoryError;
use crate::budget::{Budget, Charge, Kind};
use crate::limits::MAX_MEMORY_PAGES;
use crate::sys::{Mapping, RESERVE_MEMORIES};
use crate::types::MemoryType;
use core::ptr::NonNull;

/// The bytes of a page.
pub(crate) const PAGE: u64 = 65536;

/// The pages that a memory of this type may never exceed.
pub(crate) fn max_pages(ty: MemoryType) -> u64 {
    ty.maximum().unwrap_or(MAX_MEMORY_PAGES).min(MAX_MEMORY_PAGES)
}

/// The bytes beyond the 4 GiB that a 32-bit address can name that are kept inaccessible: offsets that are smaller
/// need no check.
pub(crate) const GUARD: u64 = 32 << 20;

/// Zeroed bytes, as many as a memory has pages.
#[derive(Debug)]
pub(crate) struct Pages {
    /// `None` while there are no bytes and no reservation.
    mapping: Option<Mapping>,
    len: usize,
    /// Whether only what is in use can be accessed, of a mapping that has room for all.
    guarded: bool,
    /// The current size: that is what the budget counts, whatever is reserved or touched.
    charge: Charge,
}

/// What a budget and those that it draws on could ever give.
fn most_ever(budget: &Budget) -> u64 {
    let here = budget.limit().unwrap_or(u64::MAX);
    budget.parent().map_or(here, |parent| here.min(most_ever(parent)))
}

impl Pages {
    /// The bytes of a new memory; its minimum is at most [`max_pages`]. With `guarded`, nothing that a 32-bit address
    /// and an offset below [`GUARD`] can name beyond them can be accessed, and they never move.
    pub(crate) fn new(ty: MemoryType, budget: &Budget, guarded: bool) -> Result<Self, MemoryError> {
        if guarded { Self::new_guarded(ty, budget) } else { Self::new_in(ty, budget, RESERVE_MEMORIES) }
    }

    fn new_guarded(ty: MemoryType, budget: &Budget) -> Result<Self, MemoryError> {
        let bytes = ty.minimum() * PAGE;
        let charge = budget.charge(Kind::Memory, bytes)?;
        let refused = |asked| MemoryError::system(Kind::Memory, asked);
        let space = usize::try_from((1 << 32) + GUARD).map_err(|_| refused(bytes))?;
        let mapping = Mapping::inaccessible(space).map_err(|_| refused(space as u64))?;
        if budget.available().is_some() {
            mapping.in_small_pages();
        }
        let mut pages = Pages { mapping: Some(mapping), len: 0, guarded: true, charge };
        pages.map(bytes as usize).ok_or_else(|| refused(bytes))?;
        pages.len = bytes as usize;
        Ok(pages)
    }

    /// [`Pages::new`]; `reserve` says whether to try to get address space for growth in advance.
    pub(crate) fn new_in(ty: MemoryType, budget: &Budget, reserve: bool) -> Result<Self, MemoryError> {
        let bytes = ty.minimum() * PAGE;
        let charge = budget.charge(Kind::Memory, bytes)?;
        let mut pages = Pages { mapping: None, len: 0, guarded: false, charge };
        // Beyond the budget it can't grow anyway.
        let most = (max_pages(ty) * PAGE).min(most_ever(budget)).max(bytes);
        if reserve && most > 0 {
            pages.mapping = Mapping::reserve(most as usize).ok();
            if let Some(mapping) = &pages.mapping
                && budget.available().is_some()
            {
                mapping.in_small_pages();
            }
        }
        if bytes > 0 {
            let refused = || MemoryError::system(Kind::Memory, bytes);
            let len = usize::try_from(bytes).map_err(|_| refused())?;
            pages.map(len).ok_or_else(refused)?;
            pages.len = len;
        }
        Ok(pages)
    }

    /// Has another budget pay for them.
    pub(crate) fn move_to(mut self, budget: &Budget) -> Result<Self, MemoryError> {
        // Back first: where both draw on one, there needn't be room for both.
        self.charge = self.charge.budget().nothing(Kind::Memory);
        self.charge = budget.charge(Kind::Memory, self.len as u64)?;
        Ok(self)
    }

    pub(crate) fn base(&mut self) -> *mut u8 {
        self.mapping.as_mut().map_or(NonNull::dangling().as_ptr(), Mapping::as_mut_ptr)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies `from` to `offset`, if it fits.
    pub(crate) fn write(&mut self, offset: u64, from: &[u8]) -> Option<()> {
        let end = offset.checked_add(from.len() as u64)?;
        if end > self.len as u64 {
            return None;
        }
        // SAFETY: within the mapping, of which nobody else has a pointer yet.
        unsafe { self.base().add(offset as usize).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
        Some(())
    }

    /// Adds zeroed pages, unless the budget or the system refuses. [`Pages::base`] may change.
    pub(crate) fn grow(&mut self, delta: u64) -> Result<(), MemoryError> {
        let more = delta * PAGE;
        self.charge.grow(more)?;
        let len = usize::try_from(self.len as u64 + more).ok();
        match len.and_then(|len| self.map(len).map(|()| len)) {
            Some(len) => {
                self.len = len;
                Ok(())
            }
            None => {
                self.charge.shrink(more);
                Err(MemoryError::system(Kind::Memory, more))
            }
        }
    }

    /// Whether there is address space for growth.
    #[cfg(test)]
    pub(crate) fn is_reserved(&self) -> bool {
        self.mapping.is_some()
    }

    /// Makes sure that `len` bytes are mapped.
    fn map(&mut self, len: usize) -> Option<()> {
        if self.guarded {
            return self.mapping.as_mut()?.make_accessible(self.len, len).ok();
        }
        let mapping = match self.mapping.take() {
            None => Mapping::new(len).ok()?,
            Some(mapping) if len <= mapping.len() => mapping,
            Some(mapping) => match mapping.grow(len) {
                Ok(mapping) => mapping,
                Err(mapping) => {
                    self.mapping = Some(mapping);
                    return None;
                }
            },
        };
        self.mapping = Some(mapping);
        Some(())
    }
}
