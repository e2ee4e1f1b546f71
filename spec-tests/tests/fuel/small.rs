//! Small programs of every shape of control flow: each tier charges to the unit what the rule says.

use super::instrument::{COUNTERS, instrument};
use dunlin::{Config, Dispatch, Engine, Instance, Module, ResumableCall, Store, Trap, Val};
use dunlin_jit::{Jit, MemoryGuard, Mode, Options};

/// Functions `run(i32) -> i32`. `SMALL` and `LARGE` stand for code whose arm its parent pays for, or that is charged for.
const PROGRAMS: &[&str] = &[
    // Arms of `if`, with and without `else`.
    "(if (i32.and (local.get 0) (i32.const 1)) (then SMALL) (else LARGE)) (if (local.get 0) (then LARGE)) SMALL",
    "(if (i32.and (local.get 0) (i32.const 2)) (then (if (i32.and (local.get 0) (i32.const 1)) (then LARGE) (else LARGE))) \
        (else SMALL (if (i32.and (local.get 0) (i32.const 1)) (then SMALL))))",
    // An arm that is large only with those that it takes over.
    "(if (local.get 0) (then SMALL (if (i32.and (local.get 0) (i32.const 1)) (then SMALL) (else SMALL)) SMALL)) LARGE",
    // What follows branches, in its block and behind it.
    "(block (br_if 0 (local.get 0)) LARGE) LARGE",
    "(block (block (br_if 1 (i32.and (local.get 0) (i32.const 1))) LARGE (br_if 0 (i32.and (local.get 0) (i32.const 2))) LARGE) LARGE) SMALL",
    "(block (block (br_if 1 (local.get 0)) LARGE) LARGE) LARGE",
    // A switch.
    "(block (block (block (block (br_table 0 1 2 3 (local.get 0))) LARGE (br 2)) SMALL (br 1)) LARGE) LARGE",
    "(loop $again (block (block (block (br_table 0 1 0 1 0 (i32.and (local.get 0) (i32.const 7)))) \
        LARGE (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br $again)) SMALL \
        (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if $again (i32.gt_s (local.get 0) (i32.const 0))) LARGE) LARGE)",
    // Loops with exits, with arms, in each other.
    "(loop $again (local.set 0 (i32.sub (local.get 0) (i32.const 1))) \
        (if (i32.and (local.get 0) (i32.const 1)) (then LARGE) (else SMALL)) \
        (br_if $again (i32.gt_s (local.get 0) (i32.const 0))) SMALL) LARGE",
    "(block $out (loop $outer (br_if $out (i32.le_s (local.get 0) (i32.const 0))) LARGE \
        (loop $inner (local.set 0 (i32.sub (local.get 0) (i32.const 3))) \
            (br_if $outer (i32.and (local.get 0) (i32.const 1))) LARGE \
            (br_if $inner (i32.gt_s (local.get 0) (i32.const 0)))) SMALL (br $outer)))",
    // Returns, and paths that end.
    "(if (i32.and (local.get 0) (i32.const 1)) (then LARGE (return (local.get 1)))) LARGE",
    "(if (i32.gt_u (local.get 0) (i32.const 100)) (then LARGE unreachable)) LARGE",
    "(block (br_if 0 (i32.and (local.get 0) (i32.const 1))) SMALL (return (local.get 1))) LARGE nop (drop (local.get 0)) \
        (return (local.get 1)) LARGE (block (br_if 0 (local.get 0)) LARGE)",
    // Operands below a branch, and values of blocks.
    "(local.set 1 (i32.add (i32.const 7) (if (result i32) (local.get 0) (then LARGE (local.get 1)) (else LARGE (i32.const 3)))))",
    "(local.set 1 (i32.mul (local.get 0) (i32.add (i32.load8_u (i32.and (local.get 0) (i32.const 63))) \
        (block (result i32) (drop (br_if 0 (i32.const 5) (i32.and (local.get 0) (i32.const 1)))) LARGE (local.get 1)))))",
    // Calls of functions with arms, which may be inlined.
    "(local.set 1 (i32.add (call $f (local.get 0)) (call $f (i32.const 0)))) LARGE",
    "(loop $again (if (call $f (local.get 0)) (then LARGE)) \
        (br_if $again (i32.gt_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0))))",
    // Exceptions: what follows where they are caught, what else leads there, and a loop that goes round by them.
    "(block $h (try_table (catch_all $h) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t))) LARGE)) LARGE",
    "(block $h (try_table (catch $t $h) (call $throw (local.get 0)) SMALL) LARGE (return (local.get 1))) LARGE",
    "(block $out (block $h (try_table (catch $t $h) (call $throw (local.get 0)) LARGE) (br $out)) SMALL) LARGE",
    "(loop $again (local.set 0 (i32.sub (local.get 0) (i32.const 1))) \
        (try_table (catch $t $again) (if (i32.gt_s (local.get 0) (i32.const 0)) (then SMALL (throw $t))) LARGE)) SMALL",
    "try (call $throw (local.get 0)) SMALL catch $t LARGE (if (local.get 1) (then LARGE)) catch_all SMALL end LARGE",
    "(loop $again (local.set 0 (i32.sub (local.get 0) (i32.const 1))) \
        try try (call $throw (local.get 0)) LARGE catch_all SMALL rethrow 0 end \
        catch $t LARGE (br_if $again (i32.gt_s (local.get 0) (i32.const 0))) end)",
    "try try (call $throw (local.get 0)) LARGE delegate 0 SMALL catch_all LARGE (return (local.get 1)) end LARGE",
];

