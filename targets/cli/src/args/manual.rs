//! The options of `dunlin completions` and `dunlin man`, which have none but their operands.

use super::table::{CommandOptions, OptionGroup, Rest};
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin completions`.
#[derive(Debug, Default)]
pub(crate) struct CompletionsOptions {
    /// For which shell.
    pub(crate) shell: Option<Shell>,
}

/// A shell that there are completions for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shell {
    Bash,
    Fish,
    Zsh,
}

/// The options of `dunlin man`.
#[derive(Debug, Default)]
pub(crate) struct ManOptions {}

const NONE: &str = "Options";

impl CommandOptions for CompletionsOptions {
    const COMMAND: &'static str = "completions";
    const HELP: &'static str = include_str!("../help/completions.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[OptionGroup { title: NONE, options: &[] }];

    fn operand(&mut self, shell: OsString) -> Result<Rest, Failure> {
        let known = match shell.to_str() {
            Some("bash") => Some(Shell::Bash),
            Some("fish") => Some(Shell::Fish),
            Some("zsh") => Some(Shell::Zsh),
            _ => None,
        };
        match (self.shell, known) {
            (None, Some(_)) => self.shell = known,
            _ => return Err(usage(format_args!("not '{}'", shell.to_string_lossy()))),
        }
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        if self.shell.is_some() { Ok(()) } else { Err(usage("which is missing")) }
    }
}

fn usage(what: impl std::fmt::Display) -> Failure {
    Failure::usage(format_args!(
        "dunlin completions takes a shell, bash, fish or zsh, {what}; see 'dunlin completions --help'"
    ))
}

impl CommandOptions for ManOptions {
    const COMMAND: &'static str = "man";
    const HELP: &'static str = include_str!("../help/man.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[OptionGroup { title: NONE, options: &[] }];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        let operand = operand.to_string_lossy();
        Err(Failure::usage(format_args!("dunlin man takes no '{operand}'; see 'dunlin man --help'")))
    }

    fn complete(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}
