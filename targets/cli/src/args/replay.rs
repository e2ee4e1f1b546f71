//! The options of `dunlin replay`.

use super::limits::{LimitsWork, WorkLimits};
use super::recording::{Replay, is_here};
#[cfg(feature = "hosts")]
use super::registry::AsksRegistries;
use super::registry::RegistryOptions;
use super::table::{BuildPart, CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::tiering::Tiering;
use super::values::set;
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin replay`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ReplayOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// The record, and how far it is replayed.
    pub(crate) replay: Replay,
    /// How much it may use here.
    pub(crate) limits: WorkLimits,
    /// What gets compiled.
    pub(crate) tiering: Tiering,
    /// Whether backtraces are without what the module's debug information says.
    pub(crate) no_debug_info: bool,
    /// How a registry is asked for the module.
    pub(crate) registry: RegistryOptions,
}

impl LimitsWork for ReplayOptions {
    fn limits(&mut self) -> &mut WorkLimits {
        &mut self.limits
    }
}

#[cfg(feature = "hosts")]
impl AsksRegistries for ReplayOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for ReplayOptions {
    const COMMAND: &'static str = "replay";
    const HELP: &'static str = include_str!("../help/replay.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "How far",
            options: &[
                Opt::value(
                    "--until N",
                    |o: &mut Self, given| set(&mut o.replay.until, given.number()),
                    "Stop where the program has used N units of fuel, and show in which calls it is.",
                ),
                Opt::value(
                    "--snapshot-at N",
                    |o: &mut Self, given| set(&mut o.replay.snapshot_at, given.number()),
                    "Write there what the program is, for dunlin inspect and dunlin run --resume, and go on.",
                ),
                Opt::value(
                    "-o, --snapshot FILE",
                    |o: &mut Self, given| set(&mut o.replay.snapshot, given.path()),
                    "Where the snapshot goes.",
                ),
            ],
        },
        OptionGroup {
            title: "Options",
            options: &[
                Self::TIMEOUT,
                Self::MEMORY_BUDGET,
                Opt::value(
                    "--jit background|sync|eager|off",
                    |o: &mut Self, given| o.tiering.jit(given),
                    "When functions become machine code, as for dunlin run. What the program does is the same.",
                )
                .part(BuildPart::Compiler),
                Opt::flag(
                    "--no-debug-info",
                    |o: &mut Self| &mut o.no_debug_info,
                    "In a backtrace, don't show source lines and inlined functions.",
                )
                .part(BuildPart::DebugInfo),
            ],
        },
        #[cfg(feature = "hosts")]
        Self::REGISTRY,
    ];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        if self.replay.file.as_os_str().is_empty() {
            self.replay.file = operand.into();
            return Ok(Rest::Ours);
        }
        take_module(&mut self.module, operand, Self::COMMAND)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        is_here()?;
        if self.replay.file.as_os_str().is_empty() {
            return Err(Failure::usage("a record and its module are missing; see 'dunlin replay --help'"));
        }
        if self.replay.snapshot.is_some() != self.replay.snapshot_at.is_some() {
            return Err(Failure::usage("--snapshot-at N and --snapshot FILE go together"));
        }
        need_module(&self.module, Self::COMMAND)
    }
}
