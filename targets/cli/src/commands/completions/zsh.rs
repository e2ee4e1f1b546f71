//! Completions for zsh.

use super::short;
use crate::args::outline::{CommandOutline, OptionOutline, Takes};
use std::fmt::Write;

pub(super) fn script(commands: &[CommandOutline]) -> String {
    let mut script = String::from(
        "#compdef dunlin\n# zsh completion for dunlin, made by: dunlin completions zsh\n\n_dunlin() {\n",
    );
    script.push_str("    local -a commands\n    commands=(\n");
    for command in commands {
        let _ = writeln!(script, "        {}", quoted(&format!("{}:{}", command.name, command.summary())));
    }
    script.push_str("        'help:Show the help of a command'\n    )\n");
    script.push_str(
        "    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
        _describe -t commands command commands
        _files
        return
    fi
    case $words[2] in
",
    );
    for command in commands {
        let _ = writeln!(script, "        {})\n            shift words; (( CURRENT-- ))", command.name);
        arguments(&mut script, command);
    }
    script.push_str(
        "        help) (( CURRENT == 3 )) && _describe -t commands command commands ;;\n        *)\n",
    );
    for command in commands.iter().filter(|command| command.is_followed_by_arguments()) {
        arguments(&mut script, command);
    }
    script.push_str("    esac\n}\n\nif [[ $funcstack[1] == _dunlin ]]; then\n    _dunlin \"$@\"\nelse\n    compdef _dunlin dunlin\nfi\n");
    script
}

/// The call that completes a command's options and operands.
fn arguments(script: &mut String, command: &CommandOutline) {
    let operands: &[_] = match command.name {
        "completions" => &["1:shell:(bash fish zsh)"],
        "man" => &[],
        // What follows the module is the program's: no option of ours is completed there.
        _ if command.is_followed_by_arguments() => &["1:module:_files", "*:argument:_files"],
        _ => &["*:file:_files"],
    };
    let mode = if command.is_followed_by_arguments() { " -A '-*'" } else { "" };
    let _ = write!(script, "            _arguments -s -S{mode}");
    for spec in command.options().flat_map(specs).chain(operands.iter().map(|operand| (*operand).to_owned()))
    {
        let _ = write!(script, " \\\n                {}", quoted(&spec));
    }
    script.push_str(" ;;\n");
}

/// What `_arguments` is told of an option: once for each of its names, the others then being excluded.
fn specs(option: OptionOutline) -> Vec<String> {
    let names: Vec<_> = option.names().collect();
    let help = escaped(short(option.help));
    let value = option.value().map_or_else(String::new, |value| {
        let action = match option.takes() {
            Takes::Words(words) => format!("({})", words.join(" ")),
            Takes::Folder => "_files -/".into(),
            Takes::File => "_files".into(),
            Takes::Other => " ".into(),
        };
        format!(":{}:{action}", escaped(value))
    });
    let repeats = option.help.contains("Repeatable") || option.form.ends_with(",...");
    let form = |name: &str| match (value.is_empty(), name.starts_with("--")) {
        (true, _) => name.to_owned(),
        (false, true) => format!("{name}="),
        (false, false) => format!("{name}+"),
    };
    let excluded = if repeats { "*".to_owned() } else { format!("({})", names.join(" ")) };
    names.iter().map(|name| format!("{excluded}{}[{help}]{value}", form(name))).collect()
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
