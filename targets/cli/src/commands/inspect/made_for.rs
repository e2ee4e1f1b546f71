//! Which platform a module was made for, and what Dunlin's host for it answers.

use crate::args::RegistryOptions;
use crate::commands::claims::Token;
use crate::failure::Failure;
use crate::output::json::{Json, object};
use crate::output::shown;
use dunlin::{Budget, Module};
use dunlin_hosts::Abi;
use dunlin_hosts::actors::TokenError;
use dunlin_hosts::opa::{Policy, PolicyError, PolicyOptions};
use std::ffi::OsStr;

/// How far a policy's own functions may go to say what is in it.
const FUEL: u64 = 100_000_000;
const MEMORY: u64 = 256 << 20;

/// A platform, and what the module says for it.
pub(super) struct MadeFor {
    abi: Abi,
    /// An actor's.
    token: Option<Result<Token, TokenError>>,
    policy: Option<Result<Tables, String>>,
}

/// What a policy says of itself.
struct Tables {
    minor: u32,
    entrypoints: Vec<String>,
    builtins: Vec<String>,
}

impl MadeFor {
    /// The platform, if it is known. To be asked with an engine that counts fuel, since a policy is asked for its tables.
    pub(super) fn of(module: &Module) -> Option<Self> {
        let abi = Abi::detect(module)?;
        let policy = (abi == Abi::Opa).then(|| Tables::of(module).map_err(|error| error.to_string()));
        Some(Self { abi, token: None, policy })
    }

    /// Reads the token, if it is an actor. The module is read once more: its token says what all of its bytes are. So
    /// standard input has none.
    pub(super) fn with_token(mut self, path: &OsStr, registry: &RegistryOptions) -> Result<Self, Failure> {
        if self.abi == Abi::WasmCloudActor && path != "-" {
            self.token = Some(Token::of(path, registry)?);
        }
        Ok(self)
    }

    /// Whether the platform's host answers an import that isn't WASI's; `None` if Dunlin has no host for it.
    pub(super) fn answers(&self, module: &str, name: &str) -> Option<bool> {
        self.abi.answers(module, name)
    }

    /// The lines that say it.
    pub(super) fn text(&self) -> String {
        let mut text = format!("  Made for: {}", self.abi);
        match &self.policy {
            Some(Ok(tables)) => {
                let names = |names: &[String]| names.iter().map(|name| shown(name)).collect::<Vec<_>>();
                text += &format!(" (ABI 1.{})", tables.minor);
                text += &match &names(&tables.entrypoints)[..] {
                    [] => String::from(", without an entrypoint"),
                    [only] => format!(", entrypoint {only}"),
                    all => format!(", entrypoints {}", all.join(", ")),
                };
                if !tables.builtins.is_empty() {
                    text += &format!("\n  It asks its host for: {}", names(&tables.builtins).join(", "));
                }
            }
            Some(Err(why)) => text += &format!(", but {why}"),
            None => {}
        }
        text += "\n";
        match &self.token {
            Some(Ok(token)) => text += &token.text("    "),
            Some(Err(why)) => text += &format!("    {why}\n"),
            None => {}
        }
        text
    }

    pub(super) fn json(&self) -> Json {
        let tables = self.policy.as_ref().and_then(|policy| policy.as_ref().ok());
        let names = |of: fn(&Tables) -> &[String]| {
            tables.map(|tables| of(tables).iter().map(|name| name.as_str()).collect::<Json>())
        };
        let unreadable = self.token.as_ref().and_then(|token| token.as_ref().err()).map(ToString::to_string);
        let problem = self.policy.as_ref().and_then(|policy| policy.as_ref().err());
        object([
            ("platform", self.abi.to_string().into()),
            ("abi_version", tables.map(|tables| format!("1.{}", tables.minor)).into()),
            ("entrypoints", names(|tables| &tables.entrypoints).into()),
            ("builtins", names(|tables| &tables.builtins).into()),
            ("token", self.token.as_ref().and_then(|token| token.as_ref().ok()).map(Token::json).into()),
            ("problem", problem.cloned().or(unreadable).into()),
        ])
    }
}

impl Tables {
    fn of(module: &Module) -> Result<Self, PolicyError> {
        let options = PolicyOptions::default().fuel(FUEL).budget(&Budget::new(MEMORY));
        let policy = Policy::new(module, options)?;
        let owned = |names: &mut dyn Iterator<Item = &str>| names.map(String::from).collect();
        Ok(Self {
            minor: policy.abi_minor_version(),
            entrypoints: owned(&mut policy.entrypoints()),
            builtins: owned(&mut policy.builtins()),
        })
    }
}
