//! What the functions let a guest do, for people.

use crate::functions::for_each_function;
use std::fmt;

/// What a module could do with a function that it imports. `Display` says it in plain words.
///
/// ```
/// use dunlin_wasi_lite::{Capability, capability};
/// assert_eq!(capability("random_get"), Some(Capability::GetsRandomBytes));
/// assert_eq!(capability("random_get").unwrap().to_string(), "gets random bytes");
/// assert_eq!(capability("fd_sing"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Capability {
    /// See the arguments and the environment that it is given.
    SeesArguments,
    /// Read and write the standard streams, and what it has opened.
    UsesOpenFiles,
    /// Open files below the directories that it is given, and create them if it may.
    OpensFiles,
    /// List directories, and look at the attributes of files.
    ReadsFiles,
    /// Create, change, rename and remove files and directories, if it may.
    WritesFiles,
    /// Ask what time it is.
    ReadsClock,
    /// Get random bytes.
    GetsRandomBytes,
    /// Sleep, and wait for input.
    Waits,
    /// Exit with a code of its own.
    Exits,
    /// Accept connections at the sockets that it is given, and use them.
    UsesSockets,
}

impl Capability {
    /// All of them.
    pub const ALL: &[Capability] = &[
        Capability::SeesArguments,
        Capability::UsesOpenFiles,
        Capability::OpensFiles,
        Capability::ReadsFiles,
        Capability::WritesFiles,
        Capability::ReadsClock,
        Capability::GetsRandomBytes,
        Capability::Waits,
        Capability::Exits,
        Capability::UsesSockets,
    ];

    /// A word for it, for people to say what they allow.
    pub fn name(self) -> &'static str {
        match self {
            Capability::SeesArguments => "arguments",
            Capability::UsesOpenFiles => "io",
            Capability::OpensFiles => "open",
            Capability::ReadsFiles => "list",
            Capability::WritesFiles => "change",
            Capability::ReadsClock => "clock",
            Capability::GetsRandomBytes => "random",
            Capability::Waits => "wait",
            Capability::Exits => "exit",
            Capability::UsesSockets => "sockets",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Capability::SeesArguments => "sees arguments and environment",
            Capability::UsesOpenFiles => "uses standard I/O and open files",
            Capability::OpensFiles => "opens files",
            Capability::ReadsFiles => "lists directories and reads attributes of files",
            Capability::WritesFiles => "changes files and directories",
            Capability::ReadsClock => "reads the clock",
            Capability::GetsRandomBytes => "gets random bytes",
            Capability::Waits => "waits",
            Capability::Exits => "exits",
            Capability::UsesSockets => "uses sockets",
        })
    }
}

/// How much of a function there is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Status {
    /// It does what the specification says.
    Complete,
    /// It can be imported, but every call that makes no other mistake gets this error.
    AlwaysFails(&'static str),
}

macro_rules! tables {
    ($($capability:ident $status:tt $does:literal
        fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty $(, waits $waits:expr)?;)*) => {
        /// The functions of `wasi_snapshot_preview1`, all of which [`add_to_linker`](crate::add_to_linker) links.
        pub const FUNCTIONS: &[(&str, Status)] = &[$((stringify!($name), status!($status))),*];

        /// What the function `name` of `wasi_snapshot_preview1` does, in a few words, if there is a function of that name.
        ///
        /// ```
        /// assert_eq!(dunlin_wasi_lite::description("path_symlink"), Some("makes a symbolic link"));
        /// ```
        pub fn description(name: &str) -> Option<&'static str> {
            match name {
                $(stringify!($name) => Some($does),)*
                _ => None,
            }
        }

        /// What the function `name` of `wasi_snapshot_preview1` lets a guest do, if there is a function of that name.
        pub fn capability(name: &str) -> Option<Capability> {
            match name {
                $(stringify!($name) => Some(Capability::$capability),)*
                _ => None,
            }
        }
    };
}

macro_rules! status {
    (Complete) => {
        Status::Complete
    };
    ((AlwaysFails $errno:literal)) => {
        Status::AlwaysFails($errno)
    };
}

for_each_function!(tables);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_46_functions_are_there_once() {
        let mut names: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 46);
        for name in names {
            assert!(Capability::ALL.contains(&capability(name).unwrap()));
        }
    }
}
