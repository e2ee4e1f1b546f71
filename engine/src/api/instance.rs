use crate::module::{Export as ExportDef, ExternKind};
use crate::runtime::backtrace::InstanceId;
use crate::runtime::error::ErrorKind;
use crate::runtime::store::{Import, InstanceObj, StoreId, StoreInner, Template, check_imports, instantiate};
use crate::runtime::vmctx::FuncObj;
use crate::{
    AsContext, AsContextMut, Error, Export, Extern, FrameInfo, Func, Global, Memory, Module, SharedMemory,
    StoreContext, StoreContextMut, Table, Tag, TypedFunc, WasmParams, WasmResults,
};

/// An instance of a module in a store.
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Engine, Instance, Module, Store};
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (memory (export "memory") 2))"#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let memory = instance.get_memory(&store, "memory").unwrap();
/// assert_eq!(memory.size(&store), 2);
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
///
/// # Panics
///
/// Every method panics when it is given another store than the instance's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Instance {
    store: StoreId,
    index: u32,
}

impl Instance {
    /// Instantiates a module with these imports, in the order in which the module lists them, and calls its start
    /// function, if it has one (specification, section 4.5.4). [`Linker`](crate::Linker) finds imports by their names.
    ///
    /// # Errors
    ///
    /// If imports are missing or don't match (the error names all of them), if the budget or the system has no
    /// room, if a segment is out of bounds, or if the start function traps. What was done to imported memories and tables
    /// before the error stays done.
    ///
    /// # Panics
    ///
    /// If an import belongs to another store.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        check_given(&store, module, imports)?;
        Self::start(&mut store, module, imports.iter().cloned().map(Import::Extern), None)
    }

    /// Instantiates a module with imports that have been checked, and its template if there is one; and calls its start
    /// function.
    pub(super) fn start<T>(
        store: &mut StoreContextMut<'_, T>,
        module: &Module,
        imports: impl Iterator<Item = Import>,
        template: Option<&Template>,
    ) -> Result<Self, Error> {
        let (instance, start) = Self::make(store, module, imports, template)?;
        if let Some(start) = start {
            let func = start.ptr(store.inner());
            // SAFETY: the pointer stands for the exclusive borrow `store`, which isn't used otherwise meanwhile; the start
            // function neither takes nor gives anything.
            unsafe { StoreInner::invoke(store.inner_ptr(), func.as_ptr(), &mut [])? };
        }
        Ok(instance)
    }

    /// Instantiates a module. Its start function, if it has one, is still to be called.
    pub(super) fn make<T>(
        store: &mut StoreContextMut<'_, T>,
        module: &Module,
        imports: impl Iterator<Item = Import>,
        template: Option<&Template>,
    ) -> Result<(Self, Option<Func>), Error> {
        if !module.engine().same(store.engine()) {
            return Err(Error::of_kind(
                ErrorKind::Link,
                "the module belongs to another engine than the store",
            ));
        }
        let inner = store.inner_ptr();
        // SAFETY: the pointer stands for the exclusive borrow `store`, which isn't used otherwise meanwhile. What is
        // returned are objects of this store.
        unsafe {
            let (instance, start) = instantiate(&mut *inner, module, imports, template)?;
            let start = match start {
                Some(start) => {
                    let func: *mut FuncObj = (*inner).func_ref(instance.as_ref().vm(), start)?;
                    Some(Func::from_obj(&*inner, &*func))
                }
                None => None,
            };
            Ok((Self::from_raw(&*inner, instance.as_ref().handle), start))
        }
    }

    pub(super) fn from_raw(store: &StoreInner, index: u32) -> Self {
        Self { store: store.id, index }
    }

    /// The one that a frame of a backtrace names.
    fn named((store, index): InstanceId) -> Self {
        Self { store, index }
    }

    fn obj<'a>(&self, store: &'a StoreInner) -> &'a InstanceObj {
        store.check(self.store);
        // SAFETY: objects live as long as the store, and change only when it is borrowed exclusively.
        unsafe { store.instances.get(self.index).as_ref() }
    }

    /// The module that this is an instance of.
    pub fn module<'a, T: 'a>(&self, store: impl Into<StoreContext<'a, T>>) -> &'a Module {
        &self.obj(store.into().inner()).module
    }

    /// What is exported by this name.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let store = store.as_context();
        let instance = self.obj(store.inner());
        let export = instance.module.shared().data.export(name)?;
        Some(extern_of(store.inner(), instance, export))
    }

    /// The export with this index among the module's.
    pub(super) fn export_at(&self, store: &StoreInner, index: usize) -> Extern {
        let instance = self.obj(store);
        extern_of(store, instance, &instance.module.shared().data.exports[index])
    }

    /// The function that is exported by this name.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The function that is exported by this name, with its type.
    ///
    /// # Errors
    ///
    /// If there is none, or it has another type.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        let func = self.get_func(&store, name).ok_or_else(|| {
            Error::msg(format_args!("no function is exported as `{}`", name.escape_debug()))
        })?;
        func.typed(&store).map_err(|error| error.context(format_args!("function `{}`", name.escape_debug())))
    }

    /// The shared memory that is exported by this name.
    pub fn get_shared_memory(&self, store: impl AsContext, name: &str) -> Option<SharedMemory> {
        self.get_export(store, name)?.into_shared_memory()
    }

    /// The memory that is exported by this name; a shared one isn't among them.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The table that is exported by this name.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The global that is exported by this name.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// The memory with this index, exported or not, for a debugger; a shared one isn't among them. `None` unless the engine
    /// debugs: see [`Config::guest_debug`](crate::Config::guest_debug).
    pub fn debug_memory(&self, store: impl AsContext, index: u32) -> Option<Memory> {
        self.debug_item(store, ExternKind::Memory, index)?.into_memory()
    }

    /// The global with this index, likewise.
    pub fn debug_global(&self, store: impl AsContext, index: u32) -> Option<Global> {
        self.debug_item(store, ExternKind::Global, index)?.into_global()
    }

    fn debug_item(&self, store: impl AsContext, kind: ExternKind, index: u32) -> Option<Extern> {
        let store = store.as_context();
        let instance = self.obj(store.inner());
        let data = &instance.module.shared().data;
        let count = if kind == ExternKind::Memory { data.memories.len() } else { data.globals.len() };
        let is_there = store.inner().engine.translation().guest_debug && (index as usize) < count;
        is_there.then(|| item(store.inner(), instance, kind, index))
    }

    /// All exports, in the module's order.
    pub fn exports<'a, T: 'a>(
        self,
        store: impl Into<StoreContext<'a, T>>,
    ) -> impl ExactSizeIterator<Item = Export<'a>> {
        let inner = store.into().inner();
        let instance = self.obj(inner);
        let exports = instance.module.shared().data.exports.iter();
        exports.map(move |export| Export::new(&export.name, extern_of(inner, instance, export)))
    }
}