fn module(program: &str) -> Vec<u8> {
    let step = "(local.set 1 (i32.add (i32.rotl (local.get 1) (i32.const 3)) (local.get 0)))";
    let program = program.replace("SMALL", step).replace("LARGE", &step.repeat(3));
    let text = format!(
        "(module (memory 1 1) (tag $t)
            (func $throw (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $t))))
            (func $f (param i32) (result i32) (local i32)
                (block (br_if 0 (i32.and (local.get 0) (i32.const 1))) {}) (local.get 1))
            (func (export \"run\") (param i32) (result i32) (local i32) {program} (local.get 1)))",
        step.repeat(3),
    );
    wat::parse_str(text).unwrap()
}

fn store(engine: &Engine, wasm: &[u8]) -> (Store<()>, Instance) {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &Module::new(engine, wasm).unwrap(), &[]).unwrap();
    (store, instance)
}

/// What the program says itself of a call: the result, the instructions executed, and what they are to be charged.
fn counted(engine: &Engine, wasm: &[u8], arg: i32) -> (i32, u64, u64) {
    let (mut store, instance) = store(engine, wasm);
    let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
    let result = run.call(&mut store, arg).unwrap();
    let [executed, charged] =
        COUNTERS.map(|name| match instance.get_global(&mut store, name).unwrap().get(&store) {
            Val::I64(n) => n as u64,
            other => panic!("{other:?}"),
        });
    (result, executed, charged)
}

/// Interpreted in both ways, compiled at the first call, and compiled so that it can be suspended; without a tier where
/// there is none.
fn engines() -> Vec<(&'static str, Engine)> {
    let mut engines = Vec::new();
    for (name, dispatch) in [("tail", Dispatch::Tail), ("loop", Dispatch::Loop)] {
        let mut config = Config::new();
        config.consume_fuel(true).check_translation(true).dispatch(dispatch);
        if let Ok(engine) = Engine::new(&config) {
            engines.push((name, engine));
        }
    }
    for (name, suspends) in [("compiled", false), ("compiled, suspends", true)] {
        let mut config = Config::new();
        config.consume_fuel(true).check_translation(true).suspend_compiled(suspends);
        // Guards are nothing to fuel, and an emulator keeps memory for all the address space that was ever reserved.
        let mut options = Options::default();
        options.mode(Mode::Sync).threshold(0).memory_guard(MemoryGuard::Off);
        match Jit::new(&options) {
            Ok(jit) => engines.push((name, Engine::new(config.tier(jit)).unwrap())),
            Err(why) => println!("SKIPPED: {name}: {why}"),
        }
    }
    engines
}

#[test]
fn every_tier_charges_what_the_rule_says() {
    let plain = Engine::default();
    let engines = engines();
    let (mut arms, mut calls) = (0, 0);
    for program in PROGRAMS {
        let wasm = module(program);
        let instrumented = instrument(&wasm);
        for arg in [0, 1, 2, 3, 4, 7, 20] {
            let (result, executed, charged) = counted(&plain, &instrumented, arg);
            arms += u64::from(executed != charged);
            for (name, engine) in &engines {
                let (mut store, instance) = store(engine, &wasm);
                let run = instance.get_typed_func::<i32, i32>(&mut store, "run").unwrap();
                store.set_fuel(charged).unwrap();
                let what = || format!("{name}: {program} of {arg}");
                assert_eq!(run.call(&mut store, arg).unwrap(), result, "{}", what());
                assert_eq!(store.get_fuel().unwrap(), 0, "{}", what());
                store.set_fuel(charged - 1).unwrap();
                let error = run.call(&mut store, arg).unwrap_err();
                assert_eq!(error.trap(), Some(Trap::OutOfFuel), "{}", what());
                calls += 1;
            }
        }
    }
    assert!(arms > 20, "the rule rounds in {arms} calls");
    assert!(calls >= 2 * 7 * PROGRAMS.len());
}

/// The same, with the fuel in portions: every charge is suspended at before it has any effect.
#[test]
fn suspended_calls_are_charged_the_same() {
    let plain = Engine::default();
    let engines = engines();
    for program in PROGRAMS {
        let wasm = module(program);
        let instrumented = instrument(&wasm);
        for (arg, portion) in [(1, 1), (2, 1), (7, 3), (20, 1), (20, 17), (20, 50)] {
            let (result, _, charged) = counted(&plain, &instrumented, arg);
            for (name, engine) in &engines {
                let (mut store, instance) = store(engine, &wasm);
                let run = instance.get_func(&mut store, "run").unwrap();
                let (mut given, mut results) = (0, [Val::I32(0)]);
                store.set_fuel(0).unwrap();
                let mut call = run.call_resumable(&mut store, &[Val::I32(arg)], &mut results).unwrap();
                while let ResumableCall::Suspended(suspended) = call {
                    assert_eq!(suspended.reason().trap(), Some(Trap::OutOfFuel), "{name}: {program}");
                    given += portion;
                    let left = store.get_fuel().unwrap();
                    store.set_fuel(left + portion).unwrap();
                    call = suspended.resume(&mut store, &mut results).unwrap();
                }
                let used = given - store.get_fuel().unwrap();
                let what = || format!("{name}: {program} of {arg} by {portion}");
                assert_eq!((results[0].unwrap_i32(), used), (result, charged), "{}", what());
            }
        }
    }
}
