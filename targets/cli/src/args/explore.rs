//! The options of `dunlin explore`.

#[cfg(feature = "hosts")]
use super::registry::AsksRegistries;
use super::registry::RegistryOptions;
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::values::set;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin explore`.
#[derive(Debug, Default)]
pub(crate) struct ExploreOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// Where the page goes.
    pub(crate) output: Option<PathBuf>,
    /// The machine that is compiled for.
    pub(crate) target: Option<String>,
    /// How a registry is asked for the module.
    #[cfg_attr(
        not(any(feature = "explore", feature = "hosts")),
        expect(dead_code, reason = "for what is shown")
    )]
    pub(crate) registry: RegistryOptions,
}

#[cfg(feature = "hosts")]
impl AsksRegistries for ExploreOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for ExploreOptions {
    const COMMAND: &'static str = "explore";
    const HELP: &'static str = include_str!("../help/explore.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::value(
                    "-o, --output FILE",
                    |o, given| set(&mut o.output, given.path()),
                    "Where the page goes. The default is the module's name with .html. - is standard output.",
                ),
                Opt::value(
                    "--target NAME",
                    |o, given| set(&mut o.target, given.string()),
                    "The machine that is compiled for: x86_64-linux or aarch64-linux. The default is this one.",
                ),
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
