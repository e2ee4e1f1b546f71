//! `dunlin completions`

mod bash;
mod fish;
mod zsh;

use crate::args::outline::{CommandOutline, OptionOutline};
use crate::args::{self, CompletionsOptions, Shell};
use crate::failure::Failure;
use crate::output::print;

/// Prints a shell's script.
pub(crate) fn completions(options: &CompletionsOptions) -> Result<(), Failure> {
    let commands = args::commands();
    let script = match options.shell {
        Some(Shell::Bash) | None => bash::script(&commands),
        Some(Shell::Fish) => fish::script(&commands),
        Some(Shell::Zsh) => zsh::script(&commands),
    };
    print(&script)
}

/// What `dunlin` itself takes in place of a command.
const ALONE: [OptionOutline; 2] = [
    OptionOutline { form: "-h, --help", help: "Show what commands there are." },
    OptionOutline { form: "-V, --version", help: "Show the version." },
];

/// The options of the command that `dunlin MODULE` is short for.
fn of_run(commands: &[CommandOutline]) -> impl Iterator<Item = OptionOutline> {
    commands.iter().filter(|command| command.is_followed_by_arguments()).flat_map(CommandOutline::options)
}

/// What an option does, in few words: its help up to the first stop.
fn short(help: &str) -> &str {
    let end = [". ", ": ", "; "].iter().filter_map(|stop| help.find(stop)).min();
    help[..end.unwrap_or(help.len())].trim_end_matches('.')
}
