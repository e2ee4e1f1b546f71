//! The options of `dunlin wast`.

use super::table::{Group, Opt, Options, Part, Rest};
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
    /// What gets compiled.
    pub(crate) tiering: Tiering,
}

impl Options for WastOptions {
    const COMMAND: &'static str = "wast";
    const HELP: &'static str = include_str!("../help/wast.txt");
    const TABLE: &'static [Group<Self>] = &[Group {
        title: "Options",
        options: &[
            Opt::flag("--json", "The counts and the failures as JSON.", |o: &mut Self| {
                o.json = true;
                Ok(())
            }),
            Opt::text(
                "--jit MODE",
                "What is compiled, as for dunlin run. With --jit sync --jit-threshold 0 nearly everything is, before its \
                 first call.",
                |o: &mut Self, _, text| o.tiering.jit(text),
            )
            .part(Part::Compiler),
            Opt::text("--jit-threshold N", "As for dunlin run.", |o: &mut Self, _, text| o.tiering.threshold(text))
                .part(Part::Compiler),
            Opt::text("--memory-guard WHEN", "As for dunlin run.", |o: &mut Self, _, text| o.tiering.memory_guard(text))
                .part(Part::Precompiled),
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
