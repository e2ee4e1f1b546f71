//! The options of `dunlin inspect`.

#[cfg(feature = "hosts")]
use super::registry::AsksRegistries;
use super::registry::RegistryOptions;
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin inspect`.
#[derive(Debug, Default)]
pub(crate) struct InspectOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// As JSON.
    pub(crate) json: bool,
    /// How much memory it needs, instead.
    pub(crate) budget: bool,
    /// How a registry is asked for the module.
    pub(crate) registry: RegistryOptions,
}

#[cfg(feature = "hosts")]
impl AsksRegistries for InspectOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for InspectOptions {
    const COMMAND: &'static str = "inspect";
    const HELP: &'static str = include_str!("../help/inspect.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::flag(
                    "--budget",
                    |o| &mut o.budget,
                    "Show instead how much memory it needs: to start, at most, and for what. At most is unbounded if a memory or \
                 table declares no maximum. What the host needs by itself comes on top of it, some 24 KiB for a WASI \
                 program.",
                ),
                Opt::flag("--json", |o| &mut o.json, "The same as JSON, for programs."),
            ],
        },
        #[cfg(feature = "hosts")]
        Self::REGISTRY,
    ];

    fn operand(&mut self, module: OsString) -> Result<Rest, Failure> {
        take_module(&mut self.module, module, Self::COMMAND)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        need_module(&self.module, Self::COMMAND)
    }
}
