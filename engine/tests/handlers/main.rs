//! Every handler of the interpreter is executed, counted from the op table, and every form of an op does the same.
//!
//! What an op does is checked elsewhere: by the official suite, and against compiled code. Here each op in each form, and
//! each pair of cells, has a function that consists of it. Every way of dispatch executes it, and one says what was
//! executed: so a row, form or pair without a test is named. Handlers of two and three cells are compared with those of
//! single cells in `src/runtime/exec/pairs/tests.rs`.

mod atomic_table;
mod atomics;
mod cells;
mod function;
mod others;
mod relaxed;
mod run;
mod table;

use cells::Rows;
use dunlin::tail_handlers;
use function::{function, is_never};
use run::{Case, INPUTS, Observed, run};
use std::collections::{BTreeSet, HashMap};

/// Functions a module.
const BATCH: usize = 400;

/// What was executed: ops, and the handlers of `Tail`.
#[derive(Default)]
struct Seen {
    ops: BTreeSet<String>,
    tail: BTreeSet<String>,
}

impl Seen {
    fn add(&mut self, counts: dunlin::DispatchCounts) {
        self.ops.extend(counts.ops.into_iter().map(|(name, _)| name));
        self.tail.extend(counts.tail.into_iter().map(|(name, _)| name));
    }
}

/// What each case did.
fn run_all(cases: &[Case], seen: &mut Seen) -> Vec<Observed> {
    let mut outcomes = Vec::new();
    for alike in cases.chunk_by(|a, b| (a.fuel, a.wide) == (b.fuel, b.wide)) {
        for batch in alike.chunks(BATCH) {
            let (more, counts) = run(batch);
            outcomes.extend(more);
            seen.add(counts);
        }
    }
    outcomes
}

/// The names of all handlers of `Tail` but those of three cells: ops in their forms, some with ` (sse4.2)`; pairs of them.
fn handlers() -> (Vec<String>, Vec<String>) {
    let names = tail_handlers().into_iter().map(|handler| handler.name).filter(|name| name.contains('.'));
    names.filter(|name| name.split(' ').count() <= 2).partition(|name| !name.contains(' '))
}

fn is_better(name: &str) -> bool {
    name.ends_with("(sse4.2)")
}

