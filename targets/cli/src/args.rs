//! The command line: options into structs, and a sentence for whatever can't be understood.

mod compile;

use crate::compile::CompileOptions;
use crate::failure::Failure;
use crate::grants::Grants;
use crate::tiering::Tiering;
use lexopt::{Arg, Parser, ValueExt};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Command {
    /// Print a help text.
    Help(&'static str),
    /// Print the version.
    Version,
    /// `dunlin run`
    Run(Box<RunOptions>),
    /// `dunlin inspect`
    Inspect {
        /// Which module.
        module: OsString,
        /// As JSON.
        json: bool,
        /// How much memory it needs, instead.
        budget: bool,
    },
    /// `dunlin compile`
    Compile(CompileOptions),
    /// `dunlin validate`
    Validate {
        /// Which module.
        module: OsString,
    },
    /// `dunlin wast`
    #[cfg_attr(not(feature = "text"), expect(dead_code, reason = "it is understood, to be refused"))]
    Wast {
        /// Scripts and folders.
        paths: Vec<PathBuf>,
        /// As JSON.
        json: bool,
        /// What gets compiled.
        tiering: Tiering,
    },
}

/// The options of `dunlin run`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct RunOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// What comes after it.
    pub(crate) args: Vec<OsString>,
    /// The export to call.
    pub(crate) invoke: Option<String>,
    /// The folders that the guest may use.
    pub(crate) dirs: Vec<Dir>,
    /// Addresses where the guest may accept connections.
    pub(crate) tcplisten: Vec<String>,
    /// What the module may import.
    pub(crate) grants: Grants,
    /// Whether a terminal is kept from the guest's control characters.
    pub(crate) filter_escapes: bool,
    /// The guest's environment.
    pub(crate) env: Vec<(String, String)>,
    /// Units of fuel.
    pub(crate) fuel: Option<u64>,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// Bytes of stack.
    pub(crate) max_stack: Option<usize>,
    /// Bytes of memory for everything.
    pub(crate) memory_budget: Option<u64>,
    /// What gets compiled.
    pub(crate) tiering: Tiering,
    /// Whether unknown imported functions trap when called.
    pub(crate) trap_unknown_imports: bool,
    /// Where the report goes.
    pub(crate) report: Option<PathBuf>,
    /// Where the profile goes.
    pub(crate) profile: Option<PathBuf>,
}

/// A folder that the guest may use.
#[derive(Debug, PartialEq)]
pub(crate) struct Dir {
    /// Where it is.
    pub(crate) host: PathBuf,
    /// The guest's name for it.
    pub(crate) guest: String,
    /// Whether it may only be read.
    pub(crate) read_only: bool,
}

const COMMANDS: [(&str, &str, &[&str]); 5] = [
    (
        "run",
        include_str!("help/run.txt"),
        &[
            "--invoke",
            "--dir",
            "--dir-ro",
            "--env",
            "--tcplisten",
            "--allow",
            "--deny",
            "--filter-escapes",
            "--fuel",
            "--timeout",
            "--max-stack",
            "--memory-budget",
            "-W",
            "--wasm",
            "-S",
            "--wasi",
            "--unknown-imports",
            "--jit",
            "--jit-cache-full",
            "--jit-threshold",
            "--memory-guard",
            "--allow-precompiled",
            "--require-precompiled",
            "--report",
            "--profile",
            "--help",
        ],
    ),
    ("compile", include_str!("help/compile.txt"), compile::OPTIONS),
    ("inspect", include_str!("help/inspect.txt"), &["--budget", "--json", "--help"]),
    ("validate", include_str!("help/validate.txt"), &["--help"]),
    (
        "wast",
        include_str!("help/wast.txt"),
        &["--json", "--jit", "--jit-threshold", "--memory-guard", "--help"],
    ),
];

const HELP: &str = include_str!("help/dunlin.txt");

/// Parses what comes after the program's own name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString, IntoIter: 'static>) -> Result<Command, Failure> {
    let mut parser = Parser::from_args(args);
    match next(&mut parser, "dunlin")? {
        None => Err(Failure::usage(
            "a command is missing: run, compile, inspect, validate or wast; see 'dunlin --help'",
        )),
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Command::Help(HELP)),
        Some(Arg::Short('V') | Arg::Long("version")) => Ok(Command::Version),
        Some(Arg::Value(name)) => match name.to_str() {
            Some("run") => run(parser),
            Some("compile") => compile::compile(parser),
            Some("inspect") => inspect(parser),
            Some("validate") => validate(parser),
            Some("wast") => wast(parser),
            Some("help") => help(parser),
            _ => Err(unknown_command(&name)),
        },
        Some(other) => {
            let option = spelled(&other);
            let of_run = COMMANDS[0].2.contains(&&*option);
            let hint = if of_run { "; it goes after 'run'" } else { "" };
            Err(Failure::usage(format_args!("unknown option '{option}'{hint}; see 'dunlin --help'")))
        }
    }
}

