//! The options of the commands that have few.

use super::table::{Group, Opt, Options, Part, Rest};
use super::{missing_module, one_module};
use crate::failure::Failure;
use crate::tiering::Tiering;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin inspect`.
#[derive(Debug, Default)]
pub(crate) struct InspectOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// As JSON.
    pub(crate) json: bool,
    /// How much memory it needs, instead.
    pub(crate) budget: bool,
}

impl Options for InspectOptions {
    const COMMAND: &'static str = "inspect";
    const HELP: &'static str = include_str!("../help/inspect.txt");
    const TABLE: &'static [Group<Self>] = &[Group {
        title: "Options",
        options: &[
            Opt::flag(
                "--budget",
                "Show instead how much memory it needs: to start, at most, and for what. At most is unbounded if a memory or \
                 table declares no maximum. What the host needs by itself comes on top of it, some 26 KiB for a WASI \
                 program.",
                |o: &mut Self| {
                    o.budget = true;
                    Ok(())
                },
            ),
            Opt::flag("--json", "The same as JSON, for programs.", |o: &mut Self| {
                o.json = true;
                Ok(())
            }),
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

/// The options of `dunlin validate`.
#[derive(Debug, Default)]
pub(crate) struct ValidateOptions {
    /// The modules: paths, or `-`.
    pub(crate) modules: Vec<OsString>,
}

impl Options for ValidateOptions {
    const COMMAND: &'static str = "validate";
    const HELP: &'static str = include_str!("../help/validate.txt");
    const TABLE: &'static [Group<Self>] = &[Group { title: "Options", options: &[] }];

    fn operand(&mut self, module: OsString) -> Result<Rest, Failure> {
        self.modules.push(module);
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        if self.modules.is_empty() { Err(missing_module(Self::COMMAND)) } else { Ok(()) }
    }
}

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
