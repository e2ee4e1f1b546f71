//! The options of `dunlin lambda`.

use super::environment::GrantsEnvironment;
use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::values::{Dir, set};
use crate::failure::Failure;
use std::ffi::OsString;
use std::time::Duration;

/// The options of `dunlin lambda`.
#[derive(Debug, Default)]
pub(crate) struct LambdaOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// The folders that the function may use.
    pub(crate) dirs: Vec<Dir>,
    /// Variables for it.
    pub(crate) env: Vec<(String, String)>,
    /// Whether all of ours come before those.
    pub(crate) inherit_env: bool,
    /// Units of fuel for each event.
    pub(crate) fuel: Option<u64>,
    /// How long each event may take.
    pub(crate) timeout: Option<Duration>,
    /// Bytes of memory for everything.
    pub(crate) memory_budget: Option<u64>,
    /// Whether responses are sent while they are made.
    pub(crate) streams: bool,
    /// How a registry is asked for the module.
    pub(crate) registry: RegistryOptions,
}

impl GrantsEnvironment for LambdaOptions {
    fn dirs(&mut self) -> &mut Vec<Dir> {
        &mut self.dirs
    }

    fn env(&mut self) -> &mut Vec<(String, String)> {
        &mut self.env
    }
}

impl AsksRegistries for LambdaOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for LambdaOptions {
    const COMMAND: &'static str = "lambda";
    const HELP: &'static str = include_str!("../help/lambda.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Self::DIR,
                Self::DIR_RO,
                Self::ENV,
                Opt::flag(
                    "--inherit-env",
                    |o| &mut o.inherit_env,
                    "All variables that there are here, Lambda's credentials among them.",
                ),
                Opt::flag(
                    "--streaming",
                    |o| &mut o.streams,
                    "Send a response while it is made. It is cut off if the function fails then.",
                ),
            ],
        },
        OptionGroup {
            title: "Limits",
            options: &[
                Opt::value(
                    "--fuel N",
                    |o, given| set(&mut o.fuel, given.number()),
                    "Stop it after N units of work for an event.",
                ),
                Opt::value(
                    "--timeout TIME",
                    |o, given| set(&mut o.timeout, given.time()),
                    "Stop it after this time for an event: 500ms, 2s. Lambda's own deadline counts as well.",
                ),
                Opt::value(
                    "--memory-budget SIZE",
                    |o, given| set(&mut o.memory_budget, given.size()),
                    "How much memory module, event, response and instance may take in all, as for dunlin run.",
                ),
            ],
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
