//! Insertions into a file. Nothing is ever taken out, and no line is added, so that positions stay what they are.

use std::ops::Range;

/// A fault around a piece of source: `before` and `after` enclose it, `#` stands for the fault's number.
#[derive(Clone)]
pub(crate) struct Wrap {
    pub(crate) at: Range<usize>,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl Wrap {
    /// `before #{..} after` around an expression: `other` if the fault is on, else what is there.
    pub(crate) fn instead(at: Range<usize>, other: &str) -> Self {
        let before = format!("(if ::mutant_switch::on(#) {{ {other} }} else {{ ");
        Self { at, before, after: " })".into() }
    }
}

/// The source with all faults in it. Pieces are disjoint or lie within each other.
pub(crate) fn apply(source: &str, wraps: &[(usize, &Wrap)]) -> String {
    // Of what is inserted at one place, ends come first, then the beginning of what ends last.
    let mut inserts = Vec::new();
    for (number, wrap) in wraps {
        let size = wrap.at.len();
        inserts.push((wrap.at.start, 1, usize::MAX - size, number, &wrap.before));
        let order = if size == 0 { 2 } else { 0 };
        inserts.push((wrap.at.end, order, size, number, &wrap.after));
    }
    inserts.sort();
    let mut woven = String::with_capacity(source.len() + 64 * inserts.len());
    let mut done = 0;
    for (at, _, _, number, text) in inserts {
        woven.push_str(&source[done..at]);
        woven.push_str(&text.replace('#', &number.to_string()));
        done = at;
    }
    woven.push_str(&source[done..]);
    woven
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_pieces_are_closed_in_order() {
        let outer = Wrap { at: 0..5, before: "<#".into(), after: "#>".into() };
        let first = Wrap { at: 0..1, before: "(".into(), after: ")".into() };
        let last = Wrap { at: 4..5, before: "[".into(), after: "]".into() };
        let empty = Wrap { at: 5..5, before: "!".into(), after: String::new() };
        assert_eq!(apply("a + b;", &[(3, &first), (7, &outer), (4, &last), (5, &empty)]), "<7(a) + [b]7>!;");
    }
}
