//! `dunlin resume`: the options of `dunlin run`, for a program that has begun.

use super::moving::Moving;
use super::outline::CommandOutline;
use super::run::RunOptions;
use super::table::{self, Rest};
use crate::failure::Failure;
use lexopt::Parser;
use std::ffi::OsString;

pub(super) const COMMAND: &str = "resume";

/// Options about how a program begins.
const BEGINNING: [&str; 5] = ["--invoke", "--start", "--argv0", "--env", "--resume"];

/// What there is of it.
pub(super) fn outline() -> CommandOutline {
    let mut outline = table::outline::<RunOptions>();
    (outline.name, outline.text) = (COMMAND, include_str!("../help/resume.txt"));
    for group in &mut outline.groups {
        group.options.retain(|option| !option.names().any(|name| BEGINNING.contains(&name)));
    }
    outline
}

/// Parses what follows the command's name; `None` is that help is wanted.
pub(super) fn parse(parser: Parser) -> Result<Option<RunOptions>, Failure> {
    let moving = Moving { by_resume: true, ..Moving::default() };
    table::parse_onto(RunOptions { moving, ..RunOptions::default() }, COMMAND, parser)
}

impl RunOptions {
    /// A snapshot, then the module.
    pub(super) fn operand_of_resume(&mut self, operand: OsString) -> Result<Rest, Failure> {
        if self.moving.resume.is_none() {
            self.moving.set_resume(operand.into())?;
            return Ok(Rest::Ours);
        }
        table::take_module(&mut self.module, operand, COMMAND)
    }

    pub(super) fn complete_resume(&self) -> Result<(), Failure> {
        if self.moving.resume.is_none() || self.module.is_empty() {
            return Err(Failure::usage(format_args!(
                "a snapshot and the module that it is of are missing; see 'dunlin {COMMAND} --help'"
            )));
        }
        let begins = self.invoke.is_some()
            || self.start.is_some()
            || self.argv0.is_some()
            || !self.env.is_empty()
            || self.inherit_env;
        match begins {
            true => Err(Failure::usage(
                "--invoke, --start, --argv0 and --env are about a program's beginning, but this one has begun",
            )),
            false => Ok(()),
        }
    }
}