fn unknown_command(name: &OsStr) -> Failure {
    let shown = name.to_string_lossy();
    let extension = std::path::Path::new(name).extension();
    let hint = if extension.is_some_and(|end| end == "wasm" || end == "wat" || end == "dun") {
        format!("; did you mean 'dunlin run {shown}'?")
    } else {
        did_you_mean(&shown, COMMANDS.iter().map(|(command, ..)| *command).chain(["help"]))
    };
    Failure::usage(format_args!("unknown command '{shown}'{hint}; see 'dunlin --help'"))
}

fn help(mut parser: Parser) -> Result<Command, Failure> {
    match next(&mut parser, "dunlin help")? {
        Some(Arg::Value(name)) => match COMMANDS.iter().find(|(command, ..)| *command == name) {
            Some((_, text, _)) => Ok(Command::Help(text)),
            None => Err(unknown_command(&name)),
        },
        _ => Ok(Command::Help(HELP)),
    }
}

fn help_of(command: &str) -> Command {
    Command::Help(COMMANDS.iter().find(|(name, ..)| *name == command).map_or(HELP, |(_, text, _)| text))
}

fn run(mut parser: Parser) -> Result<Command, Failure> {
    let mut options = RunOptions::default();
    loop {
        match next(&mut parser, "dunlin run")? {
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(help_of("run")),
            Some(Arg::Long("invoke")) => options.invoke = Some(text(&mut parser, "--invoke")?),
            Some(Arg::Long("dir")) => options.dirs.push(dir(&mut parser, "--dir", false)?),
            Some(Arg::Long("dir-ro")) => options.dirs.push(dir(&mut parser, "--dir-ro", true)?),
            Some(Arg::Long("env")) => options.env.push(env(&text(&mut parser, "--env")?)?),
            Some(Arg::Long("tcplisten")) => options.tcplisten.push(text(&mut parser, "--tcplisten")?),
            Some(Arg::Short('S') | Arg::Long("wasi")) => {
                wasi_options(&mut options, &text(&mut parser, "-S")?)?
            }
            Some(Arg::Long("allow")) => options.grants.allow(&text(&mut parser, "--allow")?)?,
            Some(Arg::Long("deny")) => options.grants.deny(&text(&mut parser, "--deny")?)?,
            Some(Arg::Long("filter-escapes")) => options.filter_escapes = true,
            Some(Arg::Long("fuel")) => options.fuel = Some(fuel("--fuel", &text(&mut parser, "--fuel")?)?),
            Some(Arg::Long("timeout")) => {
                options.timeout = Some(duration("--timeout", &text(&mut parser, "--timeout")?)?);
            }
            Some(Arg::Long("max-stack")) => {
                options.max_stack = Some(size("--max-stack", &text(&mut parser, "--max-stack")?)?);
            }
            Some(Arg::Long("memory-budget")) => {
                let text = text(&mut parser, "--memory-budget")?;
                options.memory_budget = Some(size("--memory-budget", &text)? as u64);
            }
            Some(Arg::Short('W') | Arg::Long("wasm")) => {
                wasm_options(&mut options, &text(&mut parser, "-W")?)?
            }
            Some(Arg::Long("unknown-imports")) => match &*text(&mut parser, "--unknown-imports")? {
                "trap" => options.trap_unknown_imports = true,
                other => {
                    return Err(Failure::usage(format_args!(
                        "--unknown-imports takes 'trap', not '{other}'"
                    )));
                }
            },
            Some(Arg::Long("jit")) => options.tiering.jit(&text(&mut parser, "--jit")?)?,
            Some(Arg::Long("jit-cache-full")) => {
                options.tiering.cache_full(&text(&mut parser, "--jit-cache-full")?)?;
            }
            Some(Arg::Long("jit-threshold")) => {
                options.tiering.threshold(&text(&mut parser, "--jit-threshold")?)?;
            }
            Some(Arg::Long("memory-guard")) => {
                options.tiering.memory_guard(&text(&mut parser, "--memory-guard")?)?;
            }
            Some(Arg::Long("allow-precompiled")) => options.tiering.allow_precompiled()?,
            Some(Arg::Long("require-precompiled")) => options.tiering.require_precompiled()?,
            Some(Arg::Long("report")) => options.report = Some(value(&mut parser, "--report")?.into()),
            Some(Arg::Long("profile")) => options.profile = Some(value(&mut parser, "--profile")?.into()),
            Some(Arg::Value(module)) => {
                if options.memory_budget.is_some() {
                    options.tiering.budgeted();
                }
                if options.profile.is_some() {
                    options.tiering.profiling()?;
                }
                options.module = module;
                options.args = parser.raw_args().map_err(Failure::usage)?.collect();
                return Ok(Command::Run(Box::new(options)));
            }
            Some(other) => return Err(unknown_option("run", &other)),
            None => return Err(missing_module("run")),
        }
    }
}

