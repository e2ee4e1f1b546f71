//! Help texts: a description of each option, in what stands in `help/`.

use super::outline::CommandOutline;

/// The whole help.
pub(super) fn help(command: &CommandOutline) -> String {
    let mut options = String::new();
    for (i, group) in command.groups.iter().enumerate() {
        if i > 0 {
            options.push('\n');
        }
        options.push_str(group.title);
        options.push_str(":\n");
        for option in &group.options {
            describe(&mut options, option.form, option.help);
        }
    }
    of_this_build(command.text).replace("{options}\n", &options)
}

/// Where descriptions begin, and where lines end.
const COLUMN: usize = 26;
const WIDTH: usize = 80;

pub(super) fn describe(text: &mut String, form: &str, help: &str) {
    let mut line = format!("  {form}");
    if line.len() + 2 > COLUMN {
        text.push_str(&line);
        text.push('\n');
        line.clear();
    }
    for word in help.split(' ') {
        if line.len().max(COLUMN - 1) + 1 + word.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.clear();
        }
        while line.len() < COLUMN {
            line.push(' ');
        }
        if line.len() > COLUMN {
            line.push(' ');
        }
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

/// A text without the lines that are about what this build lacks, or has. They begin with the part's name in braces.
pub(crate) fn of_this_build(text: &str) -> String {
    let parts = [
        ("{jit}", cfg!(feature = "jit")),
        ("{precompiled}", cfg!(feature = "precompiled")),
        ("{debug-info}", cfg!(feature = "debug-info")),
        ("{explore}", cfg!(feature = "explore")),
        ("{flamegraph}", cfg!(feature = "flamegraph")),
        ("{no flamegraph}", !cfg!(feature = "flamegraph")),
        ("{hosts}", cfg!(feature = "hosts")),
        ("{inspect}", cfg!(feature = "inspect")),
        ("{snapshot}", cfg!(feature = "snapshot")),
        ("{manual}", cfg!(feature = "manual")),
        ("{record}", cfg!(feature = "record")),
        ("{text}", cfg!(feature = "text")),
        ("{no text}", !cfg!(feature = "text")),
    ];
    let mut kept = String::new();
    for line in text.lines() {
        let about = parts.iter().find_map(|(mark, here)| Some((line.strip_prefix(mark)?, *here)));
        let (line, here) = about.unwrap_or((line, true));
        if here {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
