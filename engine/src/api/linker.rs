mod definitions;
pub(super) mod whole;

use super::func::dynamic_host_func;
use super::host::sealed::Host;
use crate::memory::{Buf, Charge, Kind, MemoryError, Shared, try_text};
use crate::runtime::error::ErrorKind;
use crate::runtime::store::{HostFunc, Import, Template, check_imports};
use crate::{
    AsContext, AsContextMut, Caller, Engine, Error, Extern, ExternType, Func, FuncType, ImportType, Instance,
    IntoFunc, Module, StoreContextMut, Val,
};
use core::marker::PhantomData;
use definitions::{Definition, Definitions, Names};

/// Finds the imports of modules by their names.
///
/// Host functions in it belong to no store; everything else does, and then the linker serves that store only.
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Caller, Engine, Linker, Module, Store};
/// let engine = Engine::default();
/// let mut linker = Linker::<u32>::new(&engine);
/// linker.func_wrap("host", "count", |mut caller: Caller<'_, u32>, n: u32| *caller.data_mut() += n)?;
/// let module = Module::new(&engine, r#"(module (import "host" "count" (func (param i32))))"#)?;
/// let mut store = Store::new(&engine, 0);
/// linker.instantiate(&mut store, &module)?;
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
pub struct Linker<T> {
    engine: Engine,
    /// `None` before the first.
    definitions: Option<Shared<Definitions>>,
    allow_shadowing: bool,
    data: PhantomData<fn(T)>,
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            definitions: self.definitions.clone(),
            allow_shadowing: self.allow_shadowing,
            data: PhantomData,
        }
    }
}

impl<T> Linker<T> {
    fn items(&self) -> &[Definition] {
        self.definitions.as_ref().map_or(&[], |definitions| &definitions.items)
    }
}

impl<T> core::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.items().iter().map(|item| item.names.get())).finish()
    }
}

