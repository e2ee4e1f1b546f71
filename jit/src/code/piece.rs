//! The kinds of pieces that machine code consists of.

use dunlin::tier::Entry;

/// The kind of a piece of machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// A function, by its index among those that the module defines.
    Func(u32),
    #[cfg_attr(not(feature = "compiler"), expect(dead_code, reason = "none is compiled ahead of time"))]
    /// The continuation of a function from a loop on (OSR entry): the function, and the loop's header.
    Loop(u32, u32),
    #[cfg_attr(not(feature = "compiler"), expect(dead_code, reason = "none is compiled ahead of time"))]
    /// A loop of a function alone: the function, and the loop's header.
    Island(u32, u32),
    /// The trampoline by which the interpreter calls compiled functions of this type.
    Trampoline(u32),
    /// The stub by which compiled code calls functions of this type that aren't compiled.
    Stub(u32),
    /// The stand-in for a function that its batch calls directly but that isn't compiled.
    Detour(u32),
    /// The bridge to builtins, which preserves all registers.
    Bridge,
}

/// A piece within a chunk of machine code. A type's stub directly follows its trampoline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Placed {
    pub(crate) piece: Piece,
    /// Its offset in the chunk.
    pub(crate) at: u32,
    /// For a function: what the interpreter needs to enter it.
    pub(crate) entry: Option<Entry>,
}