impl FrameInfo {
    /// The instance whose function it is.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Engine, Instance, Module, Store};
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (func (export "f") unreachable))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let [_, second] = [(); 2].map(|()| Instance::new(&mut store, &module, &[]).unwrap());
    /// let error = second.get_typed_func::<(), ()>(&store, "f")?.call(&mut store, ()).unwrap_err();
    /// assert_eq!(error.backtrace().unwrap().frames()[0].instance(), second);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn instance(&self) -> Instance {
        Instance::named(self.instance)
    }
}

/// Whether these are what the module imports, in its order.
pub(super) fn check_given<T>(
    store: &StoreContextMut<'_, T>,
    module: &Module,
    imports: &[Extern],
) -> Result<(), Error> {
    let expected = module.shared().data.imports.len();
    if imports.len() > expected {
        let message = format_args!("the module has {expected} imports, but {} are given", imports.len());
        return Err(Error::of_kind(ErrorKind::Link, message));
    }
    imports.iter().for_each(|import| import.check_store(store.inner()));
    let given = imports.iter().cloned().map(Import::Extern).map(Some);
    check_imports(
        Some(store.inner()),
        module,
        given.chain(core::iter::repeat_n(None, expected - imports.len())),
    )
}

fn extern_of(store: &StoreInner, instance: &InstanceObj, export: &ExportDef) -> Extern {
    item(store, instance, export.kind, export.index)
}

/// An item of an instance by its index, which it has.
fn item(store: &StoreInner, instance: &InstanceObj, kind: ExternKind, index: u32) -> Extern {
    // SAFETY: the objects of an instance live as long as its store, and change only when that is borrowed exclusively.
    unsafe {
        match kind {
            ExternKind::Func => Extern::Func(Func::from_obj(store, instance.exported_func(index).as_ref())),
            ExternKind::Table => Extern::Table(Table::from_obj(store, instance.table(index).as_ref())),
            ExternKind::Memory => {
                let memory = instance.memory(index).as_ref();
                match memory.shared() {
                    Some(shared) => Extern::SharedMemory(shared.clone()),
                    None => Extern::Memory(Memory::from_obj(store, memory)),
                }
            }
            ExternKind::Global => Extern::Global(Global::from_obj(store, instance.global(index).as_ref())),
            ExternKind::Tag => Extern::Tag(Tag::from_obj(store, instance.tag(index).as_ref())),
        }
    }
}
