//! Options about what a guest finds around it: folders and variables.

use super::table::Opt;
use super::values::{Dir, add};

/// Options of a command that has these among them.
pub(super) trait GrantsEnvironment: Sized + 'static {
    fn dirs(&mut self) -> &mut Vec<Dir>;
    fn env(&mut self) -> &mut Vec<(String, String)>;

    const DIR: Opt<Self> = Opt::value(
        "--dir HOST[::GUEST]",
        |o: &mut Self, given| add(o.dirs(), given.dir(false)),
        "A folder to read and write. The program sees it as GUEST, or as HOST if no other name is given. Neither .. nor \
         links lead out of it. Repeatable.",
    );
    const DIR_RO: Opt<Self> = Opt::value(
        "--dir-ro HOST[::GUEST]",
        |o: &mut Self, given| add(o.dirs(), given.dir(true)),
        "The same, but only to read. Repeatable.",
    );
    const ENV: Opt<Self> = Opt::value(
        "--env NAME[=VALUE]",
        |o: &mut Self, given| add(o.env(), given.variable()),
        "A variable of its environment. Without a value it has the one that it has here. Repeatable.",
    );
}
