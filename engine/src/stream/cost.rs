//! What wasmparser's validator may hold, at worst, for each thing it is shown.
//!
//! It allocates as it likes; so the loader charges these amounts before it shows it a section. They are measured
//! by `engine/tests/validator_memory.rs`, with the worst sections that could be thought of.

/// For each operand on the stack of the function being validated.
pub const OPERAND: u64 = 24;

/// For each block that is open in it.
pub const BLOCK: u64 = 96;

/// For a section with `count` items in `bytes` bytes, by its id.
pub fn section(id: u8, count: u64, bytes: u64) -> u64 {
    let (each, per_byte) = match id {
        1 => (600, 16),
        2 => (700, 6),
        3 => (12, 0),
        4 | 5 | 6 => (100, 16),
        7 => (500, 6),
        9 => (24, 24),
        _ => (0, 0),
    };
    count * each + bytes * per_byte
}

/// The fewest bytes that a valid item of the section takes.
pub fn smallest_item(id: u8) -> u64 {
    match id {
        1 | 5 => 2,
        2 | 6 => 4,
        4 | 7 | 9 => 3,
        _ => 1,
    }
}
