//! Bulk operations on memories and tables. Large ones are done in pieces, and can be interrupted between them.

use super::StoreInner;
use crate::memory::Shared;
use crate::module::ElemItems;
use crate::runtime::vmctx::{MemoryObj, TableObj, VmCtx};
use crate::{Error, Trap};
use core::ops::Range;

/// How many bytes, or elements, are worked on between two looks at the interrupt flag. Tests of this file try many sizes.
const PIECE: u64 = if cfg!(test) { 1 << 12 } else { 1 << 20 };

/// What an operation works on: `n` bytes or elements, from `src` on (if it has a source) to `dst`. An interrupted operation leaves
/// here what is still to be done: begun anew, an overlapping copy would copy what it has overwritten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent {
    pub(crate) dst: u64,
    pub(crate) src: u64,
    pub(crate) n: u64,
}

impl StoreInner {
    /// Calls `work` with the consecutive parts of `0..extent.n`, or from the last to the first.
    fn in_pieces(
        &mut self,
        extent: &mut Extent,
        backwards: bool,
        mut work: impl FnMut(&mut Self, Range<usize>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let n = extent.n;
        loop {
            let len = PIECE.min(extent.n);
            let start = if backwards { extent.n - len } else { n - extent.n };
            work(self, start as usize..(start + len) as usize)?;
            extent.n -= len;
            if !backwards {
                extent.dst += len;
                extent.src += len;
            }
            if extent.n == 0 {
                return Ok(());
            }
            if self.interrupt.take() {
                return Err(Trap::Interrupt.into());
            }
        }
    }

    /// `memory.init`.
    ///
    /// # Safety
    /// For this and all the following: `vm` is a context of this store, and its module has what the indices name.
    pub(crate) unsafe fn memory_init(
        &mut self,
        vm: *mut VmCtx,
        memory: u32,
        data: u32,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        let Extent { dst, src, n } = *extent;
        // SAFETY: the caller's contract; neither object is part of `self`.
        let (instance, memory) = unsafe {
            let instance = &*(*vm).instance;
            (instance, instance.memory(memory).as_mut())
        };
        let payload: &[u8] =
            if instance.data_dropped(data) { &[] } else { instance.module.shared().data.data_payload(data) };
        if src.checked_add(n).is_none_or(|end| end > payload.len() as u64) || !memory.covers(dst, n) {
            return Err(Trap::MemoryOutOfBounds.into());
        }
        let from = &payload[src as usize..][..n as usize];
        // SAFETY: in bounds, and a memory's bytes and a module's are apart. No reference to the former is made: they may be
        // shared.
        unsafe {
            let to = memory.base.add(dst as usize);
            self.in_pieces(extent, false, |_, part| {
                to.add(part.start).copy_from_nonoverlapping(from[part.clone()].as_ptr(), part.len());
                Ok(())
            })
        }
    }

    /// `data.drop`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn data_drop(&mut self, vm: *mut VmCtx, data: u32) {
        // SAFETY: the caller's contract.
        unsafe { (*(*vm).instance).drop_data(data) }
    }

