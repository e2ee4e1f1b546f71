//! What machine code is made of.

use dunlin::tier::Entry;

/// A piece of machine code: what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    /// A function, by its index among those that the module defines.
    Func(u32),
    #[cfg_attr(not(feature = "compiler"), expect(dead_code, reason = "none is compiled ahead of time"))]
    /// What a loop goes on with: its function, and its header.
    Loop(u32, u32),
    /// The way in to functions of this type.
    Trampoline(u32),
    /// The way out, for calls of functions of this type that aren't compiled.
    Stub(u32),
    /// What stands for a function that isn't compiled.
    Detour(u32),
    /// The way to builtins that keeps all registers.
    Bridge,
}

/// A piece in a chunk of machine code. The stub of a type follows its trampoline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Placed {
    pub(crate) piece: Piece,
    /// Where it begins.
    pub(crate) at: u32,
    /// If it is a function, how the interpreter enters it.
    pub(crate) entry: Option<Entry>,
}
