//! Instantiation of a module, in the specification's order.

#[cfg(feature = "snapshot")]
use super::MemoryImage;
use super::{Extent, HostFunc, InstanceObj, StoreInner, Template};
use crate::memory::pages::{Guard, Pages};
use crate::memory::{MemoryError, Shared, TryText};
use crate::module::const_expr::ConstExpr;
use crate::module::types::{ExternType, MemoryType, Mutability, TableType, TagType};
use crate::module::{DataMode, ElemMode, ExternKind, ImportKind, ModuleInner};
use crate::runtime::error::ErrorKind;
use crate::runtime::loaded::ModuleShared;
use crate::runtime::store::handle::Extern;
use crate::runtime::vmctx::VmCtx;
use crate::{Engine, Error, Module, Trap};
use core::fmt::Write;
use core::ptr::NonNull;
use core::sync::atomic::Ordering;

/// What is supplied for an import.
#[derive(Clone)]
pub(crate) enum Import {
    /// An object of a store.
    Extern(Extern),
    /// A host function, usable in any store of the engine.
    Host(Shared<HostFunc>),
}

/// The type of what is supplied, as importers see it.
enum Found {
    /// By the number of its type.
    Func(u32),
    /// By the number of its type.
    Tag(u32),
    Other(ExternType),
}

impl Found {
    /// `None` if it is an object and there is no store, or it is of another engine, which is found out when it is linked.
    fn of(store: Option<&StoreInner>, engine: &Engine, import: &Import) -> Option<Found> {
        match import {
            Import::Host(host) => host.belongs_to(engine).then(|| Found::Func(host.sig())),
            Import::Extern(item) => store.map(|store| Found::object(store, item)),
        }
    }

    fn object(store: &StoreInner, item: &Extern) -> Found {
        match item {
            Extern::Func(func) => Found::Func(func.sig_in(store)),
            Extern::Tag(tag) => Found::Tag(tag.sig_in(store)),
            Extern::Table(table) => Found::Other(table.obj(store).current_type().into()),
            Extern::Memory(memory) => Found::Other(memory.obj(store).current_type().into()),
            Extern::SharedMemory(memory) => Found::Other(memory.current_type().into()),
            Extern::Global(global) => Found::Other(global.obj(store).ty.into()),
        }
    }

    /// Whether it will do for what a module expects.
    fn matches(&self, module: &ModuleShared, expected: &ImportKind) -> bool {
        let memory = |ty: &MemoryType| (ty.minimum(), ty.maximum());
        let table = |ty: &TableType| (ty.minimum(), ty.maximum());
        match (expected, self) {
            (ImportKind::Func(ty), Found::Func(found)) => {
                module.engine.is_subtype(*found, module.sigs[*ty as usize])
            }
            (ImportKind::Table(ty), Found::Other(ExternType::Table(found))) => {
                (ty.element(), ty.is_64()) == (found.element(), found.is_64())
                    && limits_match(table(found), table(ty))
            }
            (ImportKind::Memory(ty), Found::Other(ExternType::Memory(found))) => {
                ty.is_like(found) && limits_match(memory(found), memory(ty))
            }
            (ImportKind::Global(ty), Found::Other(ExternType::Global(found))) => match ty.mutability() {
                Mutability::Const => {
                    found.mutability() == Mutability::Const
                        && module.engine.value_matches(found.content(), ty.content())
                }
                Mutability::Var => ty == found,
            },
            (ImportKind::Tag(ty), Found::Tag(found)) => module.sigs[*ty as usize] == *found,
            _ => false,
        }
    }

    fn describe(self, engine: &Engine) -> ExternType {
        match self {
            Found::Func(sig) => engine.known_type(sig).into(),
            Found::Tag(sig) => TagType::new(engine.known_type(sig)).into(),
            Found::Other(ty) => ty,
        }
    }
}

/// The type of an object as importers see it.
pub(crate) fn describe(store: &StoreInner, item: &Extern) -> ExternType {
    Found::object(store, item).describe(&store.engine)
}

