//! Tables of options: parsing, help and hints come from them.

use super::hints::unknown_option;
use super::outline::{self, CommandOutline, GroupOutline, OptionOutline};
use super::values::Given;
use crate::failure::Failure;
use lexopt::{Arg, Parser};
use std::ffi::{OsStr, OsString};

/// The options of a command, which its table sets one after another.
pub(super) trait CommandOptions: Default + 'static {
    /// The command's name.
    const COMMAND: &'static str;
    /// The options there are.
    const TABLE: &'static [OptionGroup<Self>];
    /// What a user reads besides the options, which stand where it says `{options}`.
    const HELP: &'static str;

    /// Takes what is no option; with `Rest::Foreign`, whatever follows isn't ours.
    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure>;

    /// Takes what follows then.
    fn foreign(&mut self, _: Vec<OsString>) {}

    /// Looks whether all is there, and whether it goes together.
    fn complete(&mut self) -> Result<(), Failure>;
}

/// What follows an operand.
pub(super) enum Rest {
    Ours,
    Foreign,
}

/// Options that belong together.
pub(super) struct OptionGroup<O: 'static> {
    pub(super) title: &'static str,
    pub(super) options: &'static [Opt<O>],
}

/// An option, declared once: its name, where its value goes and what parses it, and its help.
pub(super) struct Opt<O> {
    pub(super) outline: OptionOutline,
    /// The part of the command without which it isn't shown.
    pub(super) part: BuildPart,
    pub(super) set: Setter<O>,
}

/// What is done with an option.
pub(super) enum Setter<O> {
    /// Takes no value, and sets a field.
    Flag(fn(&mut O) -> &mut bool),
    /// The same, but it may be refused.
    CheckedFlag(fn(&mut O) -> Result<(), Failure>),
    /// Takes a value.
    Value(fn(&mut O, Given<'_>) -> Result<(), Failure>),
}

/// Parts of the command that a build may lack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BuildPart {
    Always,
    Compiler,
    Precompiled,
    Trace,
    Debugger,
    DebugInfo,
    CoreDump,
    Record,
    Snapshot,
    #[cfg(feature = "hosts")]
    Database,
}

impl BuildPart {
    pub(super) const fn is_here(self) -> bool {
        match self {
            BuildPart::Always => true,
            BuildPart::Compiler => cfg!(feature = "jit"),
            BuildPart::Debugger => cfg!(feature = "gdb"),
            BuildPart::Trace => cfg!(feature = "trace"),
            BuildPart::Precompiled => cfg!(feature = "precompiled"),
            BuildPart::CoreDump => cfg!(feature = "coredump"),
            BuildPart::Record => cfg!(feature = "record"),
            BuildPart::Snapshot => cfg!(feature = "snapshot"),
            BuildPart::DebugInfo => cfg!(feature = "debug-info"),
            #[cfg(feature = "hosts")]
            BuildPart::Database => cfg!(feature = "sqlite"),
        }
    }
}

impl<O> Opt<O> {
    const fn new(form: &'static str, set: Setter<O>, help: &'static str) -> Self {
        Self { outline: OptionOutline { form, help }, part: BuildPart::Always, set }
    }

    pub(super) const fn flag(form: &'static str, field: fn(&mut O) -> &mut bool, help: &'static str) -> Self {
        Self::new(form, Setter::Flag(field), help)
    }

    pub(super) const fn checked_flag(
        form: &'static str,
        set: fn(&mut O) -> Result<(), Failure>,
        help: &'static str,
    ) -> Self {
        Self::new(form, Setter::CheckedFlag(set), help)
    }

    pub(super) const fn value(
        form: &'static str,
        set: fn(&mut O, Given<'_>) -> Result<(), Failure>,
        help: &'static str,
    ) -> Self {
        Self::new(form, Setter::Value(set), help)
    }

    /// Where a build lacks the part, the option is known, to be refused; but its help is left out of the program.
    pub(super) const fn part(self, part: BuildPart) -> Self {
        let help = if part.is_here() { self.outline.help } else { "" };
        Self { outline: OptionOutline { help, ..self.outline }, part, ..self }
    }

    /// `-o` and `--output`.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.outline.names()
    }
}

/// Parses what follows the command's name; `None` is that help is wanted.
pub(super) fn parse<O: CommandOptions>(parser: Parser) -> Result<Option<O>, Failure> {
    parse_onto(O::default(), O::COMMAND, parser)
}

/// The same, for a command that begins with these options.
pub(super) fn parse_onto<O: CommandOptions>(
    mut options: O,
    command: &str,
    parser: Parser,
) -> Result<Option<O>, Failure> {
    let is_filled = fill(&mut options, command, parser)?;
    Ok(is_filled.then_some(options))
}

/// What parsing does with [`CommandOptions`]. As an object, since then what parses is in the program once, and not for each
/// command.
trait Fill {
    /// Sets an option, for which `value` is asked if it takes one; false if there is none of this name.
    fn set(
        &mut self,
        name: &str,
        value: &mut dyn FnMut() -> Result<OsString, Failure>,
    ) -> Result<bool, Failure>;
    fn names(&self) -> Vec<&'static str>;
    fn take(&mut self, operand: OsString) -> Result<Rest, Failure>;
    fn pass_on(&mut self, rest: Vec<OsString>);
    fn finish(&mut self) -> Result<(), Failure>;
}

impl<O: CommandOptions> Fill for O {
    fn set(
        &mut self,
        name: &str,
        value: &mut dyn FnMut() -> Result<OsString, Failure>,
    ) -> Result<bool, Failure> {
        let Some(option) = find::<O>(name) else { return Ok(false) };
        match option.set {
            Setter::Flag(field) => *field(self) = true,
            Setter::CheckedFlag(set) => set(self)?,
            Setter::Value(set) => set(self, Given { option: name, value: &value()? })?,
        }
        Ok(true)
    }

