//! The official suites with the compiled tier: everything compiled before it is executed, or going over from
//! interpreted to compiled code at every opportunity.

use crate::data::{CORE, EXTENDED_CONST, MULTI_MEMORY, SIMD, Suite, TAIL_CALL};
use crate::runs::run_with;
use dunlin_jit::{Jit, MemoryGuard, Mode, Stats};
use std::thread;
use std::time::{Duration, Instant};

/// When things are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    /// Each function at its first call.
    First,
    /// All functions while loading.
    Eager,
    /// Whatever is found executing once, looking every so many units of fuel.
    Mixed(Mode, u64),
}

use When::{Eager, First, Mixed};

/// The environment variable that has every suite run in every manner.
const EVERYTHING: &str = "DUNLIN_EVERY_MODE";

fn run(suite: &Suite, when: When, guard: MemoryGuard, fuel: bool) -> Stats {
    let mut options = Jit::options();
    match when {
        First => options.mode(Mode::Sync).threshold(0),
        Eager => options.mode(Mode::Eager),
        Mixed(mode, every) => options.mode(mode).threshold(1).sample_every(every),
    };
    let jit = Jit::new(options.memory_guard(guard)).unwrap();
    let mut config = suite.config();
    config.tier(jit.clone()).consume_fuel(fuel);
    let start = Instant::now();
    run_with(suite, &config);
    let patience = Instant::now() + Duration::from_secs(60);
    while jit.stats().functions == 0 && Instant::now() < patience {
        // In the background, something is being compiled still.
        thread::sleep(Duration::from_millis(10));
    }
    let stats = jit.stats();
    println!("{when:?} {guard:?} fuel: {fuel}, {:?}: {stats:?}", start.elapsed());
    stats
}

macro_rules! suites {
    ($($name:ident $suite:ident)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn measure() {
                for guard in [MemoryGuard::On, MemoryGuard::Off] {
                    for fuel in [false, true] {
                        for when in [First, Eager, Mixed(Mode::Sync, 7), Mixed(Mode::Sync, 50), Mixed(Mode::Background, 7)] {
                            run(&$suite, when, guard, fuel);
                        }
                    }
                }
            }
        }
    )*};
}

suites! {
    core CORE
    simd SIMD
    tail_call TAIL_CALL
    multi_memory MULTI_MEMORY
    extended_const EXTENDED_CONST
}
