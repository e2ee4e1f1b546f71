//! Upper bounds on the memory that wasmparser's validator holds for its input.
//!
//! It allocates infallibly, so the loader charges these amounts before it shows it a section. They are measured by
//! `engine/tests/validator_memory.rs`, with the worst sections that could be thought of.

/// For any module.
pub(crate) const BASE: u64 = 24 << 10;

/// For each operand on the stack of the function being validated.
pub(crate) const OPERAND: u64 = 16;

/// For each block that is open in it.
pub(crate) const BLOCK: u64 = 56;

/// For each group of locals that it declares.
pub(crate) const LOCAL_GROUP: u64 = 40;

/// For each catch clause of the `try_table` with the most.
pub(crate) const CATCH: u64 = 36;

/// For a section with `count` items in `bytes` bytes, by its id. Where exceptions or typed references are on, the
/// validator keeps each type as the key of a map, too (`interned`).
pub(crate) fn section(id: u8, count: u64, bytes: u64, interned: bool) -> u64 {
    let (each, per_byte) = match id {
        1 if interned => (570, 17),
        1 => (350, 10),
        2 => (400, 6),
        3 => (16, 0),
        4 | 5 => (120, 0),
        6 => (70, 8),
        7 => (200, 6),
        9 => (16, 12),
        13 => (16, 0),
        _ => (0, 0),
    };
    count.saturating_mul(each).saturating_add(bytes.saturating_mul(per_byte))
}

/// The fewest bytes that a valid item of the section takes.
pub(crate) fn smallest_item(id: u8) -> u64 {
    match id {
        1 | 5 | 13 => 2,
        2 | 6 => 4,
        4 | 7 | 9 => 3,
        _ => 1,
    }
}