fn limits_match(found: (u64, Option<u64>), expected: (u64, Option<u64>)) -> bool {
    found.0 >= expected.0 && expected.1.is_none_or(|most| found.1.is_some_and(|max| max <= most))
}

/// The bound on an error's text in bytes. Further imports are only counted.
const MAX_TEXT: usize = 64 << 10;

/// Compares what is supplied with what the module imports. One error names everything that is missing or doesn't match.
///
/// Without a store, objects of stores are not compared (that happens when the module is instantiated).
pub(crate) fn check_imports(
    store: Option<&StoreInner>,
    module: &Module,
    found: impl Iterator<Item = Option<Import>>,
) -> Result<(), Error> {
    let shared = module.shared();
    let mut problems = 0;
    let mut text = TryText::default();
    for (import, found) in shared.data.imports.iter().zip(found) {
        let found = match found {
            None => None,
            Some(found) => match Found::of(store, &shared.engine, &found) {
                Some(found) if !found.matches(shared, &import.kind) => Some(found.describe(&shared.engine)),
                _ => continue,
            },
        };
        problems += 1;
        if text.len() > MAX_TEXT {
            continue;
        }
        let (module, name) = (import.module.escape_debug(), import.name.escape_debug());
        let expected = shared.data.import_type(import);
        let expected = expected.ty();
        let separator = if text.len() == 0 { "" } else { "\n  " };
        // If there is no memory for the text, the error says so.
        let _ = match found {
            None => {
                write!(text, "{separator}unknown import `{module}.{name}`: expected {expected}, not provided")
            }
            Some(found) => {
                let other = if found == *expected { " of another recursion group" } else { "" };
                write!(
                    text,
                    "{separator}incompatible import type for `{module}.{name}`: expected {expected}, found {found}{other}"
                )
            }
        };
        if text.len() > MAX_TEXT {
            let _ = text.write_str("\n  ... and others");
        }
    }
    match problems {
        0 => Ok(()),
        1 => Err(Error::text(ErrorKind::Link, text)),
        _ => match text.finish() {
            Ok(text) => {
                let message = format_args!("{problems} imports don't link:\n  {text}");
                Err(Error::of_kind(ErrorKind::Link, message))
            }
            Err(error) => Err(MemoryError::OutOfMemory(error).into()),
        },
    }
}

