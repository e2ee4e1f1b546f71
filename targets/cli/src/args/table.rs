//! Tables of options: parsing, help and hints come from them.

use super::hints::{Known, unknown_option};
use super::{next, value};
use crate::failure::Failure;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

/// The options of a command.
pub(super) trait Options: Default + 'static {
    /// The command's name.
    const COMMAND: &'static str;
    /// The options there are.
    const TABLE: &'static [Group<Self>];
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
pub(super) struct Group<O: 'static> {
    pub(super) title: &'static str,
    pub(super) options: &'static [Opt<O>],
}

/// An option.
pub(super) struct Opt<O> {
    /// As it is called: `--fuel N`, or `-o, --output FILE`.
    pub(super) form: &'static str,
    pub(super) help: &'static str,
    /// The part of the command without which it isn't shown.
    pub(super) part: Part,
    pub(super) set: Set<O>,
}

/// What is done with an option. A text's name is the option as it is spelled in messages.
pub(super) enum Set<O> {
    Flag(fn(&mut O) -> Result<(), Failure>),
    Text(fn(&mut O, &str, &str) -> Result<(), Failure>),
    Path(fn(&mut O, OsString) -> Result<(), Failure>),
}

/// Parts of the command that a build may lack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Always,
    Compiler,
    Precompiled,
}

impl Part {
    fn is_here(self) -> bool {
        match self {
            Part::Always => true,
            Part::Compiler => cfg!(feature = "jit"),
            Part::Precompiled => cfg!(feature = "precompiled"),
        }
    }
}

impl<O> Opt<O> {
    pub(super) const fn text(
        form: &'static str,
        help: &'static str,
        set: fn(&mut O, &str, &str) -> Result<(), Failure>,
    ) -> Self {
        Self { form, help, part: Part::Always, set: Set::Text(set) }
    }

    pub(super) const fn path(
        form: &'static str,
        help: &'static str,
        set: fn(&mut O, OsString) -> Result<(), Failure>,
    ) -> Self {
        Self { form, help, part: Part::Always, set: Set::Path(set) }
    }

    pub(super) const fn flag(
        form: &'static str,
        help: &'static str,
        set: fn(&mut O) -> Result<(), Failure>,
    ) -> Self {
        Self { form, help, part: Part::Always, set: Set::Flag(set) }
    }

    pub(super) const fn part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// `-o` and `--output`.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.form.split(", ").map(|name| name.split([' ', '[']).next().unwrap_or(name))
    }
}

/// Parses what follows the command's name; `None` is that help is wanted.
pub(super) fn parse<O: Options>(mut parser: Parser) -> Result<Option<O>, Failure> {
    let mut options = O::default();
    while let Some(arg) = next(&mut parser, O::COMMAND)? {
        let name = match arg {
            Arg::Value(operand) => {
                if let Rest::Foreign = options.operand(operand)? {
                    options.foreign(parser.raw_args().map_err(Failure::usage)?.collect());
                    break;
                }
                continue;
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Short(c) => format!("-{c}"),
            Arg::Long(name) => format!("--{name}"),
        };
        let Some(option) = find::<O>(&name) else {
            return Err(unknown_option(O::COMMAND, &name, &known::<O>()));
        };
        match option.set {
            Set::Flag(set) => set(&mut options)?,
            Set::Path(set) => set(&mut options, value(&mut parser, &name, O::COMMAND)?)?,
            Set::Text(set) => {
                let text = value(&mut parser, &name, O::COMMAND)?
                    .string()
                    .map_err(|_| Failure::usage(format_args!("the value of {name} isn't valid UTF-8")))?;
                set(&mut options, &name, &text)?;
            }
        }
    }
    options.complete()?;
    Ok(Some(options))
}

fn find<O: Options>(name: &str) -> Option<&'static Opt<O>> {
    O::TABLE.iter().flat_map(|group| group.options).find(|option| option.names().any(|known| known == name))
}

/// Whether it is one of the command's options.
pub(super) fn has<O: Options>(name: &str) -> bool {
    find::<O>(name).is_some()
}

fn known<O: Options>() -> Known {
    let shown = O::TABLE.iter().flat_map(|group| group.options).filter(|option| option.part.is_here());
    shown.flat_map(Opt::names).chain(["--help"]).collect()
}

/// The whole help.
pub(super) fn help<O: Options>() -> String {
    let mut options = String::new();
    for (i, group) in O::TABLE.iter().enumerate() {
        if i > 0 {
            options.push('\n');
        }
        options.push_str(group.title);
        options.push_str(":\n");
        for option in group.options.iter().filter(|option| option.part.is_here()) {
            describe(&mut options, option.form, option.help);
        }
        if i + 1 == O::TABLE.len() {
            describe(&mut options, "-h, --help", "Show this.");
        }
    }
    of_this_build(O::HELP).replace("{options}\n", &options)
}

/// Where descriptions begin, and where lines end.
const COLUMN: usize = 26;
const WIDTH: usize = 80;

pub(super) fn describe(text: &mut String, form: &str, help: &str) {
    let mut line = format!("  {form}");
    if line.len() + 2 > COLUMN {
        text.push_str(&line);
        text.push('\n');
        line.clear();
    }
    for word in help.split(' ') {
        if line.len().max(COLUMN - 1) + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.clear();
        }
        while line.len() < COLUMN {
            line.push(' ');
        }
        if line.len() > COLUMN {
            line.push(' ');
        }
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// A text without the lines that are about what this build lacks, or has. They begin with the part's name in braces.
pub(super) fn of_this_build(text: &str) -> String {
    let parts = [
        ("{jit}", cfg!(feature = "jit")),
        ("{precompiled}", cfg!(feature = "precompiled")),
        ("{text}", cfg!(feature = "text")),
        ("{no text}", !cfg!(feature = "text")),
    ];
    let mut kept = String::new();
    for line in text.lines() {
        let about = parts.iter().find_map(|(mark, here)| Some((line.strip_prefix(mark)?, *here)));
        let (line, here) = about.unwrap_or((line, true));
        if here {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
