//! The options of `dunlin sign`.

use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{CommandOptions, Opt, OptionGroup, Rest, need_module, take_module};
use super::values::{add, set};
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The options of `dunlin sign`.
#[derive(Debug, Default)]
pub(crate) struct SignOptions {
    /// The module: a path, a reference or `-`.
    pub(crate) module: OsString,
    pub(crate) output: Option<PathBuf>,
    /// Files with secret keys.
    pub(crate) account: Option<PathBuf>,
    pub(crate) module_key: Option<PathBuf>,
    pub(crate) new_keys: bool,
    pub(crate) name: Option<String>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) alias: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) revision: Option<u64>,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) registry: RegistryOptions,
}

impl AsksRegistries for SignOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for SignOptions {
    const COMMAND: &'static str = "sign";
    const HELP: &'static str = include_str!("../help/sign.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[
        OptionGroup {
            title: "Options",
            options: &[
                Opt::value(
                    "-o, --output FILE",
                    |o, given| set(&mut o.output, given.path()),
                    "Where the signed module goes; - is standard output.",
                ),
                Opt::value(
                    "--account FILE",
                    |o, given| set(&mut o.account, given.path()),
                    "The secret key of who signs: one that begins with SA.",
                ),
                Opt::value(
                    "--module-key FILE",
                    |o, given| set(&mut o.module_key, given.path()),
                    "The secret key of the module, which stays the same when it changes: one that begins with SM.",
                ),
                Opt::flag(
                    "--new-keys",
                    |o| &mut o.new_keys,
                    "Make those of the two keys whose files aren't there yet.",
                ),
            ],
        },
        OptionGroup {
            title: "What the token says",
            options: &[
                Opt::value("--name NAME", |o, given| set(&mut o.name, given.string()), "A name for people."),
                Opt::value(
                    "--cap CONTRACT",
                    |o, given| add(&mut o.capabilities, given.string()),
                    "A capability that the actor may use, such as wasmcloud:keyvalue; may be repeated.",
                ),
                Opt::value(
                    "--call-alias NAME",
                    |o, given| set(&mut o.alias, given.string()),
                    "By what name other actors may call it, besides its key.",
                ),
                Opt::value(
                    "--ver TEXT",
                    |o, given| set(&mut o.version, given.string()),
                    "A version for people.",
                ),
                Opt::value(
                    "--rev N",
                    |o, given| set(&mut o.revision, given.number()),
                    "A number that grows with each release.",
                ),
                Opt::value(
                    "--expires-in TIME",
                    |o, given| set(&mut o.expires_in, given.time()),
                    "How long the token holds, such as 720h; by default without an end.",
                ),
            ],
        },
        Self::REGISTRY,
    ];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        take_module(&mut self.module, operand, Self::COMMAND)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        need_module(&self.module, Self::COMMAND)?;
        let missing = match (&self.output, &self.account, &self.module_key) {
            (None, ..) => "-o",
            (_, None, _) => "--account",
            (.., None) => "--module-key",
            _ => return Ok(()),
        };
        Err(Failure::usage(format_args!("{missing} is missing; see 'dunlin sign --help'")))
    }
}
