//! Tests of what stops a program: traps of all kinds, fuel at every single point, and interruption.

use crate::configurations::{
    Seen, all_compiled, call, calls, compare, compare_with, configurations, instance,
};
use dunlin::{Config, Engine, Error, Instance, InterruptHandle, Store, Trap, Val};
use dunlin_jit::{Jit, Mode};
use std::thread;
use std::time::Duration;

/// Each function traps in its own way, some calls deep, with effects before and after the trap.
#[test]
fn traps_of_every_kind() {
    let traps = [
        "(i32.div_s (local.get 0) (i32.const 0))",
        "(i32.div_s (i32.const 0x80000000) (i32.sub (i32.const 0) (local.get 0)))",
        "(i32.rem_u (local.get 0) (i32.const 0))",
        "(i32.wrap_i64 (i64.div_u (i64.const 1) (i64.extend_i32_u (i32.sub (local.get 0) (i32.const 1)))))",
        "(i32.wrap_i64 (i64.rem_s (i64.const 1) (i64.const 0)))",
        "(i32.trunc_f32_s (f32.const nan))",
        "(i32.trunc_f64_u (f64.const -1))",
        "(i32.wrap_i64 (i64.trunc_f64_s (f64.const 1e19)))",
        "(i32.trunc_f32_u (f32.div (f32.const 1) (f32.const 0)))",
        "(i32.load (i32.const 65533))",
        "(i32.load offset=0xffffffff (local.get 0))",
        "(i32.load8_u offset=65535 (local.get 0))",
        "(block (result i32) (i64.store offset=3 (i32.const -4) (i64.const 1)) (i32.const 1))",
        "(block (result i32) (v128.store (i32.const 65521) (v128.const i64x2 1 1)) (i32.const 1))",
        "(block (result i32) (v128.store8_lane 3 (i32.const 65536) (v128.const i64x2 1 1)) (i32.const 1))",
        "(i32x4.extract_lane 0 (v128.load32_splat (i32.const 65534)))",
        "(i32.load $second (i32.const 0))",
        "(block (result i32) (memory.fill (i32.const 65530) (i32.const 1) (i32.const 7)) (i32.const 1))",
        "(block (result i32) (memory.copy (i32.const 0) (i32.const 65530) (i32.const 7)) (i32.const 1))",
        "(block (result i32) (memory.init $d (i32.const 0) (i32.const 2) (i32.const 2)) (i32.const 1))",
        "(block (result i32) (table.init $e (i32.const 3) (i32.const 0) (i32.const 2)) (i32.const 1))",
        "(block (result i32) (table.copy (i32.const 3) (i32.const 0) (i32.const 2)) (i32.const 1))",
        "(block (result i32) (table.fill (i32.const 3) (ref.null func) (i32.const 2)) (i32.const 1))",
        "(block (result i32) (table.set (i32.const 4) (ref.null func)) (i32.const 1))",
        "(ref.is_null (table.get (i32.const -1)))",
        "(call_indirect (result i32) (i32.const 0))",
        "(call_indirect (result i32) (i32.const 1))",
        "(call_indirect (result i32) (i32.const 4))",
        "(unreachable)",
    ];
    let functions: String = (traps.iter().enumerate())
        .map(|(i, trap)| {
            format!(
                r#"(func $inner{i} (param i32) (result i32) (local $x i32)
                    (i32.store (i32.const 100) (i32.const {i}))
                    (local.set $x (i32.add {trap} (i32.const 1)))
                    (i32.store (i32.const 100) (i32.const 99))
                    (local.get $x))
                (func $outer{i} (export "trap{i}") (param i32) (result i32)
                    (i32.add (call $inner{i} (local.get 0)) (i32.load (i32.const 100))))"#
            )
        })
        .collect();
    let text = format!(
        r#"(module $traps
            (memory (export "memory") 1) (memory $second 0)
            (table (export "table") 4 funcref) (elem (i32.const 0) $other)
            (data $d "abc") (elem $e func $other $other)
            (func $other (param i64))
            {functions})"#
    );
    let (seen, stats) = compare(|config| {
        let (mut store, instance) = instance(config, &text);
        let mut seen = Seen::new();
        for _ in 0..2 {
            seen.extend(
                (0..traps.len()).map(|i| call(&mut store, instance, &format!("trap{i}"), &[Val::I32(1)])),
            );
        }
        seen
    });
    assert!(seen.iter().all(|seen| seen.contains("Trap")), "{seen:#?}");
    assert!(all_compiled(&stats), "{stats:?}");
}

