//! Budgets of all sizes: what doesn't fit stays interpreted, and nobody takes more than there is.

use crate::{WORK, run, wanted};
use dunlin::{Budget, Config, Engine, ErrorKind, Kind, Module};
use dunlin_jit::{CacheFull, Jit, MemoryGuard, Mode};
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
                // The background thread may still be at it.
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

/// What is charged is what there is, and it is given back.
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
