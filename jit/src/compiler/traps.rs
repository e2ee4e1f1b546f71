//! Traps as Cranelift's trap codes.

use cranelift_codegen::ir::TrapCode;
use dunlin::Trap;

/// Cranelift's zero is no code.
pub(crate) fn code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap as u8 + 1)
}

/// The inverse of [`code`], and what Cranelift's own codes mean: it has them for divisions, conversions, accesses that
/// fault, and its check of the stack.
pub(crate) fn trap_of(code: TrapCode) -> Option<Trap> {
    Some(match code {
        TrapCode::STACK_OVERFLOW => Trap::StackOverflow,
        TrapCode::HEAP_OUT_OF_BOUNDS => Trap::MemoryOutOfBounds,
        TrapCode::INTEGER_OVERFLOW => Trap::IntegerOverflow,
        TrapCode::INTEGER_DIVISION_BY_ZERO => Trap::IntegerDivisionByZero,
        TrapCode::BAD_CONVERSION_TO_INTEGER => Trap::BadConversionToInteger,
        _ => return ALL.into_iter().find(|trap| self::code(*trap) == code),
    })
}

const ALL: [Trap; 14] = [
    Trap::StackOverflow,
    Trap::MemoryOutOfBounds,
    Trap::TableOutOfBounds,
    Trap::UndefinedElement,
    Trap::IndirectCallToNull,
    Trap::BadSignature,
    Trap::IntegerOverflow,
    Trap::IntegerDivisionByZero,
    Trap::BadConversionToInteger,
    Trap::UnreachableCodeReached,
    Trap::Interrupt,
    Trap::OutOfFuel,
    Trap::OutOfBudget,
    Trap::ModuleChanged,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trap_has_a_code_of_its_own() {
        for (i, trap) in ALL.into_iter().enumerate() {
            assert_eq!(trap as usize, i, "{trap:?}");
            assert_eq!(trap_of(code(trap)), Some(trap));
        }
        assert_eq!(trap_of(TrapCode::unwrap_user(ALL.len() as u8 + 1)), None);
        for code in TrapCode::non_user_traps() {
            assert!(trap_of(*code).is_some(), "{code}");
        }
    }
}
