//! What the numbers mean that machine code has for its traps.

use dunlin::Trap;

/// A builtin failed, and has said why.
pub(crate) const FAILED: u8 = 100;

/// The position of what a function does before it begins: if it fails, the function isn't on the stack yet.
pub(crate) const ENTRY: u32 = u32::MAX - 1;

/// Set in positions that are the number of an inlined place; others are offsets in the module.
pub(crate) const INLINED: u32 = 1 << 31;

/// Cranelift's own numbers: for what it checks itself, or finds out by a fault.
const STACK_OVERFLOW: u8 = 251;
const INTEGER_OVERFLOW: u8 = 252;
const MEMORY_OUT_OF_BOUNDS: u8 = 253;
const DIVISION_BY_ZERO: u8 = 254;
const BAD_CONVERSION: u8 = 255;

/// The trap; `None` if that is known elsewhere. The others are one more than the engine's numbers.
pub(crate) fn trap_of(code: u8) -> Option<Trap> {
    match code {
        FAILED => None,
        STACK_OVERFLOW => Some(Trap::StackOverflow),
        INTEGER_OVERFLOW => Some(Trap::IntegerOverflow),
        MEMORY_OUT_OF_BOUNDS => Some(Trap::MemoryOutOfBounds),
        DIVISION_BY_ZERO => Some(Trap::IntegerDivisionByZero),
        BAD_CONVERSION => Some(Trap::BadConversionToInteger),
        code => dunlin::tier::trap(code.wrapping_sub(1)),
    }
}
