//! `sprintf` and `strings.*`

use super::{Answer, Table, expected, text, value};
use serde_json::Value;

pub(super) static TABLE: Table = &[("sprintf", |_, arguments| sprintf(arguments))];

fn sprintf(arguments: &[Value]) -> Answer {
    let format = text(arguments, 0)?;
    let values = arguments.get(1).and_then(Value::as_array).ok_or_else(|| expected(1, "an array"))?;
    let mut values = values.iter();
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('%') => out.push('%'),
            Some('s' | 'v' | 'd') => match values.next() {
                Some(Value::String(text)) => out.push_str(text),
                Some(other) => out.push_str(&other.to_string()),
                None => out.push_str("%!s(MISSING)"),
            },
            _ => {}
        }
    }
    value(out)
}
