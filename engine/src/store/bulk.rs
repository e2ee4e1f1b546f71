//! Bulk operations on memories and tables. Large ones proceed in pieces, and can be interrupted in between.
//!
//! Contexts (`vm`) must be of this store, and their modules must have what the indices name: translated code keeps
//! that, being made from validated bodies, and so does instantiation.

use super::StoreInner;
use crate::module::ElemItems;
use crate::vmctx::{MemoryObj, TableObj, VmCtx};
use crate::{Error, Trap};
use core::ops::Range;
use std::sync::Arc;

/// How many bytes, or elements, are worked on between two looks at the interrupt flag.
const PIECE: u64 = 1 << 20;

impl StoreInner {
    /// Calls `work` with the consecutive parts of `0..n`, or from the last to the first.
    fn in_pieces(&mut self, n: u64, backwards: bool, mut work: impl FnMut(Range<usize>)) -> Result<(), Trap> {
        let mut done = 0;
        loop {
            let len = PIECE.min(n - done);
            let start = if backwards { n - done - len } else { done };
            work(start as usize..(start + len) as usize);
            done += len;
            if done == n {
                return Ok(());
            }
            if self.interrupt.take() {
                return Err(Trap::Interrupt);
            }
        }
    }

    /// `memory.init`.
    pub(crate) fn memory_init(
        &mut self,
        vm: *mut VmCtx,
        memory: u32,
        data: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        // SAFETY: as the caller promises; neither object is part of `self`.
        let (instance, memory) = unsafe {
            let instance = &*(*vm).instance;
            (instance, instance.memory(memory).as_mut())
        };
        let payload: &[u8] =
            if instance.data_dropped(data) { &[] } else { instance.module.data.data_payload(data) };
        if src.checked_add(n).is_none_or(|end| end > payload.len() as u64) || !memory.covers(dst, n) {
            return Err(Trap::MemoryOutOfBounds);
        }
        let from = &payload[src as usize..][..n as usize];
        let to = &mut memory.bytes_mut()[dst as usize..][..n as usize];
        self.in_pieces(n, false, |part| to[part.clone()].copy_from_slice(&from[part]))
    }

    /// `data.drop`.
    pub(crate) fn data_drop(&mut self, vm: *mut VmCtx, data: u32) {
        // SAFETY: as the caller promises.
        unsafe { (*(*vm).instance).drop_data(data) }
    }

    /// `elem.drop`.
    pub(crate) fn elem_drop(&mut self, vm: *mut VmCtx, elem: u32) {
        // SAFETY: as the caller promises.
        unsafe { (*(*vm).instance).drop_elem(elem) }
    }

    /// `memory.fill`.
    pub(crate) fn memory_fill(
        &mut self,
        vm: *mut VmCtx,
        memory: u32,
        dst: u64,
        value: u8,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: as the caller promises; the object is not part of `self`.
        let memory = unsafe { (*(*vm).instance).memory(memory).as_mut() };
        if !memory.covers(dst, n) {
            return Err(Trap::MemoryOutOfBounds.into());
        }
        let to = &mut memory.bytes_mut()[dst as usize..][..n as usize];
        Ok(self.in_pieces(n, false, |part| to[part].fill(value))?)
    }

    /// `memory.copy`.
    pub(crate) fn memory_copy(
        &mut self,
        vm: *mut VmCtx,
        dst_memory: u32,
        src_memory: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: as the caller promises.
        let (to, from): (*mut MemoryObj, *mut MemoryObj) = unsafe {
            let instance = &*(*vm).instance;
            (instance.memory(dst_memory).as_ptr(), instance.memory(src_memory).as_ptr())
        };
        // SAFETY: as above; the two may be one object, hence no references. Both ranges are in bounds when used.
        unsafe {
            if !(*to).covers(dst, n) || !(*from).covers(src, n) {
                return Err(Trap::MemoryOutOfBounds.into());
            }
            let (to, from) = ((*to).base.add(dst as usize), (*from).base.add(src as usize));
            Ok(self.in_pieces(n, to.cast_const() > from, |part| {
                from.add(part.start).copy_to(to.add(part.start), part.len());
            })?)
        }
    }

    /// `table.init`.
    pub(crate) fn table_init(
        &mut self,
        vm: *mut VmCtx,
        table: u32,
        elem: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: as the caller promises; the objects are not part of `self`. The module is borrowed from a count
        // that the instance holds for as long as the store lives.
        let (module, table, dropped) = unsafe {
            let instance = &*(*vm).instance;
            (&*Arc::as_ptr(&instance.module), instance.table(table).as_ptr(), instance.elem_dropped(elem))
        };
        let items = &module.data.elems[elem as usize].items;
        let len = if dropped { 0 } else { items.len() as u64 };
        // SAFETY: a table of this store, see above.
        let covered = unsafe { (*table).covers(dst, n) };
        if src.checked_add(n).is_none_or(|end| end > len) || !covered {
            return Err(Trap::TableOutOfBounds.into());
        }
        for i in 0..n {
            if i % PIECE == PIECE - 1 && self.interrupt.take() {
                return Err(Trap::Interrupt.into());
            }
            let item = (src + i) as usize;
            let value = match items {
                ElemItems::Funcs(funcs) => self.func_ref(vm, funcs[item])? as u64,
                ElemItems::Exprs(exprs) => self.eval(vm, &exprs[item])?[0],
            };
            // SAFETY: within the table, of which nothing here changes the size.
            unsafe { (*table).base.add((dst + i) as usize).write(value) };
        }
        Ok(())
    }

    /// `table.fill`.
    ///
    /// `value` must be a reference of the table's element type.
    pub(crate) fn table_fill(
        &mut self,
        vm: *mut VmCtx,
        table: u32,
        dst: u64,
        value: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: as the caller promises; the object is not part of `self`.
        let table = unsafe { (*(*vm).instance).table(table).as_mut() };
        if !table.covers(dst, n) {
            return Err(Trap::TableOutOfBounds.into());
        }
        let to = &mut table.elements_mut()[dst as usize..][..n as usize];
        Ok(self.in_pieces(n, false, |part| to[part].fill(value))?)
    }

    /// `table.copy`.
    pub(crate) fn table_copy(
        &mut self,
        vm: *mut VmCtx,
        dst_table: u32,
        src_table: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: as the caller promises.
        unsafe {
            let instance = &*(*vm).instance;
            let (to, from) = (instance.table(dst_table).as_ptr(), instance.table(src_table).as_ptr());
            self.copy_elements(to, from, dst, src, n)
        }
    }

    /// Copies elements between two tables, or within one.
    ///
    /// Both must be tables of this store, and of one element type.
    pub(crate) fn copy_elements(
        &mut self,
        to: *mut TableObj,
        from: *mut TableObj,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: as the caller promises; the two may be one object, hence no references. Both ranges are in bounds
        // when used.
        unsafe {
            if !(*to).covers(dst, n) || !(*from).covers(src, n) {
                return Err(Trap::TableOutOfBounds.into());
            }
            let (to, from) = ((*to).base.add(dst as usize), (*from).base.add(src as usize));
            Ok(self.in_pieces(n, to.cast_const() > from, |part| {
                from.add(part.start).copy_to(to.add(part.start), part.len());
            })?)
        }
    }
}