    /// `elem.drop`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn elem_drop(&mut self, vm: *mut VmCtx, elem: u32) {
        // SAFETY: the caller's contract.
        unsafe { (*(*vm).instance).drop_elem(elem) }
    }

    /// `memory.fill`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn memory_fill(
        &mut self,
        vm: *mut VmCtx,
        memory: u32,
        value: u8,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        let Extent { dst, n, .. } = *extent;
        // SAFETY: the caller's contract; the object is not part of `self`.
        let memory = unsafe { (*(*vm).instance).memory(memory).as_mut() };
        if !memory.covers(dst, n) {
            return Err(Trap::MemoryOutOfBounds.into());
        }
        // SAFETY: in bounds; no reference to the bytes is made, since they may be shared.
        unsafe {
            let to = memory.base.add(dst as usize);
            self.in_pieces(extent, false, |_, part| {
                to.add(part.start).write_bytes(value, part.len());
                Ok(())
            })
        }
    }

    /// `memory.copy`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn memory_copy(
        &mut self,
        vm: *mut VmCtx,
        dst_memory: u32,
        src_memory: u32,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        let Extent { dst, src, n } = *extent;
        // SAFETY: the caller's contract.
        let (to, from): (*mut MemoryObj, *mut MemoryObj) = unsafe {
            let instance = &*(*vm).instance;
            (instance.memory(dst_memory).as_ptr(), instance.memory(src_memory).as_ptr())
        };
        // SAFETY: two memories of this store; they may be one object, hence no references. Both ranges are in bounds
        // when used.
        unsafe {
            if !(*to).covers(dst, n) || !(*from).covers(src, n) {
                return Err(Trap::MemoryOutOfBounds.into());
            }
            let (to, from) = ((*to).base.add(dst as usize), (*from).base.add(src as usize));
            self.in_pieces(extent, to.cast_const() > from, |_, part| {
                from.add(part.start).copy_to(to.add(part.start), part.len());
                Ok(())
            })
        }
    }

    /// `table.init`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn table_init(
        &mut self,
        vm: *mut VmCtx,
        table: u32,
        elem: u32,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        let Extent { dst, src, n } = *extent;
        // SAFETY: the caller's contract; the objects are not part of `self`. The module is borrowed from a count
        // that the instance holds for as long as the store lives.
        let (module, table, dropped) = unsafe {
            let instance = &*(*vm).instance;
            (
                &*Shared::as_ptr(instance.module.shared()),
                instance.table(table).as_ptr(),
                instance.elem_dropped(elem),
            )
        };
        let items = &module.data.elems[elem as usize].items;
        let len = if dropped { 0 } else { items.len() as u64 };
        // SAFETY: a table of this store, see above.
        let covered = unsafe { (*table).covers(dst, n) };
        if src.checked_add(n).is_none_or(|end| end > len) || !covered {
            return Err(Trap::TableOutOfBounds.into());
        }
        self.in_pieces(extent, false, |store, part| {
            for i in part {
                let item = src as usize + i;
                // SAFETY: the contract goes on, and nothing here changes a table's size.
                unsafe {
                    let value = match items {
                        ElemItems::Funcs(funcs) => store.func_ref(vm, funcs[item])? as u64,
                        ElemItems::Exprs(exprs) => store.eval(vm, &exprs[item])?[0],
                    };
                    (*table).base.add(dst as usize + i).write(value);
                }
            }
            Ok(())
        })
    }

    /// `table.fill`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`]; `value` is a reference of the table's element type.
    pub(crate) unsafe fn table_fill(
        &mut self,
        vm: *mut VmCtx,
        table: u32,
        value: u64,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        let Extent { dst, n, .. } = *extent;
        // SAFETY: the caller's contract; the object is not part of `self`.
        let table = unsafe { (*(*vm).instance).table(table).as_mut() };
        if !table.covers(dst, n) {
            return Err(Trap::TableOutOfBounds.into());
        }
        let to = &mut table.elements_mut()[dst as usize..][..n as usize];
        self.in_pieces(extent, false, |_, part| {
            to[part].fill(value);
            Ok(())
        })
    }

    /// `table.copy`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn table_copy(
        &mut self,
        vm: *mut VmCtx,
        dst_table: u32,
        src_table: u32,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let instance = &*(*vm).instance;
            let (to, from) = (instance.table(dst_table).as_ptr(), instance.table(src_table).as_ptr());
            self.copy_elements(to, from, extent)
        }
    }

    /// Copies elements between two tables, or within one.
    ///
    /// # Safety
    /// Both are tables of this store, and of one element type.
    pub(crate) unsafe fn copy_elements(
        &mut self,
        to: *mut TableObj,
        from: *mut TableObj,
        extent: &mut Extent,
    ) -> Result<(), Error> {
        let Extent { dst, src, n } = *extent;
        // SAFETY: the caller's contract; the two may be one object, hence no references. Both ranges are in bounds
        // when used.
        unsafe {
            if !(*to).covers(dst, n) || !(*from).covers(src, n) {
                return Err(Trap::TableOutOfBounds.into());
            }
            let (to, from) = ((*to).base.add(dst as usize), (*from).base.add(src as usize));
            self.in_pieces(extent, to.cast_const() > from, |_, part| {
                from.add(part.start).copy_to(to.add(part.start), part.len());
                Ok(())
            })
        }
    }
}

#[cfg(test)]
mod tests;
