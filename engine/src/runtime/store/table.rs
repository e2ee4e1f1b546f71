//! Tables: their elements, and how they grow.

use super::StoreInner;
use crate::memory::limits::MAX_TABLE_ELEMENTS;
use crate::memory::{Buf, GrowError, Kind, MemoryError};
use crate::module::types::TableType;
use crate::runtime::vmctx::TableObj;
use crate::{Error, ErrorKind};
use core::ptr::NonNull;

/// What a [`TableObj`] consists of besides its base and length.
pub(crate) struct TableInner {
    pub(crate) ty: TableType,
    elements: Buf<u64>,
    pub(crate) handle: u32,
}

impl TableObj {
    /// The type as importers see it: the minimum is the current size.
    pub(crate) fn current_type(&self) -> TableType {
        TableType { minimum: self.len, ..self.inner.ty }
    }

    pub(crate) fn elements(&self) -> &[u64] {
        // SAFETY: `base` points to `len` elements. They change only through `&mut` or by execution, for which the store
        // is borrowed exclusively.
        unsafe { core::slice::from_raw_parts(self.base, self.len as usize) }
    }

    pub(crate) fn elements_mut(&mut self) -> &mut [u64] {
        // SAFETY: as for `elements`, and the borrow is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.base, self.len as usize) }
    }

    /// Whether `len` elements from `start` on are within the table.
    pub(crate) fn covers(&self, start: u64, len: u64) -> bool {
        start.checked_add(len).is_some_and(|end| end <= self.len)
    }

    fn resize(&mut self, len: usize, init: u64) -> Result<(), MemoryError> {
        self.inner.elements.try_resize(len, init)?;
        self.base = self.inner.elements.as_mut_ptr();
        self.len = len as u64;
        Ok(())
    }
}

impl TableObj {
    /// Adds elements, and returns the former size.
    pub(super) fn grow(&mut self, delta: u64, init: u64) -> Result<u64, GrowError> {
        let most = self.inner.ty.maximum().unwrap_or(MAX_TABLE_ELEMENTS).min(MAX_TABLE_ELEMENTS);
        let old = self.len;
        let len = old.checked_add(delta).filter(|len| *len <= most).ok_or(GrowError::Limit)?;
        self.resize(len as usize, init)?;
        Ok(old)
    }
}

impl StoreInner {
    /// Makes a table whose elements are all `init`.
    pub(crate) fn new_table(&mut self, ty: TableType, init: u64) -> Result<NonNull<TableObj>, Error> {
        if ty.minimum() > MAX_TABLE_ELEMENTS {
            let message =
                format_args!("a table has at most {MAX_TABLE_ELEMENTS} elements, not {}", ty.minimum());
            return Err(Error::of_kind(ErrorKind::Limit, message));
        }
        let elements = Buf::with_capacity(&self.budget, Kind::Table, ty.minimum() as usize)?;
        let inner = TableInner { ty, elements, handle: self.tables.len() };
        let mut table = TableObj { base: NonNull::dangling().as_ptr(), len: 0, inner };
        table.resize(ty.minimum() as usize, init)?;
        self.tables.push(table)
    }

    /// `table.grow`: the former size, or `None` for -1. An error is the store's limiter's.
    ///
    /// # Safety
    /// `table` is one of this store's, and `init` is a reference of its element type.
    pub(crate) unsafe fn table_grow(
        &mut self,
        table: *mut TableObj,
        delta: u64,
        init: u64,
    ) -> Result<Option<u64>, Error> {
        // SAFETY: the caller's contract.
        Ok(unsafe { self.table_grow_or_why(table, delta, init) }?.ok())
    }

    /// [`StoreInner::table_grow`], with the reason for -1.
    ///
    /// # Safety
    /// As for [`StoreInner::table_grow`].
    pub(crate) unsafe fn table_grow_or_why(
        &mut self,
        table: *mut TableObj,
        delta: u64,
        init: u64,
    ) -> Result<Result<u64, GrowError>, Error> {
        // SAFETY: the caller's contract; the object lives outside of `self`.
        let grow = |this: &mut Self| unsafe {
            match this.limiter {
                None => Ok((*table).grow(delta, init)),
                Some(_) => this.grow_limited_table(table, delta, init),
            }
        };
        #[cfg(feature = "record")]
        if self.tape.is_some() {
            return self.grow_on_tape(grow);
        }
        grow(self)
    }
}
