//! JSON to YAML, in the block style and with sorted keys.

use crate::yaml::read;
use serde_json::Value;
use std::fmt::Write;

pub(super) fn document(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0, Place::Top);
    out
}

/// What stands before a value on its line.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Item,
    Member,
}

/// Writes a value with its end of line.
fn write(out: &mut String, value: &Value, depth: usize, place: Place) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            begin_block(out, place == Place::Member);
            // Items of a member stand below its key, as Go's library writes them.
            let depth = if place == Place::Member { depth.saturating_sub(1) } else { depth };
            for (index, item) in items.iter().enumerate() {
                indent(out, depth, place == Place::Item && index == 0);
                out.push_str("- ");
                write(out, item, depth + 1, Place::Item);
            }
        }
        Value::Object(members) if !members.is_empty() => {
            begin_block(out, place == Place::Member);
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            for (index, (key, member)) in members.into_iter().enumerate() {
                indent(out, depth, place == Place::Item && index == 0);
                scalar(out, key);
                out.push(':');
                if !is_block(member) {
                    out.push(' ');
                }
                write(out, member, depth + 1, Place::Member);
            }
        }
        Value::String(text) => {
            let lines_are_plain = text.chars().all(|c| c == '\n' || !c.is_control());
            if place != Place::Top && text.contains('\n') && lines_are_plain && !text.starts_with([' ', '\n'])
            {
                block(out, text, depth);
            } else {
                scalar(out, text);
            }
            out.push('\n');
        }
        // Empty ones are written as in JSON.
        _ => _ = writeln!(out, "{value}"),
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

fn begin_block(out: &mut String, behind_key: bool) {
    if behind_key {
        out.push('\n');
    }
}

fn indent(out: &mut String, depth: usize, on_this_line: bool) {
    if !on_this_line {
        let _ = write!(out, "{:1$}", "", depth * 2);
    }
}

/// A text: without quotes if it is read as the same text again.
fn scalar(out: &mut String, text: &str) {
    let begins_plainly =
        !text.starts_with(|c: char| c.is_whitespace() || "-?:,[]{}#&*!|>'\"%@`=".contains(c));
    let plain = begins_plainly
        && text != "<<"
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !text.chars().any(char::is_control)
        && read(text).is_ok_and(|read| read == *text);
    match plain {
        true => out.push_str(text),
        false if text.chars().any(char::is_control) => _ = write!(out, "{}", Value::from(text)),
        false if begins_plainly => _ = write!(out, "{}", Value::from(text)),
        false => _ = write!(out, "'{}'", text.replace('\'', "''")),
    }
}

/// A text of several lines, each on its own.
fn block(out: &mut String, text: &str, depth: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(out, depth, false);
            out.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::answers;
    use super::{document, read};
    use serde_json::json;

    #[test]
    fn json_becomes_documents() {
        for (value, yaml) in [
            (json!({"foo": [1, 2, 3]}), "foo:\n- 1\n- 2\n- 3\n"),
            (json!([{"foo": 1}, {"bar": 2, "a": {}}]), "- foo: 1\n- a: {}\n  bar: 2\n"),
            (json!({"a": {"b": {"c": null}}, "z": []}), "a:\n  b:\n    c: null\nz: []\n"),
            (json!([[1, [2]], []]), "- - 1\n  - - 2\n- []\n"),
            (json!({"a": [{"b": [1]}]}), "a:\n- b:\n  - 1\n"),
            (json!("plain text"), "plain text\n"),
            (json!({"t": "one\ntwo\n"}), "t: |\n  one\n  two\n"),
            (json!(1.50), "1.5\n"),
            (json!("true"), "\"true\"\n"),
            (json!("- x"), "'- x'\n"),
        ] {
            answers("yaml.marshal", json!([value]), json!(yaml));
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let texts = [
            "",
            " ",
            "a b",
            "a: b",
            "#",
            "a #b",
            "null",
            "yes",
            "12",
            "1e3",
            "0x1",
            "-",
            "- a",
            "'",
            "\"",
            "\\",
            "\n",
            "a\n",
            "a\n\n",
            "a\n b",
            "\ta",
            "é\u{1F600}",
            "a:",
            "[",
            "{}",
            "*a",
            "&a",
            "!a",
            "%",
            "@",
            "|",
            ">",
            "a\u{7}",
            "\u{85}",
            "?",
            "? a",
            "=",
            "<<",
            "...",
            "---",
            "a\r\nb",
            "trailing ",
            "~",
        ];
        for text in texts {
            for value in
                [json!(text), json!([text]), json!({"k": text}), json!({text: [{text: [text, text]}]})]
            {
                let yaml = document(&value);
                assert_eq!(read(&yaml), Ok(value.clone()), "{value} is written as {yaml:?}");
            }
        }
    }
}
