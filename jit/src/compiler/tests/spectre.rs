//! Spectre mitigations: what a failed check leaves to speculate with.

use super::counts::count;
use cranelift_codegen::ir::Opcode;

/// So many accesses, all of which may be out of bounds, and each of which looks for itself.
const ACCESSES: &[(usize, &str)] = &[
    (1, "(drop (i32.load (local.get 0)))"),
    (1, "(drop (i64.load16_s offset=70000 (local.get 0)))"),
    (1, "(drop (f64.load (i32.const 65529)))"),
    (1, "(i32.store8 (local.get 0) (local.get 1))"),
    (1, "(v128.store offset=3 (local.get 0) (v128.const i64x2 1 2))"),
    (1, "(drop (v128.load32_splat (local.get 0)))"),
    (1, "(drop (v128.load16_lane 1 (local.get 0) (v128.const i64x2 1 2)))"),
    (1, "(v128.store64_lane 1 (local.get 0) (v128.const i64x2 1 2))"),
    (1, "(drop (i32.load8_u $second (local.get 0)))"),
    // One reaches as far as the other: without mitigations it is not checked again.
    (2, "(i32.store offset=8 (local.get 0) (i32.const 1)) (i32.store offset=4 (local.get 0) (i32.const 1))"),
    (
        2,
        "(if (local.get 1) (then (i32.store (local.get 0) (i32.const 1)))) (i32.store offset=4 (local.get 0) (i32.const 1))",
    ),
    // Never out of bounds.
    (0, "(drop (i32.load (i32.const 65532)))"),
    (0, "(i64.store (i32.const 8) (i64.const 1))"),
    (0, "(drop (memory.size))"),
];

const TABLES: &[(usize, &str)] = &[
    (1, "(drop (table.get $grows (local.get 0)))"),
    (1, "(drop (table.get $fixed (local.get 0)))"),
    (1, "(table.set $grows (local.get 0) (ref.null func))"),
    (1, "(call_indirect $grows (local.get 0))"),
    (1, "(call_indirect $fixed (local.get 0))"),
    (0, "(drop (table.size $grows))"),
];

/// With mitigations, the processor has no address to speculate with where a check fails: it is selected.
#[test]
fn failed_checks_select_no_address_against_speculation() {
    let bodies = |all: &[(usize, &str)]| {
        let functions: String =
            all.iter().map(|(_, body)| format!("(func (param i32 i32) {body})")).collect();
        format!(
            "(module (memory 1 9) (memory $second 1 9) (table $grows 3 funcref) (table $fixed 3 3 funcref) {functions})"
        )
    };
    for (all, guards_do) in [(ACCESSES, true), (TABLES, false)] {
        let (text, expected) = (bodies(all), all.iter().map(|(count, _)| *count).collect::<Vec<_>>());
        let none = vec![0; all.len()];
        let selects = |guarded, spectre| count(&text, Opcode::SelectSpectreGuard, guarded, spectre);
        assert_eq!(selects(false, true), expected);
        assert_eq!(selects(false, false), none);
        assert_eq!(selects(true, false), none);
        // What lies beyond a memory with a guard is nobody's.
        assert_eq!(selects(true, true), if guards_do { none } else { expected });
    }
}
