//! Typed references: calls, branches and traps by them, and programs of them that nobody wrote.

use crate::configurations::{Seen, all_compiled, call, compare_with, instance};
use dunlin::{Config, Val};

fn typed(config: &mut Config) {
    config.wasm_function_references(true).max_wasm_stack(8192);
}

const CALLS: &str = r#"(module
    (type $t (func (param i32 i64) (result i64)))
    (elem declare func $small $large)
    (func $small (export "small") (type $t) (i64.add (local.get 1) (i64.extend_i32_u (local.get 0))))
    (func $large (type $t) (local v128)
        (local.set 2 (i64x2.splat (local.get 1)))
        (local.set 2 (i64x2.mul (local.get 2) (i64x2.splat (i64.const 3))))
        (i64x2.extract_lane 1 (local.get 2)))
    (func $choose (export "choose") (param i32) (result (ref null $t))
        (block $a (block $b (block $c (br_table $a $b $c (local.get 0)))
            (return (ref.func $small))) (return (ref.func $large)))
        (ref.null $t))
    ;; A loop that calls what it chooses, until that is null.
    (func (export "loop") (param $n i32) (param $null i32) (result i64) (local $sum i64) (local $i i32)
        (block $end
            (loop $again
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (local.set $sum (call_ref $t (local.get $i) (local.get $sum)
                    (br_on_null $end (call $choose (select (i32.const 0)
                        (i32.add (i32.const 1) (i32.and (local.get $i) (i32.const 1)))
                        (i32.eq (local.get $i) (local.get $null)))))))
                (br_if $again (i32.lt_u (local.get $i) (local.get $n)))))
        (local.get $sum))
    ;; The same by a loop that goes round with the reference.
    (func (export "round") (param $n i32) (result i64) (local $sum i64) (local $r (ref null $t))
        (block $end
            (ref.func $small)
            (loop $again (param (ref $t))
                (local.set $r)
                (local.set $sum (call_ref $t (local.get $n) (local.get $sum) (local.get $r)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_on_non_null $again (call $choose (i32.and (local.get $n) (i32.const 3))))))
        (local.get $sum))
    (func (export "trap") (param i32) (result i64)
        (call_ref $t (i32.const 1) (i64.const 2) (call $choose (local.get 0))))
    (func (export "as non null") (param i32) (result i32)
        (ref.is_null (ref.as_non_null (call $choose (local.get 0)))))
    (func $tail (export "tail") (param $n i32) (param $sum i64) (result i64)
        (if (i32.eqz (local.get $n)) (then
            (return_call_ref $t (i32.const 5) (local.get $sum) (call $choose (i32.wrap_i64 (local.get $sum))))))
        (return_call_ref $t (i32.sub (local.get $n) (i32.const 1)) (i64.xor (local.get $sum) (i64.const 3))
            (ref.func $tail)))
    (elem declare func $tail))"#;

#[test]
fn calls_by_reference() {
    let (seen, stats) = compare_with(&typed, |config| {
        let (mut store, instance) = instance(config, CALLS);
        let mut seen = Seen::new();
        for null in [0, 1, 2, 50, 900] {
            seen.push(call(&mut store, instance, "loop", &[Val::I32(1000), Val::I32(null)]));
        }
        for n in [1, 3, 1001] {
            seen.push(call(&mut store, instance, "round", &[Val::I32(n)]));
        }
        for i in 0..3 {
            seen.push(call(&mut store, instance, "trap", &[Val::I32(i)]));
            seen.push(call(&mut store, instance, "as non null", &[Val::I32(i)]));
            seen.push(call(&mut store, instance, "tail", &[Val::I32(20_000), Val::I64(i.into())]));
        }
        seen
    });
    assert!(seen.iter().any(|seen| seen.contains("NullReference")), "{seen:?}");
    assert!(all_compiled(&stats));
}

