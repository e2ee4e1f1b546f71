//! At every moment, what is on the heap has been charged for.

use crate::guests;
use crate::ledger::{Refused, watch};
use dunlin::Budget;

/// What isn't charged, at most: an error and its text or backtrace.
pub(crate) const UNCOUNTED: i64 = 4096;

#[test]
fn nothing_is_held_that_was_not_charged() {
    let bytes = guests::binary(guests::EVERYTHING);
    guests::use_everything(&Budget::unlimited(), &bytes, bytes.len()).unwrap();
    for chunk in [bytes.len(), 1, 100] {
        let budget = Budget::unlimited();
        let tolerated = std::env::var("DUNLIN_TOLERATED").map_or(UNCOUNTED, |text| text.parse().unwrap());
        let (result, seen) =
            watch(&budget, Refused::None, tolerated, || guests::use_everything(&budget, &bytes, chunk));
        result.unwrap();
        println!("{} of {} bytes uncounted, {} allocations", seen.beyond, budget.peak(), seen.own);
        assert!(seen.beyond <= tolerated, "{}", seen.place.unwrap());
        assert_eq!((seen.held, budget.used()), (0, 0));
    }
}

#[test]
fn nothing_of_real_modules_is_held_that_was_not_charged() {
    for (name, bytes) in guests::corpus() {
        let budget = Budget::unlimited();
        let (result, seen) =
            watch(&budget, Refused::None, UNCOUNTED, || guests::start_program(&budget, &bytes));
        result.unwrap();
        println!("{name}: {} of {} bytes uncounted, {} allocations", seen.beyond, budget.peak(), seen.own);
        assert!(seen.beyond <= UNCOUNTED, "{name}: {}", seen.place.unwrap());
        assert_eq!((seen.held, budget.used()), (0, 0), "{name}");
    }
}
