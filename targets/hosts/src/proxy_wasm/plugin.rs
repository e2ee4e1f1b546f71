//! Plugins: modules of which instances can be made.

use super::calls;
use super::error::PluginError;
use super::exports::abi_version;
use super::host::Host;
use super::options::PluginOptions;
use super::shared::Shared;
use super::vm::Vm;
use dunlin::{InstancePre, Linker, Module};
use std::fmt;
use std::sync::Arc;

/// A filter with its configuration. Cloning it is cheap, and threads can share it.
#[derive(Clone)]
pub struct Plugin {
    pub(super) module: Module,
    pub(super) options: Arc<PluginOptions>,
    pub(super) shared: Shared,
    pub(super) linked: InstancePre<Host>,
}

impl Plugin {
    /// Checks that the module is a filter which accepts its configuration, by making an instance of it.
    ///
    /// # Errors
    /// If it isn't, if it refuses the configuration, or if there is no memory for an instance.
    pub fn new(module: &Module, options: PluginOptions) -> Result<Self, PluginError> {
        if abi_version(module).is_none() {
            let why = "it exports no proxy_abi_version_0_1_0, _0_2_0 or _0_2_1";
            return Err(PluginError::NotAFilter(why.into()));
        }
        let engine = module.engine();
        let budget = options.budget.as_ref().unwrap_or(engine.budget());
        let shared = match &options.shared {
            Some(shared) => shared.clone(),
            None => Shared::new(budget, options.limits.shared_bytes)?,
        };
        let mut linker = Linker::<Host>::new(engine);
        dunlin_wasi_lite::add_to_linker(&mut linker, |host| &mut host.wasi)?;
        calls::link(&mut linker)?;
        linker.define_unknown_imports_as_traps(module)?;
        let linked = linker.instantiate_pre(module)?;
        let plugin = Self { module: module.clone(), options: Arc::new(options), shared, linked };
        Vm::start(&plugin, 1)?;
        Ok(plugin)
    }

    /// The version of the ABI that the module says it has, as (0, 2, 1).
    pub fn abi_version(&self) -> (u32, u32, u32) {
        abi_version(&self.module).unwrap_or_default()
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("options", &self.options).finish_non_exhaustive()
    }
}
