//! `dunlin man`

use crate::args;
use crate::args::of_this_build;
use crate::args::outline::{CommandOutline, OptionOutline};
use crate::failure::Failure;
use crate::output::print;
use std::fmt::Write;

/// When the texts were written: a page has a date, and the same source makes the same page.
const DATE: &str = "2026-11-29";

/// How long lines of the source become, hyphens being two characters there.
const WIDTH: usize = 64;

/// Prints the manual page.
pub(crate) fn man() -> Result<(), Failure> {
    print(&page(&args::commands(), &args::overview()))
}

/// The page, of the help texts: each command is a section, whose options are its list.
fn page(commands: &[CommandOutline], overview: &str) -> String {
    let mut page =
        format!(".TH DUNLIN 1 {DATE} \"dunlin {}\" \"User Commands\"\n.SH NAME\n", env!("CARGO_PKG_VERSION"));
    let (name, rest) = overview.split_once('\n').unwrap_or((overview, ""));
    let _ = writeln!(page, "{}\n.SH DESCRIPTION", name.replacen(" - ", " \\- ", 1));
    prose(&mut page, rest, false);
    for command in commands {
        let _ = writeln!(page, ".SH \"DUNLIN {}\"", command.name.to_uppercase());
        let text = of_this_build(command.text);
        // Where they are another command's, they have been described.
        let (before, after) = text.split_once("{options}\n").unwrap_or((&text, ""));
        prose(&mut page, before, false);
        for group in command.groups.iter().filter(|_| before.len() < text.len()) {
            let _ = writeln!(page, ".SS \"{}\"", escaped(group.title));
            group.options.iter().for_each(|option| describe(&mut page, *option));
        }
        prose(&mut page, after, true);
    }
    page
}

fn describe(page: &mut String, option: OptionOutline) {
    let _ = writeln!(page, ".TP\n.B {}", escaped(option.form));
    fill(page, option.help);
}

/// A text that flows, in lines that are short enough for a source.
fn fill(page: &mut String, text: &str) {
    let mut line = String::new();
    for word in text.split(' ') {
        if line.len() + word.len() > WIDTH {
            let _ = writeln!(page, "{}", escaped(&std::mem::take(&mut line)));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(page, "{}", escaped(&line));
}

/// Paragraphs of a help text. Lines that are indented stay as they are; a line that ends in a colon before them is the
/// heading of a list. What `follows` other text begins a paragraph; a heading does that by itself.
fn prose(page: &mut String, text: &str, follows: bool) {
    let (mut fresh, mut verbatim) = (follows, false);
    for line in text.trim_start_matches('\n').lines() {
        let indented = line.starts_with("  ");
        if verbatim && !indented {
            page.push_str(".EE\n");
        }
        if line.is_empty() {
            (fresh, verbatim) = (true, false);
            continue;
        }
        if fresh {
            page.push_str(".PP\n");
        }
        if indented && !verbatim {
            page.push_str(".EX\n");
        }
        (fresh, verbatim) = (false, indented);
        if indented {
            let _ = writeln!(page, "{}", escaped(line));
        } else {
            fill(page, line);
        }
    }
    if verbatim {
        page.push_str(".EE\n");
    }
}

/// A text in which roff sees no requests and no escapes, and whose hyphens can be copied.
fn escaped(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    match escaped.starts_with(['.', '\'']) {
        true => format!("\\&{escaped}"),
        false => escaped,
    }
}
