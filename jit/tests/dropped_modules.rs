//! Tests of modules that come and go in one engine, faster than they are compiled: nothing of them remains.
#![cfg(feature = "compiler")]

use dunlin::tier::View;
use dunlin::{Budget, Config, Engine, Error, Instance, Module, Store};
use dunlin_jit::{Jit, MemoryGuard, Options};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Serialises the tests: one of them measures the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A background tier with the lowest threshold: more becomes hot than it can compile while a module lives.
fn hasty() -> Options {
    let mut options = Jit::options();
    options.threshold(1).sample_every(100).memory_guard(MemoryGuard::Off);
    options
}

fn engine(jit: &Arc<Jit>, budget: &Budget) -> Engine {
    Engine::new(Config::new().tier(jit.clone()).budget(budget.clone())).unwrap()
}

/// Some functions with one loop each, which `run` calls one after the other. Then it grows its memory until that fails,
/// and returns its number of pages.
fn module(funcs: u32, most_pages: u32) -> Vec<u8> {
    let mut text = format!("(module (memory 1 {most_pages})");
    for n in 0..funcs {
        write!(
            text,
            "(func $f{n} (param $n i32) (result i32) (local $x i32)
                (loop $again
                    (local.set $x (i32.add (i32.mul (local.get $x) (i32.const {n})) (local.get $n)))
                    (i32.store (i32.and (local.get $x) (i32.const 0xfffc)) (local.get $x))
                    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
                (local.get $x))"
        )
        .unwrap();
    }
    text.push_str("(func (export \"run\") (param $n i32) (result i32)");
    (0..funcs).for_each(|n| write!(text, "(drop (call $f{n} (local.get $n)))").unwrap());
    text.push_str(
        "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.size)))",
    );
    wat::parse_str(text).unwrap()
}

fn run(engine: &Engine, bytes: &[u8], n: i32) -> Result<i32, Error> {
    let module = Module::new(engine, bytes)?;
    let mut store = Store::try_new(engine, ())?;
    let instance = Instance::new(&mut store, &module, &[])?;
    instance.get_typed_func::<i32, i32>(&store, "run")?.call(&mut store, n)
}

/// Mappings, descriptors, and resident bytes.
fn of_the_process() -> (usize, usize, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident = resident.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10;
    let mappings = fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    (mappings, fs::read_dir("/proc/self/fd").unwrap().count(), resident)
}

/// The number of modules: `DUNLIN_MODULES`, or `usually`.
fn how_many(usually: usize) -> usize {
    std::env::var("DUNLIN_MODULES").map_or(usually, |count| count.parse().unwrap())
}

/// Waits until everything is released: the compiler thread may still be working.
fn is_given_back(budget: &Budget, to: u64) -> bool {
    let patience = Instant::now() + Duration::from_secs(60);
    while budget.used() > to && Instant::now() < patience {
        thread::yield_now();
    }
    budget.used() <= to
}

#[test]
fn nothing_stays_of_modules_that_were_dropped() {
    let _turn = alone();
    let bytes = module(12, 3);
    let (budget, jit) = (Budget::unlimited(), Jit::new(&hasty()).unwrap());
    let engine = engine(&jit, &budget);
    // Makes the engine register the module's types, which it keeps.
    drop(Module::new(&engine, &bytes).unwrap());
    let before = budget.used();
    let one = {
        let _module = Module::new(&engine, &bytes).unwrap();
        budget.used() - before
    };
    let count = how_many(3000);
    let (mut most, mut early) = (0, (0, 0, 0));
    for n in 0..count {
        assert_eq!(run(&engine, &bytes, 300).unwrap(), 3);
        most = most.max(budget.used() - before);
        if n == count / 4 {
            early = of_the_process();
        }
    }
    let late = of_the_process();
    println!(
        "{count} modules of {one} bytes: {most} held of dead ones at most; {early:?}, {late:?}; {:?}",
        jit.stats()
    );
    assert!(jit.stats().declined.is_empty(), "{:?}", jit.stats());
    // One that the thread is compiling, and the compiler's memory.
    assert!(most < one + (2 << 20), "{most}");
    assert!(is_given_back(&budget, before), "{:?}", budget.breakdown().collect::<Vec<_>>());
    assert!(
        late.0 <= early.0 + 20 && late.1 == early.1 && late.2 <= early.2 + (8 << 20),
        "{early:?}, {late:?}"
    );
}

