//! Tests of resumable calls that are suspended in compiled code.
#![cfg(feature = "compiler")]

#[path = "resumable/bulk.rs"]
mod bulk;
#[path = "resumable/stops.rs"]
mod stops;
#[path = "resumable/work.rs"]
mod work;

use dunlin::{Config, Dispatch, Engine, Instance, ResumableCall, Store, Trap, Val};
use dunlin_jit::{Jit, Mode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use stops::{Wait, asking, at_once, call_in_portions, host_fails_again, in_portions, interrupted};
use work::module;

/// Engines whose resumable calls execute compiled code: only that, or mixed with interpreted code.
fn engines(fuel: bool) -> Vec<(Engine, Arc<Jit>)> {
    let mut engines = Vec::new();
    for (threshold, every) in [(0, 30_000), (1, 5), (3, 50)] {
        for dispatch in [Dispatch::Tail, Dispatch::Loop] {
            let mut options = Jit::options();
            options.mode(Mode::Sync).threshold(threshold).sample_every(every);
            let jit = Jit::new(&options).unwrap();
            let mut config = Config::new();
            config.consume_fuel(fuel).suspend_compiled(true).dispatch(dispatch).tier(jit.clone());
            engines.push((Engine::new(&config).unwrap(), jit));
        }
    }
    engines
}

/// Engines that compile each function when it is first called, and count fuel.
fn compiled(suspend: &[bool]) -> Vec<(Engine, Arc<Jit>)> {
    let engine = |suspends: &bool| {
        let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).sample_every(30_000)).unwrap();
        let mut config = Config::new();
        config.consume_fuel(true).suspend_compiled(*suspends).tier(jit.clone());
        (Engine::new(&config).unwrap(), jit)
    };
    suspend.iter().map(engine).collect()
}

#[test]
fn fuel_in_portions_of_any_size_gives_the_same() {
    let interpreter = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let whole = at_once(&interpreter);
    for (engine, jit) in engines(true) {
        for portion in (1..40).chain([101, 997, 5000]) {
            let (outcome, _) = in_portions(&engine, portion);
            assert_eq!(outcome, whole, "portions of {portion}");
        }
        assert!(jit.stats().functions > 0, "{:?}", jit.stats());
    }
}

#[test]
fn an_interrupted_call_goes_on() {
    for (engine, jit) in engines(false) {
        let mut store = Store::new(&engine, ());
        let text = r#"(module (memory 1)
            (func $next (param i32 f64) (result i32)
                (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
                (i32.lt_u (i32.load (i32.const 0)) (local.get 0)))
            (func (export "run") (param i32) (result i32) (local f64)
                (local.set 1 (f64.const 0.5))
                (loop $again
                    (br_if $again
                        (call $next (local.get 0) (local.tee 1 (f64.add (local.get 1) (f64.const 1))))))
                (i32.add (i32.trunc_f64_u (local.get 1)) (i32.load (i32.const 0)))))"#;
        let module = module(&engine, text);
        let (n, mut times) = (40_000_000, 0);
        // Where the machine is busy, it may end before the other thread begins.
        for _ in 0..100 {
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let run = instance.get_func(&store, "run").unwrap();
            let (result, interruptions) = interrupted(&mut store, run, n);
            assert_eq!(result, 2 * n);
            times += interruptions;
            if times > 0 {
                break;
            }
        }
        assert!(times > 0 && jit.stats().functions > 0, "{times} {:?}", jit.stats());
    }
}

