//! The command line: options into structs, and a sentence for whatever can't be understood.

#[cfg(feature = "debug-info")]
mod addr2line;
#[cfg(feature = "hosts")]
mod claims;
#[cfg(feature = "jit")]
mod compile;
#[cfg(feature = "hosts")]
mod draining;
mod environment;
#[cfg(feature = "explore")]
mod explore;
pub(crate) mod features;
pub(crate) mod grants;
mod help;
mod hints;
#[cfg(feature = "inspect")]
mod inspect;
#[cfg(feature = "hosts")]
mod lambda;
mod limits;
#[cfg(feature = "manual")]
mod manual;
mod moving;
pub(crate) mod outline;
#[cfg(feature = "hosts")]
mod policies;
#[cfg(feature = "hosts")]
mod policy;
#[cfg(feature = "hosts")]
mod pull;
#[cfg(feature = "hosts")]
mod push;
mod recording;
mod registry;
#[cfg(feature = "record")]
mod replay;
#[cfg(feature = "snapshot")]
mod resume;
mod run;
#[cfg(feature = "hosts")]
mod serve;
#[cfg(feature = "hosts")]
mod served;
#[cfg(feature = "hosts")]
mod sign;
#[cfg(feature = "snapshot")]
mod snapshot;
mod table;
pub(crate) mod tiering;
mod tracing;
mod validate;
mod values;
mod wasmtime;
#[cfg(feature = "text")]
mod wast;

use crate::failure::Failure;
use help::help;
pub(crate) use help::of_this_build;
use hints::did_you_mean;
use lexopt::Parser;
use outline::CommandOutline;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use table::{CommandOptions, has};

#[cfg(feature = "debug-info")]
pub(crate) use addr2line::Addr2lineOptions;
#[cfg(feature = "hosts")]
pub(crate) use claims::ClaimsOptions;
#[cfg(feature = "jit")]
pub(crate) use compile::CompileOptions;
#[cfg(feature = "explore")]
pub(crate) use explore::ExploreOptions;
#[cfg(feature = "inspect")]
pub(crate) use inspect::InspectOptions;
#[cfg(feature = "hosts")]
pub(crate) use lambda::LambdaOptions;
#[cfg(feature = "manual")]
pub(crate) use manual::{CompletionsOptions, ManOptions, Shell};
#[cfg(feature = "hosts")]
pub(crate) use policies::PolicyGrants;
#[cfg(feature = "hosts")]
pub(crate) use policy::PolicyOptions;
#[cfg(feature = "hosts")]
pub(crate) use pull::PullOptions;
#[cfg(feature = "hosts")]
pub(crate) use push::PushOptions;
#[cfg(feature = "record")]
pub(crate) use recording::Replay;
pub(crate) use registry::RegistryOptions;
#[cfg(feature = "record")]
pub(crate) use replay::ReplayOptions;
pub(crate) use run::RunOptions;
#[cfg(feature = "hosts")]
pub(crate) use serve::ServeOptions;
#[cfg(feature = "hosts")]
pub(crate) use served::AccessLines;
#[cfg(feature = "hosts")]
pub(crate) use sign::SignOptions;
#[cfg(feature = "snapshot")]
pub(crate) use snapshot::SnapshotOptions;
#[cfg(feature = "trace")]
pub(crate) use tracing::TraceTo;
pub(crate) use validate::ValidateOptions;
pub(crate) use values::Dir;
#[cfg(feature = "hosts")]
pub(crate) use values::size;
#[cfg(feature = "text")]
pub(crate) use wast::WastOptions;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print a help text.
    Help(String),
    /// Print the version.
    Version,
    /// `dunlin run` and `dunlin resume`
    Run(Box<RunOptions>),
    /// `dunlin inspect`
    #[cfg(feature = "inspect")]
    Inspect(InspectOptions),
    /// `dunlin addr2line`
    #[cfg(feature = "debug-info")]
    Addr2line(Addr2lineOptions),
    /// `dunlin explore`
    #[cfg(feature = "explore")]
    Explore(ExploreOptions),
    /// `dunlin compile`
    #[cfg(feature = "jit")]
    Compile(CompileOptions),
    /// `dunlin validate`
    Validate(ValidateOptions),
    /// `dunlin completions`
    #[cfg(feature = "manual")]
    Completions(CompletionsOptions),
    /// `dunlin man`
    #[cfg(feature = "manual")]
    Man,
    /// `dunlin policy`
    #[cfg(feature = "hosts")]
    Policy(Box<PolicyOptions>),
    /// `dunlin claims`
    #[cfg(feature = "hosts")]
    Claims(ClaimsOptions),
    /// `dunlin sign`
    #[cfg(feature = "hosts")]
    Sign(Box<SignOptions>),
    /// `dunlin lambda`
    #[cfg(feature = "hosts")]
    Lambda(Box<LambdaOptions>),
    /// `dunlin replay`
    #[cfg(feature = "record")]
    Replay(Box<ReplayOptions>),
    /// `dunlin pull`
    #[cfg(feature = "hosts")]
    Pull(PullOptions),
    /// `dunlin push`
    #[cfg(feature = "hosts")]
    Push(PushOptions),
    /// `dunlin serve`
    #[cfg(feature = "hosts")]
    Serve(Box<ServeOptions>),
    /// `dunlin snapshot`
    #[cfg(feature = "snapshot")]
    Snapshot(Box<SnapshotOptions>),
    /// `dunlin wast`
    #[cfg(feature = "text")]
    Wast(WastOptions),
}

