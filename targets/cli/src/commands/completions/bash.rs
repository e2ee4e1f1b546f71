//! Completions for bash.

use super::{ALONE, of_run};
use crate::args::outline::{CommandOutline, OptionOutline, Takes};

/// `{commands}` are their names, `{taking}` patterns of options with a value, `{values}` what these take, and `{options}`
/// what each command has. Bash takes `=` for a word of its own.
const SCRIPT: &str = r#"# bash completion for dunlin, made by: dunlin completions bash

_dunlin_options() {
    case $1 in
{options}
    esac
}

# Whether an option takes a value.
_dunlin_takes() {
    case "$1 $2" in
{taking}
            return 0 ;;
    esac
    return 1
}

_dunlin() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word i
    COMPREPLY=()
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ -z $command ]]; then
            case $word in
                {commands}) command=$word; continue ;;
                help) COMPREPLY=($(compgen -W "{words}" -- "$cur")); return ;;
                *) command=run ;;
            esac
        fi
        if [[ $word == -?* ]]; then
            if [[ ${COMP_WORDS[i+1]} == = ]]; then
                ((i += 2))
            elif _dunlin_takes "$command" "$word"; then
                ((i++))
            fi
        elif [[ $command == run ]]; then
            # What follows the module is the program's.
            return
        fi
    done
    if [[ -z $command ]]; then
        if [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "{alone}" -- "$cur"))
        else
            COMPREPLY=($(compgen -W "{words} help" -- "$cur"))
            compopt -o plusdirs
            COMPREPLY+=($(compgen -f -X '!*.@(wasm|wat|dun)' -- "$cur"))
        fi
        return
    fi
    if _dunlin_takes "$command" "$prev"; then
        case "$command $prev" in
{values}
        esac
        return
    fi
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_dunlin_options "$command")" -- "$cur"))
    elif [[ $command == completions ]]; then
        COMPREPLY=($(compgen -W "bash fish zsh" -- "$cur"))
    fi
}

complete -o bashdefault -o default -F _dunlin dunlin
"#;

pub(super) fn script(commands: &[CommandOutline]) -> String {
    let names: Vec<_> = commands.iter().map(|command| command.name).collect();
    let mut options = Vec::new();
    let (mut taking, mut values) = (Vec::new(), Vec::new());
    for command in commands {
        options.push(format!("        {}) echo \"{}\" ;;", command.name, words(command.options())));
        for option in command.options().filter(|option| option.value().is_some()) {
            let pattern: Vec<_> = option.names().map(|name| format!("\"{} {name}\"", command.name)).collect();
            let pattern = pattern.join("|");
            values.extend(
                match option.takes() {
                    Takes::Words(words) => {
                        Some(format!("COMPREPLY=($(compgen -W \"{}\" -- \"$cur\"))", words.join(" ")))
                    }
                    Takes::Folder => Some("compopt -o dirnames +o default".to_owned()),
                    Takes::Other => Some("compopt +o default +o bashdefault".to_owned()),
                    Takes::File => None,
                }
                .map(|what| format!("            {pattern}) {what} ;;")),
            );
            taking.push(pattern);
        }
    }
    let alone = ALONE.into_iter().chain(of_run(commands));
    SCRIPT
        .replace("{options}", &options.join("\n"))
        .replace("{taking}", &format!("        {})", taking.join("|\\\n        ")))
        .replace("{values}", &values.join("\n"))
        .replace("{commands}", &names.join("|"))
        .replace("{words}", &names.join(" "))
        .replace("{alone}", &words(alone))
}

/// The options' names, each once.
fn words(options: impl Iterator<Item = OptionOutline>) -> String {
    let mut names: Vec<_> = options.flat_map(OptionOutline::names).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" ")
}