fn has_better() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("sse4.2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}

/// Ops in forms that no test counts, with the reason.
const UNCOUNTED: &[(&str, &str)] = &[
    ("I32Store.4", BOTH),
    ("I64Store.4", BOTH),
    ("I32Store8.4", BOTH),
    ("I32Store16.4", BOTH),
    ("V128Store.2", CONSTANT),
    ("V128Store.5", CONSTANT),
    ("V128Store.8", CONSTANT),
    ("V128Store.12", CONSTANT),
    ("V128Store.14", CONSTANT),
    ("Breakpoint.0", "stands only where a debugger may stop: see `tests/debug.rs`"),
    ("Exit.0", OUTSIDE),
    ("Island.0", "stands only where a tier compiles loops alone: see `jit/tests/islands.rs`"),
    ("CrossReturn.0", OUTSIDE),
    ("Dropped.0", "stands only where code was dropped, and ends the process: see `runtime/code/tests.rs`"),
    ("Native.0", "translated code has none: see the tests of the compiled tier"),
];
const BOTH: &str = "the translator takes one of two operands from an accumulator";
const CONSTANT: &str = "the translator puts vectors into slots";
const OUTSIDE: &str =
    "it stands outside of functions; each call, and each call between instances, ends in it";

fn is_uncounted(name: &str) -> bool {
    UNCOUNTED.iter().any(|(uncounted, _)| *uncounted == name)
}

#[test]
fn every_form_of_every_op() {
    let (names, _) = handlers();
    let rows = Rows::new();
    let (mut cases, mut groups) = (Vec::new(), Vec::new());
    for name in
        names.iter().filter(|name| !is_better(name) && !is_uncounted(name) && !relaxed::executes(name))
    {
        // The forms of a special op are rows of their own.
        let row = name.split('.').next().expect("a row");
        let group = ["Acc", "Slot", "Back"].iter().fold(row.to_owned(), |row, form| row.replace(form, ""));
        for (k, cell) in rows.cells(name).into_iter().enumerate() {
            for (i, input) in INPUTS.iter().enumerate() {
                let export = format!("{name} {k} {i}");
                let text = function(&export, std::slice::from_ref(&cell), false, input);
                cases.push(Case {
                    name: export,
                    text,
                    input,
                    second: cell.is_second(),
                    fuel: cell.is_charge(),
                    wide: cell.wide,
                });
                groups.push((group.clone(), cell.wide, k, i));
            }
        }
    }
    let mut seen = Seen::default();
    let mut first: HashMap<_, (&Case, Observed)> = HashMap::new();
    let outcomes = run_all(&cases, &mut seen);
    for ((case, group), outcome) in cases.iter().zip(groups).zip(outcomes) {
        let outcome = outcome.of_any_form();
        let (other, expected) = first.entry(group).or_insert_with(|| (case, outcome.clone()));
        assert_eq!(outcome, *expected, "{} and {}:\n{}\n{}", case.name, other.name, case.text, other.text);
    }
    others::run_all(&mut seen);
    atomics::run_all(&mut seen);
    relaxed::run_all(&mut seen);

    let missing: BTreeSet<_> =
        names.iter().filter(|name| !is_better(name) && !seen.ops.contains(*name)).collect();
    let others = relaxed::of_other_machines();
    let uncounted = UNCOUNTED.iter().map(|(name, _)| (*name).to_owned());
    let uncounted: BTreeSet<_> = uncounted.chain(others.iter().cloned()).collect();
    assert_eq!(missing, uncounted.iter().collect(), "ops that aren't executed");
    // `Tail` has some twice.
    let better: BTreeSet<_> = names.iter().filter(|name| is_better(name)).cloned().collect();
    let plain = |name: &String| name.trim_end_matches("(sse4.2)").to_owned();
    let elsewhere = if has_better() { better.iter().map(plain).collect() } else { better };
    let missing: BTreeSet<_> = names.into_iter().filter(|name| !seen.tail.contains(name)).collect();
    assert_eq!(missing, &uncounted | &elsewhere, "handlers of `Tail` that aren't executed");
    println!(
        "{} functions; SKIPPED here: {} handlers of other machines",
        cases.len(),
        elsewhere.len() + others.len()
    );
}

#[test]
fn every_pair() {
    let (_, pairs) = handlers();
    let rows = Rows::new();
    let (mut cases, mut never) = (Vec::new(), BTreeSet::new());
    for name in &pairs {
        let (a, b) = name.split_once(' ').expect("two");
        let cells = [a, b].map(|op| rows.cells(op).into_iter().next());
        let [Some(first), Some(second)] = cells else { panic!("no function for {name}") };
        if is_uncounted(a) || is_uncounted(b) || is_never(&first, &second) {
            never.insert(name);
            continue;
        }
        let fuel = first.is_charge() || second.is_charge();
        let cells = [first, second];
        for (i, input) in INPUTS.iter().enumerate() {
            for apart in [true, false] {
                let export = format!("{name} {i} {apart}");
                let text = function(&export, &cells, apart, input);
                cases.push(Case { name: export, text, input, second: false, fuel, wide: false });
            }
        }
    }
    let mut seen = Seen::default();
    let outcomes = run_all(&cases, &mut seen);
    for (case, outcome) in cases.chunks(2).zip(outcomes.chunks(2)) {
        assert_eq!(outcome[0], outcome[1], "{}\n{}", case[1].name, case[1].text);
    }
    let missing: BTreeSet<_> = pairs.iter().filter(|name| !seen.tail.contains(*name)).collect();
    assert_eq!(missing, never, "pairs that aren't executed");
    println!("{} pairs; the translator makes none of {} others", pairs.len() - never.len(), never.len());
}
