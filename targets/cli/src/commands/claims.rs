//! `dunlin claims`

use crate::args::{ClaimsOptions, RegistryOptions};
use crate::failure::Failure;
use crate::modules::load::{Opened, display_name};
use crate::output::json::{Json, object};
use crate::output::{print, shown};
use dunlin::{Engine, ModuleOptions};
use dunlin_hosts::actors::{Claims, TokenError, read_claims, verified_claims};
use std::ffi::OsStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Shows what a token says, and returns whether it holds.
pub(crate) fn claims(options: &ClaimsOptions) -> Result<bool, Failure> {
    let token = Token::of(&options.module, &options.registry)?
        .map_err(|error| Failure::unusable(format_args!("{}: {error}", display_name(&options.module))))?;
    match options.json {
        true => print(&format!("{}\n", token.json()))?,
        false => print(&token.text(""))?,
    }
    Ok(token.problem.is_none())
}

/// What a module's token says, and why it doesn't hold.
pub(super) struct Token {
    claims: Claims,
    problem: Option<TokenError>,
}

impl Token {
    /// Reads the token of a module, which is valid. Without one that can be read, says why.
    pub(super) fn of(path: &OsStr, registry: &RegistryOptions) -> Result<Result<Self, TokenError>, Failure> {
        let whole = Opened::open(path, registry)?.load_whole(&Engine::default(), &ModuleOptions::new())?;
        Ok(Self::read(&whole.bytes))
    }

    fn read(module: &[u8]) -> Result<Self, TokenError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(Self { claims: read_claims(module)?, problem: verified_claims(module, now).err() })
    }

    /// Lines, each behind `indent`.
    pub(super) fn text(&self, indent: &str) -> String {
        let Claims { issuer, subject, expires, not_before, wascap, .. } = &self.claims;
        let capabilities: Vec<_> = wascap.capabilities.iter().flatten().map(|name| shown(name)).collect();
        let seconds = |seconds: &u64| format!("{seconds} s after 1970");
        let lines = [
            ("Name", wascap.name.as_deref().map(shown)),
            ("Module", Some(shown(subject))),
            ("Signed by", Some(shown(issuer))),
            (
                "May use",
                Some(if capabilities.is_empty() { "nothing".into() } else { capabilities.join(", ") }),
            ),
            ("Called", wascap.call_alias.as_deref().map(shown)),
            ("Version", wascap.version.as_deref().map(shown)),
            ("Revision", wascap.revision.map(|revision| revision.to_string())),
            ("Holds from", not_before.as_ref().map(seconds)),
            ("Holds until", expires.as_ref().map(seconds)),
            (
                "Token",
                Some(
                    self.problem
                        .as_ref()
                        .map_or("holds".into(), |problem| format!("doesn't hold: {problem}")),
                ),
            ),
        ];
        let lines =
            lines.into_iter().filter_map(|(name, value)| Some(format!("{indent}{name}: {}\n", value?)));
        lines.collect()
    }

    pub(super) fn json(&self) -> Json {
        let Claims { issuer, subject, issued, expires, not_before, wascap, .. } = &self.claims;
        object([
            ("name", wascap.name.clone().into()),
            ("module", subject.clone().into()),
            ("issuer", issuer.clone().into()),
            (
                "capabilities",
                wascap.capabilities.iter().flatten().map(|name| name.as_str()).collect::<Json>(),
            ),
            ("call_alias", wascap.call_alias.clone().into()),
            ("version", wascap.version.clone().into()),
            ("revision", wascap.revision.map(|revision| revision.to_string()).into()),
            ("issued", (*issued).into()),
            ("not_before", (*not_before).into()),
            ("expires", (*expires).into()),
            ("hash", wascap.module_hash.clone().into()),
            ("problem", self.problem.as_ref().map(ToString::to_string).into()),
        ])
    }
}
