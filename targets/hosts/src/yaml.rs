//! YAML to JSON, as OPA and Atmo read it: the first document, with what YAML 1.1 takes for numbers and truth values.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// How deep a document may be.
const DEEPEST: usize = 128;

/// How many values aliases may add: each may stand for many, and so on.
const MOST_ALIASED: usize = 1 << 16;

/// A value that isn't complete.
enum Open {
    Sequence(Vec<Value>, usize),
    Mapping { members: Map<String, Value>, merged: Map<String, Value>, key: Option<Key>, anchor: usize },
}

enum Key {
    Named(String),
    /// `<<`: the members of what follows are taken over, as far as there are none of their own.
    Merge,
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    aliased: usize,
    document: Option<Value>,
}

/// Reads a document.
pub(crate) fn read(yaml: &str) -> Result<Value, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(yaml) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        match event {
            Event::DocumentEnd => return Ok(reader.document.unwrap_or(Value::Null)),
            Event::Scalar(text, style, anchor, tag) => {
                reader.scalar(&text, style, anchor, tag.as_deref())?;
            }
            Event::Alias(anchor) => reader.alias(anchor)?,
            Event::SequenceStart(anchor, _) => reader.begin(Open::Sequence(Vec::new(), anchor))?,
            Event::MappingStart(anchor, _) => {
                reader.begin(Open::Mapping { members: Map::new(), merged: Map::new(), key: None, anchor })?
            }
            Event::SequenceEnd | Event::MappingEnd => reader.end()?,
            _ => {}
        }
    }
    Ok(Value::Null)
}

impl Reader {
    fn begin(&mut self, open: Open) -> Result<(), String> {
        if self.open.len() >= DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        let (value, anchor) = match self.open.pop() {
            Some(Open::Sequence(items, anchor)) => (Value::Array(items), anchor),
            Some(Open::Mapping { members, mut merged, anchor, .. }) => {
                merged.extend(members);
                (Value::Object(merged), anchor)
            }
            None => return Err("something ends that didn't begin".into()),
        };
        self.complete(value, anchor)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), String> {
        let plain = style == ScalarStyle::Plain;
        let is_key = matches!(self.open.last(), Some(Open::Mapping { key: None, .. }));
        if is_key && plain && text == "<<" {
            if let Some(Open::Mapping { key, .. }) = self.open.last_mut() {
                *key = Some(Key::Merge);
            }
            return Ok(());
        }
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let value = if plain && !is_text { resolve(text)? } else { text.into() };
        self.complete(value, anchor)
    }

    fn alias(&mut self, anchor: usize) -> Result<(), String> {
        let value = self.anchors.get(&anchor).ok_or("an alias stands for what it is part of")?.clone();
        self.aliased += count(&value);
        if self.aliased > MOST_ALIASED {
            return Err(format!("its aliases stand for more than {MOST_ALIASED} values"));
        }
        self.complete(value, 0)
    }

    /// Puts a value where it belongs.
    fn complete(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.document = Some(value),
            Some(Open::Sequence(items, _)) => items.push(value),
            Some(Open::Mapping { members, merged, key, .. }) => match key.take() {
                None => *key = Some(Key::Named(name(value)?)),
                Some(Key::Merge) => merge(merged, value)?,
                Some(Key::Named(name)) if members.contains_key(&name) => {
                    return Err(format!("the key '{name}' is given twice"));
                }
                Some(Key::Named(name)) => _ = members.insert(name, value),
            },
        }
        Ok(())
    }
}

/// A key as JSON has it.
fn name(key: Value) -> Result<String, String> {
    match key {
        Value::String(name) => Ok(name),
        Value::Number(_) | Value::Bool(_) | Value::Null => Ok(key.to_string()),
        _ => Err("a key is neither text nor a number".into()),
    }
}

fn merge(merged: &mut Map<String, Value>, value: Value) -> Result<(), String> {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                merged.entry(name).or_insert(value);
            }
            Ok(())
        }
        // The first wins.
        Value::Array(all) => all.into_iter().try_for_each(|one| merge(merged, one)),
        _ => Err("only mappings can be merged".into()),
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.iter().map(|(key, value)| long(key) + count(value)).sum(),
        Value::String(text) => long(text),
        _ => 0,
    }
}

/// What a text counts, besides the value that it belongs to.
fn long(text: &str) -> usize {
    text.len() / 64
}

/// What a text without quotes means. A number keeps its text if JSON has such a one.
fn resolve(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false.into(),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | ".nan" | ".NaN" | ".NAN" => {
            return Err(format!("JSON has no {text}"));
        }
        _ => number(text).map_or_else(|| text.into(), Value::Number),
    })
}

fn number(text: &str) -> Option<Number> {
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let sign = if plain.starts_with('-') { "-" } else { "" };
    let radix = |digits: &str, radix| i128::from_str_radix(digits, radix).ok().map(|n| format!("{sign}{n}"));
    let json = if let Some(digits) = unsigned.strip_prefix("0x") {
        radix(digits, 16)?
    } else if let Some(digits) = unsigned.strip_prefix("0b") {
        radix(digits, 2)?
    } else if let Some(digits) = unsigned.strip_prefix("0o") {
        radix(digits, 8)?
    } else if unsigned.len() > 1 && unsigned.starts_with('0') && unsigned.bytes().all(|b| b.is_ascii_digit())
    {
        radix(unsigned, 8)?
    } else {
        let is_number =
            unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
        let parsed = unsigned.parse::<f64>().ok().filter(|number| is_number && number.is_finite())?;
        match serde_json::from_str::<Number>(&format!("{sign}{unsigned}")) {
            Ok(number) => return Some(number),
            // Such as `.5` or `1.`
            Err(_) => format!("{sign}{parsed}"),
        }
    };
    serde_json::from_str(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::read;
    use serde_json::json;

    #[test]
    fn documents_are_read_within_bounds() {
        assert_eq!(read("a: &a [1, yes]\nb: *a\n").unwrap(), json!({"a": [1, true], "b": [1, true]}));
        let deep = |count| format!("{}{}", "[".repeat(count), "]".repeat(count));
        assert!(read(&deep(128)).is_ok());
        assert!(read(&deep(129)).unwrap_err().contains("nested more than 128 deep"));
        assert!(read(&deep(100_000)).is_err());
        let lines =
            (1..20).map(|n| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 9].join(", ")));
        let bomb: String = std::iter::once("l0: &l0 [x]\n".to_owned()).chain(lines).collect();
        assert!(read(&bomb).unwrap_err().contains("aliases stand for more than 65536 values"));
        assert!(read("a: &a [*a]").is_err());
    }
}
