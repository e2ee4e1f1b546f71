//! The trap codes and special positions of machine code.

use dunlin::Trap;

/// A builtin failed; the execution knows the reason.
pub(crate) const FAILED: u8 = 100;

/// The position of a function's prologue: if that traps, the function isn't in the backtrace yet.
pub(crate) const ENTRY: u32 = u32::MAX - 1;

/// The flag of positions that are the number of an inlined place; all others are offsets in the module.
pub(crate) const INLINED: u32 = 1 << 31;

/// Cranelift's own trap codes, for checks that it generates itself and for faults. This one is also that of faults of
/// the stack, for which a map has no code.
pub(crate) const STACK_OVERFLOW: u8 = 251;
const INTEGER_OVERFLOW: u8 = 252;
const MEMORY_OUT_OF_BOUNDS: u8 = 253;
const DIVISION_BY_ZERO: u8 = 254;
const BAD_CONVERSION: u8 = 255;

/// The trap of a code; `None` if the execution knows the reason. User codes are the engine's trap numbers plus one.
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
