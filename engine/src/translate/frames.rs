//! The blocks that are open, and the regions that fuel is charged for.

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
    /// The region that its instructions belong to.
    pub(super) region: usize,
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
}

/// A function's or loop's instructions outside nested loops, which fuel is charged for at once.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Region {
    pub(super) cost: u32,
    /// The last cell with this cost as its extension word; they form a list through it.
    pub(super) back: Option<usize>,
    /// The cell that charges the first arrival.
    pub(super) charge: Option<usize>,
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
            region: 0,
            dead: false,
            skipped: 0,
        }
    }
}