fn inspect(mut parser: Parser) -> Result<Command, Failure> {
    let (mut module, mut json, mut budget) = (None, false, false);
    while let Some(arg) = next(&mut parser, "dunlin inspect")? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(help_of("inspect")),
            Arg::Long("json") => json = true,
            Arg::Long("budget") => budget = true,
            Arg::Value(path) if module.is_none() => module = Some(path),
            Arg::Value(path) => return Err(one_module("inspect", &path)),
            other => return Err(unknown_option("inspect", &other)),
        }
    }
    Ok(Command::Inspect { module: module.ok_or_else(|| missing_module("inspect"))?, json, budget })
}

fn validate(mut parser: Parser) -> Result<Command, Failure> {
    let mut module = None;
    while let Some(arg) = next(&mut parser, "dunlin validate")? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(help_of("validate")),
            Arg::Value(path) if module.is_none() => module = Some(path),
            Arg::Value(path) => return Err(one_module("validate", &path)),
            other => return Err(unknown_option("validate", &other)),
        }
    }
    Ok(Command::Validate { module: module.ok_or_else(|| missing_module("validate"))? })
}

fn wast(mut parser: Parser) -> Result<Command, Failure> {
    let (mut paths, mut json, mut tiering) = (Vec::new(), false, Tiering::default());
    loop {
        match next(&mut parser, "dunlin wast")? {
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(help_of("wast")),
            Some(Arg::Long("json")) => json = true,
            Some(Arg::Long("jit")) => tiering.jit(&text(&mut parser, "--jit")?)?,
            Some(Arg::Long("jit-threshold")) => tiering.threshold(&text(&mut parser, "--jit-threshold")?)?,
            Some(Arg::Long("memory-guard")) => tiering.memory_guard(&text(&mut parser, "--memory-guard")?)?,
            Some(Arg::Value(path)) => paths.push(path.into()),
            Some(other) => return Err(unknown_option("wast", &other)),
            None => break,
        }
    }
    if paths.is_empty() {
        return Err(Failure::usage("a script or a folder is missing; see 'dunlin wast --help'"));
    }
    Ok(Command::Wast { paths, json, tiering })
}

fn next<'a>(parser: &'a mut Parser, command: &str) -> Result<Option<Arg<'a>>, Failure> {
    parser.next().map_err(|error| {
        let message = match error {
            lexopt::Error::UnexpectedValue { option, value } => {
                format!("{option} takes no value, but '{}' is given", value.to_string_lossy())
            }
            other => other.to_string(),
        };
        Failure::usage(format_args!("{message}; see '{command} --help'"))
    })
}

fn value(parser: &mut Parser, option: &str) -> Result<OsString, Failure> {
    parser
        .value()
        .map_err(|_| Failure::usage(format_args!("{option} needs a value; see 'dunlin run --help'")))
}

fn text(parser: &mut Parser, option: &str) -> Result<String, Failure> {
    value(parser, option)?
        .string()
        .map_err(|_| Failure::usage(format_args!("the value of {option} isn't valid UTF-8")))
}

fn dir(parser: &mut Parser, option: &str, read_only: bool) -> Result<Dir, Failure> {
    let value = value(parser, option)?;
    let bytes = value.as_bytes();
    let (host, guest) = match bytes.windows(2).position(|two| two == b"::") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, bytes),
    };
    // WASI's names are text; the system's needn't be.
    let shown = value.to_string_lossy();
    let guest = str::from_utf8(guest).map_err(|_| {
        Failure::usage(format_args!(
            "{option} {shown}: the program's name for it isn't valid UTF-8; give it another with HOST::GUEST"
        ))
    })?;
    if host.is_empty() || guest.is_empty() {
        return Err(Failure::usage(format_args!("{option} takes HOST or HOST::GUEST, not '{shown}'")));
    }
    Ok(Dir { host: OsStr::from_bytes(host).into(), guest: guest.into(), read_only })
}

