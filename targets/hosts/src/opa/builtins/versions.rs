//! `semver.*`

use super::builtin::{BuiltinError, Table, failed, text, value};
use semver::Version;
use serde_json::Value;

pub(super) static TABLE: Table = &[
    ("semver.compare", |_, arguments| {
        let order = version(arguments, 0)?.cmp_precedence(&version(arguments, 1)?);
        value(order as i8)
    }),
    ("semver.is_valid", |_, arguments| value(version(arguments, 0).is_ok())),
];

fn version(arguments: &[Value], index: usize) -> Result<Version, BuiltinError> {
    Version::parse(text(arguments, index)?).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    #[test]
    fn versions() {
        for (a, b, order) in [("1.2.3", "1.10.0", -1), ("1.0.0", "1.0.0-rc.1", 1), ("1.0.0+a", "1.0.0+b", 0)]
        {
            answers("semver.compare", json!([a, b]), json!(order));
        }
        fails("semver.compare", json!(["1.0.0", "1.0"]));
        for (text, valid) in
            [(json!("1.1.12-rc1"), true), (json!("v1.1.1"), false), (json!("1.1"), false), (json!(1), false)]
        {
            answers("semver.is_valid", json!([text]), json!(valid));
        }
    }
}
