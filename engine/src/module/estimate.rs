//! What a function's body says of the memory that its code will take.

/// What validation saw in a function body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BodyStats {
    /// Parameters and locals.
    pub(crate) locals: u32,
    /// The most operands that were on the stack after an instruction.
    pub(crate) max_operands: u32,
    /// The most blocks that were open at once, the body included.
    pub(crate) max_control_depth: u32,
    pub(crate) instructions: u32,
    /// Clauses that catch exceptions, those of `try` counted too.
    pub(crate) catches: u32,
}

/// Bytes of the code cache's list for each function that has code.
pub(crate) const CODE: u64 = 96;

/// A clause of a handler table, and cells behind the function's others for one that returns or goes round a loop.
const CATCH: u64 = 3 * 8 + 3 * 8;

/// An estimate of the bytes of a function's cells. Real functions stay below it. A hostile one may not; then the rest
/// is charged to the budget when the function is translated.
pub(crate) fn cells_of(stats: &BodyStats, len: usize) -> u64 {
    // Measured: real modules have 2 to 4 bytes of cells for each byte of body.
    64 + u64::from(stats.instructions) * 4 + len as u64 * 3 + u64::from(stats.catches) * CATCH
}

/// An estimate of the peak memory of translating a function.
pub(crate) fn most_to_translate(stats: &BodyStats, len: usize) -> u64 {
    // A list that grows by half is held twice while its elements move: 5/2 of the final size.
    let cells = cells_of(stats, len) * 5 / 2;
    let locals = u64::from(stats.locals) * 4 * 5 / 2;
    // Behind a `catch` there is one operand more.
    let hidden = if stats.catches > 0 { stats.max_control_depth } else { 0 };
    let operands = u64::from(stats.max_operands + hidden + 8) * 24 * 5 / 2;
    let blocks = u64::from(stats.max_control_depth + 4) * (64 + 40) * 5 / 2;
    let catches = u64::from(stats.catches) * 56 * 5 / 2;
    // Measured: one instruction in twelve begins a region.
    let regions = u64::from(stats.instructions) * 2 + 4 * 24;
    cells + locals + operands + blocks + catches + regions + CODE
}
