//! The options of `dunlin inspect`.

use super::table::{Group, Opt, Options, Rest};
use super::{missing_module, one_module};
use crate::failure::Failure;
use std::ffi::OsString;

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
