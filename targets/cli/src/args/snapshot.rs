//! The options of `dunlin snapshot`.

use super::environment::GrantsEnvironment;
use super::features::{Features, SwitchesFeatures};
use super::limits::{LimitsWork, WorkLimits};
#[cfg(feature = "hosts")]
use super::registry::{AsksRegistries, RegistryOptions};
use super::run::RunOptions;
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module};
use super::values::{Dir, set};
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin snapshot`.
#[derive(Debug, Default)]
pub(crate) struct SnapshotOptions {
    /// The module, what it is given and what it may use.
    pub(crate) run: RunOptions,
    /// The function that initialises it.
    pub(crate) init_func: Option<String>,
    /// Where the snapshot goes.
    pub(crate) output: Option<PathBuf>,
    /// Whether that was asked for by name; nothing else is there to be asked for.
    init: bool,
}

impl GrantsEnvironment for SnapshotOptions {
    fn dirs(&mut self) -> &mut Vec<Dir> {
        &mut self.run.dirs
    }

    fn env(&mut self) -> &mut Vec<(String, String)> {
        &mut self.run.env
    }
}

#[cfg(feature = "hosts")]
impl AsksRegistries for SnapshotOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.run.registry
    }
}

impl LimitsWork for SnapshotOptions {
    fn limits(&mut self) -> &mut WorkLimits {
        &mut self.run.limits
    }
}

impl SwitchesFeatures for SnapshotOptions {
    fn features(&mut self) -> &mut Features {
        &mut self.run.features
    }
}

impl CommandOptions for SnapshotOptions {
    const COMMAND: &'static str = "snapshot";
    const HELP: &'static str = include_str!("../help/snapshot.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::flag(
                    "--init",
                    |o| &mut o.init,
                    "Stop behind its initialisation. There is no other place yet, so this is the default.",
                ),
                Opt::value(
                    "--init-func NAME",
                    |o, given| set(&mut o.init_func, given.string()),
                    "The exported function that initialises it; it takes and returns nothing. The default is wizer.initialize or \
                     wizer-initialize, if the module exports that.",
                ),
                Opt::value(
                    "-o, --output FILE",
                    |o, given| set(&mut o.output, given.path()),
                    "Where the snapshot goes; - is standard output. The default is MODULE, with .snap for what its name ends in.",
                ),
                Self::DIR,
                Self::DIR_RO,
                Self::ENV,
                Self::FUEL,
                Self::MEMORY_BUDGET,
                Self::FEATURES,
            ],
        },
        #[cfg(feature = "hosts")]
        Self::REGISTRY,
    ];

    /// Options may stand behind the module; what follows -- is the program's.
    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        match self.run.module.is_empty() {
            true => self.run.module = operand,
            false => self.run.args.push(operand),
        }
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        need_module(&self.run.module, Self::COMMAND)
    }
}