fn env(text: &str) -> Result<(String, String), Failure> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.to_owned()),
        None => match std::env::var(text) {
            Ok(value) => (text, value),
            Err(std::env::VarError::NotPresent) => {
                return Err(Failure::usage(format_args!(
                    "--env {text}: there is no such variable here; give it a value with --env {text}=VALUE"
                )));
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Failure::usage(format_args!("--env {text}: its value isn't valid UTF-8")));
            }
        },
    };
    if name.is_empty() || text.contains('\0') {
        return Err(Failure::usage(format_args!(
            "--env takes NAME=VALUE or NAME, not '{}'",
            text.escape_debug()
        )));
    }
    Ok((name.to_owned(), value))
}

/// The options that wasmtime calls `-W`, for scripts written for it.
fn wasm_options(options: &mut RunOptions, list: &str) -> Result<(), Failure> {
    for item in list.split(',') {
        match item.split_once('=') {
            Some(("fuel", value)) => options.fuel = Some(fuel("-W fuel", value)?),
            Some(("timeout", value)) => options.timeout = Some(duration("-W timeout", value)?),
            Some(("max-wasm-stack", value)) => options.max_stack = Some(size("-W max-wasm-stack", value)?),
            _ => {
                return Err(Failure::usage(format_args!(
                    "-W takes fuel=N, timeout=TIME and max-wasm-stack=SIZE, separated by commas, not '{item}'"
                )));
            }
        }
    }
    Ok(())
}

/// The options that wasmtime calls `-S`, likewise.
fn wasi_options(options: &mut RunOptions, list: &str) -> Result<(), Failure> {
    for item in list.split(',') {
        match item.split_once('=') {
            Some(("tcplisten", address)) => options.tcplisten.push(address.to_owned()),
            _ => {
                return Err(Failure::usage(format_args!("-S takes tcplisten=ADDR, not '{item}'")));
            }
        }
    }
    Ok(())
}

fn fuel(option: &str, text: &str) -> Result<u64, Failure> {
    text.replace('_', "").parse().map_err(|_| {
        Failure::usage(format_args!("{option} takes a whole number from 0 to {}, not '{text}'", u64::MAX))
    })
}

fn duration(option: &str, text: &str) -> Result<Duration, Failure> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "us" => Some(1e-6),
        "ms" => Some(1e-3),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    // A plain number alone: what `f64` parses beyond that ("inf", "1e9") begins with or contains letters.
    let number = number.trim_end().parse::<f64>().ok();
    seconds.zip(number).and_then(|(unit, number)| Duration::try_from_secs_f64(number * unit).ok()).ok_or_else(
        || Failure::usage(format_args!("{option} takes a time such as 500ms, 2s or 1.5m, not '{text}'")),
    )
}

fn size(option: &str, text: &str) -> Result<usize, Failure> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let shift = match &*unit.to_ascii_lowercase() {
        "" | "b" => Some(0),
        "k" | "kib" => Some(10),
        "m" | "mib" => Some(20),
        "g" | "gib" => Some(30),
        _ => None,
    };
    let number = number.trim_end().replace('_', "").parse::<usize>().ok();
    shift.zip(number).and_then(|(shift, number)| number.checked_mul(1 << shift)).ok_or_else(|| {
        Failure::usage(format_args!("{option} takes a size such as 65536, 512KiB or 4MiB, not '{text}'"))
    })
}

fn missing_module(command: &str) -> Failure {
    Failure::usage(format_args!(
        "a module is missing: a file, or - for standard input; see 'dunlin {command} --help'"
    ))
}

fn one_module(command: &str, second: &OsStr) -> Failure {
    let second = second.to_string_lossy();
    Failure::usage(format_args!("'{second}' is one module too many; see 'dunlin {command} --help'"))
}

fn spelled(arg: &Arg<'_>) -> String {
    match arg {
        Arg::Short(c) => format!("-{c}"),
        Arg::Long(name) => format!("--{name}"),
        Arg::Value(value) => value.to_string_lossy().into_owned(),
    }
}

fn unknown_option(command: &str, arg: &Arg<'_>) -> Failure {
    let option = spelled(arg);
    let known = COMMANDS.iter().find(|(name, ..)| *name == command).map_or(&[][..], |(.., options)| options);
    let mut hint = did_you_mean(&option, known.iter().copied());
    if hint.is_empty() && command == "run" {
        hint = "; options for the program go after the module".into();
    }
    Failure::usage(format_args!("unknown option '{option}'{hint}; see 'dunlin {command} --help'"))
}

fn did_you_mean<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|name| (distance(given, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 2 && distance < name.trim_start_matches('-').len() => {
            format!("; did you mean '{name}'?")
        }
        _ => String::new(),
    }
}

/// How many insertions, removals and replacements of a character make `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