/// Without calls and without fuel, only what a back edge looks at ends it.
#[test]
fn an_endless_loop_is_interrupted_and_goes_on() {
    for (engine, jit) in engines(false) {
        let mut store = Store::new(&engine, ());
        let text = r#"(module (global $n (export "n") (mut i64) (i64.const 0))
            (func (export "run") (loop $again
                (global.set $n (i64.add (global.get $n) (i64.const 1)))
                (br $again))))"#;
        let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let n = instance.get_global(&store, "n").unwrap();
        let handle = store.interrupt_handle();
        let interrupted = AtomicBool::new(false);
        let mut turns = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // The first has surely been noticed when the second comes.
                while !interrupted.load(Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
                    handle.interrupt();
                }
            });
            let mut call = run.call_resumable(&mut store, &[], &mut []).unwrap();
            let mut went_on = 0;
            while went_on < 3 {
                let ResumableCall::Suspended(suspended) = call else { panic!("it doesn't end") };
                assert_eq!(suspended.reason().trap(), Some(Trap::Interrupt));
                let now = n.get(&store).unwrap_i64();
                // On a busy machine, the next interruption may come before the first turn.
                went_on += u32::from(now > turns);
                turns = now;
                call = suspended.resume(&mut store, &mut []).unwrap();
            }
            interrupted.store(true, Relaxed);
        });
        assert!(jit.stats().functions + jit.stats().loops > 0, "{:?}", jit.stats());
    }
}

#[test]
fn a_host_function_gets_its_results_later() {
    for (engine, _) in engines(false) {
        let mut store = Store::new(&engine, ());
        let text = r#"(module (import "host" "ask" (func $ask (param i64) (result i64 i32)))
            (func $tail (param i64) (result i64 i32) (return_call $ask (local.get 0)))
            (func $inner (param i64) (result i64) (local $n i32)
                (call $tail (local.get 0))
                (local.set $n)
                (i64.add (i64.extend_i32_s (local.get $n))))
            (func (export "run") (param i64) (result i64)
                (i64.mul (call $inner (local.get 0)) (call $inner (i64.const 5)))))"#;
        let instance = asking(&engine).instantiate(&mut store, &module(&engine, text)).unwrap();
        let run = instance.get_func(&store, "run").unwrap();
        let mut got = [Val::I64(0)];
        let mut answers = [(3, 40, 2), (5, 9, 1)].into_iter();
        let mut call = run.call_resumable(&mut store, &[Val::I64(3)], &mut got).unwrap();
        while let ResumableCall::Suspended(suspended) = call {
            let (asked, first, second) = answers.next().unwrap();
            assert_eq!(suspended.reason().downcast_ref::<Wait>().unwrap().0, asked);
            call = suspended.resume_with(&mut store, &[Val::I64(first), Val::I32(second)], &mut got).unwrap();
        }
        assert_eq!(got[0].unwrap_i64(), 420);
    }
}

#[test]
fn a_host_function_fails_again() {
    engines(false).iter().for_each(|(engine, _)| host_fails_again(engine));
    for (engine, jit) in compiled(&[true]) {
        host_fails_again(&engine);
        assert!(jit.stats().functions > 0, "{:?}", jit.stats());
    }
}

#[test]
fn each_bulk_operation_costs_what_it_must() {
    for (engine, jit) in compiled(&[false, true]) {
        bulk::each_costs_what_it_must(&engine);
        assert!(jit.stats().functions > 0, "{:?}", jit.stats());
    }
}

#[test]
fn each_bulk_operation_goes_on_where_it_was() {
    for (engine, jit) in compiled(&[true]) {
        bulk::each_goes_on_where_it_was(&engine);
        assert!(jit.stats().functions > 0, "{:?}", jit.stats());
    }
}