/// What the memories of a new instance begin as.
#[derive(Clone, Copy)]
pub(crate) enum Memories<'a> {
    /// Zeros, or what loading has filled.
    Fresh,
    /// What the active segments make of the only one.
    Of(&'a Template),
    /// What these were: those that the module defines, in order.
    #[cfg(feature = "snapshot")]
    Images(&'a [MemoryImage]),
}

/// Makes an instance. Doesn't call its start function, but returns it, if there is one.
///
/// The imports have been checked, and a template is of this module. If this fails, the changes to imported tables and memories remain, and functions that
/// were put into imported tables can still be called.
pub(crate) fn instantiate(
    store: &mut StoreInner,
    module: &Module,
    imports: impl Iterator<Item = Import>,
    template: Option<&Template>,
) -> Result<(NonNull<InstanceObj>, Option<u32>), Error> {
    let instance = unfilled(store, module, imports, template.map_or(Memories::Fresh, Memories::Of))?;
    // SAFETY: the instance isn't shared, and is complete.
    unsafe { apply_segments(store, instance.as_ref().vm(), module.shared(), template.is_some())? };
    Ok((instance, module.shared().data.start))
}

/// Makes an instance whose segments are still to be applied.
///
/// For the rest as for [`instantiate`].
pub(crate) fn unfilled(
    store: &mut StoreInner,
    module: &Module,
    imports: impl Iterator<Item = Import>,
    memories: Memories<'_>,
) -> Result<NonNull<InstanceObj>, Error> {
    let shared = module.shared();
    let data = &shared.data;
    if data.one_instance && shared.code.instantiated.swap(true, Ordering::AcqRel) {
        return Err(Error::msg("the module was loaded for one instance, and that has been made"));
    }
    store.admit_instance()?;
    let mut instance = InstanceObj::create(store, module)?;
    // SAFETY: the instance is new and not shared. Its pointers aren't followed before they are filled in: first the
    // imports, then globals, tables and memories, whose initialisers only refer to what has been filled in.
    let obj = unsafe { instance.as_mut() };
    let vm = obj.vm();
    link(store, obj, imports)?;
    for index in data.imported_tags..data.tags.len() as u32 {
        let tag = store.new_tag(shared.tag_sig(index), data.tag_type(index), (vm, index), None)?;
        // SAFETY: the instance isn't shared, as said at its creation.
        unsafe { instance.as_mut() }.set_tag(index, tag);
    }
    for (index, global) in data.globals.iter().enumerate() {
        if let Some(init) = &global.init {
            // SAFETY: validation lets this refer to functions, and to globals that come before.
            let value = unsafe { store.eval(vm, init)? };
            // SAFETY: the instance isn't shared; a new borrow, since `eval` may have used it meanwhile.
            unsafe { instance.as_mut() }.set_global(index as u32, store.new_global(global.ty, value)?);
        }
    }
    for (index, table) in data.tables.iter().enumerate().skip(data.imported_tables as usize) {
        let init = match &table.init {
            // SAFETY: all functions and globals are there.
            Some(init) => unsafe { store.eval(vm, init)?[0] },
            None => 0,
        };
        store.admit_table(table.ty)?;
        // SAFETY: the instance isn't shared, as said at its creation.
        unsafe { instance.as_mut() }.set_table(index as u32, store.new_table(table.ty, init)?);
    }
    // Code that checks bounds needs no guard regions.
    let guard = if shared.tiered.is_guarded() { store.engine.memory_guard() } else { Guard::Never };
    for (index, ty) in data.memories.iter().enumerate().skip(data.imported_memories as usize) {
        let memory = match memories {
            #[cfg(feature = "snapshot")]
            Memories::Images(images) => {
                let image = &images[index - data.imported_memories as usize];
                store.admit_memory(image.type_of(*ty))?;
                store.memory_of_image(*ty, guard, image)?
            }
            Memories::Of(template) => {
                store.admit_memory(*ty)?;
                store.memory_from(*ty, guard, template)?
            }
            Memories::Fresh => {
                store.admit_memory(*ty)?;
                match take_image(data, index as u32) {
                    Some(pages) => store.memory_of(*ty, pages.move_to(&store.budget)?)?,
                    None => store.new_memory(*ty, guard)?,
                }
            }
        };
        // SAFETY: the instance isn't shared, as said at its creation.
        unsafe { instance.as_mut() }.set_memory(index as u32, memory);
    }
    // SAFETY: the instance isn't shared; memories live as long as their store.
    let suits = |index| unsafe { instance.as_ref().memory(index).as_ref().suits_guarded_code() };
    if shared.tiered.is_guarded() && !(0..data.memories.len() as u32).all(suits) {
        shared.tiered.begin_checks(shared);
        if let Some(tier) = store.engine.tier() {
            tier.loaded(module);
        }
    }
    for export in data.exports.iter().filter(|export| export.kind == ExternKind::Func) {
        // Make the objects of exported functions now, so that getting an export can't fail.
        // SAFETY: the context is complete, and validation has checked the indices.
        unsafe { store.func_ref(vm, export.index)? };
    }
    Ok(instance)
}

/// The initial bytes of a memory, if loading has filled them (see [`crate::stream`]).
fn take_image(data: &ModuleInner, memory: u32) -> Option<Pages> {
    let mut images = data.images.lock();
    let at = images.iter().position(|image| image.memory == memory)?;
    let last = images.len() - 1;
    images.swap(at, last);
    images.pop().map(|image| image.pages)
}

/// Puts the imports into an instance.
fn link(
    store: &mut StoreInner,
    instance: &mut InstanceObj,
    imports: impl Iterator<Item = Import>,
) -> Result<(), Error> {
    let (mut funcs, mut tables, mut memories, mut globals, mut tags) = (0.., 0.., 0.., 0.., 0..);
    for import in imports {
        match import {
            Import::Host(host) => instance.set_func(funcs.next().unwrap(), store.host_func(&host)?),
            Import::Extern(Extern::Func(func)) => instance.set_func(funcs.next().unwrap(), func.ptr(store)),
            Import::Extern(Extern::Table(table)) => {
                instance.set_table(tables.next().unwrap(), table.ptr(store));
            }
            Import::Extern(Extern::Memory(memory)) => {
                instance.set_memory(memories.next().unwrap(), memory.ptr(store));
            }
            Import::Extern(Extern::SharedMemory(memory)) => {
                instance.set_memory(memories.next().unwrap(), store.shared_memory(memory)?);
            }
            Import::Extern(Extern::Global(global)) => {
                instance.set_global(globals.next().unwrap(), global.ptr(store));
            }
            Import::Extern(Extern::Tag(tag)) => instance.set_tag(tags.next().unwrap(), tag.ptr(store)),
        }
    }
    Ok(())
}

/// Copies the active segments to their places, in order, and drops active and declared segments. With `placed`, those of
/// data are in their places.
///
/// # Safety
/// `vm` is a complete context of this store and of `module`.
unsafe fn apply_segments(
    store: &mut StoreInner,
    vm: *mut VmCtx,
    module: &ModuleShared,
    placed: bool,
) -> Result<(), Error> {
    // SAFETY (all blocks): the caller's contract.
    for (index, elem) in module.data.elems.iter().enumerate() {
        let index = index as u32;
        match &elem.mode {
            ElemMode::Passive => continue,
            ElemMode::Declared => {}
            ElemMode::Active { table, offset } => {
                // SAFETY: the caller's contract.
                unsafe {
                    let dst = store.eval(vm, offset)?[0];
                    let mut all = Extent { dst, src: 0, n: elem.items.len() as u64 };
                    store.table_init(vm, *table, index, &mut all)?;
                }
            }
        }
        // SAFETY: the caller's contract.
        unsafe { store.elem_drop(vm, index) };
    }
    for (index, segment) in module.data.data.iter().enumerate() {
        let index = index as u32;
        match &segment.mode {
            DataMode::Passive => continue,
            DataMode::InImage { fits: true } => {}
            DataMode::Active { .. } if placed => {}
            DataMode::InImage { fits: false } => return Err(Trap::MemoryOutOfBounds.into()),
            DataMode::Active { memory, offset } => {
                // SAFETY: the caller's contract.
                unsafe {
                    let dst = store.eval(vm, offset)?[0];
                    store.memory_init(
                        vm,
                        *memory,
                        index,
                        &mut Extent { dst, src: 0, n: segment.len.into() },
                    )?;
                }
            }
        }
        // SAFETY: the caller's contract.
        unsafe { store.data_drop(vm, index) };
    }
    Ok(())
}

impl StoreInner {
    /// The value of a constant expression, in the format of slots.
    ///
    /// # Safety
    /// `vm` is a context of this store; the functions and globals that the expression names are in it.
    pub(crate) unsafe fn eval(&mut self, vm: *mut VmCtx, expr: &ConstExpr) -> Result<[u64; 2], Error> {
        let mut failure = None;
        let value = expr.eval(
            |index| {
                // SAFETY: the caller's contract.
                let [low, high] = unsafe { (*(*vm).instance).global(index).as_ref().value };
                u128::from(high) << 64 | u128::from(low)
            },
            |index| {
                // SAFETY: the caller's contract.
                let func = unsafe { self.func_ref(vm, index) }.map(|func| func as u64);
                func.map_err(|error| failure = Some(error)).unwrap_or_default()
            },
        );
        match failure {
            None => Ok([value as u64, (value >> 64) as u64]),
            Some(error) => Err(error),
        }
    }
}
