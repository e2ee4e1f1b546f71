//! `json.*`

use super::builtin::{Answer, Asked, BuiltinError, Table, array, failed, object, text, value};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

pub(super) static TABLE: Table = &[
    ("json.is_valid", |_, arguments| {
        let valid = text(arguments, 0).is_ok_and(|json| serde_json::from_str::<IgnoredAny>(json).is_ok());
        value(valid)
    }),
    ("json.marshal_with_options", marshal_with_options),
    ("json.patch", patch),
];

/// On one line, or on many if that is asked for: `{"pretty": true, "indent": "\t", "prefix": ""}`. Each of the last two
/// means the first.
fn marshal_with_options(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let (content, options) =
        (arguments.first().ok_or_else(|| failed("a value is missing"))?, object(arguments, 1)?);
    if let Some(unknown) = options.keys().find(|key| !["pretty", "indent", "prefix"].contains(&key.as_str()))
    {
        return Err(failed(format!("the option {unknown} is unknown")));
    }
    let text = |name: &str, default: &'static str| match options.get(name) {
        None => Ok(default),
        Some(text) => text.as_str().ok_or_else(|| failed(format!("{name} must be a string"))),
    };
    let (indent, prefix) = (text("indent", "\t")?, text("prefix", "")?);
    let pretty = match options.get("pretty") {
        None => options.contains_key("indent") || options.contains_key("prefix"),
        Some(pretty) => pretty.as_bool().ok_or_else(|| failed("pretty must be a truth value"))?,
    };
    if !pretty {
        return value(content.to_string());
    }
    asked.take(2 * pretty_size(content, indent.len(), prefix.len(), 0))?;
    let mut bytes = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    content.serialize(&mut Serializer::with_formatter(&mut bytes, formatter)).map_err(failed)?;
    let lines = String::from_utf8(bytes).map_err(failed)?;
    value(lines.split('\n').map(|line| format!("{prefix}{line}")).collect::<Vec<_>>().join("\n"))
}

/// How much a value takes at this depth, at most, with each of its parts on a line of its own.
fn pretty_size(content: &Value, indent: usize, prefix: usize, depth: usize) -> usize {
    // The line's beginning, and what stands between values.
    let line = indent.saturating_mul(depth).saturating_add(prefix + 4);
    let below = |value| pretty_size(value, indent, prefix, depth + 1);
    let parts: usize = match content {
        Value::Array(items) => items.iter().map(below).fold(line, usize::saturating_add),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| 6 * key.len() + below(value));
            members.fold(line, usize::saturating_add)
        }
        Value::String(text) => 6 * text.len(),
        single => single.to_string().len(),
    };
    parts.saturating_add(line)
}

/// What a copy of a value takes.
fn copy_size(content: &Value) -> usize {
    const VALUE: usize = 64;
    VALUE
        + match content {
            Value::Array(items) => items.iter().map(copy_size).sum(),
            Value::Object(members) => {
                members.iter().map(|(key, value)| VALUE + key.len() + copy_size(value)).sum()
            }
            Value::String(text) => text.len(),
            _ => 0,
        }
}

/// RFC 6902. A path is text, or an array of its parts.
fn patch(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let document = arguments.first().ok_or_else(|| failed("a document is missing"))?;
    asked.take(copy_size(document))?;
    value(patched(document.clone(), array(arguments, 1)?, |bytes| asked.take(bytes))?)
}

/// The document as the operations change it. What they add is `take`n before.
pub(in super::super) fn patched(
    mut document: Value,
    operations: &[Value],
    mut take: impl FnMut(usize) -> Result<(), BuiltinError>,
) -> Result<Value, BuiltinError> {
    let mut clone = |content: &Value| take(copy_size(content)).map(|()| content.clone());
    for operation in operations {
        let path = |member: &str| parts(&operation[member]);
        let content = || operation.get("value").ok_or_else(|| failed("an operation lacks its value"));
        match operation["op"].as_str().unwrap_or_default() {
            "add" => add(&mut document, &path("path")?, clone(content()?)?)?,
            "remove" => _ = remove(&mut document, &path("path")?)?,
            "replace" => {
                let path = path("path")?;
                remove(&mut document, &path)?;
                add(&mut document, &path, clone(content()?)?)?;
            }
            "move" => {
                let moved = remove(&mut document, &path("from")?)?;
                add(&mut document, &path("path")?, moved)?;
            }
            "copy" => {
                let copied = clone(find(&mut document, &path("from")?)?)?;
                add(&mut document, &path("path")?, copied)?;
            }
            "test" if find(&mut document, &path("path")?)? == content()? => {}
            "test" => return Err(failed("a test failed")),
            _ => return Err(failed("an operation is unknown")),
        }
    }
    Ok(document)
}

