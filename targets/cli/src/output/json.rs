//! A JSON writer: shorter than the set-up of a library, it keeps the order of the keys, and takes a tenth of the
//! machine code.

use std::fmt::{self, Write};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// Any other number; one that isn't finite is written as `null`.
    Float(f64),
    /// A string.
    Str(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, written in this order.
    Object(Vec<(String, Json)>),
}

/// An object of these keys and values.
pub(crate) fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    Json::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

macro_rules! from {
    ($($ty:ty, $value:ident => $json:expr;)*) => {$(
        impl From<$ty> for Json {
            fn from($value: $ty) -> Json {
                $json
            }
        }
    )*};
}

from! {
    bool, v => Json::Bool(v);
    u32, v => Json::Int(v.into());
    u64, v => Json::Int(v.into());
    usize, v => Json::Int(v as i128);
    f64, v => Json::Float(v);
    &str, v => Json::Str(v.to_owned());
    String, v => Json::Str(v);
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Null, Into::into)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(values: Vec<T>) -> Json {
        values.into_iter().collect()
    }
}

impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Json {
        Json::Array(values.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Json {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Int(value) => write!(f, "{value}"),
            Json::Float(value) if value.is_finite() => write!(f, "{value:?}"),
            Json::Float(_) => f.write_str("null"),
            Json::Str(text) => write_string(f, text),
            Json::Array(values) => {
                write_all(f, depth, '[', values, ']', |f, value| value.write(f, depth + 1))
            }
            Json::Object(entries) => write_all(f, depth, '{', entries, '}', |f, (key, value)| {
                write_string(f, key)?;
                f.write_str(": ")?;
                value.write(f, depth + 1)
            }),
        }
    }
}

fn write_all<T>(
    f: &mut fmt::Formatter<'_>,
    depth: usize,
    open: char,
    items: &[T],
    close: char,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_char(open)?;
    for (i, item) in items.iter().enumerate() {
        f.write_str(if i == 0 { "\n" } else { ",\n" })?;
        write!(f, "{:1$}", "", 2 * (depth + 1))?;
        write(f, item)?;
    }
    if !items.is_empty() {
        write!(f, "\n{:1$}", "", 2 * depth)?;
    }
    f.write_char(close)
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => write!(f, "\\u{:04x}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = "a \"quoted\" \\ line\n\u{1b}[31m \u{0} \u{85} ü \u{1F600}";
        let json = object([
            ("text", text.into()),
            (
                "numbers",
                vec![Json::Int(-1), u64::MAX.into(), 0.5.into(), 1e300.into(), f64::NAN.into()].into(),
            ),
            ("empty", Json::Array(vec![])),
            ("nothing", None::<u32>.into()),
            ("nested", object([("yes", true.into())])),
        ]);
        let read: serde_json::Value = serde_json::from_str(&json.to_string()).unwrap();
        let expected = serde_json::json!({
            "text": text, "numbers": [-1, u64::MAX, 0.5, 1e300, null], "empty": [], "nothing": null,
            "nested": {"yes": true},
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn it_reads_well() {
        let json = object([("a", 1u32.into()), ("b", vec!["x\ny"].into())]);
        assert_eq!(json.to_string(), "{\n  \"a\": 1,\n  \"b\": [\n    \"x\\ny\"\n  ]\n}");
        // As deep as it is, each step by two.
        let lists = Json::Array(vec![vec![true, false].into(), Json::Array(vec![])]);
        let json = object([("lists", lists), ("object", object([("none", object([])), ("x", 0.5.into())]))]);
        let expected = "\
{
  \"lists\": [
    [
      true,
      false
    ],
    []
  ],
  \"object\": {
    \"none\": {},
    \"x\": 0.5
  }
}";
        assert_eq!(json.to_string(), expected);
    }

    #[test]
    fn control_characters_are_escaped() {
        let escaped = |text: &str| Json::from(text).to_string();
        for (text, expected) in [
            ("\u{0}\u{1f}\t", r#""\u0000\u001f\u0009""#),
            (" ~", r#"" ~""#),
            ("\u{7f}\u{80}\u{9f}\u{a0}", "\"\\u007f\\u0080\\u009f\u{a0}\""),
            ("\"\\/\n", r#""\"\\/\n""#),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
