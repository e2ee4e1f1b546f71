//! What is to be compiled.

use dunlin::tier::Lease;

/// The part of a module that a job compiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// A function, by its index among those that the module defines.
    Func(u32),
    /// The continuation of a function from the loop with this header on (OSR entry). The header is a word of the
    /// interpreter's code.
    Loop(u32, u32),
}

/// A compilation job.
pub(crate) struct Job {
    pub(crate) module: Lease,
    pub(crate) unit: Unit,
}
