//! `regex.*`: the syntax of Go's regular expressions is that of the crate `regex`, nearly.

use super::{Answer, Fault, Table, expected, failed, text, value};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

pub(super) static TABLE: Table = &[
    ("regex.find_n", |_, arguments| find_n(arguments)),
    ("regex.replace", |_, arguments| replace(arguments)),
    ("regex.split", |_, arguments| {
        let parts = compile(text(arguments, 0)?)?;
        let parts: Vec<_> = parts.split(text(arguments, 1)?).collect();
        value(parts)
    }),
];

/// What a compiled expression may take, in bytes.
const LIMIT: usize = 1 << 20;

fn compile(pattern: &str) -> Result<Regex, Fault> {
    RegexBuilder::new(pattern).size_limit(LIMIT).dfa_size_limit(LIMIT).build().map_err(failed)
}

fn find_n(arguments: &[Value]) -> Answer {
    let pattern = compile(text(arguments, 0)?)?;
    let found = pattern.find_iter(text(arguments, 1)?).map(|found| Value::from(found.as_str()));
    let most = arguments.get(2).and_then(Value::as_i64).ok_or_else(|| expected(2, "an integer"))?;
    let found: Vec<_> = match usize::try_from(most) {
        Ok(most) => found.take(most).collect(),
        // All.
        Err(_) => found.collect(),
    };
    value(found)
}

fn replace(arguments: &[Value]) -> Answer {
    let (subject, pattern, with) = (text(arguments, 0)?, compile(text(arguments, 1)?)?, text(arguments, 2)?);
    value(pattern.replace_all(subject, with).into_owned())
}
