//! Tests of stack exhaustion.

use crate::configurations::{Seen, all_compiled, call, calls, compare_with, instance};
use dunlin::{Config, Val};

/// Recursions with frames of many sizes, direct and through a table; each counts how deep it got.
const RECURSIONS: &str = r#"(module $deep
    (table funcref (elem $indirect))
    (memory (export "memory") 1)
    (global $depth (export "depth") (mut i32) (i32.const 0))
    (func (export "reset") (global.set $depth (i32.const 0)))
    (func $deeper (global.set $depth (i32.add (global.get $depth) (i32.const 1))))
    (func $direct (export "direct") (param i64) (result i64)
        (call $deeper)
        (i64.add (call $direct (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
    (func $indirect (export "indirect") (param i32) (result i32)
        (call $deeper)
        (i32.add (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.const 1)))
    (func $wide (export "wide") (param i64) (result v128 v128 v128 v128 v128 i64 i64 i64 f64 f64 f64)
        (local v128 v128 v128 v128 v128 v128 v128 v128)
        (call $deeper)
        (local.set 1 (i64x2.splat (local.get 0)))
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (call $wide (i64.add (local.get 0) (i64.const 1))))
    (func $few (export "few")
        (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
        (call $few))
    (func $ping (export "ping") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
        (call $deeper)
        (i32.add (call $pong (i64.const 1) (i64.const 2)) (call $pong (i64.const 3) (i64.const 4))))
    (func $pong (param i64 i64) (result i32) (local f64 f64 f64 i32)
        (call $deeper)
        (i32.sub
            (call $ping (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1)
                (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1) (i32.const 1))
            (local.get 5)))
    (func $loops (export "loops") (param $n i32) (result i32) (local $i i32)
        (call $deeper)
        (i64.const 7) (f64.const 8)
        (loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $l (i32.lt_u (local.get $i) (i32.const 20)))
            (local.set $i (i32.add (local.get $i) (call $loops (i32.const 0)))))
        (drop) (drop)
        (local.get $i))
    (func $depths (export "depths") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (call $depths (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
            (else (i32.const 0)))))"#;

#[test]
fn stacks_end_at_the_same_depth() {
    for stack in [4 << 10, 64 << 10, 100_000, 1 << 20] {
        let (seen, stats) = compare_with(
            &|config: &mut Config| {
                config.max_wasm_stack(stack);
            },
            |config| {
                let (mut store, instance) = instance(config, RECURSIONS);
                let mut seen = Seen::new();
                for _ in 0..2 {
                    for name in ["direct", "indirect", "wide", "few", "ping", "loops"] {
                        let params = instance.get_func(&store, name).unwrap().ty(&store);
                        let args: Vec<Val> = params.params().filter_map(Val::default_for_ty).collect();
                        seen.push(call(&mut store, instance, name, &args));
                        seen.push(call(&mut store, instance, "reset", &[]));
                        // The stack must be free again.
                        seen.extend(calls(&mut store, instance, "depths", [0, 50]));
                    }
                }
                seen
            },
        );
        assert_eq!(seen.iter().filter(|seen| seen.contains("StackOverflow")).count(), 12, "{seen:#?}");
        assert!(all_compiled(&stats));
    }
}

/// The exact depth, to the last frame that fits.
#[test]
fn the_last_frame_that_fits() {
    let stack = |config: &mut Config| {
        config.max_wasm_stack(8 << 10);
    };
    compare_with(&stack, |config| {
        let (mut store, instance) = instance(config, RECURSIONS);
        calls(&mut store, instance, "depths", 60..300)
    });
}
