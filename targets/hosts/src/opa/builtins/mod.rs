//! The builtins that OPA's compiler leaves to the host.
//!
//! What each means is in OPA's policy reference. A file for each group of names has a table of its builtins.

mod json;
mod regex;
mod strings;

use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// Computes a result from the arguments.
pub(super) type Builtin = fn(&mut Asked, &[Value]) -> Answer;

/// What a builtin answers.
pub(super) type Answer = Result<Reply, Fault>;

/// A result.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// The expression is undefined.
    Undefined,
    Value(Value),
    Set(Vec<Value>),
}

/// Why there is no result.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    /// The arguments can't be dealt with: the expression is undefined.
    Failed(String),
    /// The evaluation ends.
    Halts(String),
}

/// What builtins know of the evaluation that asks them. They answer the same all through it.
#[derive(Debug, Default)]
pub(super) struct Asked {
    now: Option<u64>,
}

impl Asked {
    /// The time when the evaluation first asked for it, in nanoseconds since 1970.
    pub(super) fn now_ns(&mut self) -> u64 {
        *self.now.get_or_insert_with(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
        })
    }
}

/// The builtins of a group, by name.
type Table = &'static [(&'static str, Builtin)];

static GROUPS: &[Table] = &[json::TABLE, regex::TABLE, strings::TABLE];

/// The builtin of this name.
pub(super) fn find(name: &str) -> Option<Builtin> {
    let mut all = GROUPS.iter().copied().flatten();
    all.find(|(known, _)| *known == name).map(|(_, builtin)| *builtin)
}

/// The string at `index`.
fn text(arguments: &[Value], index: usize) -> Result<&str, Fault> {
    arguments.get(index).and_then(Value::as_str).ok_or_else(|| expected(index, "a string"))
}

fn expected(index: usize, what: &str) -> Fault {
    Fault::Failed(format!("argument {} must be {what}", index + 1))
}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::Failed(error.to_string())
}

fn value(value: impl Into<Value>) -> Answer {
    Ok(Reply::Value(value.into()))
}
