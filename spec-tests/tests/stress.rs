//! Long and deep executions on a thread with little stack of its own: the guest's calls and steps must not use it.

use dunlin::{Config, Dispatch};
use dunlin_wast::run_script;
use std::thread;

const NATIVE_STACK: usize = 256 << 10;

/// Runs a script in both ways of dispatch; all its assertions must hold.
fn run(script: &str, assertions: u64) {
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let script = script.to_owned();
        let run = move || {
            let mut config = Config::new();
            config.check_translation(true);
            config.dispatch(dispatch);
            run_script(&format!("{dispatch:?}"), &script, &config)
        };
        let thread = thread::Builder::new().stack_size(NATIVE_STACK).spawn(run).unwrap();
        let report = thread.join().unwrap();
        assert!(report.passed(), "{report}");
        assert_eq!(report.counts.assertions().total, assertions);
    }
}

/// At least 10^8 dispatches: each turn of the inner loop has a branch of its own.
#[test]
#[cfg(not(debug_assertions))]
fn a_hundred_million_dispatches() {
    const OUTER: u32 = 100_000;
    const INNER: u32 = 1_000;
    let mut expected = 0u32;
    for outer in 0..OUTER {
        for inner in 0..INNER {
            expected = (expected ^ inner).wrapping_mul(31).wrapping_add(outer);
        }
    }
    let script = format!(
        r#"
        (module
            (func $inner (param $sum i32) (param $outer i32) (result i32)
                (local $i i32)
                (loop $next
                    (local.set $sum
                        (i32.add
                            (i32.mul (i32.xor (local.get $sum) (local.get $i)) (i32.const 31))
                            (local.get $outer)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.const {INNER}))))
                (local.get $sum))
            (func (export "run") (result i32)
                (local $sum i32) (local $i i32)
                (loop $next
                    (local.set $sum (call $inner (local.get $sum) (local.get $i)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.const {OUTER}))))
                (local.get $sum)))
        (assert_return (invoke "run") (i32.const {expected}))"#
    );
    run(&script, 1);
}

