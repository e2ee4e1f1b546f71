//! The official suites with the compiled tier: everything compiled before it is executed, or going over from
//! interpreted to compiled code at every opportunity.

use crate::data::{
    CORE, CUSTOM_PAGE_SIZES, EXCEPTIONS, EXTENDED_CONST, FUNCTION_REFERENCES, MACHINES_RELAXED_SIMD,
    MEMORY64, MULTI_MEMORY, RELAXED_SIMD, SIMD, Suite, TAIL_CALL, THREADS, WIDE_ARITHMETIC,
};
use crate::runs::run_with;
use dunlin_jit::{Jit, MemoryGuard, Mode, Stats};
use std::time::{Duration, Instant};

/// When things are compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum When {
    /// Each function at its first call.
    First,
    /// All functions while loading.
    Eager,
    /// Whatever has been found executing so often, looking every so many units of fuel.
    Mixed(Mode, u32, u64),
}

use When::{Eager, First, Mixed};

/// Background or not, over to compiled code as early as it can be, or in the middle of loops.
const MIXED: [When; 4] = [
    Mixed(Mode::Sync, 1, 7),
    Mixed(Mode::Sync, 3, 7),
    Mixed(Mode::Background, 1, 7),
    Mixed(Mode::Sync, 2, 50),
];

/// The environment variable that has every suite run in every manner: half of them are enough for most changes.
const EVERYTHING: &str = "DUNLIN_EVERY_MODE";

/// How it is compiled: with guard regions or checks, with fuel counted or not.
type Manner = (When, MemoryGuard, bool);

fn manners() -> Vec<Manner> {
    use MemoryGuard::{Off, On};
    if cfg!(target_arch = "aarch64") && std::env::var_os(EVERYTHING).is_none() {
        // It may be an emulated one, where compiling takes sixteen times as long, and where each page of address space
        // that is reserved takes memory of the emulator's, which it keeps: guards of thousands of memories are too many.
        return vec![(First, Off, false), (MIXED[1], Off, true)];
    }
    if std::env::var_os(EVERYTHING).is_none() {
        return vec![
            (First, On, false),
            (First, Off, true),
            (Eager, Off, false),
            (Eager, On, true),
            (MIXED[0], On, true),
            (MIXED[1], Off, false),
            (MIXED[1], On, true),
            (MIXED[2], Off, true),
        ];
    }
    let all = [First, Eager].into_iter().chain(MIXED);
    all.flat_map(|when| [(when, On, false), (when, On, true), (when, Off, false), (when, Off, true)])
        .collect()
}

fn run(suite: &Suite, (when, guard, fuel): Manner) -> Stats {
    let mut options = Jit::options();
    match when {
        First => options.mode(Mode::Sync).threshold(0),
        Eager => options.mode(Mode::Eager),
        Mixed(mode, threshold, every) => options.mode(mode).threshold(threshold).sample_every(every),
    };
    let jit = Jit::new(options.memory_guard(guard)).unwrap();
    let mut config = suite.config();
    config.tier(jit.clone()).consume_fuel(fuel);
    let start = Instant::now();
    run_with(suite, &config);
    let patience = Instant::now() + Duration::from_secs(60);
    while matches!(when, Mixed(Mode::Background, ..))
        && jit.stats().functions == 0
        && Instant::now() < patience
    {
        // A suite of a few milliseconds may be over, and its modules dropped, before the compiler's thread begins.
        run_with(suite, &config);
    }
    let stats = jit.stats();
    println!("{when:?} {guard:?} fuel: {fuel}, {:?}: {stats:?}", start.elapsed());
    stats
}

/// Runs a suite in every manner. About so many functions are compiled if all that are called are, exactly so many if all are; so
/// many can't be.
fn check(suite: &Suite, called: u64, all: u64, declined: &[(&str, u64)], has_loops: bool) {
    for manner in manners() {
        let stats = run(suite, manner);
        let (when, ..) = manner;
        match when {
            // Functions that are inlined everywhere are never called.
            First => assert!(stats.functions * 10 > called * 9, "{manner:?}"),
            Eager => assert_eq!(stats.functions, all, "{manner:?}"),
            Mixed(_, 1, _) => assert!(stats.functions > 0, "{manner:?}"),
            Mixed(..) => {}
        }
        if let Mixed(Mode::Sync, 3, _) = when {
            assert!(stats.osr_entries > 0 || !has_loops, "{manner:?}");
        }
        let refused: Vec<_> = stats.declined.iter().map(|(why, n)| (why.as_str(), *n)).collect();
        if when == Eager {
            assert_eq!(refused, declined, "{manner:?}");
        }
        assert!(refused.iter().all(|(why, _)| declined.iter().any(|(known, _)| why == known)), "{refused:?}");
    }
}

/// What a suite that has the script `func.wast` declines: fewer results fit aarch64's registers, and Cranelift has no other
/// place for them.
const OF_FUNC_WAST: &[(&str, u64)] =
    if cfg!(target_arch = "aarch64") { &[("so many results is not supported", 1)] } else { &[] };

#[test]
fn core() {
    check(&CORE, 3503, 4547, OF_FUNC_WAST, true);
}

#[test]
fn simd() {
    check(&SIMD, 1524, 1689, &[], false);
}

#[test]
fn tail_call() {
    check(&TAIL_CALL, 63, 75, &[], false);
}

#[test]
fn multi_memory() {
    check(&MULTI_MEMORY, 251, 272, &[], true);
}

#[test]
fn extended_const() {
    check(&EXTENDED_CONST, 87, 120, &[], false);
}

#[test]
fn relaxed_simd() {
    check(&RELAXED_SIMD, 33, 37, &[], false);
    check(&MACHINES_RELAXED_SIMD, 33, 37, &[], false);
}

#[test]
fn wide_arithmetic() {
    check(&WIDE_ARITHMETIC, 8, 8, &[], false);
}

#[test]
fn memory64() {
    check(&MEMORY64, 343, 389, &[], true);
}

#[test]
fn custom_page_sizes() {
    check(&CUSTOM_PAGE_SIZES, 15, 22, &[], false);
}

#[test]
fn threads() {
    check(&THREADS, 110, 166, &[], false);
}

#[test]
fn exceptions() {
    check(&EXCEPTIONS, 46, 58, &[], false);
}

#[test]
fn function_references() {
    check(&FUNCTION_REFERENCES, 530, 744, OF_FUNC_WAST, false);
}
