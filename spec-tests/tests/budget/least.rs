//! The least budget that does, by bisection: it is kept to, one byte less is refused cleanly, and the planner knows it.

use crate::guests;
use crate::ledger::{Refused, watch};
use crate::uncounted::UNCOUNTED;
use dunlin::{Budget, Error, ErrorKind, Trap};

/// Whether it fits; anything but that the budget is too small is a mistake.
pub(crate) fn fits(name: &str, limit: u64, run: &dyn Fn(&Budget) -> Result<(), Error>) -> bool {
    let budget = Budget::new(limit);
    let (result, seen) = watch(&budget, Refused::None, UNCOUNTED, || {
        run(&budget).map_err(|error| (error.kind(), error.trap(), error.to_string()))
    });
    assert!(budget.peak() <= limit, "{name}: {} of {limit}", budget.peak());
    assert!(seen.beyond <= UNCOUNTED, "{name} in {limit}: {}", seen.place.unwrap());
    assert_eq!(budget.used(), 0, "{name} in {limit}");
    match result {
        Ok(()) => true,
        Err((ErrorKind::OutOfBudget, _, text)) => {
            assert!(text.contains("exceeded") && text.contains("asked for"), "{name} in {limit}: {text}");
            false
        }
        Err((_, Some(Trap::OutOfBudget | Trap::StackOverflow), _)) => false,
        Err((_, _, text)) => panic!("{name} in {limit}: {text}"),
    }
}

pub(crate) fn least(name: &str, run: &dyn Fn(&Budget) -> Result<(), Error>) -> u64 {
    let unlimited = Budget::unlimited();
    run(&unlimited).unwrap();
    // Where nothing bounds the budget there is no reserve for code.
    let (mut no, mut yes) = (0, 2 * unlimited.peak() + (1 << 20));
    while !fits(name, yes, run) {
        (no, yes) = (yes, 2 * yes);
        assert!(yes < 64 * unlimited.peak(), "{name}");
    }
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if fits(name, middle, run) { yes = middle } else { no = middle }
    }
    // In between it held for every budget that was tried; around the least one it must hold for each.
    for limit in yes..yes + 8 {
        assert!(fits(name, limit, run), "{name} fits {yes} but not {limit}");
    }
    for limit in yes - 8..yes {
        assert!(!fits(name, limit, run), "{name} fits {limit} but not {}", yes - 1);
    }
    yes
}

#[test]
fn of_everything() {
    let bytes = guests::binary(guests::EVERYTHING);
    for chunk in [1, bytes.len()] {
        let least = least("everything", &|budget| {
            // A memory or table that can't grow is refused as the specification lets it be.
            guests::use_everything(budget, &bytes, chunk)
        });
        println!("everything in pieces of {chunk}: {least}");
    }
}

#[test]
fn of_real_modules_and_what_the_planner_says() {
    for (name, bytes) in guests::corpus() {
        let module = guests::load(&Budget::unlimited(), &bytes).unwrap();
        let plan = module.plan();
        let planned = plan.least();
        // The host's own: functions that trap, by name.
        let host = module.imports().len() as u64 * 700;
        let run = |budget: &Budget| guests::instantiate(budget, &bytes);
        if bytes.len() > 2 << 20 {
            // Dozens of loads of these would take long.
            println!("{name} ({} bytes): {plan}", bytes.len());
            assert!(fits(&name, planned + host, &run) && !fits(&name, planned - planned / 8, &run), "{name}");
            continue;
        }
        let least = least(&name, &run);
        println!("{name} ({} bytes): least {least}, planned {planned}; {plan}", bytes.len());
        assert!(least <= planned + host, "{name}: the planner says {planned}, but it takes {least}");
        assert!(planned <= least + least / 8 + (24 << 10), "{name}: planned {planned}, takes {least}");
        assert!(plan.most().is_none_or(|most| most >= planned));
    }
}
