//! Why precompiled code isn't used.

use std::fmt;

/// Why the code of a precompiled file isn't used.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Mismatch {
    /// The file is damaged.
    Damaged,
    /// The file can't be read, for this reason.
    Unreadable(String),
    /// The file has another format.
    Format,
    /// It was made by another version of the engine, or another build.
    Engine(String),
    /// It was made for another architecture.
    Arch(String),
    /// It needs this processor feature.
    Feature(String),
    /// It counts fuel (true) or doesn't (false), and the engine differs.
    Fuel(bool),
    /// Its NaNs are canonical (true) or aren't (false), and the engine differs.
    Nans(bool),
    /// Its relaxed vector instructions have other results than the engine's.
    RelaxedSimd,
    /// It can't be suspended, and the engine requires that.
    Suspension,
    /// It needs guard regions, which the module's memories lack.
    Guards,
    /// It lacks the Spectre mitigations that the tier's options demand.
    Spectre,
    /// It isn't for this module.
    Module,
    /// There is no memory for it.
    Memory(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Damaged => f.write_str("it is damaged"),
            Mismatch::Unreadable(why) => write!(f, "it can't be read: {why}"),
            Mismatch::Format => f.write_str("it has another version's format"),
            Mismatch::Engine(version) if version == env!("CARGO_PKG_VERSION") => {
                write!(f, "it was made by another build of dunlin {version}")
            }
            Mismatch::Engine(version) => write!(f, "it was made by dunlin {}", version.escape_debug()),
            Mismatch::Arch(arch) => write!(f, "it is for {}", arch.escape_debug()),
            Mismatch::Feature(name) => write!(f, "this processor lacks {}", name.escape_debug()),
            Mismatch::Fuel(true) => f.write_str("it counts fuel"),
            Mismatch::Fuel(false) => f.write_str("it doesn't count fuel"),
            Mismatch::Nans(true) => f.write_str("its NaNs are canonical"),
            Mismatch::Nans(false) => f.write_str("its NaNs aren't canonical"),
            Mismatch::RelaxedSimd => f.write_str("its relaxed vector instructions have other results"),
            Mismatch::Suspension => f.write_str("it can't be suspended"),
            Mismatch::Guards => f.write_str("it needs memory guards"),
            Mismatch::Spectre => f.write_str("it does nothing against speculation"),
            Mismatch::Module => f.write_str("it isn't for this module"),
            Mismatch::Memory(why) => write!(f, "there is no memory for it: {why}"),
        }
    }
}

impl std::error::Error for Mismatch {}
