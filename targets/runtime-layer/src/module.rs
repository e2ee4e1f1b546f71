//! Modules and their instances.

use crate::Engine;
use crate::convert::{extern_to_dunlin, extern_to_layer, extern_type_to_layer};
use crate::error::to_layer;
use crate::wrapper::wrapper;
use anyhow::{Context, Result};
use wasm_runtime_layer::backend::{
    AsContext, AsContextMut, Export, Extern, Imports, WasmInstance, WasmModule,
};
use wasm_runtime_layer::{ExportType, ExternType, ImportType};

wrapper! {
    /// A module. Of one that wasn't loaded through the layer, imports and exports that the layer has no type for aren't listed.
    #[derive(Clone, Debug)]
    Module(dunlin::Module)
}

wrapper! {
    /// An instance. Exports that the layer has no type for aren't listed.
    #[derive(Clone, Debug)]
    Instance(dunlin::Instance)
}

impl WasmModule<Engine> for Module {
    fn new(engine: &Engine, bytes: &[u8]) -> Result<Self> {
        let module = dunlin::Module::from_binary(&engine.0, bytes).map_err(to_layer)?;
        for import in module.imports() {
            extern_type_to_layer(import.ty())
                .with_context(|| format!("import `{}` of `{}`", import.name(), import.module()))?;
        }
        for export in module.exports() {
            extern_type_to_layer(export.ty()).with_context(|| format!("export `{}`", export.name()))?;
        }
        Ok(Self(module))
    }

    fn exports(&self) -> Box<dyn '_ + Iterator<Item = ExportType<'_>>> {
        Box::new(self.0.exports().filter_map(|export| {
            Some(ExportType { name: export.name(), ty: extern_type_to_layer(export.ty()).ok()? })
        }))
    }

    fn get_export(&self, name: &str) -> Option<ExternType> {
        extern_type_to_layer(&self.0.get_export(name)?).ok()
    }

    fn imports(&self) -> Box<dyn '_ + Iterator<Item = ImportType<'_>>> {
        Box::new(self.0.imports().filter_map(|import| {
            let ty = extern_type_to_layer(import.ty()).ok()?;
            Some(ImportType { module: import.module(), name: import.name(), ty })
        }))
    }
}

impl WasmInstance<Engine> for Instance {
    fn new(mut store: impl AsContextMut<Engine>, module: &Module, imports: &Imports<Engine>) -> Result<Self> {
        let mut store = store.as_context_mut().0;
        let mut linker = dunlin::Linker::new(store.engine());
        for (module, name, item) in imports.iter() {
            linker.define(&store, module, name, extern_to_dunlin(item)).map_err(to_layer)?;
        }
        linker.instantiate(&mut store, &module.0).map(Self).map_err(to_layer)
    }

    fn exports(&self, store: impl AsContext<Engine>) -> Box<dyn Iterator<Item = Export<Engine>>> {
        let exports = self.0.exports(store.as_context().0).filter_map(|export| {
            let name = export.name().to_owned();
            Some(Export { name, value: extern_to_layer(export.into_extern())? })
        });
        // The layer's iterator borrows nothing.
        Box::new(exports.collect::<Vec<_>>().into_iter())
    }

    fn get_export(&self, store: impl AsContext<Engine>, name: &str) -> Option<Extern<Engine>> {
        extern_to_layer(self.0.get_export(store.as_context().0, name)?)
    }
}
