//! The options of `dunlin compile`.

use super::table::{Group, Opt, Options, Rest};
use super::{missing_module, one_module};
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
}

impl Options for CompileOptions {
    const COMMAND: &'static str = "compile";
    const HELP: &'static str = include_str!("../help/compile.txt");
    const TABLE: &'static [Group<Self>] = &[Group {
        title: "Options",
        options: &[
            Opt::path(
                "-o, --output FILE",
                "Where the result goes; - is standard output. The default is MODULE, with .dun for what its name ends in.",
                |o, path| {
                    o.output = Some(path.into());
                    Ok(())
                },
            ),
            Opt::text(
                "--target MACHINE",
                "For what machine: aarch64-linux or x86_64-linux. The default is this one.",
                |o, _, text| {
                    o.target = Some(text.to_owned());
                    Ok(())
                },
            ),
            Opt::text(
                "--cpu-features LEVEL",
                "What the processor must be able to: baseline, the default, is what Dunlin's own compiler asks for, on x86_64 \
                 SSE4.2; x86-64-v3 has AVX2; native is what this machine can.",
                |o, _, text| {
                    o.cpu_features = Some(text.to_owned());
                    Ok(())
                },
            ),
            Opt::text(
                "--memory-guard on|off",
                "Whether faults of the processor replace bounds checks. With on, the code is faster, but is only used where \
                 there are 4 GiB of address space for each memory. The default is off.",
                |o, name, text| {
                    o.memory_guard = match text {
                        "on" => true,
                        "off" => false,
                        other => {
                            return Err(Failure::usage(format_args!(
                                "{name} takes on or off here, not '{other}'"
                            )));
                        }
                    };
                    Ok(())
                },
            ),
            Opt::flag(
                "--branch-protection",
                "For aarch64: sign return addresses, where the processor and the system know of that.",
                |o| {
                    o.branch_protection = true;
                    Ok(())
                },
            ),
            Opt::flag(
                "--fuel",
                "Count fuel, for dunlin run --fuel and --report. Without this, the code isn't used with them; with it, only \
                 with them.",
                |o| {
                    o.fuel = true;
                    Ok(())
                },
            ),
        ],
    }];

    fn operand(&mut self, module: OsString) -> Result<Rest, Failure> {
        if !self.module.is_empty() {
            return Err(one_module(Self::COMMAND, &module));
        }
        self.module = module;
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        if self.module.is_empty() { Err(missing_module(Self::COMMAND)) } else { Ok(()) }
    }
}
