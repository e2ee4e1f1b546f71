//! What compiled code must reproduce of a function's cells.

use crate::memory::{Charge, Shared};
use alloc::boxed::Box;

/// Properties of a function's interpreted code that compiled code must reproduce.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The size of a frame in bytes, as it counts towards the stack.
    pub frame: u32,
    /// Fuel for an entry.
    pub cost: u32,
    /// The slot of the frame's header: the larger of the numbers of parameter and result slots.
    pub header: u32,
    /// The first slot for operands.
    pub operands: u32,
    /// Its loops.
    pub loops: Loops,
    /// Its arms, if fuel is counted.
    pub arms: Arms,
}

impl Shape {
    /// What the native entry needs to know.
    pub fn entry(&self) -> Entry {
        Entry { frame: self.frame, header: self.header }
    }
}

/// How the interpreter enters a function's code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The bytes of a frame.
    pub frame: u32,
    /// Slots in front of a frame's header.
    pub header: u32,
}

/// The reachable loops of a function, in the order of their instructions. They are charged to the budget as long as a
/// clone lives.
#[derive(Clone, Debug)]
pub struct Loops(pub(super) Shared<(Box<[Loop]>, Charge)>);

impl core::ops::Deref for Loops {
    type Target = [Loop];

    fn deref(&self) -> &[Loop] {
        &self.0.0
    }
}

/// The arms that are charged for, in the order of their instructions. They are charged to the budget as loops are.
#[derive(Clone, Debug)]
pub struct Arms(pub(super) Shared<(Box<[Arm]>, Charge)>);

impl core::ops::Deref for Arms {
    type Target = [Arm];

    fn deref(&self) -> &[Arm] {
        &self.0.0
    }
}

/// Code that isn't always executed, and that fuel is charged for when it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arm {
    /// The offset in the module of the control instruction that it follows.
    pub offset: u64,
    /// Fuel for it.
    pub cost: u32,
}

/// A reachable loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loop {
    /// The offset of its instruction in the module.
    pub offset: u64,
    /// Its header's word in the interpreter's code.
    pub header: u32,
    /// Fuel for each arrival at the header.
    pub cost: u32,
}

/// A loop that is compiled alone: an island of compiled code in an interpreted function.
#[derive(Clone, Debug)]
pub struct Island {
    /// The loop.
    pub enters: Loop,
    /// The offset of its `end` in the module.
    pub end: u64,
    /// The slot of its first parameter.
    pub base: u32,
    /// The word of the function's code that follows it: a label, at which its results are from `base` on.
    pub behind: u32,
    /// Whether clauses of blocks around it may catch what it throws.
    pub protected: bool,
    /// The labels around it, from the function's on.
    pub around: Around,
}

/// The labels around a loop. They are charged to the budget as loops are.
#[derive(Clone, Debug)]
pub struct Around(pub(super) Shared<(Box<[Outer]>, Charge)>);

impl core::ops::Deref for Around {
    type Target = [Outer];

    fn deref(&self) -> &[Outer] {
        &self.0.0
    }
}

/// A label outside of an [`Island`]. The function's is left by returning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outer {
    /// The block's type.
    pub ty: wasmparser::BlockType,
    /// If it is a loop's: that loop. Its label takes parameters, and arriving there costs fuel.
    pub enters: Option<Loop>,
    /// The slot of the label's first value.
    pub base: u32,
    /// The word of the function's code where the interpreter goes on.
    pub word: u32,
}
