//! The options of `dunlin claims`.

use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin claims`.
#[derive(Debug, Default)]
pub(crate) struct ClaimsOptions {
    /// The actor: a path, a reference or `-`.
    pub(crate) module: OsString,
    pub(crate) json: bool,
    pub(crate) registry: RegistryOptions,
}

impl AsksRegistries for ClaimsOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for ClaimsOptions {
    const COMMAND: &'static str = "claims";
    const HELP: &'static str = include_str!("../help/claims.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[Opt::flag("--json", |o| &mut o.json, "Print them as an object of JSON.")],
        },
        Self::REGISTRY,
    ];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        take_module(&mut self.module, operand, Self::COMMAND)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        need_module(&self.module, Self::COMMAND)
    }
}
