//! Tests of OSR entry: loops of every shape, entered in the middle.

use crate::configurations::{Seen, all_compiled, calls, compare, instance};
use dunlin_jit::Stats;

fn check(text: &str, names: &[&str], args: &[i32]) {
    let (_, stats) = compare(|config| {
        let (mut store, instance) = instance(config, text);
        let mut seen = Seen::new();
        for _ in 0..2 {
            for name in names {
                seen.extend(calls(&mut store, instance, name, args.iter().copied()));
            }
        }
        seen
    });
    assert!(all_compiled(&stats));
    let entered =
        |(way, stats): &(&str, Stats)| !["mixed soon", "loops alone"].contains(way) || stats.osr_entries > 0;
    assert!(stats.iter().all(entered), "{stats:?}");
    let refused = |(_, stats): &(&str, Stats)| stats.declined.keys().any(|why| why != "it is too large");
    assert!(!stats.iter().any(refused), "{stats:?}");
}

#[test]
fn nested_loops_with_operands_below() {
    check(
        r#"(module
            (memory (export "memory") 1)
            (global (export "g") (mut i32) (i32.const 0))
            (func (export "nested") (param $n i32) (result i64 f64 i32) (local $i i32) (local $j i32) (local $k i32)
                (i64.const 1000)
                (f64.const 0.5)
                (i32.const 3)
                (loop $outer (param i64 f64 i32) (result i64 f64 i32)
                    (local.set $j (i32.const 0))
                    (i32.add (local.get $i))
                    (v128.const i32x4 1 2 3 4)
                    (i32.const 77)
                    (loop $middle
                        (local.set $k (i32.const 0))
                        (f32.const 1.25)
                        (loop $inner (param f32) (result f32)
                            (i32.store8 (i32.add (i32.mul (local.get $i) (i32.const 64)) (local.get $k))
                                (i32.xor (local.get $j) (local.get $k)))
                            (local.set $k (i32.add (local.get $k) (i32.const 1)))
                            (f32.mul (f32.const 1.0625))
                            (br_if $inner (i32.lt_u (local.get $k) (local.get $n))))
                        (i32.trunc_sat_f32_s)
                        (global.set 0 (i32.add (global.get 0)))
                        (local.set $j (i32.add (local.get $j) (i32.const 1)))
                        (br_if $middle (i32.lt_u (local.get $j) (local.get $n))))
                    (local.set $k)
                    (i32x4.extract_lane 2)
                    (local.set $j)
                    (i32.add (i32.sub (local.get $j) (local.get $k)))
                    (local.set $k)
                    (f64.add (f64.convert_i32_s (local.get $k)))
                    (local.set $j (i32.const 0))
                    (local.get $k)
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $outer (i32.lt_u (local.get $i) (local.get $n))))))"#,
        &["nested"],
        &[17, 0, 1, 2, 5],
    );
}

#[test]
fn branch_tables_into_loops() {
    check(
        r#"(module
            (func (export "table") (param $n i32) (result i32 i32)
                (local $a i32) (local $b i32) (local $c i32) (local $x i32)
                (loop $outer
                    (local.set $a (i32.add (local.get $a) (i32.const 1)))
                    (loop $inner
                        (local.set $b (i32.add (local.get $b) (local.get $a)))
                        (block $out
                            (loop $innermost
                                (local.set $c (i32.add (local.get $c) (i32.const 3)))
                                (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 1103515245)) (local.get $c)))
                                (br_if $out (i32.gt_s (local.get $a) (local.get $n)))
                                (br_table $innermost $inner $out $outer $inner $innermost $outer
                                    (i32.and (i32.shr_u (local.get $x) (i32.const 7)) (i32.const 7)))))))
                (local.get $b) (local.get $x))
            (func (export "values") (param $n i32) (result i64) (local $i i32)
                (i64.const 1)
                (loop $l (param i64) (result i64)
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (i64.mul (i64.const 31))
                    (block $done (param i64) (result i64)
                        (br_table $l $l $done (i32.ge_u (local.get $i) (local.get $n)) (i32.shl (i32.const 1))))))
            (func (export "switch") (param $n i32) (result i32) (local $state i32) (local $count i32)
                (loop $next
                    (local.set $count (i32.add (local.get $count) (i32.const 1)))
                    (block $c (block $b (block $a
                        (br_table $a $b $c (local.get $state)))
                        (local.set $state (i32.const 1)) (br $next))
                        (local.set $state (i32.const 2)) (br $next))
                    (local.set $state (i32.const 0))
                    (br_if $next (i32.lt_u (local.get $count) (local.get $n))))
                (local.get $count)))"#,
        &["table", "values", "switch"],
        &[1000, 0, 1, 3, 40],
    );
}

