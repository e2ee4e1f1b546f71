//! Bulk operations on memories and tables. Large ones proceed in pieces, and can be interrupted in between.

use super::StoreInner;
use crate::memory::alloc::Shared;
use crate::module::ElemItems;
use crate::runtime::vmctx::{MemoryObj, TableObj, VmCtx};
use crate::{Error, Trap};
use core::ops::Range;

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
    ///
    /// # Safety
    /// For this and all the following: `vm` is a context of this store, and its module has what the indices name.
    pub(crate) unsafe fn memory_init(
        &mut self,
        vm: *mut VmCtx,
        memory: u32,
        data: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Trap> {
        // SAFETY: the caller's contract; neither object is part of `self`.
        let (instance, memory) = unsafe {
            let instance = &*(*vm).instance;
            (instance, instance.memory(memory).as_mut())
        };
        let payload: &[u8] =
            if instance.data_dropped(data) { &[] } else { instance.module.shared().data.data_payload(data) };
        if src.checked_add(n).is_none_or(|end| end > payload.len() as u64) || !memory.covers(dst, n) {
            return Err(Trap::MemoryOutOfBounds);
        }
        let from = &payload[src as usize..][..n as usize];
        let to = &mut memory.bytes_mut()[dst as usize..][..n as usize];
        self.in_pieces(n, false, |part| to[part.clone()].copy_from_slice(&from[part]))
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
        dst: u64,
        value: u8,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract; the object is not part of `self`.
        let memory = unsafe { (*(*vm).instance).memory(memory).as_mut() };
        if !memory.covers(dst, n) {
            return Err(Trap::MemoryOutOfBounds.into());
        }
        let to = &mut memory.bytes_mut()[dst as usize..][..n as usize];
        Ok(self.in_pieces(n, false, |part| to[part].fill(value))?)
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
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
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
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`].
    pub(crate) unsafe fn table_init(
        &mut self,
        vm: *mut VmCtx,
        table: u32,
        elem: u32,
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
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
        for i in 0..n {
            if i % PIECE == PIECE - 1 && self.interrupt.take() {
                return Err(Trap::Interrupt.into());
            }
            let item = (src + i) as usize;
            // SAFETY: the contract goes on, and nothing here changes a table's size.
            unsafe {
                let value = match items {
                    ElemItems::Funcs(funcs) => self.func_ref(vm, funcs[item])? as u64,
                    ElemItems::Exprs(exprs) => self.eval(vm, &exprs[item])?[0],
                };
                (*table).base.add((dst + i) as usize).write(value);
            }
        }
        Ok(())
    }

    /// `table.fill`.
    ///
    /// # Safety
    /// See [`StoreInner::memory_init`]; `value` is a reference of the table's element type.
    pub(crate) unsafe fn table_fill(
        &mut self,
        vm: *mut VmCtx,
        table: u32,
        dst: u64,
        value: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract; the object is not part of `self`.
        let table = unsafe { (*(*vm).instance).table(table).as_mut() };
        if !table.covers(dst, n) {
            return Err(Trap::TableOutOfBounds.into());
        }
        let to = &mut table.elements_mut()[dst as usize..][..n as usize];
        Ok(self.in_pieces(n, false, |part| to[part].fill(value))?)
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
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract.
        unsafe {
            let instance = &*(*vm).instance;
            let (to, from) = (instance.table(dst_table).as_ptr(), instance.table(src_table).as_ptr());
            self.copy_elements(to, from, dst, src, n)
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
        dst: u64,
        src: u64,
        n: u64,
    ) -> Result<(), Error> {
        // SAFETY: the caller's contract; the two may be one object, hence no references. Both ranges are in bounds
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AsContextMut, Engine, Instance, Memory, Module, Store};

    fn instance(store: &mut Store<()>, text: &str) -> (Instance, *mut VmCtx) {
        let module = Module::new(store.engine(), wat::parse_str(text).unwrap()).unwrap();
        let instance = Instance::new(&mut *store, &module, &[]).unwrap();
        let mut context = store.as_context_mut();
        let last = context.inner_mut().instances.len() - 1;
        // SAFETY: just made.
        (instance, unsafe { context.inner_mut().instances.get(last).as_ref().vm() })
    }

    #[test]
    fn copies_in_pieces_are_like_copies() {
        let mut store = Store::new(&Engine::default(), ());
        let (instance, vm) = instance(&mut store, r#"(module (memory (export "m") 100))"#);
        let memory: Memory = instance.get_memory(&store, "m").unwrap();
        let mut expected: Vec<u8> =
            (0..100 * 65536u32).map(|i| (i.wrapping_mul(2654435761) >> 24) as u8).collect();
        memory.data_mut(&mut store).copy_from_slice(&expected);
        for (dst, src, n) in [
            (0, 1000, 3 << 20),
            (1000, 0, (3 << 20) + 1),
            (5, 5, 1 << 20),
            (6553600 - (2 << 20), 7, 2 << 20),
            (6553600, 3, 0),
        ] {
            expected.copy_within(src..src + n, dst);
            let mut context = store.as_context_mut();
            let inner = context.inner_mut();
            // SAFETY: `vm` is a context of this store, and has what the indices name.
            unsafe { inner.memory_copy(vm, 0, 0, dst as u64, src as u64, n as u64).unwrap() };
            assert!(memory.data(&store) == expected, "{dst} {src} {n}");
        }
        let mut context = store.as_context_mut();
        let inner = context.inner_mut();
        for (dst, src, n) in [(6553600, 0, 1), (0, 6553599, 2), (u64::MAX, 0, 2), (6553601, 0, 0)] {
            // SAFETY: see above.
            let error = unsafe { inner.memory_copy(vm, 0, 0, dst, src, n) }.unwrap_err();
            assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
        }
        // SAFETY: see above.
        unsafe { inner.memory_fill(vm, 0, 10, 0xab, 5 << 20) }.unwrap();
        expected[10..10 + (5 << 20)].fill(0xab);
        assert!(memory.data(&store) == expected);
    }

    #[test]
    fn only_large_operations_look_for_interruptions() {
        let mut store = Store::new(&Engine::default(), ());
        let (_, vm) = instance(&mut store, "(module (memory 100))");
        store.interrupt_handle().interrupt();
        let mut context = store.as_context_mut();
        let inner = context.inner_mut();
        // SAFETY: see above.
        unsafe { inner.memory_fill(vm, 0, 0, 1, 1 << 20) }.unwrap();
        // SAFETY: see above.
        let error = unsafe { inner.memory_fill(vm, 0, 0, 1, (1 << 20) + 1) }.unwrap_err();
        assert_eq!(error.trap(), Some(Trap::Interrupt));
        // SAFETY: see above.
        unsafe { inner.memory_fill(vm, 0, 0, 1, (1 << 20) + 1) }.unwrap();
    }

    #[test]
    fn segments_can_be_dropped() {
        let mut store = Store::new(&Engine::default(), ());
        let (instance, vm) = instance(
            &mut store,
            r#"(module (memory (export "m") 1) (data "abc") (table (export "t") 4 funcref) (table 2 funcref)
                (func $f) (elem func $f $f) (elem funcref (ref.null func) (ref.func $f)))"#,
        );
        let memory = instance.get_memory(&store, "m").unwrap();
        let table = instance.get_table(&store, "t").unwrap();
        let mut context = store.as_context_mut();
        let inner = context.inner_mut();
        // SAFETY: see above.
        unsafe { inner.memory_init(vm, 0, 0, 65534, 1, 2) }.unwrap();
        // SAFETY: see above.
        assert_eq!(unsafe { inner.memory_init(vm, 0, 0, 0, 2, 2) }, Err(Trap::MemoryOutOfBounds));
        // SAFETY: see above.
        assert_eq!(unsafe { inner.memory_init(vm, 0, 0, 65535, 0, 2) }, Err(Trap::MemoryOutOfBounds));
        // SAFETY: see above.
        unsafe { inner.data_drop(vm, 0) };
        // SAFETY: see above.
        unsafe { inner.memory_init(vm, 0, 0, 65536, 0, 0) }.unwrap();
        // SAFETY: see above.
        assert_eq!(unsafe { inner.memory_init(vm, 0, 0, 0, 0, 1) }, Err(Trap::MemoryOutOfBounds));

        // SAFETY: see above.
        unsafe { inner.table_init(vm, 0, 1, 1, 0, 2) }.unwrap();
        // SAFETY: see above.
        unsafe { inner.elem_drop(vm, 1) };
        // SAFETY: see above.
        assert!(unsafe { inner.table_init(vm, 0, 1, 0, 0, 1) }.is_err());
        // SAFETY: see above.
        unsafe { inner.table_init(vm, 0, 0, 3, 1, 1) }.unwrap();
        // SAFETY: see above.
        assert!(unsafe { inner.table_init(vm, 0, 0, 3, 0, 2) }.is_err());
        // SAFETY: see above.
        unsafe { inner.table_copy(vm, 1, 0, 0, 1, 2) }.unwrap();
        // SAFETY: see above.
        unsafe { inner.table_copy(vm, 0, 1, 0, 0, 2) }.unwrap();
        // SAFETY: see above.
        assert!(unsafe { inner.table_copy(vm, 1, 0, 0, 1, 3) }.is_err());
        assert_eq!(memory.data(&store)[65534..], *b"bc");
        let set = |i| table.get(&store, i).unwrap().unwrap_func_ref().is_some();
        assert_eq!([0, 1, 2, 3].map(set), [false, true, true, true]);
    }
}
