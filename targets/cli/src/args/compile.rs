//! The options of `dunlin compile`.

use super::features::{Features, SwitchesFeatures};
#[cfg(feature = "hosts")]
use super::registry::AsksRegistries;
use super::registry::RegistryOptions;
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::values::set;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin compile`.
#[derive(Debug, Default)]
pub(crate) struct CompileOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// Where the result goes.
    pub(crate) output: Option<PathBuf>,
    /// For what machine.
    pub(crate) target: Option<String>,
    /// For which of its processors.
    pub(crate) cpu_features: Option<String>,
    /// Whether memories will have guard regions.
    pub(crate) memory_guard: bool,
    /// Whether return addresses are signed.
    pub(crate) branch_protection: bool,
    /// Whether fuel is counted.
    pub(crate) fuel: bool,
    /// Features of WebAssembly that are switched on or off.
    pub(crate) features: Features,
    /// How a registry is asked for the module.
    #[cfg_attr(
        not(any(feature = "jit", feature = "hosts")),
        expect(dead_code, reason = "for what is compiled")
    )]
    pub(crate) registry: RegistryOptions,
}

#[cfg(feature = "hosts")]
impl AsksRegistries for CompileOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl SwitchesFeatures for CompileOptions {
    fn features(&mut self) -> &mut Features {
        &mut self.features
    }
}

impl CommandOptions for CompileOptions {
    const COMMAND: &'static str = "compile";
    const HELP: &'static str = include_str!("../help/compile.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::value(
                    "-o, --output FILE",
                    |o, given| set(&mut o.output, given.path()),
                    "Where the result goes; - is standard output. The default is MODULE, with .dun for what its name ends in.",
                ),
                Opt::value(
                    "--target aarch64-linux|x86_64-linux",
                    |o, given| set(&mut o.target, given.string()),
                    "For what machine: aarch64-linux or x86_64-linux. The default is this one.",
                ),
                Opt::value(
                    "--cpu-features baseline|x86-64-v3|native",
                    |o, given| set(&mut o.cpu_features, given.string()),
                    "What the processor must be able to: baseline, the default, is what Dunlin's own compiler asks for, on x86_64 \
                 SSE4.2; x86-64-v3 has AVX2; native is what this machine can.",
                ),
                Opt::value(
                    "--memory-guard on|off",
                    |o, given| {
                        o.memory_guard = match given.text()? {
                            "on" => true,
                            "off" => false,
                            _ => return Err(given.refusal("on or off here")),
                        };
                        Ok(())
                    },
                    "Whether faults of the processor replace bounds checks. With on, the code is faster, but is only used where \
                 there are 4 GiB of address space for each memory. The default is off.",
                ),
                Opt::flag(
                    "--branch-protection",
                    |o| &mut o.branch_protection,
                    "For aarch64: sign return addresses, where the processor and the system know of that.",
                ),
                Opt::flag(
                    "--fuel",
                    |o| &mut o.fuel,
                    "Count fuel, for dunlin run --fuel and --report. Without this, the code isn't used with them; with it, only \
                 with them.",
                ),
                Self::FEATURES,
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
