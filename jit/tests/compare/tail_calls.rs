//! Tests of tail calls: a million take no stack, between all kinds of functions.

use crate::configurations::{Seen, all_compiled, call, compare_with, module};
use dunlin::{Engine, Linker, Store, Val};

/// Takes part in every kind of tail call. `$small` is compiled wherever anything is; `$large` stays interpreted where
/// only small functions are compiled.
const TAILS: &str = r#"(module $tails
    (import "other" "bounce" (func $bounce (param i32 i64 i32) (result i64)))
    (import "host" "end" (func $end (param i32 i64 i32) (result i64)))
    (type $t (func (param i32 i64 i32) (result i64)))
    (table (export "table") 4 funcref)
    (elem (i32.const 0) func $small $large $bounce $end)
    (global $turns (export "turns") (mut i32) (i32.const 0))
    ;; The third parameter says what is called next.
    (func $small (export "small") (type $t)
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call $next (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1)) (local.get 2)))
    (func $large (export "large") (type $t) (local v128)
        (global.set $turns (i32.add (global.get $turns) (i32.const 1)))
        (local.set 3 (i64x2.splat (local.get 1)))
        (local.set 3 (i64x2.add (local.get 3) (i64x2.splat (i64.const 1))))
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call $next (i32.sub (local.get 0) (i32.const 1)) (i64x2.extract_lane 1 (local.get 3)) (local.get 2)))
    (func $next (type $t)
        (block $through (block $out (block $table (block $both (block $large (block $small
            (br_table $small $large $both $table $out $through (local.get 2)))
            (return_call $small (local.get 0) (local.get 1) (local.get 2)))
            (return_call $large (local.get 0) (local.get 1) (local.get 2)))
            (if (i32.and (local.get 0) (i32.const 1))
                (then (return_call $small (local.get 0) (local.get 1) (local.get 2))))
            (return_call $large (local.get 0) (local.get 1) (local.get 2)))
            (return_call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2)
                (i32.and (local.get 0) (i32.const 1))))
            (return_call $bounce (local.get 0) (local.get 1) (local.get 2)))
        (return_call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2)
            (i32.rem_u (local.get 0) (i32.const 3))))
    ;; From within a loop that has run for a while.
    (func (export "loops") (type $t) (local $i i32)
        (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 300)))
            (return_call $next (local.get 0) (i64.extend_i32_u (local.get $i)) (local.get 2)))
        (unreachable))
    (func (export "host") (type $t) (local $i i32)
        (loop $again
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (local.get 0)))
            (return_call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (i32.const 3)))
        (unreachable))
    (func (export "hosts") (type $t)
        (return_call $end (local.get 0) (local.get 1) (local.get 2))))"#;

/// Calls back through the shared table.
const OTHER: &str = r#"(module $other
    (type $t (func (param i32 i64 i32) (result i64)))
    (import "main" "table" (table 4 funcref))
    (func (export "bounce") (type $t)
        (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
        (return_call_indirect (type $t)
            (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 5)) (local.get 2)
            (i32.and (i32.shr_u (local.get 0) (i32.const 1)) (i32.const 1)))))"#;

#[test]
fn a_million_tail_calls_of_every_kind() {
    const TURNS: i32 = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };
    let small_stack = |config: &mut dunlin::Config| {
        config.max_wasm_stack(4096);
    };
    let (seen, stats) = compare_with(&small_stack, |config| {
        let engine = Engine::new(config).unwrap();
        let mut store = Store::new(&engine, ());
        let _ = store.set_fuel(1 << 40);
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "end", |n: i32, sum: i64, way: i32| sum + i64::from(n) * i64::from(way))
            .unwrap();
        // They import from each other, so the table comes first, in an instance that has nothing else.
        let table = module(&engine, r#"(module (table (export "table") 4 funcref))"#);
        let table = linker.instantiate(&mut store, &table).unwrap();
        linker.instance(&store, "main", table).unwrap();
        let other = linker.instantiate(&mut store, &module(&engine, OTHER)).unwrap();
        linker.instance(&store, "other", other).unwrap();
        let main = linker.instantiate(&mut store, &module(&engine, TAILS)).unwrap();
        let own = main.get_table(&store, "table").unwrap();
        let shared = table.get_table(&store, "table").unwrap();
        for i in 0..4 {
            let element = own.get(&store, i).unwrap();
            shared.set(&mut store, i, element).unwrap();
        }
        let mut seen = Seen::new();
        for way in 0..6 {
            for name in ["small", "large", "loops"] {
                seen.push(call(&mut store, main, name, &[Val::I32(TURNS), Val::I64(0), Val::I32(way)]));
            }
        }
        for name in ["host", "hosts"] {
            seen.push(call(&mut store, main, name, &[Val::I32(1000), Val::I64(9), Val::I32(2)]));
        }
        seen
    });
    assert!(seen.iter().all(|seen| !seen.contains("Trap")), "{seen:?}");
    assert!(all_compiled(&stats));
}
