//! The blocks that are open, the cells that charge for loops, the clauses that catch exceptions, and what is around a
//! loop.

use crate::memory::Buf;
use crate::ops::handlers::Clause;
use wasmparser::BlockType;

/// A block that is being translated.
#[derive(Clone, Copy, Debug)]
pub(super) struct ControlFrame {
    pub(super) kind: ControlKind,
    pub(super) ty: BlockType,
    /// Operands below it, its parameters not counted; and the slot that follows them.
    pub(super) height: usize,
    pub(super) base: u16,
    /// The last forward branch to its label whose distance is open, as a cell; then that of br_table entries.
    pub(super) branches: Option<usize>,
    pub(super) entries: Option<usize>,
    /// The last clause of a handler table that goes to its label, plus one; 0 if none does.
    pub(super) clauses: u32,
    /// The place in `arrivals` of the loop that it is or is in.
    pub(super) turn: usize,
    /// How often it is expected in a turn, and branches to its end are; and the outermost frame that a branch in it
    /// goes to.
    pub(super) often: u32,
    pub(super) arrive: u32,
    pub(super) outermost: u32,
    /// The rest of it can't be reached; blocks in there are only counted.
    pub(super) dead: bool,
    pub(super) skipped: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ControlKind {
    Function,
    Block,
    /// With its header's place.
    Loop(usize),
    /// With the cell that branches when the condition doesn't hold.
    If(usize),
    Else,
    /// With its first clause in the handler table.
    TryTable(u32),
    /// With where its cells begin.
    Try(usize),
    /// What follows a `catch`, with its clause.
    Catch(u32),
}

/// An instruction that is executed in each turn.
pub(super) const ALWAYS: u32 = 1 << 16;

/// What is not executed in each turn counts for at most so many instructions, or else for as much as what is.
const MOST: u32 = 64;

/// What a loop, or the function's body, takes.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Turn {
    /// Instructions in each turn.
    pub(super) own: u32,
    /// Those that are expected besides, in 16ths.
    pub(super) others: u32,
}

impl Turn {
    pub(super) fn cost(&self) -> u32 {
        self.own.saturating_add((self.others / 16).min(MOST.max(self.own)))
    }
}

/// The cells that charge for a loop. What it costs is written into them last.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Arrivals {
    /// The last back edge, whose extension word is the cost. Until then, they form a list through it.
    pub(super) back: Option<usize>,
    /// The cell that charges for the first arrival.
    pub(super) first: Option<usize>,
    pub(super) turn: Turn,
}

impl ControlFrame {
    pub(super) fn function() -> ControlFrame {
        ControlFrame {
            kind: ControlKind::Function,
            ty: BlockType::Empty,
            height: 0,
            base: 0,
            branches: None,
            entries: None,
            clauses: 0,
            turn: 0,
            often: ALWAYS,
            arrive: 0,
            outermost: 0,
            dead: false,
            skipped: 0,
        }
    }
}

/// Where a clause goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// The cell at this word. While that isn't known, it is the clause before in a list, plus one.
    Cell(u32),
    /// The header of loop `turn`.
    Loop { header: u32, turn: u32 },
    /// What the function returns to.
    Return,
}

/// A clause of the function's handler table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handler {
    pub(super) clause: Clause,
    pub(super) to: To,
    /// The clauses of a block keep their order.
    pub(super) number: u32,
    /// Offset of its instruction in the module.
    pub(super) at: u64,
}

/// A loop, and where control goes that leaves it.
pub(crate) struct Enclosed {
    /// The offsets in the module of the loop and of its `end`.
    pub(crate) offset: u64,
    pub(crate) end: u64,
    /// The slot of its first parameter.
    pub(crate) base: u16,
    /// The word that follows it.
    pub(crate) behind: usize,
    /// Whether clauses of blocks around it may catch what it throws.
    pub(crate) protected: bool,
    /// The labels around it, from the function's on.
    pub(crate) labels: Buf<Label>,
    /// How many of the blocks around it, and it itself, haven't ended yet.
    pub(super) open: usize,
}

/// A label outside of a loop.
pub(crate) struct Label {
    /// The block's type.
    pub(crate) ty: BlockType,
    pub(crate) is_loop: bool,
    /// The slot of the label's first value.
    pub(crate) base: u16,
    /// The word to go to: behind the block; or the loop's header.
    pub(crate) word: usize,
}
