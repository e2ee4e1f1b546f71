//! Modules as bytes: what a tier compiled ahead of time, and custom sections.

use crate::{Engine, Error, Extern, Instance, Module, StoreContext};
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::path::Path;

impl Engine {
    /// Compiles a module ahead of time, for [`Module::deserialize`] on this kind of machine: a precompiled file of the
    /// engine's [tier](crate::Config::tier), which contains the module. Without a tier, or with one that doesn't compile
    /// ahead of time, it is the module in the binary format, once validated: the interpreter needs no more.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`], or if the tier can't compile it.
    pub fn precompile_module(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let binary = super::binary(bytes)?;
        let module = Module::from_binary(self, &binary)?;
        precompiled(&module, &binary)
    }
}

impl Module {
    /// The module as [`Engine::precompile_module`] gives it, for [`Module::deserialize`].
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Module};
    /// let engine = Engine::new(Config::new().keep_module_bytes(true))?;
    /// let bytes = Module::new(&engine, "(module (func (export \"f\")))")?.serialize()?;
    /// // SAFETY: they come from `serialize`.
    /// let again = unsafe { Module::deserialize(&engine, &bytes)? };
    /// assert_eq!(again.exports().len(), 1);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the engine's modules don't keep their bytes ([`Config::keep_module_bytes`](crate::Config::keep_module_bytes)),
    /// or the tier can't compile it.
    pub fn serialize(&self) -> Result<Vec<u8>, Error> {
        precompiled(self, self.bytes()?)
    }

    /// Loads what [`Module::serialize`] or [`Engine::precompile_module`] gave, or a module in the binary format. The
    /// module is validated as always. Machine code that doesn't fit this machine or engine is an error.
    ///
    /// # Safety
    ///
    /// Machine code in it is executed, and nothing confines that: whoever made the bytes must be trusted.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`]; or if it is a precompiled file, and the engine has no tier or the file isn't for it.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module, Error> {
        let bytes = bytes.as_ref();
        match engine.tier().and_then(|tier| tier.open(engine, bytes)) {
            Some(opened) => opened,
            None => Module::from_binary(engine, bytes),
        }
    }

    /// [`Module::deserialize`] of a file's bytes.
    ///
    /// # Safety
    ///
    /// As for [`Module::deserialize`].
    ///
    /// # Errors
    ///
    /// As for [`Module::deserialize`], or if the file can't be read.
    #[cfg(feature = "std")]
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::from(error).context(path.display()))?;
        // SAFETY: the caller's contract.
        unsafe { Self::deserialize(engine, bytes) }.map_err(|error| error.context(path.display()))
    }

    /// The custom sections, in the module's order: their names (of which the first 256 bytes are kept), and their contents.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Module};
    /// let engine = Engine::new(Config::new().keep_module_bytes(true))?;
    /// let module = Module::new(&engine, "(module (@custom \"plugin\" \"v1\"))")?;
    /// assert!(module.custom_sections()?.any(|section| section == ("plugin", b"v1")));
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the engine's modules don't keep their bytes: see [`Config::keep_module_bytes`](crate::Config::keep_module_bytes).
    pub fn custom_sections(&self) -> Result<impl Iterator<Item = (&str, &[u8])>, Error> {
        let bytes = self.bytes()?;
        Ok(self.sections().filter_map(move |section| {
            let name = section.name.filter(|_| section.id == 0)?;
            let start = usize::try_from(section.offset).ok()?;
            let contents = bytes.get(start..)?.get(..section.size as usize)?;
            Some((name, after_name(contents)?))
        }))
    }

    /// Where an export is, to find it in instances without its name: see [`Instance::get_module_export`].
    pub fn get_export_index(&self, name: &str) -> Option<ModuleExport> {
        let exports = &self.data().exports;
        let index = exports.iter().position(|export| *export.name == *name)?;
        Some(ModuleExport { module: self.clone(), index })
    }

    fn bytes(&self) -> Result<&[u8], Error> {
        self.inner.bytes.as_deref().ok_or_else(|| {
            Error::msg("the module's bytes weren't kept: switch that on with Config::keep_module_bytes(true)")
        })
    }
}

fn precompiled(module: &Module, binary: &[u8]) -> Result<Vec<u8>, Error> {
    match module.engine().tier().and_then(|tier| tier.precompile(module, binary)) {
        Some(compiled) => compiled.map_err(Error::msg),
        None => Ok(binary.to_vec()),
    }
}

/// What follows a custom section's name.
fn after_name(contents: &[u8]) -> Option<&[u8]> {
    let (mut len, mut at) = (0, 0);
    loop {
        let byte = *contents.get(at)?;
        len |= usize::from(byte & 0x7f) << (7 * at);
        at += 1;
        if byte & 0x80 == 0 {
            return contents.get(at + len..);
        }
    }
}

/// An export of a module, found once by its name: see [`Module::get_export_index`].
#[derive(Clone, Debug)]
pub struct ModuleExport {
    module: Module,
    index: usize,
}

impl Instance {
    /// What is exported there; `None` if this is an instance of another module.
    ///
    /// # Panics
    ///
    /// If it is another store than the instance's.
    pub fn get_module_export<'a, T: 'a>(
        &self,
        store: impl Into<StoreContext<'a, T>>,
        export: &ModuleExport,
    ) -> Option<Extern> {
        let store = store.into();
        let is_its = crate::memory::Shared::ptr_eq(&self.module(store).inner, &export.module.inner);
        is_its.then(|| self.export_at(store.inner(), export.index))
    }
}