/// A command: its name, what there is of it, and how its options are parsed.
struct KnownCommand {
    name: &'static str,
    outline: fn() -> CommandOutline,
    parse: fn(Parser) -> Result<Command, Failure>,
}

const fn known<O: CommandOptions>(parse: fn(Parser) -> Result<Command, Failure>) -> KnownCommand {
    KnownCommand { name: O::COMMAND, outline: table::outline::<O>, parse }
}

static COMMANDS: &[KnownCommand] = &[
    known::<RunOptions>(|parser| parsed(parser, |options| Command::Run(Box::new(options)))),
    #[cfg(feature = "snapshot")]
    KnownCommand {
        name: resume::COMMAND,
        outline: resume::outline,
        parse: |parser| {
            let options = resume::parse(parser)?.map(|options| Command::Run(Box::new(options)));
            Ok(options.unwrap_or_else(|| Command::Help(help(&resume::outline()))))
        },
    },
    #[cfg(feature = "jit")]
    known::<CompileOptions>(|parser| parsed(parser, Command::Compile)),
    #[cfg(feature = "explore")]
    known::<ExploreOptions>(|parser| parsed(parser, Command::Explore)),
    #[cfg(feature = "debug-info")]
    known::<Addr2lineOptions>(|parser| parsed(parser, Command::Addr2line)),
    #[cfg(feature = "inspect")]
    known::<InspectOptions>(|parser| parsed(parser, Command::Inspect)),
    #[cfg(feature = "record")]
    known::<ReplayOptions>(|parser| parsed(parser, |options| Command::Replay(Box::new(options)))),
    known::<ValidateOptions>(|parser| parsed(parser, Command::Validate)),
    #[cfg(feature = "manual")]
    known::<CompletionsOptions>(|parser| parsed(parser, Command::Completions)),
    #[cfg(feature = "manual")]
    known::<ManOptions>(|parser| parsed(parser, |ManOptions {}| Command::Man)),
    #[cfg(feature = "hosts")]
    known::<ClaimsOptions>(|parser| parsed(parser, Command::Claims)),
    #[cfg(feature = "hosts")]
    known::<LambdaOptions>(|parser| parsed(parser, |options| Command::Lambda(Box::new(options)))),
    #[cfg(feature = "hosts")]
    known::<PolicyOptions>(|parser| parsed(parser, |options| Command::Policy(Box::new(options)))),
    #[cfg(feature = "hosts")]
    known::<PullOptions>(|parser| parsed(parser, Command::Pull)),
    #[cfg(feature = "hosts")]
    known::<PushOptions>(|parser| parsed(parser, Command::Push)),
    #[cfg(feature = "hosts")]
    known::<ServeOptions>(|parser| parsed(parser, |options| Command::Serve(Box::new(options)))),
    #[cfg(feature = "hosts")]
    known::<SignOptions>(|parser| parsed(parser, |options| Command::Sign(Box::new(options)))),
    #[cfg(feature = "snapshot")]
    known::<SnapshotOptions>(|parser| parsed(parser, |options| Command::Snapshot(Box::new(options)))),
    #[cfg(feature = "text")]
    known::<WastOptions>(|parser| parsed(parser, Command::Wast)),
];

fn parsed<O: CommandOptions>(parser: Parser, command: fn(O) -> Command) -> Result<Command, Failure> {
    Ok(table::parse(parser)?.map_or_else(|| Command::Help(help(&table::outline::<O>())), command))
}

