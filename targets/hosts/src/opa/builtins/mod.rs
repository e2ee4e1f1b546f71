//! The builtins that OPA's compiler leaves to the host.
//!
//! What each means is in OPA's policy reference. A file for each group of names has a table of its builtins.

mod builtin;
mod collections;
mod crypto;
mod encodings;
mod globs;
mod http;
mod json;
mod jwt;
mod net;
mod regex;
mod schema;
mod strings;
mod system;
mod time;
mod units;
mod versions;
mod yaml;

pub(super) use builtin::{Asked, Implementation, Reply};
#[cfg(feature = "serve")]
pub(super) use encodings::decode as decode_query;
#[cfg(feature = "serve")]
pub(super) use json::patched;

use super::options::PolicyOptions;
use builtin::Table;

/// Why there is no such builtin.
#[derive(Debug, PartialEq)]
pub(super) enum Missing {
    Unknown,
    /// It is known, but the options don't allow it.
    Denied,
}

static GROUPS: &[Table] = &[
    collections::TABLE,
    crypto::TABLE,
    encodings::TABLE,
    http::TABLE,
    json::TABLE,
    jwt::TABLE,
    net::TABLE,
    regex::TABLE,
    schema::TABLE,
    strings::TABLE,
    time::TABLE,
    units::TABLE,
    versions::TABLE,
    yaml::TABLE,
    system::TABLE,
];

/// The builtin of this name: the embedder's goes first.
pub(super) fn find(name: &str, options: &PolicyOptions) -> Result<Implementation, Missing> {
    if let Some(own) = options.builtins.get(name) {
        return Ok(Implementation::Own(own.clone()));
    }
    let mut all = GROUPS.iter().copied().flatten();
    let (_, builtin) = all.find(|(known, _)| *known == name).ok_or(Missing::Unknown)?;
    match name {
        "http.send" if options.services.http.is_none() => Err(Missing::Denied),
        "net.lookup_ip_addr" if !options.services.looks_names_up => Err(Missing::Denied),
        _ => Ok(Implementation::Known(*builtin)),
    }
}

#[cfg(test)]
mod tests {
    use super::builtin::Answer;
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;

    pub(super) fn ask(name: &str, arguments: &Value) -> Answer {
        ask_with(&PolicyOptions::default(), name, arguments)
    }

    pub(super) fn ask_with(options: &PolicyOptions, name: &str, arguments: &Value) -> Answer {
        let builtin = find(name, options).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        builtin.answer(&mut Asked::new(&options.services), arguments.as_array().expect("the arguments"))
    }

    pub(super) fn asked() -> Asked {
        Asked::new(&PolicyOptions::default().services)
    }

    #[track_caller]
    pub(super) fn answers(name: &str, arguments: Value, expected: Value) {
        assert_eq!(ask(name, &arguments), Ok(Reply::Value(expected)), "{name}{arguments}");
    }

    #[track_caller]
    pub(super) fn answers_set(name: &str, arguments: Value, expected: Value) {
        let expected = expected.as_array().expect("a set").clone();
        assert_eq!(ask(name, &arguments), Ok(Reply::Set(expected)), "{name}{arguments}");
    }

    #[track_caller]
    pub(super) fn fails(name: &str, arguments: Value) {
        let answer = ask(name, &arguments);
        assert!(answer.is_err(), "{name}{arguments}: {answer:?}");
    }

    #[test]
    fn names_are_unique_and_found() {
        let names: Vec<_> = GROUPS.iter().copied().flatten().map(|(name, _)| *name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let options = PolicyOptions::default();
        let missing: Vec<_> = names.iter().copied().filter(|name| find(name, &options).is_err()).collect();
        assert_eq!(missing, ["http.send", "net.lookup_ip_addr"]);
        assert_eq!(find("custom.func", &options).err(), Some(Missing::Unknown));
        assert_eq!(find("http.send", &options).err(), Some(Missing::Denied));
    }

    #[test]
    fn no_argument_makes_a_builtin_panic() {
        let odd =
            [Value::Null, "".into(), "%".into(), (-1).into(), u64::MAX.into(), vec![Value::Null].into()];
        for (name, builtin) in GROUPS.iter().copied().flatten() {
            for first in &odd {
                for second in &odd {
                    let arguments = [first.clone(), second.clone(), first.clone(), second.clone()];
                    for count in 0..=4 {
                        if let Ok(Reply::Value(value)) = builtin(&mut asked(), &arguments[..count]) {
                            assert!(!value.to_string().is_empty(), "{name}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_time_stands_still_during_an_evaluation() {
        let mut evaluation = asked();
        let now = find("time.now_ns", &PolicyOptions::default()).unwrap();
        let first = now.answer(&mut evaluation, &[]);
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(now.answer(&mut evaluation, &[]), first);
        assert_ne!(now.answer(&mut asked(), &[]), first);
    }
}
