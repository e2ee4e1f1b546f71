//! Scripts with the folded form of `try`, as it was before `try_table`: the crate `wast` only reads the plain form.

use std::iter::Peekable;
use std::str::CharIndices;

/// A part of a script: a word, a string, or a list in parentheses.
enum Part<'a> {
    Atom(&'a str),
    List(Vec<Part<'a>>),
}

use Part::{Atom, List};

/// The script with each `(try (do ...) (catch ...))` as `try ... catch ... end`, a directive a line.
pub(crate) fn unfold(text: &str) -> String {
    let mut chars = text.char_indices().peekable();
    let mut out = String::new();
    for part in parts(text, &mut chars) {
        write(&part, &mut out);
        out.push('\n');
    }
    out
}

/// The parts up to the list's end, or the text's.
fn parts<'a>(text: &'a str, chars: &mut Peekable<CharIndices<'_>>) -> Vec<Part<'a>> {
    let mut found = Vec::new();
    while let Some((start, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        match (c, next) {
            (';', Some(';')) => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            ('(', Some(';')) => {
                while chars.next().is_some_and(|(_, c)| c != ';') || chars.peek().is_some_and(|c| c.1 != ')')
                {
                }
                chars.next();
            }
            ('(', _) => found.push(List(parts(text, chars))),
            (')', _) => return found,
            ('"', _) => {
                while let Some((at, c)) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => {
                            found.push(Atom(&text[start..=at]));
                            break;
                        }
                        _ => {}
                    }
                }
            }
            (c, _) if c.is_whitespace() => {}
            _ => {
                let ends = |c: char| c.is_whitespace() || "()\";".contains(c);
                while chars.next_if(|(_, c)| !ends(*c)).is_some() {}
                let end = chars.peek().map_or(text.len(), |(at, _)| *at);
                found.push(Atom(&text[start..end]));
            }
        }
    }
    found
}

fn head<'a>(part: &Part<'a>) -> Option<&'a str> {
    match part {
        List(parts) => match parts.first() {
            Some(Atom(head)) => Some(*head),
            _ => None,
        },
        Atom(_) => None,
    }
}

fn has_try(part: &Part<'_>) -> bool {
    match part {
        Atom(_) => false,
        List(parts) => head(part) == Some("try") || parts.iter().any(has_try),
    }
}

/// Whether lists that begin with this are instructions with operands alone: then these have to be unfolded with what is in them.
fn takes_operands(head: &str) -> bool {
    head.contains('.') && !head.starts_with('$') || ["call", "call_indirect", "br_if", "drop"].contains(&head)
}

fn write(part: &Part<'_>, out: &mut String) {
    let parts = match part {
        Atom(atom) => return out.extend([atom, " "]),
        List(parts) => parts,
    };
    let all = |parts: &[Part<'_>], out: &mut String| parts.iter().for_each(|part| write(part, out));
    match head(part) {
        Some("try") => {
            let (mut label, mut clauses) = (Vec::new(), Vec::new());
            for part in parts {
                let clause =
                    head(part).filter(|head| ["do", "catch", "catch_all", "delegate"].contains(head));
                if clause.is_some() { &mut clauses } else { &mut label }.push(part);
            }
            label.into_iter().for_each(|part| write(part, out));
            let mut delegates = false;
            for clause in clauses {
                let List(parts) = clause else { continue };
                delegates |= head(clause) == Some("delegate");
                all(&parts[usize::from(head(clause) == Some("do"))..], out);
            }
            out.push_str(if delegates { " " } else { "end " });
        }
        Some(head) if takes_operands(head) && has_try(part) => {
            let is_type = |part: &Part<'_>| matches!(self::head(part), Some("type" | "param" | "result"));
            let (operands, rest): (Vec<_>, Vec<_>) =
                parts.iter().partition(|part| matches!(part, List(_)) && !is_type(part));
            operands.into_iter().chain(rest).for_each(|part| write(part, out));
        }
        _ => {
            out.push('(');
            all(parts, out);
            out.push_str(") ");
        }
    }
}

#[test]
fn folded_tries_are_unfolded() {
    let text = r#"(; a ; comment ;) (func $f (local.set $x (try $l (result i32) ;; a "comment"
        (do (i32.const 1)) (catch $e (drop) (i32.const 2)) (catch_all (i32.const 3))))
        (block (try (do (throw $e)) (delegate 0))) "a \" string)")"#;
    let plain = r#"(func $f try $l (result i32 ) (i32.const 1 ) catch $e (drop ) (i32.const 2 ) catch_all (i32.const 3 ) end local.set $x (block try (throw $e ) delegate 0  ) "a \" string)" )"#;
    assert_eq!(unfold(text).trim(), plain);
}
