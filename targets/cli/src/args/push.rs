//! The options of `dunlin push`.

use super::registry::{AsksRegistries, RegistryOptions};
use super::table::{CommandOptions, Opt, OptionGroup, Rest};
use super::values::set;
use crate::failure::Failure;
use std::ffi::OsString;
use std::path::PathBuf;

/// The options of `dunlin push`.
#[derive(Debug, Default)]
pub(crate) struct PushOptions {
    /// The module: a path, or `-`.
    pub(crate) module: OsString,
    /// What it will be called.
    pub(crate) reference: OsString,
    /// A file with the key that it is signed with.
    pub(crate) sign_key: Option<PathBuf>,
    pub(crate) registry: RegistryOptions,
}

impl AsksRegistries for PushOptions {
    fn registry(&mut self) -> &mut RegistryOptions {
        &mut self.registry
    }
}

impl CommandOptions for PushOptions {
    const COMMAND: &'static str = "push";
    const HELP: &'static str = include_str!("../help/push.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[OptionGroup {
        title: "Options",
        options: &[
            Opt::value(
                "--sign-key FILE",
                |o, given| set(&mut o.sign_key, given.path()),
                "Sign it with this private key (Ed25519, in PEM), and push the signature too.",
            ),
            Self::PLAIN_HTTP,
        ],
    }];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        let place = match (self.module.is_empty(), self.reference.is_empty()) {
            (true, _) => &mut self.module,
            (false, true) => &mut self.reference,
            (false, false) => {
                let operand = operand.to_string_lossy();
                return Err(Failure::usage(format_args!(
                    "'{operand}' is one word too many; see 'dunlin push --help'"
                )));
            }
        };
        *place = operand;
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        let missing = match (self.module.is_empty(), self.reference.is_empty()) {
            (true, _) => "a module is missing: a file, or - for standard input",
            (false, true) => "what it shall be called is missing: localhost:5000/app:v1",
            (false, false) => return Ok(()),
        };
        Err(Failure::usage(format_args!("{missing}; see 'dunlin push --help'")))
    }
}
