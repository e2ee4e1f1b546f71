//! The options of `dunlin pull`.

use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::values::set;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin pull`.
#[derive(Debug, Default)]
pub(crate) struct PullOptions {
    /// The module: a reference.
    pub(crate) module: OsString,
    /// Where it goes.
    pub(crate) output: Option<PathBuf>,
    pub(crate) registry: RegistryOptions,
}

impl AsksRegistries for PullOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for PullOptions {
    const COMMAND: &'static str = "pull";
    const HELP: &'static str = include_str!("../help/pull.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[Opt::value(
                "-o, --output FILE",
                |o, given| set(&mut o.output, given.path()),
                "Where it goes; - is standard output. The default is the last part of its name, with .wasm or .tar.gz.",
            )],
        },
        #[cfg(feature = "hosts")]
        Self::REGISTRY,
    ];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        take_module(&mut self.module, operand, Self::COMMAND)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        need_module(&self.module, Self::COMMAND)
    }
}
