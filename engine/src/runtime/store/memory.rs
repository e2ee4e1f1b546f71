//! Linear memories: where their bytes are, and how they grow.

use super::{StoreInner, Template};
use crate::Error;
use crate::memory::GrowError;
use crate::memory::pages::{Guard, Pages};
use crate::module::types::MemoryType;
use crate::runtime::shared_memory::SharedMemory;
use crate::runtime::vmctx::MemoryObj;
use core::ptr::NonNull;

/// What a [`MemoryObj`] consists of besides its place and size.
pub(crate) struct MemoryInner {
    pub(crate) ty: MemoryType,
    /// How many bytes it may have, by its type and the engine's limit.
    limit: u64,
    place: Place,
    pub(crate) handle: u32,
}

/// Where a memory's bytes are.
enum Place {
    Own(Pages),
    Shared(SharedMemory),
}

impl MemoryObj {
    pub(crate) fn pages(&self) -> u64 {
        self.len >> self.inner.ty.page_size_log2
    }

    /// The type as importers see it: the minimum is the current size.
    pub(crate) fn current_type(&self) -> MemoryType {
        MemoryType { minimum: self.pages(), ..self.inner.ty }
    }

    /// Whether code that relies on guard regions may access it.
    pub(crate) fn suits_guarded_code(&self) -> bool {
        match &self.inner.place {
            Place::Own(pages) => pages.suits_guarded_code(),
            Place::Shared(memory) => memory.suits_guarded_code(),
        }
    }

    /// The shared memory that this stands for in a store, if it does.
    pub(crate) fn shared(&self) -> Option<&SharedMemory> {
        match &self.inner.place {
            Place::Own(_) => None,
            Place::Shared(memory) => Some(memory),
        }
    }

    /// Brings the length up to date, if the memory is shared; whether it has grown.
    pub(crate) fn refresh(&mut self) -> bool {
        let len = self.shared().map_or(self.len, SharedMemory::len);
        let has_grown = len != self.len;
        self.len = len;
        has_grown
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        debug_assert!(self.shared().is_none(), "its bytes may change at any time");
        // SAFETY: `base` points to `len` bytes (or dangles, for none). They change only through `&mut` or by execution,
        // for which the store is borrowed exclusively.
        unsafe { core::slice::from_raw_parts(self.base, self.len as usize) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        debug_assert!(self.shared().is_none(), "its bytes may change at any time");
        // SAFETY: as for `bytes`, and the borrow is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.base, self.len as usize) }
    }

    /// Whether `len` bytes from `start` on are within the memory.
    pub(crate) fn covers(&mut self, start: u64, len: u64) -> bool {
        let Some(end) = start.checked_add(len) else { return false };
        if end > self.len {
            self.refresh();
        }
        end <= self.len
    }

    /// Adds pages, and returns the former size in pages. Fails if the type, the engine's limit, the budget or the
    /// system refuses.
    pub(super) fn grow(&mut self, delta: u64) -> Result<u64, GrowError> {
        let pages = match &mut self.inner.place {
            Place::Own(pages) => pages,
            Place::Shared(memory) => {
                let old = memory.grow_by(delta);
                self.refresh();
                return old;
            }
        };
        let old = self.len >> self.inner.ty.page_size_log2;
        let more = delta.checked_mul(self.inner.ty.page_size()).ok_or(GrowError::Limit)?;
        let len = self.len.checked_add(more).filter(|len| *len <= self.inner.limit);
        len.ok_or(GrowError::Limit)?;
        if more > 0 {
            pages.grow(more)?;
            self.base = pages.base();
            self.len = pages.len() as u64;
        }
        Ok(old)
    }
}

impl StoreInner {
    /// Makes a zeroed memory.
    pub(crate) fn new_memory(&mut self, ty: MemoryType, guard: Guard) -> Result<NonNull<MemoryObj>, Error> {
        if ty.is_shared {
            let memory = SharedMemory::create(&self.engine, ty, &self.budget, guard)?;
            return self.shared_memory(memory);
        }
        self.engine.memory_limit(ty)?;
        let pages = Pages::new(ty.sizes(), &self.budget, guard, self.engine.arena())?;
        self.memory_of(ty, pages)
    }

    /// Makes a memory with the bytes of a template of its type.
    pub(crate) fn memory_from(
        &mut self,
        ty: MemoryType,
        guard: Guard,
        template: &Template,
    ) -> Result<NonNull<MemoryObj>, Error> {
        self.engine.memory_limit(ty)?;
        let mut pages = Pages::new(ty.sizes(), &self.budget, guard, self.engine.arena())?;
        pages.overlay(&template.snapshot)?;
        self.memory_of(ty, pages)
    }

    /// Makes a memory of this type as large as an image, with its bytes.
    #[cfg(feature = "snapshot")]
    pub(crate) fn memory_of_image(
        &mut self,
        ty: MemoryType,
        guard: Guard,
        image: &super::MemoryImage,
    ) -> Result<NonNull<MemoryObj>, Error> {
        let current = image.type_of(ty);
        self.engine.memory_limit(current)?;
        let mut pages = Pages::new(current.sizes(), &self.budget, guard, self.engine.arena())?;
        image.fill(&mut pages)?;
        self.memory_of(ty, pages)
    }

