//! Every allocation of Dunlin's own is refused once, and once together with all that follow: the answer is a clean
//! error, nothing leaks, and the engine goes on.

use crate::guests;
use crate::ledger::{Refused, watch};
use dunlin::{Budget, Engine, Error, ErrorKind, Trap, testing};

/// Whether an error is what a budget's refusal may come to: a frame for which there is no room is a stack overflow.
pub(crate) fn by_budget(error: &Error) -> bool {
    error.kind() == ErrorKind::OutOfBudget
        || matches!(error.trap(), Some(Trap::OutOfBudget | Trap::StackOverflow))
}

/// What an error may be when memory was refused.
pub(crate) fn clean(result: Result<(), Error>) -> Result<(), String> {
    match result {
        Err(error) if error.kind() != ErrorKind::OutOfMemory && !by_budget(&error) => {
            Err(format!("{error:?}"))
        }
        _ => Ok(()),
    }
}

fn everything_with(engine: &Engine, bytes: &[u8]) -> Result<(), Error> {
    guests::use_everything_with(engine, bytes, bytes.len())
}

#[test]
fn every_allocation_may_fail() {
    let bytes = guests::binary(guests::EVERYTHING);
    // What is made once in a process is there then.
    guests::use_everything(&Budget::unlimited(), &bytes, 100).unwrap();
    // With a bound and without, for then cells have a reserve.
    for budget in [Budget::unlimited(), Budget::new(2 << 20)] {
        let count = watch(&budget, Refused::None, i64::MAX, || {
            guests::use_everything(&budget, &bytes, 100).unwrap();
        })
        .1
        .own;
        println!("{count} allocations");
        assert!(count > 100);
        for n in 1..=count {
            for refused in [Refused::One(n), Refused::From(n)] {
                let (result, seen) =
                    watch(&budget, refused, i64::MAX, || clean(guests::use_everything(&budget, &bytes, 100)));
                assert!(result.is_ok(), "{refused:?}: {}", result.unwrap_err());
                assert!(seen.refusals > 0, "{refused:?}");
                assert_eq!((seen.held, budget.used()), (0, 0), "{refused:?} leaks");
            }
        }
    }
}

#[test]
fn the_engine_goes_on_after_a_refusal() {
    let bytes = guests::binary(guests::EVERYTHING);
    let budget = Budget::unlimited();
    let engine = guests::engine(&budget).unwrap();
    everything_with(&engine, &bytes).unwrap();
    let used = budget.used();
    let (result, seen) = watch(&budget, Refused::None, i64::MAX, || clean(everything_with(&engine, &bytes)));
    result.unwrap();
    for n in 1..=seen.own {
        let (result, seen) =
            watch(&budget, Refused::One(n), i64::MAX, || clean(everything_with(&engine, &bytes)));
        result.unwrap();
        assert_eq!((seen.held, budget.used()), (0, used), "{n} leaks");
        if n % 16 == 0 {
            everything_with(&engine, &bytes).unwrap();
        }
    }
}

#[test]
fn every_mapping_may_fail() {
    let bytes = guests::binary(guests::EVERYTHING);
    let mut granted = 0;
    loop {
        let budget = Budget::unlimited();
        let (result, refused) = testing::refuse_mappings_after(granted, || {
            guests::use_everything(&budget, &bytes, 100).map_err(|error| error.kind())
        });
        assert_eq!(budget.used(), 0, "after {granted}");
        if refused == 0 {
            result.unwrap();
            break;
        }
        // Whatever does without a mapping: all that follow are refused, too.
        assert_eq!(result, Err(ErrorKind::OutOfMemory), "after {granted}");
        granted += 1;
    }
    println!("{granted} mappings");
    assert!(granted > 10);
}

#[test]
fn loading_a_real_module_survives_every_refusal() {
    let (_, bytes) = guests::corpus().into_iter().find(|(name, _)| name == "hello.wasm").unwrap();
    let budget = Budget::unlimited();
    let (result, seen) =
        watch(&budget, Refused::None, i64::MAX, || clean(guests::start_program(&budget, &bytes)));
    result.unwrap();
    for n in 1..=seen.own {
        let (result, seen) =
            watch(&budget, Refused::One(n), i64::MAX, || clean(guests::load(&budget, &bytes).map(drop)));
        result.unwrap();
        assert_eq!((seen.held, budget.used()), (0, 0), "{n} leaks");
        if seen.refusals == 0 {
            return;
        }
    }
}
