//! The builtins that OPA's compiler leaves to the host.
//!
//! What each means is in OPA's policy reference. A file for each group of names has a table of its builtins.

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

#[cfg(feature = "serve")]
pub(super) use encodings::decode as decode_query;
#[cfg(feature = "serve")]
pub(super) use json::patched;
pub(super) use yaml::read as read_yaml;

use super::error::BuiltinError;
use super::options::{OwnBuiltin, PolicyOptions, Services};
use dunlin::{Budget, Charge, Kind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Computes a result from the arguments.
type Builtin = fn(&mut Asked, &[Value]) -> Answer;

/// What a builtin answers.
pub(super) type Answer = Result<Reply, BuiltinError>;

/// A result.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Value(Value),
    Set(Vec<Value>),
}

/// A builtin that a policy may ask for.
#[derive(Clone)]
pub(super) enum Implementation {
    Known(Builtin),
    /// The embedder's.
    Own(OwnBuiltin),
}

impl Implementation {
    pub(super) fn answer(&self, asked: &mut Asked, arguments: &[Value]) -> Answer {
        match self {
            Self::Known(builtin) => builtin(asked, arguments),
            Self::Own(builtin) => builtin(arguments).map(Reply::Value),
        }
    }
}

/// Why there is no such builtin.
#[derive(Debug, PartialEq)]
pub(super) enum Missing {
    Unknown,
    /// It is known, but the options don't allow it.
    Denied,
}

/// What builtins know of the evaluation that asks them. They answer the same all through it.
pub(super) struct Asked {
    services: Arc<Services>,
    now: Option<u64>,
    /// What is random is a hash with these keys.
    chance: RandomState,
    /// What was answered to requests.
    responses: BTreeMap<String, Value>,
    /// What the answer takes that is being made.
    taken: Option<Charge>,
}

impl Asked {
    /// Of a new evaluation.
    pub(super) fn new(services: &Arc<Services>) -> Self {
        let services = services.clone();
        Self { services, now: None, chance: RandomState::new(), responses: BTreeMap::new(), taken: None }
    }

    /// What a builtin answers, charging what it [takes](Self::take) until that [is answered](Self::is_answered).
    pub(super) fn answered_by(
        &mut self,
        builtin: &Implementation,
        budget: &Budget,
        arguments: &[Value],
    ) -> Answer {
        self.taken = budget.charge(Kind::Host, 0).ok();
        builtin.answer(self, arguments)
    }

    /// The guest has the answer.
    pub(super) fn is_answered(&mut self) {
        self.taken = None;
    }

    /// Takes memory for the answer. Builtins whose answer may be much larger than their arguments do so before they make
    /// it, piece by piece.
    fn take(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        match &mut self.taken {
            Some(taken) => taken.grow(bytes as u64).map_err(BuiltinError::halt),
            None => Ok(()),
        }
    }

    /// Gives back of what was taken.
    fn give(&mut self, bytes: usize) {
        if let Some(taken) = &mut self.taken {
            taken.shrink(bytes as u64);
        }
    }

    /// The time when the evaluation first asked for it, in nanoseconds since 1970.
    fn now_ns(&mut self) -> u64 {
        *self.now.get_or_insert_with(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
        })
    }
}

/// The builtins of a group, by name.
type Table = &'static [(&'static str, Builtin)];

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

/// The string at `index`.
fn text(arguments: &[Value], index: usize) -> Result<&str, BuiltinError> {
    arguments.get(index).and_then(Value::as_str).ok_or_else(|| expected(index, "a string"))
}

/// The array at `index`; sets are arrays here.
fn array(arguments: &[Value], index: usize) -> Result<&[Value], BuiltinError> {
    let array = arguments.get(index).and_then(Value::as_array);
    array.map(Vec::as_slice).ok_or_else(|| expected(index, "an array or a set"))
}

/// The object at `index`.
fn object(arguments: &[Value], index: usize) -> Result<&serde_json::Map<String, Value>, BuiltinError> {
    arguments.get(index).and_then(Value::as_object).ok_or_else(|| expected(index, "an object"))
}

fn expected(index: usize, what: &str) -> BuiltinError {
    failed(format!("argument {} must be {what}", index + 1))
}

fn failed(error: impl std::fmt::Display) -> BuiltinError {
    BuiltinError::undefined(error)
}

fn value(value: impl Into<Value>) -> Answer {
    Ok(Reply::Value(value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
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
