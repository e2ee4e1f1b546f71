//! Traps as Cranelift's trap codes.

use crate::code as machine_code;
use cranelift_codegen::ir::TrapCode;
use dunlin::Trap;

/// A builtin failed; the execution knows the reason.
pub(crate) const FAILED: TrapCode = TrapCode::unwrap_user(machine_code::FAILED);

/// The trap code: one more than the engine's number, since Cranelift's codes are never 0.
pub(crate) fn code(trap: Trap) -> TrapCode {
    TrapCode::unwrap_user(trap as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trap_has_a_code_of_its_own() {
        let traps = (0..).map_while(dunlin::tier::trap);
        for (i, trap) in traps.enumerate() {
            assert_eq!(trap as usize, i, "{trap:?}");
            assert_eq!(machine_code::trap_of(code(trap).as_raw().get()), Some(trap));
        }
        assert_eq!(machine_code::trap_of(FAILED.as_raw().get()), None);
        for code in TrapCode::non_user_traps() {
            assert!(machine_code::trap_of(code.as_raw().get()).is_some(), "{code}");
        }
    }
}