/// Compiled code has called an interpreted function, which a tail call has replaced by one with a larger frame header
/// when the call is suspended; in the same instance, or in another.
#[test]
fn an_interpreted_tail_call_is_suspended_in_compiled_code() {
    // Larger than the largest function that is compiled.
    let padding = "(drop (i32.const 1000000))".repeat(20);
    let interpreted = format!(
        r#"(func $many (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32) {padding}
                (loop $again
                    (local.set 1 (i64.add (local.get 1) (i64.const 3)))
                    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (i32.wrap_i64 (i64.add (local.get 1) (local.get 7))))
            (func $few (export "few") (param i32) (result i32) {padding}
                (return_call $many (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
                    (i64.const 5) (i64.const 6) (i64.const 7)))"#
    );
    let compiled = r#"(func (export "run") (param i32) (result i32)
        (i32.add (call $few (local.get 0)) (i32.const 1000)))"#;
    let other = format!("(module {interpreted})");
    let here = format!("(module {interpreted} {compiled})");
    let there = format!(r#"(module (import "" "few" (func $few (param i32) (result i32))) {compiled})"#);
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).largest_function(40)).unwrap();
        let mut config = Config::new();
        config.consume_fuel(true).suspend_compiled(true).dispatch(dispatch).tier(jit.clone());
        let engine = Engine::new(&config).unwrap();
        for (portion, text) in [10, 30, 77, 200].into_iter().flat_map(|n| [(n, &here), (n, &there)]) {
            let mut store = Store::new(&engine, ());
            let other = Instance::new(&mut store, &module(&engine, &other), &[]).unwrap();
            let few = other.get_export(&store, "few").unwrap();
            let imports = if text == &there { vec![few] } else { Vec::new() };
            let instance = Instance::new(&mut store, &module(&engine, text), &imports).unwrap();
            let run = instance.get_func(&store, "run").unwrap();
            let mut results = [Val::I32(0)];
            let before = jit.stats().functions;
            let times = call_in_portions(&mut store, run, &[Val::I32(50)], &mut results, portion);
            assert_eq!(results[0].unwrap_i32(), 1 + 50 * 3 + 7 + 1000);
            assert!(times > 2 && jit.stats().functions == before + 1, "{times} {:?}", jit.stats());
        }
    }
}

/// Compiled code has replaced itself by an interpreted function, for whose entry there isn't enough fuel.
#[test]
fn a_compiled_tail_call_is_suspended_at_the_entry_of_an_interpreted_function() {
    let padding = "(drop (i32.const 1000000))".repeat(20);
    let text = format!(
        r#"(module
            (func $ping (export "run") (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (return_call $pong (local.get 0) (i64.const 5)))
                    (else (i32.const 77))))
            (func $pong (param i32 i64) (result i32) {padding}
                (return_call $ping (i32.sub (local.get 0) (i32.wrap_i64 (i64.sub (local.get 1) (i64.const 4)))))))"#
    );
    let interpreter = Engine::new(Config::new().consume_fuel(true)).unwrap();
    let mut whole = None;
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).largest_function(40)).unwrap();
        let mut config = Config::new();
        config.consume_fuel(true).suspend_compiled(true).dispatch(dispatch).tier(jit.clone());
        for engine in [&interpreter, &Engine::new(&config).unwrap()] {
            for portion in [1, 7, 30, 77, 200] {
                let mut store = Store::new(engine, ());
                let instance = Instance::new(&mut store, &module(engine, &text), &[]).unwrap();
                let run = instance.get_func(&store, "run").unwrap();
                let mut results = [Val::I32(0)];
                let times = call_in_portions(&mut store, run, &[Val::I32(9)], &mut results, portion);
                let used = times * portion - store.get_fuel().unwrap();
                assert_eq!((results[0].unwrap_i32(), used), (77, *whole.get_or_insert(used)));
            }
        }
        assert_eq!(jit.stats().functions, 5, "one for each portion: {:?}", jit.stats());
    }
}

