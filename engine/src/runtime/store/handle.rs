//! What names the things of a store, and values outside of it. Their methods are in `crate::api`.

use super::{HostFunc, StoreId, StoreInner};
use crate::Error;
use crate::memory::Shared;
use crate::module::types::FuncType;
use crate::runtime::shared_memory::SharedMemory;
use crate::runtime::vmctx::{FuncObj, GlobalObj, MemoryObj, TableObj, TagObj};
use core::ptr::NonNull;

/// A function of a store: one that an instance exports or a table holds, or one of the host's.
///
/// ```
/// use dunlin::{Engine, Func, Store};
/// let mut store = Store::new(&Engine::default(), ());
/// let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
/// assert_eq!(add.ty(&store).to_string(), "(i32, i32) -> (i32)");
/// let add = add.typed::<(i32, i32), i32>(&store)?;
/// assert_eq!(add.call(&mut store, (40, 2))?, 42);
/// # Ok::<(), dunlin::Error>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the function's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Func {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// A table of a store.
///
/// ```
/// use dunlin::{Engine, RefType, Store, Table, TableType, Val};
/// let mut store = Store::new(&Engine::default(), ());
/// let ty = TableType::new(RefType::FUNCREF, 2, Some(10));
/// let table = Table::new(&mut store, ty, Val::FuncRef(None))?;
/// assert_eq!(table.grow(&mut store, 3, Val::FuncRef(None))?, 2);
/// assert!(table.get(&store, 4).is_some() && table.get(&store, 5).is_none());
/// # Ok::<(), dunlin::Error>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the table's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Table {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// A linear memory of a store.
///
/// ```
/// use dunlin::{Engine, Memory, MemoryType, Store};
/// let mut store = Store::new(&Engine::default(), ());
/// let memory = Memory::new(&mut store, MemoryType::new(1, Some(3)))?;
/// memory.write(&mut store, 65530, b"hello!")?;
/// assert_eq!(memory.grow(&mut store, 1)?, 1);
/// assert_eq!(memory.data(&store)[65530..65538], *b"hello!\0\0");
/// assert!(memory.grow(&mut store, 2).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the memory's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Memory {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// A global of a store.
///
/// ```
/// use dunlin::{Engine, Global, GlobalType, Mutability, Store, Val, ValType};
/// let mut store = Store::new(&Engine::default(), ());
/// let global = Global::new(&mut store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(1))?;
/// global.set(&mut store, Val::I64(2))?;
/// assert_eq!(global.get(&store).i64(), Some(2));
/// # Ok::<(), dunlin::Error>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the global's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Global {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// A tag of a store: what tells exceptions of one kind from others.
///
/// ```
/// use dunlin::{Engine, FuncType, Store, Tag, TagType, ValType};
/// let mut store = Store::new(&Engine::default(), ());
/// let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], [])))?;
/// assert_eq!(tag.ty(&store).to_string(), "tag (i32)");
/// # Ok::<(), dunlin::Error>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the tag's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tag {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// Something that modules import and export, as an object of a store.
#[derive(Clone, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A linear memory.
    Memory(Memory),
    /// A linear memory that belongs to no store.
    SharedMemory(SharedMemory),
    /// A global.
    Global(Global),
    /// A tag.
    Tag(Tag),
}

/// Something of the host's that a guest can hold and pass on, but not look into.
///
/// It is kept until its store is dropped, whether or not the guest still holds it: a host that makes many should pass
/// numbers instead.
///
/// ```
/// use dunlin::{Engine, ExternRef, Store};
/// let mut store = Store::new(&Engine::default(), ());
/// let name = ExternRef::new(&mut store, String::from("a host's string"))?;
/// assert_eq!(name.data(&store).downcast_ref::<String>().unwrap(), "a host's string");
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExternRef {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

/// An exception: a tag, and the values that it carries.
///
/// An exception that the host has seen is kept until its store is dropped. One that only guests have seen is dropped
/// when nothing can reach it any more.
///
/// ```
/// use dunlin::{Engine, ExnRef, FuncType, Store, Tag, TagType, Val, ValType};
/// let mut store = Store::new(&Engine::default(), ());
/// let tag = Tag::new(&mut store, &TagType::new(FuncType::new([ValType::I32], [])))?;
/// let exception = ExnRef::new(&mut store, &tag, &[Val::I32(7)])?;
/// assert_eq!(exception.tag(&store), tag);
/// assert_eq!(exception.field(&store, 0).unwrap().unwrap_i32(), 7);
/// # Ok::<(), dunlin::Error>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the exception's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ExnRef {
    pub(crate) store: StoreId,
    /// Its address: it is kept as long as the store.
    pub(crate) address: usize,
}

/// A 128-bit vector, as a number: lane 0 is in the lowest bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct V128(pub(crate) u128);

