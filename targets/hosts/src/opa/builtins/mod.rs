//! The builtins that OPA's compiler leaves to the host.
//!
//! What each means is in OPA's policy reference. A file for each group of names has a table of its builtins.

mod collections;
mod crypto;
mod encodings;
mod json;
mod net;
mod regex;
mod strings;
mod time;
mod units;
mod versions;

use serde_json::Value;
use std::hash::RandomState;
use std::time::{SystemTime, UNIX_EPOCH};

/// Computes a result from the arguments.
pub(super) type Builtin = fn(&mut Asked, &[Value]) -> Answer;

/// What a builtin answers.
pub(super) type Answer = Result<Reply, Fault>;

/// A result.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Value(Value),
    Set(Vec<Value>),
}

/// The arguments can't be dealt with. As in OPA's own host, the expression is undefined then.
#[derive(Debug, PartialEq)]
pub(super) struct Fault(pub(super) String);

/// What builtins know of the evaluation that asks them. They answer the same all through it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    now: Option<u64>,
    /// What is random is a hash with these keys.
    chance: RandomState,
}

impl Asked {
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
    json::TABLE,
    net::TABLE,
    regex::TABLE,
    strings::TABLE,
    time::TABLE,
    units::TABLE,
    versions::TABLE,
    &[("trace", |_, _| value(true))],
];

/// The builtin of this name.
pub(super) fn find(name: &str) -> Option<Builtin> {
    let mut all = GROUPS.iter().copied().flatten();
    all.find(|(known, _)| *known == name).map(|(_, builtin)| *builtin)
}

/// The string at `index`.
fn text(arguments: &[Value], index: usize) -> Result<&str, Fault> {
    arguments.get(index).and_then(Value::as_str).ok_or_else(|| expected(index, "a string"))
}

/// The array at `index`; sets are arrays here.
fn array(arguments: &[Value], index: usize) -> Result<&[Value], Fault> {
    let array = arguments.get(index).and_then(Value::as_array);
    array.map(Vec::as_slice).ok_or_else(|| expected(index, "an array or a set"))
}

/// The object at `index`.
fn object(arguments: &[Value], index: usize) -> Result<&serde_json::Map<String, Value>, Fault> {
    arguments.get(index).and_then(Value::as_object).ok_or_else(|| expected(index, "an object"))
}

fn expected(index: usize, what: &str) -> Fault {
    Fault(format!("argument {} must be {what}", index + 1))
}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault(error.to_string())
}

fn value(value: impl Into<Value>) -> Answer {
    Ok(Reply::Value(value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ask(name: &str, arguments: &Value) -> Answer {
        let builtin = find(name).unwrap_or_else(|| panic!("{name} is unknown"));
        builtin(&mut Asked::default(), arguments.as_array().expect("the arguments"))
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
        assert!(names.iter().all(|name| find(name).is_some()) && find("custom.func").is_none());
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
                        if let Ok(Reply::Value(value)) = builtin(&mut Asked::default(), &arguments[..count]) {
                            assert!(!value.to_string().is_empty(), "{name}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_time_stands_still_during_an_evaluation() {
        let mut asked = Asked::default();
        let now = find("time.now_ns").unwrap();
        let first = now(&mut asked, &[]);
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert_eq!(now(&mut asked, &[]), first);
        assert_ne!(now(&mut Asked::default(), &[]), first);
    }
}