    /// Makes a memory of existing bytes.
    pub(crate) fn memory_of(
        &mut self,
        ty: MemoryType,
        mut pages: Pages,
    ) -> Result<NonNull<MemoryObj>, Error> {
        let limit = self.engine.memory_limit(ty)?;
        let (base, len, handle) = (pages.base(), pages.len() as u64, self.memories.len());
        let inner = MemoryInner { ty, limit, place: Place::Own(pages), handle };
        self.memories.push(MemoryObj { base, len, shared_len: core::ptr::null(), inner })
    }

    /// Makes the object that stands for a shared memory in this store.
    pub(crate) fn shared_memory(&mut self, memory: SharedMemory) -> Result<NonNull<MemoryObj>, Error> {
        let (base, len, shared_len) = (memory.base(), memory.len(), memory.len_word());
        let (ty, limit, handle) = (memory.declared_type(), len, self.memories.len());
        let inner = MemoryInner { ty, limit, place: Place::Shared(memory), handle };
        self.memories.push(MemoryObj { base, len, shared_len, inner })
    }

    /// The memory 0 of instances without a memory.
    pub(crate) fn empty_memory(&mut self) -> Result<NonNull<MemoryObj>, Error> {
        if let Some(memory) = self.empty_memory {
            return Ok(memory);
        }
        let ty = MemoryType::new(0, Some(0));
        // No code accesses it, so it needs no guard.
        let pages = Pages::new(ty.sizes(), &self.budget, Guard::Never, None)?;
        let memory = self.memory_of(ty, pages)?;
        self.empty_memory = Some(memory);
        Ok(memory)
    }

    /// `memory.grow`: the former size in pages, or `None` for -1. An error is the store's limiter's.
    ///
    /// # Safety
    /// `memory` is one of this store's.
    pub(crate) unsafe fn memory_grow(
        &mut self,
        memory: *mut MemoryObj,
        delta_pages: u64,
    ) -> Result<Option<u64>, Error> {
        // SAFETY: the caller's contract.
        Ok(unsafe { self.memory_grow_or_why(memory, delta_pages) }?.ok())
    }

    /// [`StoreInner::memory_grow`], with the reason for -1.
    ///
    /// # Safety
    /// `memory` is one of this store's.
    pub(crate) unsafe fn memory_grow_or_why(
        &mut self,
        memory: *mut MemoryObj,
        delta_pages: u64,
    ) -> Result<Result<u64, GrowError>, Error> {
        // SAFETY: the caller's contract; the object lives outside of `self`.
        let grow = |this: &mut Self| unsafe {
            match this.limiter {
                None => Ok((*memory).grow(delta_pages)),
                Some(_) => this.grow_limited_memory(memory, delta_pages),
            }
        };
        #[cfg(feature = "record")]
        if self.tape.is_some() {
            return self.grow_on_tape(grow);
        }
        grow(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::pages::PAGE;
    use crate::{AsContextMut, Config, Engine, ErrorKind, Memory, Store};

    #[test]
    fn engines_bound_memories() {
        let engine = Engine::new(Config::new().max_memory_size(3 * PAGE + 1)).unwrap();
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(5))).unwrap();
        assert_eq!(memory.grow(&mut store, 2).unwrap(), 1);
        assert!(memory.grow(&mut store, 1).is_err());
        assert_eq!(memory.size(&store), 3);
        assert_eq!(
            memory.ty(&store),
            MemoryType::new(1, Some(5)),
            "it is the engine's limit, not the type's"
        );
        assert!(Memory::new(&mut store, MemoryType::new(3, None)).is_ok());
        let error = Memory::new(&mut store, MemoryType::new(4, None)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
    }

    #[test]
    fn memories_grow_with_and_without_a_reservation() {
        for reserve in [true, false] {
            let mut store = Store::new(&Engine::default(), ());
            let mut context = store.as_context_mut();
            let inner = context.inner_mut();
            let ty = MemoryType::new(0, Some(20));
            let pages = Pages::new_in(ty.sizes(), &inner.budget, reserve, None).unwrap();
            assert_eq!(pages.is_reserved(), reserve);
            let mut memory = inner.memory_of(ty, pages).unwrap();
            // SAFETY: the store lives, and nobody else uses it.
            let memory = unsafe { memory.as_mut() };
            assert!(memory.bytes().is_empty());
            assert_eq!(memory.grow(1), Ok(0));
            let base = memory.base;
            memory.bytes_mut().fill(7);
            assert_eq!(memory.grow(19), Ok(1));
            assert_eq!(memory.grow(1), Err(GrowError::Limit));
            assert!(!reserve || memory.base == base, "a reservation spares moving");
            let (old, new) = memory.bytes().split_at(65536);
            assert!(old.iter().all(|byte| *byte == 7) && new.iter().all(|byte| *byte == 0));
            assert_eq!(memory.bytes().len(), 20 << 16);
        }
    }

    #[test]
    fn growth_that_the_system_refuses_is_not_charged() {
        use crate::sys::LARGEST;
        let budget = crate::Budget::unlimited();
        let mut pages = Pages::new_in(MemoryType::new(1, Some(20)).sizes(), &budget, false, None).unwrap();
        LARGEST.set(0);
        let refused = pages.grow(2 * PAGE);
        LARGEST.set(usize::MAX);
        assert!(refused.is_err());
        assert_eq!((budget.used(), pages.len()), (PAGE, PAGE as usize));
        pages.grow(2 * PAGE).unwrap();
        assert_eq!(budget.used(), 3 * PAGE);
    }
}
