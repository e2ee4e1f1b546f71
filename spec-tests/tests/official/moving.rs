//! The official suites, with everything moved to another store whenever a slice of fuel is used up.

use crate::data::{
    CORE, CUSTOM_PAGE_SIZES, EXCEPTIONS, EXTENDED_CONST, FUNCTION_REFERENCES, MACHINES_RELAXED_SIMD,
    MEMORY64, MULTI_MEMORY, RELAXED_SIMD, SIMD, Suite, TAIL_CALL, WIDE_ARITHMETIC, bound_memories,
};
use dunlin::Dispatch;
use dunlin_wast::{Moves, Report, run_script_moving};

/// Runs all scripts; everything must be as it should.
fn run(suite: &Suite, slice: u64) -> Moves {
    let mut all = Moves::default();
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let mut config = suite.config_with(dispatch);
        config.consume_fuel(true).snapshots(true);
        // Each move makes all of them anew.
        bound_memories(&mut config, 128 << 20);
        let mut report = Report::default();
        for script in (suite.scripts)() {
            let name = format!("{}/{}", script.parent(), script.name());
            let (of, moves) = run_script_moving(&name, script.raw(), &config, slice);
            report.merge(of);
            all.moved += moves.moved;
            all.stayed += moves.stayed;
        }
        for failure in report.failures.iter().take(20) {
            println!("{failure}");
        }
        assert_eq!(report.failures.len(), 0, "slices of {slice}: some are shown above");
        let counts: Vec<_> = report.counts.iter().map(|(kind, tally)| (kind, tally.total)).collect();
        assert_eq!(counts, suite.counts);
    }
    println!("slices of {slice}: {all:?}");
    all
}

/// In slices of 1,000 units, and in smaller ones. At least so often something moves.
fn moves(suite: &Suite, least_of_few: u64, least_of_many: u64) {
    let few = run(suite, 1000);
    let many = run(suite, 50);
    assert!(few.moved >= least_of_few && many.moved >= least_of_many, "{few:?} {many:?}");
}

/// The largest suite, in slices of 1,000 units only: smaller ones take minutes.
#[test]
fn core() {
    assert!(run(&CORE, 1000).moved > 0);
}

macro_rules! suites {
    ($($name:ident $suite:ident $few:literal $many:literal)*) => {$(
        #[test]
        fn $name() {
            moves(&$suite, $few, $many);
        }
    )*};
}

suites! {
    simd SIMD 0 0
    tail_call TAIL_CALL 1 100
    multi_memory MULTI_MEMORY 0 1
    extended_const EXTENDED_CONST 0 0
    relaxed_simd RELAXED_SIMD 0 0
    machines_relaxed_simd MACHINES_RELAXED_SIMD 0 0
    wide_arithmetic WIDE_ARITHMETIC 0 0
    memory64 MEMORY64 0 1
    exceptions EXCEPTIONS 0 0
    custom_page_sizes CUSTOM_PAGE_SIZES 0 0
    function_references FUNCTION_REFERENCES 1 100
}