/// A million turns through ops of every family, the slow ones included; each contributes 1.
#[test]
#[cfg(not(debug_assertions))]
fn every_family_of_ops_in_a_long_loop() {
    const TURNS: u32 = 1_000_000;
    let ones = [
        "(i32.wrap_i64 (i64.div_s (i64.const -7) (i64.const -7)))",
        "(i32.trunc_f64_s (f64.add (global.get $half) (f64.sqrt (f64.const 0.25))))",
        "(i32.trunc_sat_f32_u (f32.max (f32.const -3) (f32.convert_i32_u (i32.const 1))))",
        "(f64.eq (f64.nearest (f64.const 2.5)) (f64.const 2))",
        "(i32.load8_u offset=3 (i32.const 0))",
        "(i32.popcnt (i32.shl (i32.const 1) (local.get $i)))",
        "(i64.eqz (i64.rem_u (i64.extend_i32_u (local.get $i)) (i64.const 1)))",
        "(select (i32.const 1) (i32.const 2) (i32.or (local.get $i) (i32.const 1)))",
        "(call $pick (i32.and (local.get $i) (i32.const 3)))",
        "(call_indirect (param i32) (result i32) (i32.const 1) (i32.and (local.get $i) (i32.const 1)))",
        "(call $tail (i32.const 5))",
        "(call $swap (i32.const 2) (i32.const 3))",
        "(memory.size)",
        "(i32.add (memory.grow (i32.const 1)) (i32.const 2))",
        "(i32.sub (table.size $t) (i32.const 1))",
        "(ref.is_null (table.get $e (i32.const 0)))",
        "(i32.eqz (ref.is_null (ref.func $one)))",
        "(i32x4.extract_lane 2 (i32x4.add (v128.load (i32.const 16)) (i32x4.splat (i32.const 1))))",
        "(i32.trunc_f32_s (f32x4.extract_lane 1 (f32x4.sqrt (f32x4.splat (f32.const 1)))))",
        "(i8x16.extract_lane_u 0 (i8x16.swizzle (v128.const i8x16 9 1 9 9 9 9 9 9 9 9 9 9 9 9 9 9)
            (v128.const i8x16 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0)))",
        "(v128.any_true (i64x2.mul (i64x2.splat (i64.const 3)) (i64x2.splat (i64.const 5))))",
    ];
    let sum: String =
        ones.iter().map(|one| format!("(local.set $n (i32.add (local.get $n) {one}))\n")).collect();
    let expected = TURNS * ones.len() as u32;
    let script = format!(
        r#"
        (module
            (import "spectest" "print_i32_f32" (func $print (param i32 f32)))
            (memory 1 1)
            (data (i32.const 3) "\01")
            (data $passive "\00\00")
            (table $t funcref (elem $one $other))
            (table $e 2 externref)
            (global $half (mut f64) (f64.const 0.5))
            (func $one (param i32) (result i32) (local.get 0))
            (func $other (param i32) (result i32) (i32.rem_s (local.get 0) (i32.const -2)))
            (func $tail (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0))
                    (then (i32.const 1))
                    (else (return_call $tail (i32.sub (local.get 0) (i32.const 1))))))
            (func $two (param i32 i32) (result i32 i32) (local.get 1) (local.get 0))
            (func $swap (param i32 i32) (result i32) (i32.sub (call $two (local.get 0) (local.get 1))))
            (func $pick (param i32) (result i32)
                (block $2 (block $1 (block $0 (br_table $0 $1 $2 (local.get 0)))
                    (return (i32.const 1)))
                    (return (i32.const 1)))
                (i32.const 1))
            (func (export "run") (result i32)
                (local $n i32) (local $i i32)
                (loop $next
                    {sum}
                    (call $print (local.get $i) (f32.const 1))
                    (memory.fill (i32.const 64) (local.get $i) (i32.const 40))
                    (memory.copy (i32.const 128) (i32.const 64) (i32.const 40))
                    (memory.init $passive (i32.const 200) (i32.const 0) (i32.const 2))
                    (table.set $e (i32.const 1) (table.get $e (i32.const 0)))
                    (table.fill $e (i32.const 0) (ref.null extern) (i32.const 2))
                    (table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 2))
                    (global.set $half (f64.copysign (f64.const 0.5) (global.get $half)))
                    (i64.store32 (i32.const 256) (i64.extend_i32_s (local.get $i)))
                    (v128.store64_lane 1 (i32.const 264) (v128.not (v128.const i64x2 1 2)))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $i) (i32.const {TURNS}))))
                (local.get $n)))
        (assert_return (invoke "run") (i32.const {expected}))"#
    );
    run(&script, 1);
}

#[test]
fn runaway_recursion_traps_and_leaves_the_store_usable() {
    let script = r#"
        (module
            (table funcref (elem $indirect))
            (memory 1)
            (func $direct (export "direct") (param i64) (result i64)
                (i64.add (call $direct (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
            (func $indirect (export "indirect") (result i32)
                (i32.add (call_indirect (result i32) (i32.const 0)) (i32.const 1)))
            (func $frames (export "frames") (local v128 v128 v128 v128 v128 v128 v128 v128)
                (call $frames) (local.set 0 (v128.load (i32.const 0))))
            (func $ping (export "ping") (call $pong) (call $pong))
            (func $pong (call $ping))
            (func (export "depth") (param i32) (result i32) (call $depth (local.get 0)))
            (func $depth (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (call $depth (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                    (else (i32.const 0)))))
        (assert_exhaustion (invoke "direct" (i64.const 0)) "call stack exhausted")
        (assert_return (invoke "depth" (i32.const 5000)) (i32.const 5000))
        (assert_exhaustion (invoke "indirect") "call stack exhausted")
        (assert_exhaustion (invoke "frames") "call stack exhausted")
        (assert_exhaustion (invoke "ping") "call stack exhausted")
        (assert_return (invoke "depth" (i32.const 5000)) (i32.const 5000))
        (assert_trap (module (func $start (call $start)) (start $start)) "call stack exhausted")"#;
    run(script, 7);
}