/// Calls, loops, branches and bulk operations, each with an observable effect.
const WORK: &str = r#"(module $work
    (memory (export "memory") 1)
    (table (export "table") 10 funcref)
    (global $g (export "g") (mut i32) (i32.const 0))
    (func $step (param i32) (result i32)
        (global.set $g (i32.add (global.get $g) (i32.const 1)))
        (i32.add (local.get 0) (i32.const 3)))
    (func $choose (param i32) (result i32)
        (if (result i32) (i32.and (local.get 0) (i32.const 1))
            (then (call $step (i32.mul (local.get 0) (i32.const 3))))
            (else (block (result i32)
                (drop (br_if 0 (local.get 0) (i32.gt_u (local.get 0) (i32.const 50))))
                (i32.add (local.get 0) (i32.const 7))))))
    (func (export "work") (param $n i32) (result i32) (local $i i32) (local $x i32)
        (local.set $x (i32.const 1))
        (loop $outer
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (local.set $x (call $choose (local.get $x)))
            (memory.fill (i32.const 1000) (local.get $x) (i32.mul (local.get $i) (i32.const 100)))
            (memory.copy (i32.const 9000) (i32.const 1000) (i32.mul (local.get $i) (i32.const 70)))
            (table.fill (i32.const 0) (ref.func $step) (i32.const 9))
            (loop $inner
                (i32.store (local.get $i) (local.get $x))
                (local.set $x (i32.sub (local.get $x) (i32.const 5)))
                (br_if $inner (i32.gt_s (local.get $x) (i32.const 40))))
            (br_if $outer (i32.lt_u (local.get $i) (local.get $n))))
        (local.get $x))
    (elem declare func $step))"#;

#[test]
fn fuel_ends_at_every_point_alike() {
    let fuel = |config: &mut Config| {
        config.consume_fuel(true);
    };
    let (seen, stats) = compare_with(&fuel, |config| {
        let (mut store, instance) = instance(config, WORK);
        let mut seen = Seen::new();
        for fuel in 0..700 {
            store.set_fuel(fuel).unwrap();
            seen.push(call(&mut store, instance, "work", &[Val::I32(6)]));
        }
        store.set_fuel(u64::MAX).unwrap();
        seen.push(call(&mut store, instance, "work", &[Val::I32(50)]));
        seen
    });
    assert!(
        seen[0].contains("OutOfFuel") && seen[699].contains("OutOfFuel") == seen[698].contains("OutOfFuel")
    );
    assert!(!seen[699].contains("OutOfFuel"), "{}", seen[699]);
    assert!(all_compiled(&stats), "{stats:?}");
}

const ENDLESS: &str = r#"(module $endless
    (memory 1)
    (func (export "empty") (loop $l (br $l)))
    (func (export "counts") (local i64) (loop $l (local.set 0 (i64.add (local.get 0) (i64.const 1))) (br $l)))
    (func (export "nested") (local i32)
        (loop $o (local.set 0 (i32.const 0))
            (loop $i (br_if $i (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000))))
            (br $o)))
    (func (export "stores") (local i32)
        (loop $l (i32.store (i32.const 0) (local.tee 0 (i32.add (local.get 0) (i32.const 1)))) (br $l)))
    (func $fib (param i64) (result i64)
        (if (result i64) (i64.lt_u (local.get 0) (i64.const 2)) (then (local.get 0))
            (else (i64.add (call $fib (i64.sub (local.get 0) (i64.const 1)))
                (call $fib (i64.sub (local.get 0) (i64.const 2)))))))
    (func (export "recursion") (drop (call $fib (i64.const 91))))
    (func $tail (export "tail") (return_call $tail))
    (func $ping (export "ping") (return_call_indirect (i32.const 0)))
    (table funcref (elem $pong))
    (func $pong (return_call $ping))
    (func (export "fills") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)))
    (func (export "ends") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"#;

/// Calls an export and interrupts it after a while.
fn interrupted(store: &mut Store<()>, instance: Instance, name: &str, args: &[Val]) -> Error {
    let handle: InterruptHandle = store.interrupt_handle();
    let thread = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        handle.interrupt();
    });
    let error = instance.get_func(&*store, name).unwrap().call(&mut *store, args, &mut []).unwrap_err();
    thread.join().unwrap();
    error
}

