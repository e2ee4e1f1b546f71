//! Instances: the cold part, and the block with the [`VmCtx`] and its pointer arrays.

use super::StoreInner;
use crate::memory::{Buf, Charge, Kind, Shared};
use crate::runtime::loaded::ModuleShared;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj, TagObj, VmCtx};
use crate::{Error, Module};
use alloc::boxed::Box;
use core::ptr::NonNull;

/// An instance; its [`VmCtx`] is what code sees of it.
pub(crate) struct InstanceObj {
    pub(crate) module: Module,
    /// The context and the pointer arrays behind it: boxed words, so that it never moves.
    block: NonNull<[u64]>,
    /// The objects made so far for functions that the module defines; empty before the first.
    pub(crate) func_refs: Buf<*mut FuncObj>,
    /// A bit for each element segment, then one for each data segment: set once the segment is dropped.
    pub(crate) dropped: Buf<u64>,
    pub(crate) handle: u32,
    _charge: Charge,
}

impl InstanceObj {
    /// An instance whose pointers are still null, to be filled by instantiation.
    pub(crate) fn create(store: &mut StoreInner, module: &Module) -> Result<NonNull<InstanceObj>, Error> {
        let shared = module.shared();
        let words = shared.layout.words as usize;
        let budget = &store.budget.clone();
        let mut block = Buf::with_capacity(budget, Kind::Instance, words)?;
        block.try_resize(words, 0u64)?;
        let (block, charge) = block.into_boxed()?;
        let segments = shared.data.elems.len() + shared.data.data.len();
        let mut dropped = Buf::with_capacity(budget, Kind::Instance, segments.div_ceil(64))?;
        dropped.try_resize(segments.div_ceil(64), 0)?;
        let func_refs = Buf::new(budget, Kind::Instance);
        let empty_memory = store.empty_memory()?;
        let (limit, poll) = (store.interrupt.limit(), store.interrupt.page());
        let (natives, stubs) = shared.tiered.tables();
        shared.code.add_instance();
        let instance = store.instances.push(InstanceObj {
            module: module.clone(),
            block: NonNull::from(Box::leak(block)),
            func_refs,
            dropped,
            handle: store.instances.len(),
            _charge: charge,
        })?;
        let head = VmCtx {
            // SAFETY: the store is live. The pointer is derived from the store's own one, so that it stays valid when
            // the borrow `store` ends.
            store: unsafe { &raw mut (*store.vm.store).vm },
            entries: shared.code.entries(),
            mem0: empty_memory.as_ptr(),
            instance: instance.as_ptr(),
            natives,
            stubs,
            limit,
            poll,
            // SAFETY: the store's own object.
            base0: unsafe { empty_memory.as_ref().base },
            signatures: shared.sigs.as_ptr(),
            builtins: &raw const crate::runtime::tier::BUILTINS,
        };
        // SAFETY: the block is larger than its head, and aligned to words.
        unsafe { instance.as_ref().vm().write(head) };
        Ok(instance)
    }

    pub(crate) fn vm(&self) -> *mut VmCtx {
        self.block.as_ptr().cast()
    }

    fn word<T>(&self, first: u32, index: u32) -> *mut *mut T {
        let word = (first + index) as usize;
        assert!(word < self.block.len());
        // SAFETY: within the block, as just checked.
        unsafe { self.block.as_ptr().cast::<*mut T>().add(word) }
    }

    pub(crate) fn set_func(&mut self, index: u32, func: NonNull<FuncObj>) {
        // SAFETY: a word of the array of imported functions, which nobody else is looking at.
        unsafe { self.word::<FuncObj>(self.module.shared().layout.funcs, index).write(func.as_ptr()) }
    }

    /// A function that the module exports: instantiation has made a reference to it.
    pub(crate) fn exported_func(&self, index: u32) -> NonNull<FuncObj> {
        let layout = &self.module.shared().layout;
        let func = match index.checked_sub(self.module.shared().data.imported_funcs) {
            Some(defined) => self.func_refs[defined as usize],
            // SAFETY: a word of the array of imported functions, filled by instantiation.
            None => unsafe { self.word::<FuncObj>(layout.funcs, index).read() },
        };
        NonNull::new(func).expect("instantiation made it")
    }

    pub(crate) fn table(&self, index: u32) -> NonNull<TableObj> {
        // SAFETY: a word of the array of tables, filled by instantiation.
        let table = unsafe { self.word::<TableObj>(self.module.shared().layout.tables, index).read() };
        NonNull::new(table).expect("instantiation filled it in")
    }

