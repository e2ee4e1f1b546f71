//! The options of `dunlin lambda`.

use super::environment::GrantsEnvironment;
use super::limits::{LimitsWork, WorkLimits};
use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{BuildPart, CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::tiering::Tiering;
use super::values::Dir;
use crate::failure::Failure;
use std::ffi::OsString;

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
    /// How much each event may use, and how much memory all of them.
    pub(crate) limits: WorkLimits,
    /// Whether responses are sent while they are made.
    pub(crate) streams: bool,
    /// What gets compiled.
    pub(crate) tiering: Tiering,
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

impl LimitsWork for LambdaOptions {
    fn limits(&mut self) -> &mut WorkLimits {
        &mut self.limits
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
                Opt::value(
                    "--jit background|sync|eager|off",
                    |o: &mut Self, given| o.tiering.jit(given),
                    "When functions that are executed often become machine code, as for dunlin run.",
                )
                .part(BuildPart::Compiler),
                Opt::checked_flag(
                    "--allow-precompiled",
                    |o: &mut Self| o.tiering.allow_precompiled(),
                    "Run the machine code in a file that dunlin compile made, as for dunlin run.",
                )
                .part(BuildPart::Precompiled),
            ],
        },
        OptionGroup {
            title: "How much each event may use",
            options: &[Self::TIMEOUT, Self::FUEL, Self::MEMORY_BUDGET],
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
