//! The official suites, each in both ways of dispatch, and as a debugger has them executed.

use crate::data::{
    ANNOTATIONS, CORE, CUSTOM_PAGE_SIZES, EXCEPTIONS, EXTENDED_CONST, FUNCTION_REFERENCES,
    MACHINES_RELAXED_SIMD, MEMORY64, MULTI_MEMORY, RELAXED_SIMD, SIMD, Suite, TAIL_CALL, THREADS,
    WIDE_ARITHMETIC,
};
use dunlin::{Config, Dispatch, Engine};
use dunlin_wast::{Report, run_script};

const SHOWN: usize = 20;

fn run(suite: &Suite, dispatch: Dispatch) {
    let config = suite.config_with(dispatch);
    assert_eq!(Engine::new(&config).unwrap().dispatch(), dispatch);
    run_with(suite, &config);
}

/// Runs all scripts; everything must be as it should.
pub(crate) fn run_with(suite: &Suite, config: &Config) {
    let mut report = Report::default();
    for script in (suite.scripts)() {
        let name = format!("{}/{}", script.parent(), script.name());
        report.merge(run_script(&name, script.raw(), config));
    }
    for failure in report.failures.iter().take(SHOWN) {
        println!("{failure}");
    }
    assert_eq!(report.failures.len(), 0, "{} are shown above", report.failures.len().min(SHOWN));
    let counts: Vec<_> = report.counts.iter().map(|(kind, tally)| (kind, tally.total)).collect();
    assert_eq!(counts, suite.counts);
    assert_eq!(report.counts.assertions().total, suite.assertions);
}

macro_rules! suites {
    ($($name:ident $suite:ident)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn tail() {
                run(&$suite, Dispatch::Tail);
            }

            #[test]
            fn r#loop() {
                run(&$suite, Dispatch::Loop);
            }

            /// With a cell before each instruction for a debugger, which looks at none.
            #[test]
            fn debugged() {
                let mut config = $suite.config_with(Dispatch::Tail);
                run_with(&$suite, config.guest_debug(true).check_translation(true));
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
    relaxed_simd RELAXED_SIMD
    machines_relaxed_simd MACHINES_RELAXED_SIMD
    wide_arithmetic WIDE_ARITHMETIC
    memory64 MEMORY64
    exceptions EXCEPTIONS
    custom_page_sizes CUSTOM_PAGE_SIZES
    function_references FUNCTION_REFERENCES
    threads THREADS
    annotations ANNOTATIONS
}