/// A WebAssembly value.
///
/// Floats are given by their bits, which keeps the payloads of NaNs; `From` converts from `f32` and `f64`.
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
    /// A 32-bit float, as its bits.
    F32(u32),
    /// A 64-bit float, as its bits.
    F64(u64),
    /// A 128-bit vector.
    V128(V128),
    /// A function, or null.
    FuncRef(Option<Func>),
    /// Something of the host's, or null.
    ExternRef(Option<ExternRef>),
    /// An exception, or null.
    ExnRef(Option<ExnRef>),
}

impl Func {
    pub(crate) fn from_host(store: &mut StoreInner, host: &Shared<HostFunc>) -> Result<Self, Error> {
        let func = store.host_func(host)?;
        // SAFETY: a function of this store.
        Ok(Self::from_obj(store, unsafe { func.as_ref() }))
    }

    pub(crate) fn from_obj(store: &StoreInner, func: &FuncObj) -> Self {
        Self { store: store.id, index: func.handle }
    }

    /// # Safety
    /// The slot holds null or a function of this store.
    pub(crate) unsafe fn from_raw(store: &StoreInner, slot: u64) -> Option<Self> {
        // SAFETY: the caller's contract.
        unsafe { (slot as *const FuncObj).as_ref() }.map(|func| Self::from_obj(store, func))
    }

    pub(crate) fn ptr(&self, store: &StoreInner) -> NonNull<FuncObj> {
        store.check(self.store);
        store.funcs.get(self.index)
    }

    /// The number of its type.
    pub(crate) fn sig_in(&self, store: &StoreInner) -> u32 {
        // SAFETY: objects live as long as the store.
        unsafe { self.ptr(store).as_ref() }.sig
    }

    pub(crate) fn ty_in(&self, store: &StoreInner) -> FuncType {
        store.engine.known_type(self.sig_in(store))
    }
}

impl Table {
    pub(crate) fn from_obj(store: &StoreInner, table: &TableObj) -> Self {
        Self { store: store.id, index: table.inner.handle }
    }

    pub(crate) fn ptr(&self, store: &StoreInner) -> NonNull<TableObj> {
        store.check(self.store);
        store.tables.get(self.index)
    }

    pub(crate) fn obj<'a>(&self, store: &'a StoreInner) -> &'a TableObj {
        // SAFETY: objects live as long as the store, and change only when it is borrowed exclusively.
        unsafe { self.ptr(store).as_ref() }
    }
}

impl Memory {
    pub(crate) fn from_obj(store: &StoreInner, memory: &MemoryObj) -> Self {
        Self { store: store.id, index: memory.inner.handle }
    }

    pub(crate) fn ptr(&self, store: &StoreInner) -> NonNull<MemoryObj> {
        store.check(self.store);
        store.memories.get(self.index)
    }

    pub(crate) fn obj<'a>(&self, store: &'a StoreInner) -> &'a MemoryObj {
        // SAFETY: objects live as long as the store, and change only when it is borrowed exclusively.
        unsafe { self.ptr(store).as_ref() }
    }
}

impl Global {
    pub(crate) fn from_obj(store: &StoreInner, global: &GlobalObj) -> Self {
        Self { store: store.id, index: global.handle }
    }

    pub(crate) fn ptr(&self, store: &StoreInner) -> NonNull<GlobalObj> {
        store.check(self.store);
        store.globals.get(self.index)
    }

    pub(crate) fn obj<'a>(&self, store: &'a StoreInner) -> &'a GlobalObj {
        // SAFETY: objects live as long as the store, and change only when it is borrowed exclusively.
        unsafe { self.ptr(store).as_ref() }
    }
}

impl Tag {
    pub(crate) fn from_obj(store: &StoreInner, tag: &TagObj) -> Self {
        Self { store: store.id, index: tag.handle }
    }

    pub(crate) fn ptr(&self, store: &StoreInner) -> NonNull<TagObj> {
        store.check(self.store);
        store.tags.get(self.index)
    }

    /// The number of its type.
    pub(crate) fn sig_in(&self, store: &StoreInner) -> u32 {
        // SAFETY: objects live as long as the store.
        unsafe { self.ptr(store).as_ref() }.sig
    }

    pub(crate) fn ty_in(&self, store: &StoreInner) -> FuncType {
        store.engine.known_type(self.sig_in(store))
    }
}

impl Extern {
    /// # Panics
    /// If it belongs to another store; or a shared memory, to another engine than the store's.
    pub(crate) fn check_store(&self, store: &StoreInner) {
        store.check(match self {
            Extern::Func(func) => func.store,
            Extern::Table(table) => table.store,
            Extern::Memory(memory) => memory.store,
            Extern::SharedMemory(memory) => {
                assert!(
                    memory.engine().same(&store.engine),
                    "a shared memory was given to a store of another engine"
                );
                return;
            }
            Extern::Global(global) => global.store,
            Extern::Tag(tag) => tag.store,
        });
    }
}
