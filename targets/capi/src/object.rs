//! Objects, as C has handles of them. All kinds of handles are one struct by several names, so that casts between them are
//! the same pointer, and a cast to what an object isn't gives null.

use crate::boundary::{Returns, c_types};
use crate::failure::Failure;
use crate::host_info::{InfoCell, UserData};
use crate::key::Key;
use crate::own::{Shared, try_box};
use crate::pointers::Out;
use crate::store::StoreRef;
use dunlin::{Charge, ExnRef, Extern, Func, Global, Instance, Memory, Module, SharedMemory, Table, Tag};
use std::ffi::c_void;
use std::ptr::null_mut;

/// A module, and what it consists of for those who want that again.
pub(crate) struct ModuleData {
    pub(crate) module: Module,
    pub(crate) binary: Option<Shared<Binary>>,
    pub(crate) info: InfoCell,
}

/// A module's bytes, and the charge for them.
pub(crate) struct Binary {
    pub(crate) bytes: Vec<u8>,
    pub(crate) _charge: Charge,
}

/// An object that is nothing but what C attaches to it.
#[derive(Default)]
pub(crate) struct Foreign {
    pub(crate) info: InfoCell,
}

/// What there are handles of.
#[derive(Clone)]
pub(crate) enum Object {
    Func(Func),
    Global(Global),
    Table(Table),
    Memory(Memory),
    SharedMemory(SharedMemory),
    Tag(Tag),
    Instance(Instance),
    Exception(ExnRef),
    Module(Shared<ModuleData>),
    Foreign(Shared<Foreign>),
    Trap(Failure),
}

impl Object {
    pub(crate) fn key(&self) -> Key {
        match self {
            Object::Func(func) => Key::Func(*func),
            Object::Global(global) => Key::Global(*global),
            Object::Table(table) => Key::Table(*table),
            Object::Memory(memory) => Key::Memory(*memory),
            Object::SharedMemory(memory) => Key::Address(memory.data().as_ptr() as usize),
            Object::Tag(tag) => Key::Tag(*tag),
            Object::Instance(instance) => Key::Instance(*instance),
            Object::Exception(exception) => Key::Exception(*exception),
            Object::Module(module) => Key::Address(module.address()),
            Object::Foreign(foreign) => Key::Address(foreign.address()),
            Object::Trap(failure) => Key::Address(failure.address()),
        }
    }

    /// As something that modules import and export, if it is.
    pub(crate) fn to_extern(&self) -> Option<Extern> {
        Some(match self {
            Object::Func(func) => Extern::Func(*func),
            Object::Global(global) => Extern::Global(*global),
            Object::Table(table) => Extern::Table(*table),
            Object::Memory(memory) => Extern::Memory(*memory),
            Object::SharedMemory(memory) => Extern::SharedMemory(memory.clone()),
            Object::Tag(tag) => Extern::Tag(*tag),
            _ => return None,
        })
    }
}

impl From<Extern> for Object {
    fn from(item: Extern) -> Self {
        match item {
            Extern::Func(func) => Object::Func(func),
            Extern::Global(global) => Object::Global(global),
            Extern::Table(table) => Object::Table(table),
            Extern::Memory(memory) => Object::Memory(memory),
            Extern::SharedMemory(memory) => Object::SharedMemory(memory),
            Extern::Tag(tag) => Object::Tag(tag),
        }
    }
}

/// A handle of any object.
pub struct wasm_ref_t {
    /// The store that it belongs to; modules and traps may belong to none.
    pub(crate) store: Option<StoreRef>,
    pub(crate) object: Object,
}

/// The handle of the trap for which there is no memory.
static NO_MEMORY: wasm_ref_t = wasm_ref_t { store: None, object: Object::Trap(Failure::NO_MEMORY) };

/// Whether it is that handle, which C doesn't own.
pub(crate) fn is_no_memory(handle: *const wasm_ref_t) -> bool {
    std::ptr::eq(handle, &raw const NO_MEMORY)
}

impl wasm_ref_t {
    pub(crate) fn try_new(store: Option<StoreRef>, object: Object) -> Option<Box<Self>> {
        try_box(Self { store, object })
    }

    pub(crate) fn try_clone(&self) -> Option<Box<Self>> {
        Self::try_new(self.store.clone(), self.object.clone())
    }

    /// Works with what C attached to the object; `None` if there is no memory for that. C must not be called meanwhile.
    fn info<R>(&self, work: impl FnOnce(&InfoCell) -> R) -> Option<R> {
        match &self.object {
            Object::Module(module) => Some(work(&module.info)),
            Object::Foreign(foreign) => Some(work(&foreign.info)),
            Object::Trap(failure) => failure.info().map(work),
            object => {
                let mut context = self.store.as_ref()?.context();
                let infos = &mut context.data_mut().infos;
                infos.try_reserve(1).ok()?;
                Some(work(infos.entry(object.key()).or_default()))
            }
        }
    }

    pub(crate) fn host_info(&self) -> *mut c_void {
        self.info(InfoCell::get).unwrap_or(null_mut())
    }

    /// Attaches something in place of what was there, which is finalised.
    pub(crate) fn set_host_info(&self, info: UserData) {
        let before = self.info(|cell| cell.replace(info));
        drop(before);
    }
}

/// A trap for C, or null.
#[repr(transparent)]
pub struct Trapped(*const wasm_ref_t);

impl Trapped {
    pub(crate) const NONE: Trapped = Trapped(std::ptr::null());

    pub(crate) fn new(store: Option<&StoreRef>, failure: Failure) -> Self {
        let trap = wasm_ref_t::try_new(store.cloned(), Object::Trap(failure));
        Self(trap.map_or(&raw const NO_MEMORY, |trap| Box::into_raw(trap)))
    }

    /// The trap, which was C's.
    pub(crate) fn take(self) -> Option<Failure> {
        if self.0.is_null() {
            return None;
        }
        if is_no_memory(self.0) {
            return Some(Failure::NO_MEMORY);
        }
        // SAFETY: all others are boxes that C got from `new` or a copy, and gives back.
        match unsafe { Box::from_raw(self.0.cast_mut()) }.object {
            Object::Trap(failure) => Some(failure),
            _ => Some(Failure::argument("a host function returned an object that is no trap")),
        }
    }
}

impl Out<'_, Trapped> {
    /// Leaves a trap, or drops it if C doesn't want it.
    pub(crate) fn put_or_drop(self, trap: Trapped) {
        match self.place() {
            Some(place) => {
                place.write(trap);
            }
            None => drop(trap.take()),
        }
    }
}

impl Returns for Trapped {
    type Body = Result<(), (Option<StoreRef>, Failure)>;

    fn of(body: Self::Body) -> Self {
        match body {
            Ok(()) => Self::NONE,
            Err((store, failure)) => Self::new(store.as_ref(), failure),
        }
    }

    fn of_panic(message: &str) -> Self {
        Self::new(None, Failure::mistake(message))
    }
}

c_types! {
    wasm_ref_t = "wasm_ref_t";
    Trapped = "wasm_trap_t *";
}