/// A stream of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// An expression that gives an i32, of functions that take one and a reference. Every branch goes to the block of the
/// body, which gives one.
fn number(random: &mut Random, depth: u32) -> String {
    if depth == 0 {
        return ["(local.get $x)", "(i32.const 3)", "(local.get $y)"][random.below(3) as usize].into();
    }
    let sub = |random: &mut Random| number(random, depth - 1);
    match random.below(8) {
        0 => format!("(i32.add {} {})", sub(random), sub(random)),
        1 => format!("(call_ref $t {} {})", sub(random), reference(random, depth - 1)),
        2 => format!("(ref.is_null {})", reference(random, depth - 1)),
        3 => format!("(local.tee $y {})", sub(random)),
        4 => format!(
            "(block (result i32) {} (br_on_null 0 {}) (drop))",
            sub(random),
            reference(random, depth - 1)
        ),
        5 => format!(
            "(call_ref $t (block $found (result i32 (ref $t)) {} (br_on_non_null $found {}) (br $body)) )",
            sub(random),
            reference(random, depth - 1)
        ),
        6 => format!("(if (result i32) {} (then {}) (else {}))", sub(random), sub(random), sub(random)),
        _ => format!("(local.set $r {}) {}", reference(random, depth - 1), sub(random)),
    }
}

fn reference(random: &mut Random, depth: u32) -> String {
    match random.below(if depth == 0 { 4 } else { 7 }) {
        0 => "(ref.null $t)".into(),
        1 => "(local.get $r)".into(),
        2 | 3 => format!("(ref.func ${})", random.below(4)),
        4 => format!("(ref.as_non_null {})", reference(random, depth - 1)),
        5 => format!("(table.get (i32.and {} (i32.const 7)))", number(random, depth - 1)),
        _ => format!(
            "(select (result (ref null $t)) {} {} {})",
            reference(random, depth - 1),
            reference(random, depth - 1),
            number(random, depth - 1)
        ),
    }
}

/// Four functions that call each other by reference, and return by a tail call half of the time.
fn program(random: &mut Random) -> String {
    let mut text = String::from(
        "(module (type $t (func (param i32) (result i32))) (global $left (mut i32) (i32.const 200))
        (table (export \"table\") 8 (ref null $t) (ref.func $1)) (elem declare func $0 $1 $2 $3)",
    );
    for i in 0..4 {
        let (body, tail) = (number(random, 4), random.below(2) == 0);
        let end = match tail {
            true => format!("(return_call_ref $t {body} {})", reference(random, 2)),
            false => body,
        };
        text += &format!(
            "(func ${i} (export \"{i}\") (type $t) (local $x i32) (local $y i32) (local $r (ref null $t))
                (local.set $x (local.get 0))
                (global.set $left (i32.sub (global.get $left) (i32.const 1)))
                (if (i32.lt_s (global.get $left) (i32.const 0)) (then (return (local.get $x))))
                (block $body (result i32) {end}))
            "
        );
    }
    text + "(func (export \"refill\") (global.set $left (i32.const 200))))"
}

/// wasm-smith makes typed references only together with structs and arrays, so these programs are of our own making.
#[test]
fn programs_that_nobody_wrote() {
    const PROGRAMS: u64 = if cfg!(debug_assertions) { 10 } else { 60 };
    let mut traps = 0;
    for seed in 0..PROGRAMS {
        let text = program(&mut Random(seed));
        let (seen, _) = compare_with(&typed, |config| {
            let (mut store, instance) = instance(config, &text);
            let mut seen = Seen::new();
            for round in 0..6 {
                for name in ["0", "1", "2", "3"] {
                    seen.push(call(&mut store, instance, name, &[Val::I32(round)]));
                    seen.push(call(&mut store, instance, "refill", &[]));
                }
            }
            seen
        });
        traps += seen.iter().filter(|seen| seen.contains("NullReference")).count();
    }
    assert!(traps > 0, "none of them met a null reference");
}