impl<T: 'static> Linker<T> {
    /// A linker that knows nothing yet.
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), definitions: None, allow_shadowing: false, data: PhantomData }
    }

    /// The linker's engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a definition may replace another one of its names; otherwise that is an error. Off by default.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, item: Import) -> Result<&mut Self, Error> {
        let allow_shadowing = self.allow_shadowing;
        let budget = self.engine.budget().clone();
        let definitions = self.definitions_mut()?;
        match definitions.search(module, name) {
            Ok(_) if !allow_shadowing => {
                let (module, name) = (module.escape_debug(), name.escape_debug());
                return Err(Error::of_kind(
                    ErrorKind::Link,
                    format_args!("`{module}.{name}` is defined twice"),
                ));
            }
            Ok(at) => definitions.items[at].item = item,
            Err(at) => {
                let names = Names::new(&budget, module, name)?;
                definitions.items.try_insert(at, Definition { names, item })?;
            }
        }
        Ok(self)
    }

    pub(super) fn insert_host(
        &mut self,
        module: &str,
        name: &str,
        host: Shared<HostFunc>,
    ) -> Result<&mut Self, Error> {
        self.insert(module, name, Import::Host(host))
    }

    /// The definitions, nobody else's.
    fn definitions_mut(&mut self) -> Result<&mut Definitions, Error> {
        let budget = self.engine.budget();
        let alone = match &mut self.definitions {
            None => Some(Definitions::try_new(budget, 0)?),
            Some(definitions) => match Shared::get_mut(definitions) {
                Some(_) => None,
                None => Some(definitions.try_clone(budget)?),
            },
        };
        if alone.is_some() {
            self.definitions = alone;
        }
        Ok(self.definitions.as_mut().and_then(Shared::get_mut).expect("it is there, and nobody else's"))
    }

    /// The definition with this number, in the order of names.
    #[cfg(feature = "snapshot")]
    pub(super) fn definition_at(&self, number: usize) -> Option<(&str, &str, &Import)> {
        let Definition { names, item } = self.items().get(number)?;
        Some((names.get().0, names.get().1, item))
    }

    #[cfg(feature = "snapshot")]
    pub(super) fn definition_of(&self, module: &str, name: &str) -> Option<&Import> {
        self.find(module, name)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Import> {
        let definitions = self.definitions.as_ref()?;
        let at = definitions.search(module, name).ok()?;
        Some(&definitions.items[at].item)
    }

    /// Puts other host functions in place of those that are defined: each by its number and its names.
    #[cfg(feature = "record")]
    pub(super) fn replace_hosts(
        &mut self,
        replace: impl Fn(&Engine, u32, (&str, &str), Shared<HostFunc>) -> Result<Shared<HostFunc>, Error>,
    ) -> Result<(), Error> {
        let engine = self.engine.clone();
        let definitions = self.definitions_mut()?;
        for number in 0..definitions.items.len() {
            let Definition { names, item } = &mut definitions.items[number];
            if let Import::Host(host) = item {
                *host = replace(&engine, number as u32, names.get(), host.clone())?;
            }
        }
        Ok(())
    }

    /// Defines a host function, whatever is defined by its names.
    #[cfg(feature = "record")]
    pub(super) fn redefine_host(
        &mut self,
        module: &str,
        name: &str,
        host: Shared<HostFunc>,
    ) -> Result<(), Error> {
        let allowed = std::mem::replace(&mut self.allow_shadowing, true);
        let defined = self.insert(module, name, Import::Host(host)).map(|_| ());
        self.allow_shadowing = allowed;
        defined
    }

    /// Defines an object of a store.
    ///
    /// # Errors
    ///
    /// If the names are taken: see [`Linker::allow_shadowing`].
    ///
    /// # Panics
    ///
    /// If the object belongs to another store than the one given.
    pub fn define(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, Error> {
        let item = item.into();
        item.check_store(store.as_context().inner());
        self.insert(module, name, Import::Extern(item))
    }

    /// Defines a host function whose type is known only at run time: see [`Func::new`].
    ///
    /// # Errors
    ///
    /// If the names are taken (see [`Linker::allow_shadowing`]), or the budget has no room.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        func: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        let host = dynamic_host_func(&self.engine, ty, func)?;
        self.insert(module, name, Import::Host(host))
    }

    /// Defines a host function of a closure, whose type says the function's: see [`IntoFunc`].
    ///
    /// ```
    /// use dunlin::{Caller, Engine, Error, Linker};
    /// let mut linker = Linker::<()>::new(&Engine::default());
    /// linker
    ///     .func_wrap("env", "nothing", || {})?
    ///     .func_wrap("env", "add", |a: i32, b: i32| a + b)?
    ///     .func_wrap("env", "div_rem", |a: u32, b: u32| -> Result<(u32, u32), Error> {
    ///         let quotient = a.checked_div(b).ok_or_else(|| Error::msg("division by zero"))?;
    ///         Ok((quotient, a % b))
    ///     })?
    ///     .func_wrap("env", "fuel", |caller: Caller<'_, ()>| caller.get_fuel().unwrap_or(0))?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the names are taken (see [`Linker::allow_shadowing`]), or the budget has no room.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Self, Error> {
        let Host(host) = func.into_host(&self.engine)?;
        self.insert(module, name, Import::Host(host))
    }

    /// Defines all that an instance exports, with `module` for the first name.
    ///
    /// # Errors
    ///
    /// If names are taken: see [`Linker::allow_shadowing`].
    ///
    /// # Panics
    ///
    /// If the instance belongs to another store than the one given.
    pub fn instance(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        for export in instance.exports(&store) {
            self.insert(module, export.name(), Import::Extern(export.into_extern()))?;
        }
        Ok(self)
    }

    /// Defines one more name for something.
    ///
    /// # Errors
    ///
    /// If the old names aren't defined, or the new ones are: see [`Linker::allow_shadowing`].
    pub fn alias(
        &mut self,
        module: &str,
        name: &str,
        as_module: &str,
        as_name: &str,
    ) -> Result<&mut Self, Error> {
        let item = self.find(module, name).cloned().ok_or_else(|| undefined(module, name))?;
        self.insert(as_module, as_name, item)
    }

    /// Defines all that has the first name `module` with the first name `as_module`, too.
    ///
    /// # Errors
    ///
    /// If names are taken: see [`Linker::allow_shadowing`].
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<&mut Self, Error> {
        let Some(definitions) = self.definitions.clone() else { return Ok(self) };
        for Definition { names, item } in &*definitions.items {
            if names.get().0 == module {
                self.insert(as_module, names.get().1, item.clone())?;
            }
        }
        Ok(self)
    }

    /// What is defined by these names, as an object of this store; `None` also if it is a host function and the budget
    /// has no room for it.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get(&self, mut store: impl AsContextMut<Data = T>, module: &str, name: &str) -> Option<Extern> {
        let mut store = store.as_context_mut();
        match self.find(module, name)? {
            Import::Extern(item) => {
                item.check_store(store.inner());
                Some(item.clone())
            }
            Import::Host(host) => Func::from_host(store.inner_mut(), host).ok().map(Extern::Func),
        }
    }

    /// What is defined by the names of an import, whatever its type: see [`Linker::get`].
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_by_import(
        &self,
        store: impl AsContextMut<Data = T>,
        import: &ImportType<'_>,
    ) -> Option<Extern> {
        self.get(store, import.module(), import.name())
    }

    /// The names of all definitions.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items().iter().map(|item| item.names.get())
    }

    /// Defines each function that the module imports and nobody has defined as one that fails, by name, when called.
    /// The kind of that error is [`ErrorKind::Trap`], though it has no [`Trap`](crate::Trap).
    ///
    /// # Errors
    ///
    /// If the budget has no room.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<&mut Self, Error> {
        for import in module.imports() {
            if self.find(import.module(), import.name()).is_some() {
                continue;
            }
            if let ExternType::Func(ty) = import.ty() {
                let (module, name) = (import.module().escape_debug(), import.name().escape_debug());
                let message = try_text(format_args!("unknown import `{module}.{name}` was called"))
                    .map_err(MemoryError::OutOfMemory)?;
                let charge = self.engine.budget().charge(Kind::Host, message.capacity() as u64)?;
                self.func_new(import.module(), import.name(), ty.clone(), move |_, _, _| {
                    let _held = &charge;
                    Err(Error::of_kind(ErrorKind::Trap, &message))
                })?;
            }
        }
        Ok(self)
    }

    fn imports(&self, module: &Module) -> impl Iterator<Item = Option<Import>> {
        let imports = module.shared().data.imports.iter();
        imports.map(|import| self.find(&import.module, &import.name).cloned())
    }

    /// Instantiates a module with what is defined, and calls its start function, if it has one.
    ///
    /// # Errors
    ///
    /// As for [`Instance::new`].
    ///
    /// # Panics
    ///
    /// If an import belongs to another store.
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let mut store = store.as_context_mut();
        check_imports(Some(store.inner()), module, self.imports(module))?;
        Instance::start(&mut store, module, self.imports(module).flatten(), None)
    }

    /// Instantiates a module, whose start function is still to be called.
    pub(super) fn make(
        &self,
        store: &mut StoreContextMut<'_, T>,
        module: &Module,
    ) -> Result<(Instance, Option<Func>), Error> {
        check_imports(Some(store.inner()), module, self.imports(module))?;
        Instance::make(store, module, self.imports(module).flatten(), None)
    }

    /// The same as [`Linker::instantiate`], in wasmi's words.
    ///
    /// # Errors
    ///
    /// As for [`Linker::instantiate`].
    ///
    /// # Panics
    ///
    /// As for [`Linker::instantiate`].
    pub fn instantiate_and_start(
        &self,
        store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        self.instantiate(store, module)
    }

    /// Looks up the imports of a module, to instantiate it often.
    ///
    /// If its data segments are large, they are laid out once, and instances share them until they write (on Linux): that is
    /// charged to the engine's budget once, and each instance's memory besides as always. If there is no room for that,
    /// each instance copies them.
    ///
    /// # Errors
    ///
    /// If imports are missing, or host functions don't match (the error names all of them). Objects of stores are
    /// compared when the module is instantiated.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>, Error> {
        check_imports(None, module, self.imports(module))?;
        let budget = self.engine.budget();
        let charge = budget.charge(Kind::Host, Shared::<Pre>::BYTES)?;
        let mut imports = Buf::with_capacity(budget, Kind::Host, module.imports().len())?;
        for import in self.imports(module).flatten() {
            imports.try_push(import)?;
        }
        let has_arena = module.engine().arena().is_some();
        let template = if has_arena { None } else { Template::of(&module.shared().data, budget) };
        let pre = Pre { module: module.clone(), imports, template, _charge: charge };
        Ok(InstancePre { pre: Shared::try_new(Kind::Host, pre)?, data: PhantomData })
    }
}

