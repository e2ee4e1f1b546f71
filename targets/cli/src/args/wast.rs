//! The options of `dunlin wast`.

use super::features::{Features, SwitchesFeatures};
use super::table::{BuildPart, CommandOptions, Opt, OptionGroup, Rest};
use super::tiering::Tiering;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin wast`.
#[derive(Debug, Default)]
pub(crate) struct WastOptions {
    /// Scripts and folders.
    pub(crate) paths: Vec<PathBuf>,
    /// As JSON.
    pub(crate) json: bool,
    /// Features of WebAssembly that are switched on or off.
    pub(crate) features: Features,
    /// What gets compiled.
    pub(crate) tiering: Tiering,
}

impl SwitchesFeatures for WastOptions {
    fn features(&mut self) -> &mut Features {
        &mut self.features
    }
}

impl CommandOptions for WastOptions {
    const COMMAND: &'static str = "wast";
    const HELP: &'static str = include_str!("../help/wast.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[OptionGroup {
        title: "Options",
        options: &[
            Opt::flag("--json", |o| &mut o.json, "The counts and the failures as JSON."),
            Self::FEATURES,
            Opt::value(
                "--jit background|sync|eager|off",
                |o: &mut Self, given| o.tiering.jit(given),
                "What is compiled, as for dunlin run. With --jit sync --jit-threshold 0 nearly everything is, before its \
                 first call.",
            )
            .part(BuildPart::Compiler),
            Opt::value(
                "--jit-threshold N",
                |o: &mut Self, given| o.tiering.threshold(given),
                "As for dunlin run.",
            )
            .part(BuildPart::Compiler),
            Opt::value(
                "--memory-guard on|off|auto",
                |o: &mut Self, given| o.tiering.memory_guard(given),
                "As for dunlin run.",
            )
            .part(BuildPart::Precompiled),
        ],
    }];

    fn operand(&mut self, path: OsString) -> Result<Rest, Failure> {
        self.paths.push(path.into());
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        if self.paths.is_empty() {
            return Err(Failure::usage("a script or a folder is missing; see 'dunlin wast --help'"));
        }
        Ok(())
    }
}