/// With a bounded budget, what a guest is granted depends neither on modules that were dropped before nor on the
/// compiler.
#[test]
fn guests_are_granted_the_same_every_time() {
    let _turn = alone();
    let bytes = module(12, 200);
    let (budget, jit) = (Budget::new(8 << 20), Jit::new(&hasty()).unwrap());
    let engine = engine(&jit, &budget);
    run(&engine, &bytes, 300).unwrap();
    let before = budget.used();
    let mut granted = BTreeMap::<_, u32>::new();
    for n in 0..how_many(1000) {
        // Mostly the guest ends before anything is compiled, sometimes it doesn't.
        let n = if n % 50 == 0 { 20_000 } else { 300 + n as i32 % 7 * 100 };
        *granted.entry(run(&engine, &bytes, n).map_err(|error| error.to_string())).or_default() += 1;
        assert_eq!(budget.used(), before, "{:?}", budget.breakdown().collect::<Vec<_>>());
    }
    println!("{granted:?}; {:?}", jit.stats());
    assert!(granted.len() == 1 && matches!(granted.first_key_value(), Some((Ok(60..128), _))), "{granted:?}");
}

/// A function that takes long to compile, of a module without an owner.
#[test]
fn who_is_dropped_while_it_is_compiled_is_let_go() {
    let _turn = alone();
    let mut body = String::new();
    (3..6000).for_each(|n| {
        write!(body, "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const {n})) (i32.const 7)))").unwrap()
    });
    let text = format!(
        r#"(module (func (export "run") (param i32) (result i32) (if (local.get 0) (then {body})) (local.get 0)))"#
    );
    let bytes = wat::parse_str(text).unwrap();
    for limit in [u64::MAX, 512 << 20] {
        let budget = Budget::new(limit);
        let jit = Jit::new(hasty().threshold(0)).unwrap();
        let engine = engine(&jit, &budget);
        run(&engine, &bytes, 0).unwrap();
        let before = budget.used();
        for n in 0..40 {
            let module = Module::new(&engine, &bytes).unwrap();
            let mut store = Store::try_new(&engine, ()).unwrap();
            let instance = Instance::new(&mut store, &module, &[]).unwrap();
            let run = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
            run.call(&mut store, 0).unwrap();
            thread::sleep(Duration::from_micros(n % 8 * 500));
            drop((module, store));
            if budget.limit().is_some() {
                assert_eq!(budget.used(), before);
            }
        }
        assert!(is_given_back(&budget, before));
        println!("{limit}: {:?}", jit.stats());
        assert!(jit.stats().functions < 40 && jit.stats().declined.is_empty(), "{:?}", jit.stats());
    }
}

/// Live modules are still compiled, however many others come and go.
#[test]
fn what_lives_is_compiled_meanwhile() {
    let _turn = alone();
    let bytes = module(40, 3);
    let jit = Jit::new(&hasty()).unwrap();
    let engine = engine(&jit, &Budget::unlimited());
    let module = Module::new(&engine, &bytes).unwrap();
    let mut store = Store::try_new(&engine, ()).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let lives = instance.get_typed_func::<i32, i32>(&store, "run").unwrap();
    let patience = Instant::now() + Duration::from_secs(100);
    let view = View::new(&module);
    while !(0..40).all(|index| view.has_func(index)) && Instant::now() < patience {
        assert_eq!(lives.call(&mut store, 300).unwrap(), 3);
        assert_eq!(run(&engine, &bytes, 100).unwrap(), 3);
    }
    assert!((0..40).all(|index| view.has_func(index)), "{:?}", jit.stats());
}