fn undefined(module: &str, name: &str) -> Error {
    let (module, name) = (module.escape_debug(), name.escape_debug());
    Error::of_kind(ErrorKind::Link, format_args!("`{module}.{name}` is not defined"))
}

/// A module whose imports have been looked up: see [`Linker::instantiate_pre`].
pub struct InstancePre<T> {
    pre: Shared<Pre>,
    data: PhantomData<fn(T)>,
}

struct Pre {
    module: Module,
    imports: Buf<Import>,
    template: Option<Template>,
    _charge: Charge,
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> Self {
        Self { pre: self.pre.clone(), data: PhantomData }
    }
}

impl<T> core::fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InstancePre").field("module", &self.pre.module).finish_non_exhaustive()
    }
}

impl<T: 'static> InstancePre<T> {
    /// The module.
    pub fn module(&self) -> &Module {
        &self.pre.module
    }

    /// Instantiates the module, and calls its start function, if it has one.
    ///
    /// # Errors
    ///
    /// As for [`Instance::new`].
    ///
    /// # Panics
    ///
    /// If an import belongs to another store.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance, Error> {
        let mut store = store.as_context_mut();
        let Pre { module, imports, template, .. } = &*self.pre;
        check_imports(Some(store.inner()), module, imports.iter().cloned().map(Some))?;
        Instance::start(&mut store, module, imports.iter().cloned(), template.as_ref())
    }

    /// Instantiates the module, whose start function is still to be called.
    pub(super) fn make(&self, store: &mut StoreContextMut<'_, T>) -> Result<(Instance, Option<Func>), Error> {
        let Pre { module, imports, template, .. } = &*self.pre;
        check_imports(Some(store.inner()), module, imports.iter().cloned().map(Some))?;
        Instance::make(store, module, imports.iter().cloned(), template.as_ref())
    }
}
