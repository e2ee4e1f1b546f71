//! Tests with budgets of all sizes: code that doesn't fit stays interpreted, and the budget is never exceeded.

use crate::{WORK, run, wanted};
use dunlin::{Budget, Config, Engine, ErrorKind, Instance, Kind, Module, Store};
use dunlin_jit::{CacheFull, Jit, MemoryGuard, Mode};
use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn budgets_of_all_sizes() {
    let wanted = wanted(80);
    let (mut none, mut some, mut all) = (0, 0, 0);
    for mode in [Mode::Sync, Mode::Eager, Mode::Background] {
        for full in [CacheFull::Evict, CacheFull::Stop] {
            for limit in (300_000..3_200_000).step_by(41_003) {
                let budget = Budget::new(limit);
                let mut options = Jit::options();
                options
                    .mode(mode)
                    .threshold(1)
                    .sample_every(50)
                    .memory_guard(MemoryGuard::Off)
                    .cache_full(full);
                let jit = Jit::new(&options).unwrap();
                let engine = Engine::new(Config::new().tier(jit.clone()).budget(budget.clone())).unwrap();
                match Module::new(&engine, WORK).and_then(|module| {
                    for _ in 0..4 {
                        assert_eq!(run(&engine, &module, 80)?, wanted, "{limit} {mode:?}");
                    }
                    Ok(())
                }) {
                    Ok(()) => {}
                    Err(error) => {
                        let kind = error.kind();
                        assert!(matches!(kind, ErrorKind::OutOfBudget | ErrorKind::Trap), "{limit}: {error}");
                        assert!(limit < 700_000, "{limit} {mode:?}: {error}");
                    }
                }
                let stats = jit.stats();
                let known = |why: &String| why == "the memory budget has no room";
                assert!(stats.declined.keys().all(known), "{limit}: {stats:?}");
                assert!(budget.peak() <= limit, "{} of {limit}", budget.peak());
                match (stats.functions, stats.declined.len()) {
                    (0, _) => none += 1,
                    (_, 1) => some += 1,
                    _ => all += 1,
                }
                drop((engine, jit));
                // The compiler thread may still be working.
                let patience = Instant::now() + Duration::from_secs(60);
                while budget.used() > 0 && Instant::now() < patience {
                    thread::yield_now();
                }
                assert_eq!(budget.used(), 0, "{limit}: {:?}", budget.breakdown().collect::<Vec<_>>());
            }
        }
    }
    println!("nothing was compiled {none} times, something {some}, everything {all}");
    assert!(none > 5 && some > 0 && all > 5);
}

/// The charge matches what exists, and is released.
#[test]
fn machine_code_is_charged_while_its_module_lives() {
    let budget = Budget::unlimited();
    let jit = Jit::new(Jit::options().mode(Mode::Eager)).unwrap();
    let engine = Engine::new(Config::new().tier(jit.clone()).budget(budget.clone())).unwrap();
    let module = Module::new(&engine, WORK).unwrap();
    let held = budget.used_for(Kind::MachineCode);
    assert!(held >= jit.stats().code_bytes && held > 4096, "{held} {:?}", jit.stats());
    assert_eq!(budget.used_for(Kind::CompilerScratch), 0);
    run(&engine, &module, 10).unwrap();
    drop(module);
    assert_eq!(budget.used_for(Kind::MachineCode), 0);
}

/// Functions that call each other, each too large to be inlined; `run` goes through many of them.
fn chain(funcs: u32) -> Vec<u8> {
    let mut text =
        String::from("(module (func (export \"run\") (param i32) (result i64) (call $f0 (local.get 0)))");
    for n in 0..funcs {
        let steps =
            (0..12).map(|k| format!("(i64.const {}) (i64.xor) (i64.const {}) (i64.rotl)", n * 77 + k, k + 3));
        write!(
            text,
            "(func $f{n} (param i32) (result i64)
                (if (result i64) (i32.eqz (local.get 0)) (then (i64.const {n}))
                    (else (call $f{} (i32.sub (local.get 0) (i32.const 1))) {})))",
            (n * 5 + 3) % funcs,
            steps.collect::<String>()
        )
        .unwrap();
    }
    text.push(')');
    wat::parse_str(text).unwrap()
}

/// What fits is compiled, in as many rounds as that takes. It calls functions of earlier and later rounds, and ones
/// that stay interpreted.
#[test]
fn whole_modules_are_compiled_as_far_as_there_is_room() {
    const FUNCS: u32 = 300;
    let bytes = chain(FUNCS);
    let plain = Engine::default();
    let wanted = run(&plain, &Module::new(&plain, &bytes).unwrap(), 1000).unwrap();
    let mut compiled = Vec::new();
    for limit in (900_000..4_000_000).step_by(150_000) {
        let budget = Budget::new(limit);
        let jit = Jit::new(Jit::options().mode(Mode::Eager).memory_guard(MemoryGuard::Off)).unwrap();
        let engine = Engine::new(Config::new().tier(jit.clone()).budget(budget.clone())).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let stats = jit.stats();
        let left_out = stats.declined.get("the memory budget has no room").copied().unwrap_or(0);
        assert_eq!(stats.functions + left_out, u64::from(FUNCS) + 1, "{limit}: {stats:?}");
        // Not from the budget that is for compiling.
        let mut store = Store::with_budget(&engine, &Budget::unlimited(), ()).unwrap();
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let run = instance.get_typed_func::<i32, i64>(&store, "run").unwrap();
        assert_eq!(run.call(&mut store, 1000).unwrap(), wanted, "{limit}: {stats:?}");
        assert!(budget.peak() <= limit);
        compiled.push(stats.functions);
    }
    println!("{compiled:?}");
    assert!(compiled.first() == Some(&0) && compiled.last() == Some(&u64::from(FUNCS + 1)), "{compiled:?}");
    assert!(compiled.iter().any(|count| (1..u64::from(FUNCS)).contains(count)), "{compiled:?}");
}
