//! `hex.*` and `urlquery.*`

use super::builtin::{Answer, BuiltinError, Table, failed, object, text, value};
use serde_json::{Map, Value};
use std::fmt::Write;

pub(super) static TABLE: Table = &[
    ("hex.decode", |_, arguments| {
        let digits = text(arguments, 0)?;
        value(String::from_utf8_lossy(&unhex(digits)?).into_owned())
    }),
    ("hex.encode", |_, arguments| value(hex(text(arguments, 0)?.as_bytes()))),
    ("urlquery.decode", |_, arguments| value(decode(text(arguments, 0)?)?)),
    ("urlquery.decode_object", |_, arguments| decode_object(text(arguments, 0)?)),
    ("urlquery.encode", |_, arguments| value(encode(text(arguments, 0)?))),
    ("urlquery.encode_object", |_, arguments| encode_object(object(arguments, 0)?)),
];

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

fn unhex(digits: &str) -> Result<Vec<u8>, BuiltinError> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let digit = |digit: u8| (digit as char).to_digit(16);
        let [high, low] = *pair else { return None };
        Some((digit(high)? * 16 + digit(low)?) as u8)
    };
    pairs.map(|pair| byte(pair).ok_or_else(|| failed("these aren't pairs of hexadecimal digits"))).collect()
}

/// As Go's `url.QueryEscape`: all but letters, digits and `-_.~` is escaped, and a space is a plus.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            b' ' => out.push('+'),
            _ => _ = write!(out, "%{byte:02X}"),
        }
        out
    })
}

pub(in super::super) fn decode(query: &str) -> Result<String, BuiltinError> {
    let mut bytes = Vec::with_capacity(query.len());
    let mut rest = query;
    while let Some(at) = rest.find(['%', '+']) {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        if rest.as_bytes()[at] == b'+' {
            bytes.push(b' ');
            rest = &rest[at + 1..];
        } else {
            let digits = rest.get(at + 1..at + 3).ok_or_else(|| failed("an escape lacks its digits"))?;
            bytes.extend(unhex(digits)?);
            rest = &rest[at + 3..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The values of each name, which may be repeated.
fn decode_object(query: &str) -> Answer {
    let mut object = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, content) = pair.split_once('=').unwrap_or((pair, ""));
        let values = object.entry(decode(name)?).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(decode(content)?.into());
        }
    }
    value(object)
}

/// A value is a string, or several. Names are sorted.
fn encode_object(object: &Map<String, Value>) -> Answer {
    let mut names: Vec<_> = object.keys().collect();
    names.sort_unstable();
    let mut pairs = Vec::new();
    for name in names {
        let content = &object[name];
        let values = content.as_array().map_or(std::slice::from_ref(content), Vec::as_slice);
        for content in values {
            let content = content.as_str().ok_or_else(|| failed("values must be strings, or several"))?;
            pairs.push(format!("{}={}", encode(name), encode(content)));
        }
    }
    value(pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    #[test]
    fn hexadecimal_digits() {
        answers("hex.encode", json!(["hi\n"]), json!("68690a"));
        answers("hex.decode", json!(["68690A"]), json!("hi\n"));
        answers("hex.decode", json!([""]), json!(""));
        for wrong in ["6", "6g", "é6", "+6"] {
            fails("hex.decode", json!([wrong]));
        }
    }

    #[test]
    fn queries() {
        answers(
            "urlquery.encode",
            json!(["x=https://w.org/a b~é"]),
            json!("x%3Dhttps%3A%2F%2Fw.org%2Fa+b~%C3%A9"),
        );
        answers("urlquery.decode", json!(["x%3Da+b%C3%A9"]), json!("x=a bé"));
        for wrong in ["%", "%4", "%zz", "%é"] {
            fails("urlquery.decode", json!([wrong]));
        }
        let object = json!({"b": ["1", "2"], "a": "x y", "c": []});
        answers("urlquery.encode_object", json!([object]), json!("a=x+y&b=1&b=2"));
        fails("urlquery.encode_object", json!([{"a": 1}]));
        answers(
            "urlquery.decode_object",
            json!(["a=x+y&b=1&b=2&c&"]),
            json!({"a": ["x y"], "b": ["1", "2"], "c": [""]}),
        );
    }
}