    pub(crate) fn set_table(&mut self, index: u32, table: NonNull<TableObj>) {
        // SAFETY: a word of the array of tables, which nobody else is looking at.
        unsafe { self.word::<TableObj>(self.module.shared().layout.tables, index).write(table.as_ptr()) }
    }

    pub(crate) fn memory(&self, index: u32) -> NonNull<MemoryObj> {
        // SAFETY: a word of the array of memories, filled by instantiation.
        let memory = unsafe { self.word::<MemoryObj>(self.module.shared().layout.memories, index).read() };
        NonNull::new(memory).expect("instantiation filled it in")
    }

    pub(crate) fn set_memory(&mut self, index: u32, memory: NonNull<MemoryObj>) {
        // SAFETY: a word of the array of memories, which nobody else is looking at; the context is ours.
        unsafe {
            self.word::<MemoryObj>(self.module.shared().layout.memories, index).write(memory.as_ptr());
            if index == 0 {
                (*self.vm()).mem0 = memory.as_ptr();
                (*self.vm()).base0 = memory.as_ref().base;
            }
        }
    }

    /// Brings the lengths of shared memories up to date; whether one has grown.
    pub(crate) fn refresh_memories(&self) -> bool {
        let mut any = false;
        for index in 0..self.module.shared().data.memories.len() as u32 {
            // SAFETY: the memories live as long as the store, whose only thread this is.
            any |= unsafe { self.memory(index).as_mut() }.refresh();
        }
        any
    }

    pub(crate) fn global(&self, index: u32) -> NonNull<GlobalObj> {
        // SAFETY: a word of the array of globals, filled by instantiation.
        let global = unsafe { self.word::<GlobalObj>(self.module.shared().layout.globals, index).read() };
        NonNull::new(global).expect("instantiation filled it in")
    }

    pub(crate) fn set_global(&mut self, index: u32, global: NonNull<GlobalObj>) {
        // SAFETY: a word of the array of globals, which nobody else is looking at.
        unsafe { self.word::<GlobalObj>(self.module.shared().layout.globals, index).write(global.as_ptr()) }
    }

    pub(crate) fn tag(&self, index: u32) -> NonNull<TagObj> {
        // SAFETY: a word of the array of tags, filled by instantiation.
        let tag = unsafe { self.word::<TagObj>(self.module.shared().layout.tags, index).read() };
        NonNull::new(tag).expect("instantiation filled it in")
    }

    pub(crate) fn set_tag(&mut self, index: u32, tag: NonNull<TagObj>) {
        // SAFETY: a word of the array of tags, which nobody else is looking at.
        unsafe { self.word::<TagObj>(self.module.shared().layout.tags, index).write(tag.as_ptr()) }
    }

    /// Whether instantiation has filled in all pointers.
    #[cfg(feature = "snapshot")]
    pub(crate) fn is_complete(&self) -> bool {
        let first = self.module.shared().layout.funcs as usize;
        // Pointers have half the block where they have 32 bits.
        // SAFETY: the block is the instance's own, large enough for so many pointers, and nobody else is looking at it.
        let words =
            unsafe { core::slice::from_raw_parts(self.block.as_ptr().cast::<usize>(), self.block.len()) };
        words[first..].iter().all(|word| *word != 0)
    }

    pub(crate) fn elem_dropped(&self, elem: u32) -> bool {
        self.dropped_bit(elem)
    }

    pub(crate) fn data_dropped(&self, data: u32) -> bool {
        self.dropped_bit(self.module.shared().data.elems.len() as u32 + data)
    }

    pub(crate) fn drop_elem(&mut self, elem: u32) {
        self.dropped[elem as usize / 64] |= 1 << (elem % 64);
    }

    pub(crate) fn drop_data(&mut self, data: u32) {
        let bit = self.module.shared().data.elems.len() as u32 + data;
        self.dropped[bit as usize / 64] |= 1 << (bit % 64);
    }

    fn dropped_bit(&self, bit: u32) -> bool {
        self.dropped[bit as usize / 64] & 1 << (bit % 64) != 0
    }
}

impl StoreInner {
    /// How many instances of a module are in this store.
    pub(crate) fn instances_of(&self, module: &ModuleShared) -> usize {
        // SAFETY: objects live as long as the store.
        let of = |index| unsafe { Shared::as_ptr(self.instances.get(index).as_ref().module.shared()) };
        (0..self.instances.len()).filter(|&index| core::ptr::eq(of(index), module)).count()
    }
}

impl Drop for InstanceObj {
    fn drop(&mut self) {
        self.module.shared().code.remove_instance();
        // SAFETY: `create` leaked it from a box, and pointers into a store that is being dropped aren't followed.
        drop(unsafe { Box::from_raw(self.block.as_ptr()) });
    }
}
