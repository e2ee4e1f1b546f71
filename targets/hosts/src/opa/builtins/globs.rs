//! `regex.globs_match`: whether two simple patterns have a text in common.

use super::builtin::{BuiltinError, failed};
use std::collections::HashSet;

/// One of a pattern's parts: which characters, and how many.
struct Part {
    /// Ranges.
    characters: Vec<(char, char)>,
    may_be_absent: bool,
    may_repeat: bool,
}

/// How many pairs of places are looked at, at most.
const MOST_PAIRS: usize = 1 << 20;

/// The subset of regular expressions that OPA has here: characters, `.`, classes, `*` and `+`.
fn parse(pattern: &str) -> Result<Vec<Part>, BuiltinError> {
    let mut parts = Vec::<Part>::new();
    let mut characters = pattern.chars();
    let fault = |what: &str| failed(format!("{what} in the pattern '{pattern}'"));
    while let Some(character) = characters.next() {
        let ranges = match character {
            '*' | '+' => {
                let part = parts.last_mut().filter(|part| !part.may_repeat);
                let part = part.ok_or_else(|| fault("nothing is repeated"))?;
                (part.may_repeat, part.may_be_absent) = (true, character == '*');
                continue;
            }
            '.' => vec![('\0', char::MAX)],
            '[' => class(&mut characters).ok_or_else(|| fault("a class is wrong"))?,
            ']' => return Err(fault("a class ends that didn't begin")),
            '\\' => {
                let escaped = characters.next().ok_or_else(|| fault("nothing is escaped"))?;
                vec![(escaped, escaped)]
            }
            _ => vec![(character, character)],
        };
        parts.push(Part { characters: ranges, may_be_absent: false, may_repeat: false });
    }
    Ok(parts)
}

/// What stands between brackets: characters and ranges.
fn class(characters: &mut std::str::Chars<'_>) -> Option<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    let mut next = characters.next()?;
    while next != ']' {
        let from = if next == '\\' { characters.next()? } else { next };
        next = characters.next()?;
        let mut to = from;
        if next == '-' {
            to = characters.next()?;
            to = if to == '\\' { characters.next()? } else { to };
            next = characters.next()?;
        }
        if to < from {
            return None;
        }
        ranges.push((from, to));
    }
    (!ranges.is_empty()).then_some(ranges)
}

fn overlap(a: &Part, b: &Part) -> bool {
    a.characters.iter().any(|(from, to)| b.characters.iter().any(|(low, high)| from <= high && low <= to))
}

/// Whether a text that isn't empty matches both.
pub(super) fn intersect(a: &str, b: &str) -> Result<bool, BuiltinError> {
    let (a, b) = (parse(a)?, parse(b)?);
    // A place is how many parts are behind, in both patterns; and whether a character has been matched.
    let mut seen = HashSet::from([(0, 0, false)]);
    let mut open = vec![(0, 0, false)];
    while let Some((i, j, any)) = open.pop() {
        if i == a.len() && j == b.len() && any {
            return Ok(true);
        }
        let mut next = Vec::new();
        // A part that may be absent is passed over.
        if a.get(i).is_some_and(|part| part.may_be_absent) {
            next.push((i + 1, j, any));
        }
        if b.get(j).is_some_and(|part| part.may_be_absent) {
            next.push((i, j + 1, any));
        }
        if let (Some(left), Some(right)) = (a.get(i), b.get(j))
            && overlap(left, right)
        {
            next.push((i + 1, j + 1, true));
            if left.may_repeat {
                next.push((i, j + 1, true));
            }
            if right.may_repeat {
                next.push((i + 1, j, true));
            }
        }
        for place in next {
            if seen.insert(place) {
                open.push(place);
            }
        }
        if seen.len() > MOST_PAIRS {
            return Err(failed("the patterns are too long"));
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answers, fails};
    use serde_json::json;

    #[test]
    fn patterns_with_and_without_a_text_in_common() {
        for (a, b, common) in [
            ("a.a.[0-9]+z", "b.b.[0-9]*", false),
            ("a.a.", "b.b.", false),
            ("[a-z]+", "[0-9]+", false),
            ("[a-z]+", "[0-9]*", false),
            ("[a-z]+", "[0-9]*a", true),
            (".*", "b+", true),
            ("foo.*", ".*bar", true),
            ("a+b*c", "aaac", true),
            ("a+b*c", "abab", false),
            ("a*", "b*", false),
            ("a\\*b", "a.b", true),
            ("[a-c]", "[c-e]", true),
            ("[a-b]", "[c-e]", false),
            ("abc", "ab", false),
            ("ab*", "a", true),
            ("pubsub.*.foo", "pubsub.bar.foo", true),
        ] {
            answers("regex.globs_match", json!([a, b]), json!(common));
            answers("regex.globs_match", json!([b, a]), json!(common));
        }
        for wrong in ["[", "[]", "]", "*", "a\\", "a**", "[z-a]"] {
            fails("regex.globs_match", json!([wrong, "a"]));
        }
    }
}