fn parts(path: &Value) -> Result<Vec<String>, BuiltinError> {
    if let Some(parts) = path.as_array() {
        return Ok(parts
            .iter()
            .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_string))
            .collect());
    }
    let path = path.as_str().ok_or_else(|| failed("an operation lacks its path"))?;
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    Ok(path.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

fn none() -> BuiltinError {
    failed("there is nothing at a path")
}

fn find<'v>(document: &'v mut Value, path: &[String]) -> Result<&'v mut Value, BuiltinError> {
    path.iter().try_fold(document, |at, part| {
        match at {
            Value::Object(members) => members.get_mut(part),
            Value::Array(items) => part.parse().ok().and_then(|index: usize| items.get_mut(index)),
            _ => None,
        }
        .ok_or_else(none)
    })
}

fn add(document: &mut Value, path: &[String], content: Value) -> Result<(), BuiltinError> {
    let Some((last, above)) = path.split_last() else {
        *document = content;
        return Ok(());
    };
    match find(document, above)? {
        Value::Object(members) => _ = members.insert(last.clone(), content),
        Value::Array(items) => {
            let index = if last == "-" { Some(items.len()) } else { last.parse().ok() };
            items.insert(index.filter(|index| *index <= items.len()).ok_or_else(none)?, content);
        }
        _ => return Err(none()),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &[String]) -> Result<Value, BuiltinError> {
    let Some((last, above)) = path.split_last() else { return Ok(document.take()) };
    let removed = match find(document, above)? {
        Value::Object(members) => members.remove(last),
        Value::Array(items) => {
            let index = last.parse().ok().filter(|index: &usize| *index < items.len());
            index.map(|index| items.remove(index))
        }
        _ => None,
    };
    removed.ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    #[test]
    fn validity() {
        for (text, valid) in [("{\"a\": [1]}", true), ("{", false), ("", false), ("1 2", false)] {
            answers("json.is_valid", json!([text]), json!(valid));
        }
        answers("json.is_valid", json!([1]), json!(false));
    }

    #[test]
    fn texts_of_values() {
        for (options, text) in [
            (json!({}), "{\"a\":[1]}"),
            (json!({"pretty": false, "indent": " "}), "{\"a\":[1]}"),
            (json!({"pretty": true}), "{\n\t\"a\": [\n\t\t1\n\t]\n}"),
            (json!({"indent": " ", "prefix": ">"}), ">{\n> \"a\": [\n>  1\n> ]\n>}"),
        ] {
            answers("json.marshal_with_options", json!([{"a": [1]}, options]), json!(text));
        }
        fails("json.marshal_with_options", json!([1, {"other": 1}]));
        fails("json.marshal_with_options", json!([1, {"indent": 1}]));
    }

    #[test]
    fn patches() {
        for (document, operation, expected) in [
            (json!({}), json!({"op": "add", "path": "/a", "value": 1}), json!({"a": 1})),
            (json!([1, 3]), json!({"op": "add", "path": "/1", "value": 2}), json!([1, 2, 3])),
            (json!([1]), json!({"op": "add", "path": "/-", "value": 2}), json!([1, 2])),
            (json!({"a/b": {"~": 1}}), json!({"op": "remove", "path": "/a~1b/~0"}), json!({"a/b": {}})),
            (json!({"a": 1}), json!({"op": "replace", "path": ["a"], "value": 2}), json!({"a": 2})),
            (json!({"a": 1}), json!({"op": "move", "from": "/a", "path": "/b"}), json!({"b": 1})),
            (json!({"a": 1}), json!({"op": "copy", "from": "/a", "path": "/b"}), json!({"a": 1, "b": 1})),
            (json!({"a": 1}), json!({"op": "test", "path": "/a", "value": 1}), json!({"a": 1})),
            (json!({"a": 1}), json!({"op": "replace", "path": "", "value": 2}), json!(2)),
        ] {
            answers("json.patch", json!([document, [operation]]), expected);
        }
        for wrong in [
            json!({"op": "test", "path": "/a", "value": 2}),
            json!({"op": "remove", "path": "/b"}),
            json!({"op": "add", "path": "/b/c", "value": 1}),
            json!({"op": "add", "path": "/l/2", "value": 1}),
            json!({"op": "remove", "path": "/l/1"}),
            json!({"op": "add", "path": "/c"}),
            json!({"op": "other", "path": "/a"}),
            json!(1),
        ] {
            fails("json.patch", json!([{"a": 1, "l": [1]}, [wrong]]));
        }
    }
}