#[test]
fn loops_with_parameters_and_vectors() {
    check(
        r#"(module
            (func $swap (param i32 v128 i64) (result i64 v128 i32) (local.get 2) (local.get 1) (local.get 0))
            (func (export "rotates") (param $n i32) (result i64 v128 i32)
                (local $f f32) (local $d f64) (local $v v128) (local $r externref) (local $i i32)
                (i32.const 1) (v128.const i64x2 5 6) (i64.const 2)
                (loop $l (param i32 v128 i64) (result i64 v128 i32)
                    (call $swap)
                    (local.set $i)
                    (local.set $v)
                    (local.set $d (f64.convert_i64_s))
                    (local.set $f (f32.add (local.get $f) (f32.demote_f64 (local.get $d))))
                    (local.set $v (f32x4.add (local.get $v) (f32x4.splat (local.get $f))))
                    (i32.add (local.get $i) (i32.const 1))
                    (local.get $v)
                    (i64.trunc_sat_f32_s (local.get $f))
                    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                    (br_if $l (i32.gt_s (local.get $n) (i32.const 0)))
                    (call $swap)))
            (func (export "while") (param $n i32) (result i32) (local $sum i32)
                (block $out
                    (loop $l
                        (br_if $out (i32.le_s (local.get $n) (i32.const 0)))
                        (local.set $sum (i32.add (local.get $sum) (local.get $n)))
                        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                        (br $l)))
                (local.get $sum))
            (func (export "returns") (param $n i32) (result i32 i32) (local $i i32)
                (i32.const 8) (i32.const 9)
                (loop $l
                    (local.set $i (i32.add (local.get $i) (i32.const 2)))
                    (if (i32.gt_s (local.get $i) (local.get $n)) (then (return (local.get $i) (i32.const 5))))
                    (br_if $l (i32.lt_s (local.get $i) (i32.const 900))))
                (i32.add (local.get $i)))
            (func (export "traps") (param $n i32) (result i32) (local $i i32)
                (loop $l
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (drop (i32.div_s (i32.const 5) (i32.sub (local.get $n) (local.get $i))))
                    (br_if $l (i32.lt_s (local.get $i) (i32.const 500))))
                (local.get $i))
            (func (export "dead") (param $n i32) (result i32)
                (if (i32.eqz (local.get $n)) (then (return (i32.const 0)) (loop $never (br $never))))
                (block (loop $l (br_if 1 (i32.le_s (local.get $n) (i32.const 0)))
                    (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $l) (loop $never (br $never))))
                (loop $once)
                (local.get $n)))"#,
        &["rotates", "while", "returns", "traps", "dead"],
        &[400, 0, 1, 2, 30],
    );
}

/// A program that spends all its time in one loop of its only function.
#[test]
fn one_long_loop() {
    let turns = if cfg!(debug_assertions) { 100_000 } else { 3_000_000 };
    let text = format!(
        r#"(module
            (memory (export "memory") 1)
            (global (export "x") (mut i64) (i64.const 1))
            (func (export "_start") (param $n i32) (local $i i32)
                (loop $l
                    (global.set 0 (i64.xor (i64.mul (global.get 0) (i64.const 6364136223846793005)) (i64.extend_i32_u (local.get $i))))
                    (i64.store (i32.and (i32.wrap_i64 (global.get 0)) (i32.const 65528)) (global.get 0))
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (br_if $l (i32.lt_u (local.get $i) (i32.const {turns}))))))"#
    );
    check(&text, &["_start"], &[0]);
}

/// Blocks around a loop, with operands below them. Their ends are then reached without the loop in the next iteration
/// of an outer one.
#[test]
fn operands_below_blocks_around_loops() {
    check(
        r#"(module
            (func (export "skips") (param $n i32) (result i32 i64 f32) (local $i i32) (local $j i32) (local $x i32)
                (i32.const 17) (i64.const 18) (f32.const 19)
                (loop $outer
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (i32.mul (local.get $i) (i32.const 3))
                    (v128.const i64x2 4 5)
                    (block $skip (result i32)
                        (i64.const 100)
                        (drop (br_if $skip (local.get $i) (i32.and (local.get $i) (i32.const 1))))
                        (local.set $j (i32.const 0))
                        (loop $inner
                            (local.set $j (i32.add (local.get $j) (i32.const 1)))
                            (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 5)) (local.get $j)))
                            (br_if $inner (i32.lt_u (local.get $j) (local.get $n))))
                        (i32.wrap_i64))
                    (local.set $j)
                    (i64x2.extract_lane 1)
                    (i32.wrap_i64)
                    (i32.add (local.get $j))
                    (i32.add)
                    (local.set $x (i32.xor (local.get $x)))
                    (br_if $outer (i32.lt_u (local.get $i) (local.get $n))))
                (f32.add (f32.convert_i32_s (local.get $x))))
            (func (export "arms") (param $n i32) (result i32 f64) (local $i i32) (local $j i32)
                (i32.const 1000) (f64.const 0.5)
                (loop $outer
                    (local.set $i (i32.add (local.get $i) (i32.const 1)))
                    (i64.extend_i32_u (local.get $i))
                    (f64.convert_i32_u (local.get $i))
                    (if (param f64) (result f64) (i32.rem_u (local.get $i) (i32.const 3))
                        (then
                            (f32.const 2)
                            (loop $inner (param f64 f32) (result f64)
                                (f64.promote_f32) (f64.add)
                                (f32.const 3)
                                (br_if $inner (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n)))
                                (drop)))
                        (else (f64.mul (f64.const 1.5))))
                    (block $none
                        (br_if $none (i32.and (local.get $i) (i32.const 3)))
                        (local.set $j (i32.const 0))
                        (loop $again
                            (br_if $none (i32.gt_u (local.get $j) (i32.const 40)))
                            (local.set $j (i32.add (local.get $j) (i32.const 1)))
                            (br $again)))
                    (i64.trunc_sat_f64_s)
                    (i64.add)
                    (local.set $j (i32.wrap_i64))
                    (br_if $outer (i32.lt_u (local.get $i) (local.get $n))))
                (f64.add (f64.convert_i32_s (local.get $j)))))"#,
        &["skips", "arms"],
        &[100, 0, 1, 2, 3, 33],
    );
}
