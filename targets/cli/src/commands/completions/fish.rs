//! Completions for fish.

use super::{ALONE, of_run, short};
use crate::args::outline::{CommandOutline, OptionOutline, Takes};
use std::fmt::Write;

/// What comes before the lines that are made.
const HEAD: &str = "# fish completion for dunlin, made by: dunlin completions fish

# Whether the command line is one of this command, and what is completed is for dunlin.
function __dunlin_is
    set -l words (commandline -opc)
    set -e words[1]
    if test \"$words[1]\" = $argv[1]
        set -e words[1]
    else if test $argv[1] != run; or not string match -q -- '-?*' \"$words[1]\"
        return 1
    end
    test $argv[1] = run; or return 0
    # What follows the module is the program's.
    set -l is_value 0
    for word in $words
        if test $is_value = 1
            set is_value 0
        else if contains -- $word {taking}
            set is_value 1
        else if not string match -q -- '-?*' $word
            return 1
        end
    end
end

# Whether no command is given yet.
function __dunlin_begins
    test (count (commandline -opc)) = 1
end

";

pub(super) fn script(commands: &[CommandOutline]) -> String {
    let taking = of_run(commands).filter(|option| option.value().is_some()).flat_map(OptionOutline::names);
    let mut script = HEAD.replace("{taking}", &taking.collect::<Vec<_>>().join(" "));
    for command in commands {
        let (name, summary) = (command.name, quoted(command.summary()));
        let _ = writeln!(script, "complete -c dunlin -n __dunlin_begins -a {name} -d {summary}");
        for option in command.options() {
            describe(&mut script, &format!("__dunlin_is {name}"), option);
        }
    }
    let shells = "complete -c dunlin -f -n '__dunlin_is completions' -a 'bash fish zsh'";
    let _ = writeln!(
        script,
        "complete -c dunlin -n __dunlin_begins -a help -d 'Show the help of a command'\n{shells}"
    );
    let mut seen = Vec::new();
    for option in ALONE.into_iter().chain(of_run(commands)) {
        // Its own come first.
        let name = option.names().last();
        if !seen.contains(&name) {
            seen.push(name);
            describe(&mut script, "__dunlin_begins", option);
        }
    }
    script
}

fn describe(script: &mut String, condition: &str, option: OptionOutline) {
    let _ = write!(script, "complete -c dunlin -n {}", quoted(condition));
    for name in option.names() {
        let _ = match name.strip_prefix("--") {
            Some(long) => write!(script, " -l {long}"),
            None => write!(script, " -s {}", &name[1..]),
        };
    }
    if option.value().is_some() {
        script.push_str(&match option.takes() {
            Takes::Words(words) => format!(" -x -a {}", quoted(&words.join(" "))),
            Takes::Folder => " -x -a '(__fish_complete_directories)'".into(),
            Takes::File => " -r -F".into(),
            Takes::Other => " -x".into(),
        });
    }
    let _ = writeln!(script, " -d {}", quoted(short(option.help)));
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
