//! Snapshots: guests that move from store to store compute what they compute where they stay.

#[path = "snapshot/clones.rs"]
mod clones;
#[path = "snapshot/damaged.rs"]
mod damaged;
#[path = "snapshot/moving.rs"]
mod moving;
#[path = "snapshot/refused.rs"]
mod refused;
#[path = "snapshot/requested.rs"]
mod requested;

use dunlin::{Store, Val};
use moving::{Program, World, assert_moves, assert_moves_alone, engine, functions, run_on};

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
    assert_moves(&Program::new(text, &[Val::I32(60)]));
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
    assert_moves(&Program::new(text, &[Val::I32(7)]));
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
    assert_moves(&Program::new(text, &[Val::I32(11)]));
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
    assert_moves(&Program::new(text, &[Val::I32(12)]));
}

#[test]
fn exceptions_and_host_functions_that_fail() {
    let text = r#"(module
        (import "host" "ask" (func $ask (param i32) (result i32)))
        (tag $e (param i32 i64))
        (func $thrower (param i32) (result i32)
            (if (i32.and (local.get 0) (i32.const 1))
                (then (throw $e (i32.mul (local.get 0) (i32.const 3)) (i64.const 9))))
            (call $ask (local.get 0)))
        (func $asks (param i32) (result i32) (return_call $ask (i32.add (local.get 0) (i32.const 100))))
        (func (export "run") (param i32) (result i32) (local i32)
            (loop $again
                (block $caught (result i32 i64)
                    (try_table (catch $e $caught)
                        (local.set 1 (i32.add (local.get 1) (call $thrower (local.get 0)))))
                    (i32.const 1) (i64.const 2))
                (i32.wrap_i64)
                (i32.add)
                (local.set 1 (i32.add (local.get 1)))
                (local.set 1 (i32.sub (local.get 1) (call $asks (local.get 0))))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#;
    assert_moves(&Program::new(text, &[Val::I32(6)]));
}

#[test]
fn references_to_exceptions() {
    let text = r#"(module
        (tag $e (param i32 v128 f64))
        (tag $outer (param exnref exnref i64))
        (global $g (mut exnref) (ref.null exn))
        (table $t 3 exnref)
        (func $inner (param i32) (throw $e (local.get 0) (v128.const i64x2 3 5) (f64.const 2.5)))
        (func $caught (param i32) (result exnref)
            (block $h (result exnref) (try_table (catch_all_ref $h) (call $inner (local.get 0))) (unreachable)))
        (func $both (param exnref exnref) (result exnref)
            (block $h (result exnref)
                (try_table (catch_all_ref $h) (throw $outer (local.get 0) (local.get 1) (i64.const 40)))
                (unreachable)))
        (func $value (param exnref) (result i32) (local v128 f64)
            (block $h (result i32 v128 f64) (try_table (catch $e $h) (throw_ref (local.get 0))) (unreachable))
            (local.set 2) (local.set 1)
            (i32.add (i32.trunc_f64_s (local.get 2)))
            (i32.add (i32.wrap_i64 (i64x2.extract_lane 1 (local.get 1)))))
        (func $split (param exnref) (result i32) (local exnref exnref)
            (block $h (result exnref exnref i64)
                (try_table (catch $outer $h) (throw_ref (local.get 0))) (unreachable))
            (drop) (local.set 1) (local.set 2)
            (i32.add (call $value (local.get 1)) (i32.mul (i32.const 3) (call $value (local.get 2)))))
        (func (export "run") (param i32) (result i32) (local $sum i32) (local $x exnref)
            (loop $again
                (local.set $x (call $caught (local.get 0)))
                (global.set $g (local.get $x))
                (table.set $t (i32.const 2) (call $both (global.get $g) (call $caught (i32.const 100))))
                (table.set $t (i32.const 1) (call $both (local.get $x) (local.get $x)))
                (call $caught (i32.const 7))
                (call $value)
                (i32.add (call $value (local.get $x)))
                (i32.add (call $split (table.get $t (i32.const 2))))
                (i32.add (call $split (table.get $t (i32.const 1))))
                (local.set $sum (i32.add (local.get $sum)))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get $sum)))"#;
    let program = Program::new(text, &[Val::I32(5)]);
    assert_moves_alone(&program);
    // Clones don't have them.
    let (engine, mut refused) = (engine(|_| {}), 0);
    let world = World { store: Store::new(&engine, Vec::new()), linker: functions(&engine) };
    run_on(&program, 7, world, |mut world, call, _| {
        if let Err(error) = call.snapshot_pre(&mut world.store, &world.linker) {
            assert_eq!(error.to_string(), "no snapshot can be made: a guest has a reference to an exception");
            refused += 1;
        }
        (world, call)
    });
    assert!(refused > 10, "{refused}");
}

#[test]
fn what_traps_traps_where_it_is_restored() {
    let text = r#"(module (memory 1)
        (func $deep (param i32) (result i32)
            (if (result i32) (local.get 0)
                (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
                (else (i32.load (i32.const 65536)))))
        (func (export "run") (param i32) (result i32) (call $deep (local.get 0))))"#;
    assert_moves(&Program::new(text, &[Val::I32(20)]));
}

#[test]
fn typed_references_and_tables() {
    let text = r#"(module
        (type $f (func (param i32) (result i32)))
        (import "host" "twice" (func $twice (type $f)))
        (table $t 3 10 funcref)
        (table $typed 2 (ref null $f))
        (elem $passive funcref (ref.func $inc) (ref.null func) (ref.func $twice))
        (elem declare func $inc $twice)
        (global $g (mut (ref null $f)) (ref.null $f))
        (func $inc (type $f) (i32.add (local.get 0) (i32.const 1)))
        (func $apply (param (ref $f) i32) (result i32) (call_ref $f (local.get 1) (local.get 0)))
        (func (export "run") (param i32) (result i32) (local $r (ref $f))
            (local.set $r (ref.func $inc))
            (global.set $g (ref.func $twice))
            (table.set $typed (i32.const 1) (local.get $r))
            (table.init $t $passive (i32.const 0) (i32.const 0) (i32.const 3))
            (elem.drop $passive)
            (drop (table.grow $t (ref.func $inc) (i32.const 4)))
            (table.fill $t (i32.const 1) (ref.null func) (i32.const 1))
            (table.copy $t $t (i32.const 3) (i32.const 1) (i32.const 2))
            (loop $again
                (local.set 0 (call $apply (local.get $r) (local.get 0)))
                (local.set 0 (call_ref $f (local.get 0) (ref.as_non_null (global.get $g))))
                (local.set 0 (call_indirect $t (type $f) (local.get 0) (i32.const 4)))
                (local.set 0 (call_indirect $typed (type $f) (local.get 0) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get 0) (i32.const 1000))))
            (local.get 0)))"#;
    assert_moves(&Program::new(text, &[Val::I32(3)]));
}

