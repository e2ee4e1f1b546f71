//! Snapshots: guests that move from store to store compute what they compute where they stay.

#[path = "snapshot/moving.rs"]
mod moving;

use dunlin::Val;
use moving::{Program, assert_moves};

fn program(text: &str, args: &[Val]) -> Program {
    Program { text: text.into(), args: args.to_vec() }
}

#[test]
fn loops_and_arms() {
    let text = r#"(module (memory 1) (func (export "run") (param i32) (result i32) (local i32 f64)
        (loop $again
            (local.set 1 (i32.add (local.get 1) (i32.const 2)))
            (if (i32.and (local.get 0) (i32.const 1))
                (then
                    (local.set 2 (f64.add (local.get 2) (f64.sqrt (f64.convert_i32_s (local.get 0)))))
                    (i32.store (i32.mul (local.get 0) (i32.const 4)) (local.get 1))
                    (i32.store (i32.mul (local.get 0) (i32.const 8)) (local.get 1))
                    (i32.store (i32.mul (local.get 0) (i32.const 12)) (local.get 1))
                    (i32.store (i32.mul (local.get 0) (i32.const 16)) (local.get 1)))
                (else (local.set 1 (i32.rotl (local.get 1) (i32.const 3)))))
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.add (i32.add (local.get 1) (i32.trunc_f64_s (local.get 2))) (i32.load (i32.const 64)))))"#;
    assert_moves(&program(text, &[Val::I32(60)]));
}

#[test]
fn calls_of_every_kind() {
    let text = r#"(module
        (type $unary (func (param i32) (result i32)))
        (import "host" "twice" (func $twice (type $unary)))
        (table 4 funcref) (elem (i32.const 0) $fib $down $twice $last)
        (global $calls (mut i64) (i64.const 0))
        (func $fib (type $unary)
            (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
                (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                    (call_indirect (type $unary) (i32.sub (local.get 0) (i32.const 2)) (i32.const 0))))))
        (func $down (type $unary)
            (if (result i32) (local.get 0)
                (then (return_call $down (i32.sub (local.get 0) (i32.const 1))))
                (else (return_call_indirect (type $unary) (i32.const 9) (i32.const 3)))))
        (func $last (type $unary) (return_call $twice (local.get 0)))
        (func (export "run") (param i32) (result i32)
            (i32.add
                (i32.mul (call $fib (local.get 0)) (call $twice (i32.const 5)))
                (i32.add (call $down (i32.const 6))
                    (i32.add (i32.wrap_i64 (global.get $calls))
                        (call_indirect (type $unary) (i32.const 21) (i32.const 2)))))))"#;
    assert_moves(&program(text, &[Val::I32(7)]));
}

#[test]
fn operands_of_all_types() {
    let text = r#"(module (func $id (param i64 f32 f64 v128 funcref) (result i64 f32 f64 v128 funcref)
            (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4))
        (elem declare func $id)
        (func (export "run") (param i32) (result i32)
            (local i64 f32 f64 v128)
            (local.set 1 (i64.const 0x123456789abcdef0))
            (local.set 4 (v128.const i64x2 7 0x7fffffffffffffff))
            (i32.add (local.get 0) (i32.const 3))
            (f32.neg (f32.const nan:0x200001))
            (f64.add (f64.const 1.5) (f64.convert_i32_s (local.get 0)))
            (i64x2.add (local.get 4) (v128.const i64x2 1 2))
            (ref.func $id)
            (local.get 1) (f32.const 2.5) (f64.const -0) (local.get 4) (ref.null func)
            (call $id)
            (drop) (i64x2.extract_lane 1) (drop) (drop) (drop) (drop)
            (ref.is_null) (drop) (i64x2.extract_lane 0) (drop) (drop)
            (i32.reinterpret_f32)
            (i32.add)))"#;
    assert_moves(&program(text, &[Val::I32(11)]));
}

#[test]
fn bulk_operations_with_operands_in_accumulators() {
    let text = r#"(module (memory 1) (data $bytes "what a passive segment holds")
        (func (export "run") (param i32) (result i32)
            (i32.mul (local.get 0) (i32.const 77))
            (f64.mul (f64.convert_i32_s (local.get 0)) (f64.const 1.25))
            (memory.fill (i32.const 100) (i32.const 7) (i32.const 6400))
            (memory.init $bytes (i32.const 0) (i32.const 2) (i32.const 20))
            (memory.copy (i32.const 9) (i32.const 0) (i32.const 1280))
            (data.drop $bytes)
            (i32.trunc_f64_s)
            (i32.add)
            (i32.add (i32.load (i32.const 12)))
            (memory.grow (i32.const 1))
            (i32.add)))"#;
    assert_moves(&program(text, &[Val::I32(12)]));
}
