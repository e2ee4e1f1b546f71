use crate::memory::GrowError;
use crate::words::Count;
use crate::{
    AsContext, AsContextMut, Error, Memory, MemoryAccessError, MemoryType, StoreContext, StoreContextMut,
};

impl Memory {
    /// Makes a memory of the type's minimal size, all zero.
    ///
    /// # Errors
    ///
    /// If the type is that of a [shared](MemoryType::shared) memory, if its size is more than its addresses reach (4 GiB, if they are 32-bit), or more than the budget or the system has room
    /// for.
    pub fn new(mut store: impl AsContextMut, ty: MemoryType) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        if ty.is_shared() {
            return Err(Error::msg("a shared memory is made by SharedMemory::new"));
        }
        store.inner_mut().admit_memory(ty)?;
        let guard = store.inner().engine.memory_guard();
        let memory = store.inner_mut().new_memory(ty, guard)?;
        // SAFETY: just made.
        Ok(Self::from_obj(store.inner(), unsafe { memory.as_ref() }))
    }

    /// The memory's type, as it was made.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        self.obj(store.as_context().inner()).inner.ty
    }

    /// The current size in pages, whose size the type says: 64 KiB in general.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.obj(store.as_context().inner()).pages()
    }

    /// The current size in bytes.
    pub fn data_size(&self, store: impl AsContext) -> usize {
        self.obj(store.as_context().inner()).len as usize
    }

    /// Adds `delta` pages of zeros, and gives the former size in pages.
    ///
    /// # Errors
    ///
    /// If the memory would exceed its type's maximum or what its addresses reach, or the budget or the system has no room
    /// for it.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64) -> Result<u64, Error> {
        let mut store = store.as_context_mut();
        let memory = self.ptr(store.inner()).as_ptr();
        // SAFETY: a memory of this store, as `ptr` has checked.
        unsafe { store.inner_mut().memory_grow_or_why(memory, delta)? }.map_err(|why| match why {
            GrowError::Memory(error) => error.into(),
            GrowError::Limit => {
                let pages = Count(self.size(&store), "pages");
                Error::msg(format_args!("a memory of {pages} can't grow by {delta}"))
            }
        })
    }

    /// [`Memory::grow`], for code that is asynchronous in wasmtime. It doesn't wait.
    ///
    /// # Errors
    ///
    /// As for [`Memory::grow`].
    pub async fn grow_async(&self, store: impl AsContextMut, delta: u64) -> Result<u64, Error> {
        self.grow(store, delta)
    }

    /// Where the memory's bytes are, until it grows; there are [`Memory::data_size`] of them.
    pub fn data_ptr(&self, store: impl AsContext) -> *mut u8 {
        self.obj(store.as_context().inner()).base
    }

    /// How many bytes a page of it has: 65,536, unless its type says otherwise.
    pub fn page_size(&self, store: impl AsContext) -> u64 {
        self.obj(store.as_context().inner()).inner.ty.page_size()
    }

    /// The memory's bytes.
    pub fn data<'a, T: 'a>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a [u8] {
        self.obj(store.into().inner()).bytes()
    }

    /// The memory's bytes.
    pub fn data_mut<'a, T: 'a>(&self, store: impl Into<StoreContextMut<'a, T>>) -> &'a mut [u8] {
        self.data_and_store_mut(store).0
    }

    /// The memory's bytes, and the embedder's data.
    pub fn data_and_store_mut<'a, T: 'a>(
        &self,
        store: impl Into<StoreContextMut<'a, T>>,
    ) -> (&'a mut [u8], &'a mut T) {
        let (inner, data) = store.into().into_parts();
        let mut memory = self.ptr(inner);
        #[cfg(feature = "record")]
        if inner.tape.is_some() {
            // SAFETY: as below.
            inner.tell_of_access(unsafe { memory.as_ref() });
        }
        // SAFETY: objects live as long as the store, which stays borrowed exclusively; they are no part of the data.
        (unsafe { memory.as_mut() }.bytes_mut(), data)
    }

    /// Copies bytes from `offset` on out of the memory.
    ///
    /// # Errors
    ///
    /// If some of them are beyond its end; then nothing is copied.
    pub fn read(
        &self,
        store: impl AsContext,
        offset: usize,
        into: &mut [u8],
    ) -> Result<(), MemoryAccessError> {
        let store = store.as_context();
        let bytes = self.obj(store.inner()).bytes();
        let from = bytes.get(offset..).and_then(|bytes| bytes.get(..into.len()));
        into.copy_from_slice(from.ok_or(MemoryAccessError::new())?);
        Ok(())
    }

    /// Copies bytes into the memory, from `offset` on.
    ///
    /// # Errors
    ///
    /// If some of them would be beyond its end; then nothing is copied.
    pub fn write(
        &self,
        mut store: impl AsContextMut,
        offset: usize,
        from: &[u8],
    ) -> Result<(), MemoryAccessError> {
        let mut store = store.as_context_mut();
        let mut memory = self.ptr(store.inner_mut());
        // SAFETY: objects live as long as the store, which is borrowed exclusively.
        let bytes = unsafe { memory.as_mut() }.bytes_mut();
        let into = bytes.get_mut(offset..).and_then(|bytes| bytes.get_mut(..from.len()));
        into.ok_or(MemoryAccessError::new())?.copy_from_slice(from);
        #[cfg(feature = "record")]
        {
            let handle = self.obj(store.inner()).inner.handle;
            store.inner_mut().tell_of_write(handle, offset, from.len());
        }
        Ok(())
    }
}