fn find(name: &OsStr) -> Option<&'static KnownCommand> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Parses what comes after the program's own name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> Result<Command, Failure> {
    let mut args = args.into_iter().peekable();
    let Some(first) = args.peek().cloned() else {
        let here: Vec<_> = COMMANDS.iter().map(|known| known.name).collect();
        return Err(Failure::usage(format_args!(
            "a command or a module is missing: {}, or a file to run; see 'dunlin --help'",
            here.join(", ")
        )));
    };
    if let Some(command) = find(&first) {
        return (command.parse)(Parser::from_args(args.skip(1)));
    }
    let is_option = first.len() > 1 && first.as_encoded_bytes()[0] == b'-' && first != "--";
    match first.to_str() {
        Some("-h" | "--help") => Ok(Command::Help(overview())),
        Some("-V" | "--version") => Ok(Command::Version),
        Some("help") => about(args.skip(1)),
        _ if is_option => options_first(&first, args),
        _ if looks_like_a_module(&first) => parsed_run(args),
        _ => Err(unknown_command(&first)),
    }
}

/// `dunlin app.wasm` is short for `dunlin run app.wasm`.
fn parsed_run(args: impl Iterator<Item = OsString> + 'static) -> Result<Command, Failure> {
    parsed(Parser::from_args(args), |options| Command::Run(Box::new(options)))
}

/// Options of `run` may stand there too.
fn options_first(first: &OsStr, args: impl Iterator<Item = OsString> + 'static) -> Result<Command, Failure> {
    let shown = first.to_string_lossy();
    // `--fuel=3` and `-Wfuel=3`.
    let long = shown.split('=').next().unwrap_or_default();
    let short: String = shown.chars().take(2).collect();
    let name = if shown.starts_with("--") { long } else { &short };
    if !has::<RunOptions>(name) {
        return Err(Failure::usage(format_args!("unknown option '{name}'; see 'dunlin --help'")));
    }
    match parsed_run(args)? {
        Command::Run(options) if find(&options.module).is_some() => {
            let command = options.module.to_string_lossy();
            Err(Failure::usage(format_args!(
                "the option {name} goes after '{command}'; see 'dunlin {command} --help'"
            )))
        }
        command => Ok(command),
    }
}

fn looks_like_a_module(name: &OsStr) -> bool {
    let path = Path::new(name);
    let extension = path.extension().is_some_and(|end| end == "wasm" || end == "wat" || end == "dun");
    let in_registry = name.as_encoded_bytes().starts_with(b"oci://");
    name == "-" || name == "--" || extension || in_registry || path.is_file()
}

/// Commands that a build may lack altogether, by the features that bring them.
const OF_FEATURES: [(&str, bool, &[&str]); 9] = [
    ("debug-info", cfg!(feature = "debug-info"), &["addr2line"]),
    ("explore", cfg!(feature = "explore"), &["explore"]),
    ("hosts", cfg!(feature = "hosts"), &["claims", "lambda", "policy", "pull", "push", "serve", "sign"]),
    ("inspect", cfg!(feature = "inspect"), &["inspect"]),
    ("jit", cfg!(feature = "jit"), &["compile"]),
    ("manual", cfg!(feature = "manual"), &["completions", "man"]),
    ("record", cfg!(feature = "record"), &["replay"]),
    ("snapshot", cfg!(feature = "snapshot"), &["resume", "snapshot"]),
    ("text", cfg!(feature = "text"), &["wast"]),
];

fn unknown_command(name: &OsStr) -> Failure {
    let shown = name.to_string_lossy();
    let missing = OF_FEATURES.iter().find(|(_, is_here, names)| !is_here && names.contains(&&*shown));
    if let Some((feature, ..)) = missing {
        return Failure::usage(format_args!(
            "this build of dunlin has no '{shown}': build it with the feature '{feature}'"
        ));
    }
    let here = COMMANDS.iter().map(|known| known.name);
    let hint = did_you_mean(&shown, here.chain(["help"]));
    Failure::usage(format_args!("unknown command '{shown}', and no file{hint}; see 'dunlin --help'"))
}

/// The commands of this build.
#[cfg(feature = "manual")]
pub(crate) fn commands() -> Vec<CommandOutline> {
    COMMANDS.iter().map(|known| (known.outline)()).collect()
}

/// The help of the whole.
pub(crate) fn overview() -> String {
    of_this_build(include_str!("../help/dunlin.txt"))
}

/// `dunlin help`
fn about(mut args: impl Iterator<Item = OsString>) -> Result<Command, Failure> {
    match args.next() {
        Some(name) => match find(&name) {
            Some(command) => Ok(Command::Help(help(&(command.outline)()))),
            None => Err(unknown_command(&name)),
        },
        None => Ok(Command::Help(overview())),
    }
}

#[cfg(test)]
mod tests;
