//! Instances whose start function is called asynchronously.

use super::call::call;
use crate::api::instance::check_given;
use crate::api::linker::whole::{initializer, is_command};
use crate::memory::{Buf, Kind};
use crate::runtime::store::Import;
use crate::{
    AsContextMut, Error, Extern, ExternType, Func, Instance, InstancePre, Linker, Module, StoreContextMut,
};
use alloc::boxed::Box;

async fn started<T>(
    store: &mut StoreContextMut<'_, T>,
    (instance, start): (Instance, Option<Func>),
) -> Result<Instance, Error> {
    if let Some(start) = start {
        let nothing = Buf::new(&store.inner().budget, Kind::Host);
        call(store, start, nothing).await?;
    }
    Ok(instance)
}

impl Instance {
    /// [`Instance::new`], with the start function called [asynchronously](crate::TypedFunc::call_async).
    ///
    /// # Errors
    ///
    /// As for [`Instance::new`].
    ///
    /// # Panics
    ///
    /// As for [`Instance::new`].
    pub async fn new_async(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Self, Error> {
        let mut store = store.as_context_mut();
        check_given(&store, module, imports)?;
        let given = imports.iter().cloned().map(Import::Extern);
        let made = Self::make(&mut store, module, given, None)?;
        started(&mut store, made).await
    }
}

impl<T: 'static> InstancePre<T> {
    /// [`InstancePre::instantiate`], with the start function called [asynchronously](crate::TypedFunc::call_async).
    ///
    /// # Errors
    ///
    /// As for [`Instance::new`].
    ///
    /// # Panics
    ///
    /// As for [`InstancePre::instantiate`].
    pub async fn instantiate_async(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance, Error> {
        let mut store = store.as_context_mut();
        let made = self.make(&mut store)?;
        started(&mut store, made).await
    }
}

impl<T: 'static> Linker<T> {
    /// [`Linker::instantiate`], with the start function called [asynchronously](crate::TypedFunc::call_async).
    ///
    /// # Errors
    ///
    /// As for [`Instance::new`].
    ///
    /// # Panics
    ///
    /// As for [`Linker::instantiate`].
    pub async fn instantiate_async(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        let mut store = store.as_context_mut();
        let made = self.make(&mut store, module)?;
        started(&mut store, made).await
    }

    /// [`Linker::module`], with all that the guest executes called [asynchronously](crate::TypedFunc::call_async): also the
    /// functions of a command are then asynchronous ones.
    ///
    /// # Errors
    ///
    /// As for [`Linker::module`].
    ///
    /// # Panics
    ///
    /// As for [`Linker::module`].
    pub async fn module_async(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module_name: &str,
        module: &Module,
    ) -> Result<&mut Self, Error>
    where
        T: Send,
    {
        if is_command(module) {
            return self.command_async(module_name, module);
        }
        let instance = self.instantiate_async(&mut store, module).await?;
        if let Some(initialize) = initializer(&store, instance)? {
            initialize.call_async(&mut store, ()).await?;
        }
        self.instance(store, module_name, instance)
    }

    fn command_async(&mut self, module_name: &str, module: &Module) -> Result<&mut Self, Error>
    where
        T: Send,
    {
        let pre = self.instantiate_pre(module)?;
        for export in module.exports() {
            let ExternType::Func(ty) = export.ty() else { continue };
            let (pre, index) = (pre.clone(), module.get_export_index(export.name()));
            self.func_new_async(
                module_name,
                export.name(),
                ty.clone(),
                move |mut caller, params, results| {
                    let (pre, index) = (pre.clone(), index.clone());
                    Box::new(async move {
                        let instance = pre.instantiate_async(&mut caller).await?;
                        let export =
                            index.as_ref().and_then(|index| instance.get_module_export(&caller, index));
                        let func = export.and_then(Extern::into_func).expect("the module exports it");
                        func.call_async(&mut caller, params, results).await
                    })
                },
            )?;
        }
        Ok(self)
    }
}
