//! Tests that a guest that waits for code can be interrupted, however long compiling takes; and that what is declined
//! is only tried once.
#![cfg(feature = "compiler")]

use dunlin::{Budget, Config, Engine, Instance, InterruptHandle, Kind, Module, Store, Trap};
use dunlin_jit::{Jit, Mode, Options};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn store(options: &mut Options, text: &str) -> (Budget, Arc<Jit>, Store<()>, Instance) {
    let jit = Jit::new(options).unwrap();
    let budget = Budget::unlimited();
    let mut config = Config::new();
    config.budget(budget.clone()).check_translation(false).tier(jit.clone());
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, text).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (budget, jit, store, instance)
}

fn until(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

/// A function whose register allocation is slow, a caller that calls it forever, and another caller.
fn slow() -> String {
    let access = |i| {
        let (from, to) = (i % 100, 8 + i % 50);
        format!(
            "(i64.load offset={from} (local.get 0)) i64.add
            (i32.store offset={to} (local.get 0) (local.get 0))"
        )
    };
    let more = (0..7000).map(access).collect::<String>();
    format!(
        "(module (memory 1)
            (func $slow (param i32) (result i64) (i64.const 0) {more})
            (func (export \"forever\") (loop (drop (call $slow (i32.const 64))) (br 0)))
            (func (export \"once\") (result i64) (call $slow (i32.const 64))))"
    )
}

/// Interrupts the guest as soon as something is being compiled.
fn interrupted_while_compiling(options: &mut Options) {
    let (budget, jit, mut store, instance) = store(options, &slow());
    let forever = instance.get_typed_func::<(), ()>(&store, "forever").unwrap();
    let handle: InterruptHandle = store.interrupt_handle();
    let is_compiling = || budget.used_for(Kind::CompilerScratch) > 1 << 20;
    thread::scope(|scope| {
        scope.spawn(|| {
            until("nothing is compiled", is_compiling);
            handle.interrupt();
        });
        let error = forever.call(&mut store, ()).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::Interrupt), "{error}");
        // The guest hasn't waited for the compiler, which goes on.
        assert!(is_compiling(), "{:?}", jit.stats());
    });
    // The store still works, and the compilation completes for later calls.
    let once = instance.get_typed_func::<(), i64>(&store, "once").unwrap();
    until("it is compiled for ever", || budget.used_for(Kind::CompilerScratch) == 0);
    let stats = jit.stats();
    assert!(stats.functions > 0 || !stats.declined.is_empty(), "{stats:?}");
    assert_eq!(once.call(&mut store, ()).unwrap(), expected());
}

/// The interpreter's result.
fn expected() -> i64 {
    let (_, _, mut store, instance) = store(Jit::options().mode(Mode::Off), &slow());
    instance.get_typed_func::<(), i64>(&store, "once").unwrap().call(&mut store, ()).unwrap()
}

#[test]
fn a_guest_that_waits_for_a_hot_function_is_interrupted() {
    interrupted_while_compiling(Jit::options().mode(Mode::Sync).threshold(1));
}

#[test]
fn a_guest_that_waits_for_a_function_it_calls_is_interrupted() {
    interrupted_while_compiling(Jit::options().mode(Mode::Sync).threshold(0));
}

#[test]
fn what_the_compiler_might_take_too_much_for_is_tried_once() {
    // Many locals and many branches: many block arguments.
    let locals = (1..200).map(|i| format!("(local.set {i} (i64.mul (local.get {i}) (local.get {i})))"));
    let branches = "(br_if $l (i32.eqz (local.get 0)))".repeat(400);
    let text = format!(
        "(module (func (export \"f\") (param i32) (local {}) (loop $l {} {branches})))",
        "i64 ".repeat(200),
        locals.collect::<String>()
    );
    let why = "the compiler might take more than 8192 KiB";
    for mode in [Mode::Sync, Mode::Eager] {
        let (_, jit, mut store, instance) =
            store(Jit::options().mode(mode).threshold(1).sample_every(1000).compiler_memory(8 << 20), &text);
        let f = instance.get_typed_func::<i32, ()>(&store, "f").unwrap();
        for _ in 0..1000 {
            f.call(&mut store, 1).unwrap();
        }
        let stats = jit.stats();
        assert_eq!(stats.declined.get(why), Some(&1), "{mode:?}: {stats:?}");
        assert_eq!(stats.functions, 0, "{mode:?}");
    }
}
