//! Whole modules as definitions, and definitions for whatever a module lacks.

use super::{Linker, undefined};
use crate::{
    AsContextMut, Error, Extern, ExternType, Func, Global, Instance, Memory, Module, SharedMemory, Table,
    Tag, Val,
};

impl<T: 'static> Linker<T> {
    /// Defines what a module exports, with `module_name` for the first name, as the WASI specification has it:
    ///
    /// - A *command* exports `_start`. Each call of one of its functions makes a new instance for that call.
    /// - Anything else is a *reactor*: it is instantiated now, and `_initialize` is called, if it exports that.
    ///
    /// # Errors
    ///
    /// If imports are missing, as for [`Linker::instantiate`]; if names are taken: see [`Linker::allow_shadowing`].
    ///
    /// # Panics
    ///
    /// If an import belongs to another store.
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        module: &Module,
    ) -> Result<&mut Self, Error> {
        if is_command(module) {
            return self.command(module_name, module);
        }
        let instance = self.instantiate(&mut store, module)?;
        if let Some(initialize) = initializer(&store, instance)? {
            initialize.call(&mut store, ())?;
        }
        self.instance(store, module_name, instance)
    }

    fn command(&mut self, module_name: &str, module: &Module) -> Result<&mut Self, Error> {
        let pre = self.instantiate_pre(module)?;
        for export in module.exports() {
            let ExternType::Func(ty) = export.ty() else { continue };
            let (pre, index) = (pre.clone(), module.get_export_index(export.name()));
            self.func_new(module_name, export.name(), ty.clone(), move |mut caller, params, results| {
                let instance = pre.instantiate(&mut caller)?;
                let export = index.as_ref().and_then(|index| instance.get_module_export(&caller, index));
                let func = export.and_then(Extern::into_func).expect("the module exports it");
                func.call(&mut caller, params, results)
            })?;
        }
        Ok(self)
    }

    /// The function that a module defined by [`Linker::module`] is run by: what is defined as `module` and the empty
    /// name, else what is defined as `module` and `_start`.
    ///
    /// # Errors
    ///
    /// If neither is defined, or what is there is no function.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn get_default(&self, mut store: impl AsContextMut<Data = T>, module: &str) -> Result<Func, Error> {
        let found = ["", "_start"].into_iter().find_map(|name| self.get(&mut store, module, name));
        match found {
            Some(Extern::Func(func)) => Ok(func),
            Some(_) => Err(Error::msg(format_args!(
                "the default export of `{}` is no function",
                module.escape_debug()
            ))),
            None => Err(undefined(module, "_start")),
        }
    }

    /// Defines whatever the module imports and nobody has defined: functions that return zeros and nulls, and memories,
    /// tables, globals and tags of the imported types, with zeros and nulls in them.
    ///
    /// # Errors
    ///
    /// If the budget has no room; or if what is imported has no default value, since it holds references that are never
    /// null. A function with such a result is defined, and fails when it is called.
    pub fn define_unknown_imports_as_default_values(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<&mut Self, Error> {
        for import in module.imports() {
            let (first, second) = (import.module(), import.name());
            if self.find(first, second).is_some() {
                continue;
            }
            let none = || {
                let (first, second) = (first.escape_debug(), second.escape_debug());
                Error::msg(format_args!("`{first}.{second}` has no default value: it is never null"))
            };
            let item: Extern = match import.ty() {
                ExternType::Func(ty) => {
                    self.func_new(first, second, ty.clone(), |_, _, _| Ok(()))?;
                    continue;
                }
                ExternType::Global(ty) => {
                    let value = Val::default_for_ty(ty.content()).ok_or_else(none)?;
                    Global::new(&mut store, *ty, value)?.into()
                }
                ExternType::Table(ty) => {
                    let value = Val::default_for_ty(ty.element().into()).ok_or_else(none)?;
                    Table::new(&mut store, *ty, value)?.into()
                }
                ExternType::Memory(ty) if ty.is_shared() => SharedMemory::new(self.engine(), *ty)?.into(),
                ExternType::Memory(ty) => Memory::new(&mut store, *ty)?.into(),
                ExternType::Tag(ty) => Tag::new(&mut store, ty)?.into(),
            };
            self.define(&store, first, second, item)?;
        }
        Ok(self)
    }
}

/// Whether each call is to get an instance of its own.
pub(in crate::api) fn is_command(module: &Module) -> bool {
    matches!(module.get_export("_start"), Some(ExternType::Func(_)))
}

/// What is to be called first in a reactor, if it has that.
pub(in crate::api) fn initializer(
    store: impl crate::AsContext,
    instance: Instance,
) -> Result<Option<crate::TypedFunc<(), ()>>, Error> {
    match instance.get_export(&store, "_initialize") {
        Some(Extern::Func(_)) => instance.get_typed_func(store, "_initialize").map(Some),
        _ => Ok(None),
    }
}
