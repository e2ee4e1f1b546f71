//! The options of `dunlin validate`.

use super::features::{Features, SwitchesFeatures};
#[cfg(feature = "hosts")]
use super::registry::AsksRegistries;
use super::registry::RegistryOptions;
use super::table::{CommandOptions, OptionGroup, Rest, missing_module};
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin validate`.
#[derive(Debug, Default)]
pub(crate) struct ValidateOptions {
    /// The modules: paths, or `-`.
    pub(crate) modules: Vec<OsString>,
    /// Features of WebAssembly that are switched on or off.
    pub(crate) features: Features,
    /// How a registry is asked for the module.
    pub(crate) registry: RegistryOptions,
}

#[cfg(feature = "hosts")]
impl AsksRegistries for ValidateOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl SwitchesFeatures for ValidateOptions {
    fn features(&mut self) -> &mut Features {
        &mut self.features
    }
}

impl CommandOptions for ValidateOptions {
    const COMMAND: &'static str = "validate";
    const HELP: &'static str = include_str!("../help/validate.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup { title: "Options", options: &[Self::FEATURES] },
        #[cfg(feature = "hosts")]
        Self::REGISTRY,
    ];

    fn operand(&mut self, module: OsString) -> Result<Rest, Failure> {
        self.modules.push(module);
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        if self.modules.is_empty() { Err(missing_module(Self::COMMAND)) } else { Ok(()) }
    }
}