#[test]
fn whatever_doesnt_end_can_be_interrupted() {
    for (way, options) in configurations() {
        for fuel in [false, true] {
            let jit = Jit::new(&options).unwrap();
            let (mut store, instance) = instance(Config::new().consume_fuel(fuel).tier(jit), ENDLESS);
            for name in [
                "empty",
                "counts",
                "nested",
                "stores",
                "recursion",
                "tail",
                "ping",
                "fills",
                "recursion",
                "empty",
            ] {
                let error = interrupted(&mut store, instance, name, &[]);
                assert_eq!(error.trap(), Some(Trap::Interrupt), "{way}, {name}: {error}");
                // An interruption that is requested while nothing executes stops the next call.
                store.interrupt_handle().interrupt();
                let ends = instance.get_typed_func::<i32, i32>(&store, "ends").unwrap();
                assert_eq!(ends.call(&mut store, 5).unwrap_err().trap(), Some(Trap::Interrupt), "{way}");
                // One trap consumes the request.
                assert_eq!(ends.call(&mut store, 5).unwrap(), 6);
            }
        }
    }
}

/// More loops than the poll page has words.
#[test]
fn many_loops_can_be_interrupted() {
    let first = "(loop (br_if 0 (i32.eq (local.get 0) (i32.const 1))))".repeat(1100);
    let last = "(if (i32.eq (local.get 0) (i32.const 2)) (then (loop (br 0))))";
    let text = format!(r#"(module (func (export "many") (param i32) {first} {last}))"#);
    let jit = Jit::new(Jit::options().mode(Mode::Eager)).unwrap();
    let (mut store, instance) = instance(Config::new().tier(jit.clone()), &text);
    assert_eq!(jit.stats().functions, 1);
    for endless in [1, 2] {
        let error = interrupted(&mut store, instance, "many", &[Val::I32(endless)]);
        assert_eq!(error.trap(), Some(Trap::Interrupt), "{error}");
    }
    instance.get_typed_func::<i32, ()>(&store, "many").unwrap().call(&mut store, 0).unwrap();
}

/// A program that is interrupted again and again still computes the right result.
#[test]
fn interruptions_leave_no_trace() {
    const COUNTS: &str = r#"(module
        (global (export "x") (mut i64) (i64.const 1))
        (func (export "more") (param $n i64) (result i64)
            (loop $l
                (global.set 0 (i64.add (i64.mul (global.get 0) (i64.const 5)) (i64.const 3)))
                (br_if $l (i64.gt_s (local.tee $n (i64.sub (local.get $n) (i64.const 1))) (i64.const 0))))
            (global.get 0)))"#;
    for (way, options) in configurations() {
        let engine = Engine::new(Config::new().tier(Jit::new(&options).unwrap())).unwrap();
        let mut store = Store::new(&engine, ());
        let instance =
            Instance::new(&mut store, &crate::configurations::module(&engine, COUNTS), &[]).unwrap();
        let more = instance.get_typed_func::<i64, i64>(&store, "more").unwrap();
        let handle = store.interrupt_handle();
        let (mut ended, mut stopped) = (0, 0);
        thread::scope(|scope| {
            let stop = scope.spawn(move || {
                for _ in 0..50 {
                    thread::sleep(Duration::from_micros(300));
                    handle.interrupt();
                }
            });
            while !stop.is_finished() {
                match more.call(&mut store, 10_000) {
                    Ok(_) => ended += 1,
                    Err(error) => {
                        assert_eq!(error.trap(), Some(Trap::Interrupt), "{way}: {error}");
                        stopped += 1;
                    }
                }
            }
        });
        println!("{way}: {ended} ended, {stopped} stopped");
        // The last interruption may still be pending.
        let _ = more.call(&mut store, 1);
        let before = instance.get_global(&store, "x").unwrap().get(&store).unwrap_i64();
        assert_eq!(more.call(&mut store, 1).unwrap(), before.wrapping_mul(5).wrapping_add(3), "{way}");
    }
}

/// What is behind an inlined function that never returns isn't translated; it has arms and loops of its own.
#[test]
fn loops_behind_an_inlined_function_that_never_returns_cost_the_same() {
    let text = r#"(module
        (func $forever (loop (br 0)))
        (func (export "f") (param i32) (result i32) (local $n i32)
            (block $out
                (br_if $out (local.get 0))
                (call $forever)
                (br_if $out (local.get 0))
                (local.set $n (i32.const 5))
                (loop $dead (br_if $dead (local.get 0))))
            (loop $again
                (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 1)) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $n) (i32.const 20))))
            (local.get $n)))"#;
    let (_, stats) = compare(|config| {
        let (mut store, instance) = instance(config, text);
        calls(&mut store, instance, "f", [1, 2, 3, 4])
    });
    assert!(all_compiled(&stats));
    assert!(
        stats.iter().all(|(_, stats)| stats.declined.keys().all(|why| why == "it is too large")),
        "{stats:?}"
    );
}
