//! `json.*`

use super::{Table, text, value};
use serde::de::IgnoredAny;

pub(super) static TABLE: Table = &[("json.is_valid", |_, arguments| {
    let valid = text(arguments, 0).is_ok_and(|json| serde_json::from_str::<IgnoredAny>(json).is_ok());
    value(valid)
})];