    fn names(&self) -> Vec<&'static str> {
        names::<O>()
    }

    fn take(&mut self, operand: OsString) -> Result<Rest, Failure> {
        self.operand(operand)
    }

    fn pass_on(&mut self, rest: Vec<OsString>) {
        self.foreign(rest);
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.complete()
    }
}

/// Whether all has been taken; otherwise, help is wanted.
fn fill(options: &mut dyn Fill, command: &str, mut parser: Parser) -> Result<bool, Failure> {
    while let Some(arg) = next(&mut parser, command)? {
        let name = match arg {
            Arg::Value(operand) => {
                if let Rest::Foreign = options.take(operand)? {
                    options.pass_on(parser.raw_args().map_err(Failure::usage)?.collect());
                    break;
                }
                continue;
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(false),
            Arg::Short(c) => format!("-{c}"),
            Arg::Long(name) => format!("--{name}"),
        };
        if !options.set(&name, &mut || value(&mut parser, &name, command))? {
            return Err(unknown_option(command, &name, &options.names()));
        }
    }
    options.finish()?;
    Ok(true)
}

/// What this build has of a command.
pub(super) fn outline<O: CommandOptions>() -> CommandOutline {
    let groups = O::TABLE.iter().map(|group| GroupOutline {
        title: group.title,
        options: group
            .options
            .iter()
            .filter(|option| option.part.is_here())
            .map(|option| option.outline)
            .collect(),
    });
    let mut groups: Vec<_> = groups.collect();
    if let Some(last) = groups.last_mut() {
        last.options.push(outline::HELP);
    }
    CommandOutline { name: O::COMMAND, text: O::HELP, groups }
}

fn find<O: CommandOptions>(name: &str) -> Option<&'static Opt<O>> {
    O::TABLE.iter().flat_map(|group| group.options).find(|option| option.names().any(|known| known == name))
}

/// Whether it is one of the command's options.
pub(super) fn has<O: CommandOptions>(name: &str) -> bool {
    find::<O>(name).is_some()
}

fn names<O: CommandOptions>() -> Vec<&'static str> {
    let shown = O::TABLE.iter().flat_map(|group| group.options).filter(|option| option.part.is_here());
    shown.flat_map(Opt::names).chain(["--help"]).collect()
}

fn next<'a>(parser: &'a mut Parser, command: &str) -> Result<Option<Arg<'a>>, Failure> {
    parser.next().map_err(|error| {
        let message = match error {
            lexopt::Error::UnexpectedValue { option, value } => {
                format!("{option} takes no value, but '{}' is given", value.to_string_lossy())
            }
            other => other.to_string(),
        };
        Failure::usage(format_args!("{message}; see 'dunlin {command} --help'"))
    })
}

fn value(parser: &mut Parser, option: &str, command: &str) -> Result<OsString, Failure> {
    parser
        .value()
        .map_err(|_| Failure::usage(format_args!("{option} needs a value; see 'dunlin {command} --help'")))
}

/// Takes the only operand of a command.
#[allow(dead_code, reason = "the commands that do are parts of a build")]
pub(super) fn take_module(module: &mut OsString, operand: OsString, command: &str) -> Result<Rest, Failure> {
    if !module.is_empty() {
        return Err(one_module(command, &operand));
    }
    *module = operand;
    Ok(Rest::Ours)
}

fn one_module(command: &str, second: &OsStr) -> Failure {
    let second = second.to_string_lossy();
    Failure::usage(format_args!("'{second}' is one module too many; see 'dunlin {command} --help'"))
}

pub(super) fn need_module(module: &OsStr, command: &str) -> Result<(), Failure> {
    if module.is_empty() { Err(missing_module(command)) } else { Ok(()) }
}

pub(super) fn missing_module(command: &str) -> Failure {
    Failure::usage(format_args!(
        "a module is missing: a file, or - for standard input; see 'dunlin {command} --help'"
    ))
}
