//! `yaml.*`

#[cfg(test)]
mod tests;
mod write;

use super::builtin::{Answer, Table, failed, text, value};
use crate::yaml::read;

pub(super) static TABLE: Table = &[
    ("yaml.is_valid", |_, arguments| value(text(arguments, 0).is_ok_and(|yaml| read(yaml).is_ok()))),
    ("yaml.marshal", |_, arguments| marshal(arguments)),
    ("yaml.unmarshal", |_, arguments| value(read(text(arguments, 0)?).map_err(failed)?)),
];

fn marshal(arguments: &[serde_json::Value]) -> Answer {
    value(write::document(arguments.first().ok_or_else(|| failed("a value is missing"))?))
}