/// Compiled code has called compiled code, which has replaced itself by an interpreted function with a larger frame header,
/// for whose entry there isn't enough fuel. Each of the three is in one instance or another.
#[test]
fn a_called_function_that_is_replaced_is_suspended_before_the_other_is_entered() {
    let padding = "(drop (i32.const 1000000))".repeat(20);
    let many = format!(
        r#"(func $many (export "many") (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32) {padding}
            (i32.add (local.get 0) (i32.wrap_i64 (i64.add (local.get 1) (local.get 7)))))"#
    );
    let import_many =
        r#"(import "" "many" (func $many (param i32 i64 i64 i64 i64 i64 i64 i64) (result i32)))"#;
    let few = r#"(func $few (export "few") (param i32) (result i32)
            (return_call $many (local.get 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)
                (i64.const 5) (i64.const 6) (i64.const 7)))"#;
    let import_few = r#"(import "" "few" (func $few (param i32) (result i32)))"#;
    // By a table, so that it isn't inlined.
    let run = r#"(table funcref (elem $few)) (func (export "run") (param i32) (result i32)
        (i32.add (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)) (i32.const 1000)))"#;
    // Each module imports one function of the one before.
    let programs = [
        vec![format!("(module {many} {few} {run})")],
        vec![format!("(module {many})"), format!("(module {import_many} {few} {run})")],
        vec![format!("(module {many} {few})"), format!("(module {import_few} {run})")],
        vec![
            format!("(module {many})"),
            format!("(module {import_many} {few})"),
            format!("(module {import_few} {run})"),
        ],
    ];
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).largest_function(40)).unwrap();
        let mut config = Config::new();
        config.consume_fuel(true).suspend_compiled(true).dispatch(dispatch).tier(jit.clone());
        let engine = Engine::new(&config).unwrap();
        for (portion, (n, texts)) in
            (1..60).flat_map(|portion| programs.iter().enumerate().map(move |p| (portion, p)))
        {
            let mut store = Store::new(&engine, ());
            let mut last: Option<Instance> = None;
            for text in texts {
                let module = module(&engine, text);
                let imports: Vec<_> =
                    module.imports().map(|i| last.unwrap().get_export(&store, i.name()).unwrap()).collect();
                last = Some(Instance::new(&mut store, &module, &imports).unwrap());
            }
            let run = last.unwrap().get_func(&store, "run").unwrap();
            let mut results = [Val::I32(0)];
            let before = jit.stats().functions;
            call_in_portions(&mut store, run, &[Val::I32(50)], &mut results, portion);
            let result = results[0].unwrap_i32();
            assert_eq!(result, 50 + 1 + 7 + 1000, "{dispatch:?}, program {n}, portions of {portion}");
            assert!(jit.stats().functions > before, "{:?}", jit.stats());
        }
    }
}

/// Code that begins in a loop of one arm of an `if`: what is below the `if` comes from slots there, and in the other arm
/// it is what it was.
#[test]
fn operands_below_an_if_are_the_same_in_both_arms() {
    let text = r#"(module
        (func $inc (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
        (func (export "run") (param $n i32) (result i32) (local $k i32) (local $sum i32)
            (loop $outer
                (local.get $sum)
                (i32.mul (local.get $n) (i32.const 7))
                (if (result i32) (i32.and (local.get $n) (i32.const 1))
                    (then
                        (local.set $k (i32.const 50))
                        (loop $spin (br_if $spin (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
                        (i32.const 3))
                    (else (call $inc (local.get $n))))
                (i32.add)
                (i32.add)
                (local.set $sum)
                (br_if $outer (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum)))"#;
    // Of 30 down to 1: seven times each, 3 for the odd ones, and one more than each even one.
    let expected = 7 * 465 + 15 * 3 + 240 + 15;
    let mut entered = 0;
    for (engine, jit) in engines(true) {
        for portion in [3, 10, 40, 1000] {
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
            let run = instance.get_func(&store, "run").unwrap();
            let mut results = [Val::I32(0)];
            call_in_portions(&mut store, run, &[Val::I32(30)], &mut results, portion);
            assert_eq!(results[0].unwrap_i32(), expected, "portions of {portion}");
        }
        assert!(jit.stats().declined.is_empty(), "{:?}", jit.stats());
        entered += jit.stats().osr_entries;
    }
    assert!(entered > 0);
}