#[test]
fn several_instances_with_the_hosts_objects() {
    let library = r#"(module
        (import "host" "twice" (func $twice (param i32) (result i32)))
        (import "host" "memory" (memory 1))
        (import "host" "counter" (global $counter (mut i64)))
        (import "host" "table" (table 4 funcref))
        (memory $own (export "own") 1 3)
        (data (memory $own) (i32.const 4090) "across two pages")
        (data (memory $own) (i32.const 4092) "ROSS")
        (global $state (export "state") (mut f64) (f64.const 1))
        (tag (export "tag") (param i32))
        (elem (i32.const 1) func $step $tail)
        (func $step (export "step") (param i32 i32) (result i32)
            (global.set $counter (i64.add (global.get $counter) (i64.extend_i32_u (local.get 0))))
            (i32.store (i32.const 70000) (i32.wrap_i64 (global.get $counter)))
            (i32.store8 $own (i32.add (i32.const 4088) (local.get 1)) (local.get 0))
            (global.set $state (f64.mul (global.get $state) (f64.const 1.5)))
            (i32.add (call $twice (local.get 0)) (i32.load8_u $own (i32.const 4093))))
        (func $tail (export "tail") (param i32 i32) (result i32)
            (if (i32.eqz (local.get 1)) (then (return_call $twice (local.get 0))))
            (return_call_indirect (param i32 i32) (result i32)
                (i32.add (local.get 0) (i32.const 1)) (i32.sub (local.get 1) (i32.const 1)) (i32.const 3))))"#;
    let main = r#"(module
        (import "library" "step" (func $step (param i32 i32) (result i32)))
        (import "library" "tail" (func $tail (param i32 i32) (result i32)))
        (import "library" "own" (memory 1))
        (import "library" "state" (global $state (mut f64)))
        (import "library" "tag" (tag $tag (param i32)))
        (import "host" "table" (table 4 funcref))
        (import "host" "memory" (memory $hosts 1))
        (elem (i32.const 3) func $back)
        (func $back (param i32 i32) (result i32)
            (return_call $tail (i32.add (local.get 0) (i32.const 10)) (local.get 1)))
        (func (export "run") (param i32) (result i32) (local i32)
            (drop (memory.grow $hosts (i32.const 1)))
            (drop (memory.grow (i32.const 1)))
            (loop $again
                (local.set 1 (i32.add (local.get 1) (call $step (local.get 0) (i32.const 5))))
                (block $h (result i32)
                    (try_table (catch $tag $h) (throw $tag (local.get 0)))
                    (unreachable))
                (local.set 1 (i32.add (local.get 1)))
                (local.set 1 (i32.xor (local.get 1) (call $tail (local.get 0) (i32.const 3))))
                (local.set 1 (i32.xor (local.get 1) (call_indirect (param i32 i32) (result i32)
                    (local.get 0) (local.get 1) (i32.const 1))))
                (memory.fill (i32.const 70000) (local.get 0) (i32.const 200))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.add (i32.add (local.get 1) (i32.load $hosts (i32.const 70000)))
                (i32.trunc_f64_s (global.get $state)))))"#;
    let modules = vec![("library", library), ("other", library), ("main", main)];
    assert_moves(&Program { modules, args: vec![Val::I32(3)] });
}
