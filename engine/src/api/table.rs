use crate::memory::GrowError;
use crate::runtime::store::{Extent, StoreInner};
use crate::words::Count;
use crate::{AsContext, AsContextMut, Error, Table, TableType, Trap, Val};

impl Table {
    /// Makes a table of the type's minimal size, all elements being `init`.
    ///
    /// # Errors
    ///
    /// If `init` isn't of the element type, or the size is more than 10,000,000 elements or than the budget or
    /// the system has room for.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Val) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        init.expect_ty(store.inner(), ty.element().into())?;
        let init = init.to_raw(store.inner())[0];
        store.inner_mut().admit_table(ty)?;
        store.inner_mut().keep_type(ty.element().into())?;
        let table = store.inner_mut().new_table(ty, init)?;
        // SAFETY: just made.
        Ok(Self::from_obj(store.inner(), unsafe { table.as_ref() }))
    }

    /// The table's type, as it was made.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        self.obj(store.as_context().inner()).inner.ty
    }

    /// The current number of elements.
    pub fn size(&self, store: impl AsContext) -> u64 {
        self.obj(store.as_context().inner()).len
    }

    /// An element; `None` beyond the table's end.
    pub fn get(&self, store: impl AsContext, index: u64) -> Option<Val> {
        let store = store.as_context();
        let table = self.obj(store.inner());
        let element = *table.elements().get(usize::try_from(index).ok()?)?;
        // SAFETY: what is in a table of this store, if of type `funcref`, is null or a function of it.
        Some(unsafe { Val::from_raw(store.inner(), table.inner.ty.element().into(), &[element, 0]) })
    }

    /// Sets an element.
    ///
    /// # Errors
    ///
    /// If it is beyond the table's end, or the value isn't of the element type.
    pub fn set(&self, store: impl AsContextMut, index: u64, value: Val) -> Result<(), Error> {
        self.fill(store, index, value, 1)
    }

    /// Adds `delta` elements, each of them `init`, and gives the former size.
    ///
    /// # Errors
    ///
    /// If `init` isn't of the element type, the table would exceed its type's maximum or 10,000,000 elements, or the
    /// budget or the system has no room for it.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u64, init: Val) -> Result<u64, Error> {
        let mut store = store.as_context_mut();
        let init = self.element(store.inner(), init)?;
        let table = self.ptr(store.inner()).as_ptr();
        // SAFETY: a table of this store, as `ptr` has checked.
        unsafe { store.inner_mut().table_grow_or_why(table, delta, init)? }.map_err(|why| match why {
            GrowError::Memory(error) => error.into(),
            GrowError::Limit => {
                let elements = Count(self.size(&store), "elements");
                Error::msg(format_args!("a table of {elements} can't grow by {delta}"))
            }
        })
    }

    /// Sets `len` elements from `start` on.
    ///
    /// # Errors
    ///
    /// If some are beyond the table's end (then none is set), or the value isn't of the element type.
    pub fn fill(&self, mut store: impl AsContextMut, start: u64, value: Val, len: u64) -> Result<(), Error> {
        let mut store = store.as_context_mut();
        let value = self.element(store.inner(), value)?;
        // SAFETY: the store is borrowed exclusively, and with it the object.
        let table = unsafe { self.ptr(store.inner_mut()).as_mut() };
        if !table.covers(start, len) {
            return Err(Trap::TableOutOfBounds.into());
        }
        table.elements_mut()[start as usize..][..len as usize].fill(value);
        Ok(())
    }

    /// Copies `len` elements from one table to another, or within one.
    ///
    /// # Errors
    ///
    /// If some are beyond a table's end (then none is copied), or the tables have different element types.
    pub fn copy(
        mut store: impl AsContextMut,
        to: &Table,
        to_start: u64,
        from: &Table,
        from_start: u64,
        len: u64,
    ) -> Result<(), Error> {
        let mut store = store.as_context_mut();
        let store = store.inner_mut();
        let (expected, found) = (to.obj(store).inner.ty.element(), from.obj(store).inner.ty.element());
        if !store.engine.value_matches(found.into(), expected.into()) {
            return Err(Error::msg(format_args!("a table of {expected} has no place for {found}")));
        }
        let (to, from) = (to.ptr(store).as_ptr(), from.ptr(store).as_ptr());
        // SAFETY: tables of this store, as `ptr` has checked, and the elements of one are of the other's type.
        unsafe { store.copy_elements(to, from, &mut Extent { dst: to_start, src: from_start, n: len }) }
    }

    fn element(&self, store: &StoreInner, value: Val) -> Result<u64, Error> {
        value.expect_ty(store, self.obj(store).inner.ty.element().into())?;
        Ok(value.to_raw(store)[0])
    }
}
