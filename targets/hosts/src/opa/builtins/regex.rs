//! `regex.*`, as far as it isn't compiled in. The syntax of Go's expressions is that of the crate `regex`, nearly.

use super::builtin::{Answer, Asked, BuiltinError, Table, expected, failed, text, value};
use super::globs;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

pub(super) static TABLE: Table = &[
    ("regex.find_n", |_, arguments| find_n(arguments)),
    ("regex.globs_match", |_, arguments| value(globs::intersect(text(arguments, 0)?, text(arguments, 1)?)?)),
    ("regex.replace", replace),
    ("regex.split", |_, arguments| split(arguments)),
    ("regex.template_match", |_, arguments| template_match(arguments)),
    ("glob.quote_meta", |_, arguments| value(quote_meta(text(arguments, 0)?))),
];

/// What a compiled expression may take, in bytes.
const LIMIT: usize = 1 << 20;

fn compile(pattern: &str) -> Result<Regex, BuiltinError> {
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

fn replace(asked: &mut Asked, arguments: &[Value]) -> Answer {
    let (subject, pattern, with) = (text(arguments, 0)?, compile(text(arguments, 1)?)?, text(arguments, 2)?);
    let mut replaced = String::new();
    let mut from = 0;
    // No replacement is longer than if all of it were names of the longest group.
    for captures in pattern.captures_iter(subject) {
        let Some(whole) = captures.get(0) else { continue };
        let longest = with.len().saturating_mul(1 + whole.len() / 2);
        asked.take(whole.start() - from + longest)?;
        replaced.push_str(&subject[from..whole.start()]);
        let before = replaced.len();
        captures.expand(with, &mut replaced);
        from = whole.end();
        asked.give(longest.saturating_sub(replaced.len() - before));
    }
    replaced.push_str(&subject[from..]);
    value(replaced)
}

fn split(arguments: &[Value]) -> Answer {
    let (pattern, subject) = (compile(text(arguments, 0)?)?, text(arguments, 1)?);
    let parts: Vec<_> = pattern.split(subject).collect();
    value(parts)
}

/// What stands between the delimiters is an expression, all else stands for itself.
fn template_match(arguments: &[Value]) -> Answer {
    let delimiter = |index| {
        let mut characters = text(arguments, index)?.chars();
        characters
            .next()
            .filter(|_| characters.next().is_none())
            .ok_or_else(|| expected(index, "one character"))
    };
    let (template, subject, open, close) =
        (text(arguments, 0)?, text(arguments, 1)?, delimiter(2)?, delimiter(3)?);
    let mut pattern = String::from("^");
    let mut rest = template;
    while let Some(at) = rest.find(open) {
        pattern.push_str(&regex::escape(&rest[..at]));
        let inside = &rest[at + open.len_utf8()..];
        let end = closing(inside, open, close).ok_or_else(|| failed("the delimiters aren't balanced"))?;
        pattern.push_str(&format!("({})", &inside[..end]));
        rest = &inside[end + close.len_utf8()..];
    }
    if rest.contains(close) {
        return Err(failed("the delimiters aren't balanced"));
    }
    pattern.push_str(&regex::escape(rest));
    pattern.push('$');
    value(compile(&pattern)?.is_match(subject))
}

/// Where the delimiter stands that belongs to one before `text`.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == close && depth == 0 {
            return Some(at);
        }
        if c == close {
            depth -= 1;
        } else if c == open {
            depth += 1;
        }
    }
    None
}

/// Escapes what means something in a glob pattern.
fn quote_meta(pattern: &str) -> String {
    pattern.chars().fold(String::new(), |mut quoted, c| {
        if matches!(c, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(c);
        quoted
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    #[test]
    fn expressions() {
        answers("regex.split", json!(["/+", "a//b/c"]), json!(["a", "b", "c"]));
        answers("regex.replace", json!(["foobar", "(o+)b", "<$1>"]), json!("f<oo>ar"));
        for (most, found) in [(-1, json!(["a1", "b2", "c3"])), (2, json!(["a1", "b2"])), (0, json!([]))] {
            answers("regex.find_n", json!(["[a-z]\\d", "a1 b2 c3", most]), found);
        }
        for name in ["regex.split", "regex.replace"] {
            fails(name, json!(["(", "(", "x"]));
        }
        // One that would take more memory than it may.
        fails("regex.split", json!(["(\\pL{1000}){1000}", "x"]));
    }

    #[test]
    fn templates() {
        for (template, subject, matches) in [
            ("urn:foo:{.*}", "urn:foo:bar:baz", true),
            ("urn.foo:{[0-9]{2}}:x", "urn.foo:42:x", true),
            ("urn.foo:{[0-9]{2}}:x", "urn-foo:42:x", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ] {
            answers("regex.template_match", json!([template, subject, "{", "}"]), json!(matches));
        }
        for wrong in ["{", "}", "{a", "a}"] {
            fails("regex.template_match", json!([wrong, "", "{", "}"]));
        }
        fails("regex.template_match", json!(["a", "a", "", "}"]));
    }

    #[test]
    fn globs() {
        answers(
            "glob.quote_meta",
            json!(["*.git[hub]{a}?\\.com"]),
            json!("\\*.git\\[hub\\]\\{a\\}\\?\\\\.com"),
        );
    }
}
