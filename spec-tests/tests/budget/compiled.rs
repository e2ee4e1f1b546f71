//! What compiling takes, against what is charged for it.

use crate::guests;
use crate::hostile::{self, Growth, SUBJECT};
use crate::ledger::{Refused, Seen, watch};
use crate::uncounted::UNCOUNTED;
use dunlin::tier::{LoopAt, Stays, Tier, View};
use dunlin::{Budget, Config, Engine, Instance, Kind, Module, Store};
use dunlin_jit::{Jit, MemoryGuard, Mode};
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn engine(budget: &Budget, jit: &Arc<Jit>) -> Engine {
    let mut config = Config::new();
    Engine::new(config.budget(budget.clone()).check_translation(false).tier(jit.clone())).unwrap()
}

/// Compiles each function of a module, at its turn, on this thread.
fn each(bytes: &[u8], most: u64, mut seen: impl FnMut(u32, Seen)) -> Arc<Jit> {
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).compiler_memory(most)).unwrap();
    let budget = Budget::unlimited();
    let module = Module::new(&engine(&budget, &jit), bytes).unwrap();
    let view = View::new(&module);
    // What is made once for all.
    jit.called(&module, 0, None);
    for index in 1..view.defined_funcs() {
        let ((), one) = watch(&budget, Refused::None, UNCOUNTED, || jit.called(&module, index, None));
        seen(view.body_size(index), one);
    }
    assert_eq!(budget.used_for(Kind::CompilerScratch), 0);
    jit
}

#[test]
fn compiling_real_functions_takes_no_more_than_is_charged() {
    let (mut functions, mut most) = (0, 0);
    for (name, bytes) in guests::corpus() {
        let (mut held, mut largest) = (0, 0);
        let jit = each(&bytes, MOST, |size, seen| {
            assert!(seen.beyond <= UNCOUNTED, "{name}, {size} bytes: {}", seen.place.unwrap());
            held += seen.held;
            largest = largest.max(seen.most);
        });
        let stats = jit.stats();
        println!(
            "{name}: {largest} for one; {held} stay for {} functions; {:?}",
            stats.functions, stats.declined
        );
        // The bound is for others.
        let reasons = stats.declined.keys().filter(|why| why.contains("might take more"));
        assert_eq!(reasons.count(), 0, "{name}: {stats:?}");
        // The maps of the code, which are charged with it.
        assert!(held < stats.code_bytes as i64 / 4 + 16384, "{name}: {held}, {stats:?}");
        (functions, most) = (functions + stats.functions, most.max(largest));
    }
    println!("{functions} functions; at most {most} bytes for one");
    assert!(functions > 1000 && most > 1 << 20);
}

/// Bodies that make much of little.
fn hostile() -> Vec<(&'static str, String)> {
    let body = |params: &str, body: &str| {
        format!("(module (memory 1) (func) (func (export \"f\") (param {params}) (result i64) {body}))")
    };
    let many = |n: usize, text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<String>();
    let mut all = Vec::new();
    for (locals, blocks) in [(300, 300), (1000, 1000)] {
        let declared = format!("(local {})", "i64 ".repeat(locals));
        let sets = many(locals, &|i| format!("(local.set {} (i64.const {i}))", i + 1));
        let uses = many(locals, &|i| format!("(local.get {}) i64.add ", i + 1));
        let ifs =
            many(blocks, &|_| "(if (local.get 0) (then (i32.store (i32.const 0) (local.get 0))))".into());
        // Much is live across many blocks.
        all.push(("live", body("i32", &format!("{declared}{sets}{ifs}(i64.const 0){uses}"))));
        // Much meets at many loops.
        let loops = many(blocks, &|i| {
            format!(
                "(loop (local.set {} (i64.add (local.get {}) (i64.const 1))) (br_if 0 (local.get 0)))",
                i % locals + 1,
                (i * 7) % locals + 1
            )
        });
        all.push(("loops", body("i32", &format!("{declared}{sets}{loops}(i64.const 0){uses}"))));
        let nested = format!("{}{sets}{}", "(loop ".repeat(blocks.min(900)), ")".repeat(blocks.min(900)));
        all.push(("nested", body("i32", &format!("{declared}{nested}(i64.const 0){uses}"))));
    }
    // Branches with many values.
    let values = "(i64.const 1)".repeat(200);
    let results = "i64 ".repeat(200);
    let targets = "0 ".repeat(5000);
    let text = format!(
        "(block (result {results}) {values} (br_table {targets} (local.get 0))) {}",
        "drop ".repeat(199)
    );
    all.push(("table", body("i32", &text)));
    // Calls with many values.
    let mut text = String::from("(module (func) ");
    write!(text, "(func $many (param {}))", "i64 ".repeat(500)).unwrap();
    let gets = many(500, &|i| format!("(local.get {i})"));
    write!(
        text,
        "(func (export \"f\") (param {}) {}))",
        "i64 ".repeat(500),
        format!("{gets}(call $many)").repeat(60)
    )
    .unwrap();
    all.push(("calls", text));
    // One long expression, many accesses, and much that is the same.
    for n in [300, 2000, 7000] {
        let long = "(i64.mul (local.get 0)) (i64.xor (i64.const 77))".repeat(n);
        all.push(("long", body("i64", &format!("(local.get 0) {long}"))));
        let accesses =
            "(i64.load (local.get 0)) i64.add (i32.store offset=8 (local.get 0) (local.get 0))".repeat(n);
        all.push(("accesses", body("i32", &format!("(i64.const 0) {accesses}"))));
    }
    let same = "(i64.add (i64.mul (local.get 0) (i64.const 3)) (i64.rotl (local.get 0) (i64.const 5)))";
    all.push(("same", body("i64", &format!("(i64.const 0){}", format!("{same}(i64.xor)").repeat(4000)))));
    all
}

/// In how many ways an engine and a tier may be set up.
const WAYS: usize = 6;

fn way(number: usize, budget: &Budget, most: u64) -> (Engine, Arc<Jit>) {
    let mut options = Jit::options();
    options.mode(Mode::Sync).threshold(0).compiler_memory(most);
    let mut config = Config::new();
    config.budget(budget.clone()).check_translation(false);
    match number {
        0 => {}
        1 => _ = options.memory_guard(MemoryGuard::Off),
        2 => _ = options.memory_guard(MemoryGuard::Off).spectre_mitigations(true),
        3 => _ = config.consume_fuel(true),
        4 => _ = config.consume_fuel(true).suspend_compiled(true),
        _ => _ = config.canonical_nans(true).suspend_compiled(true),
    }
    let jit = Jit::new(&options).unwrap();
    (Engine::new(config.tier(jit.clone())).unwrap(), jit)
}

/// What is seen when the subject of a hostile module is compiled: what the heap holds, what it is charged at most, and the reason if
/// it isn't compiled after all.
struct Compiled {
    size: u32,
    seen: Seen,
    charged: u64,
    declined: Option<String>,
    took: Duration,
}

fn compile(bytes: &[u8], number: usize, most: u64, what: impl FnOnce(&Jit, &Module)) -> Compiled {
    let budget = Budget::unlimited();
    let (engine, jit) = way(number, &budget, most);
    let module = Module::new(&engine, bytes).unwrap();
    // What is made once for all.
    jit.called(&module, 0, None);
    let before = budget.used();
    let start = Instant::now();
    let ((), seen) = watch(&budget, Refused::None, UNCOUNTED, || what(&jit, &module));
    assert_eq!(budget.used_for(Kind::CompilerScratch), 0);
    Compiled {
        size: View::new(&module).body_size(SUBJECT),
        seen,
        charged: budget.peak() - before,
        declined: jit.stats().declined.into_keys().next(),
        took: start.elapsed(),
    }
}

/// The most that compiling one function takes by default.
const MOST: u64 = 64 << 20;

#[test]
fn compiling_takes_memory_in_proportion_and_within_a_bound() {
    let mut refused = 0;
    println!("{:48} {:>7} {:>9} {:>11} {:>8}", "function", "bytes", "KiB taken", "KiB charged", "ms");
    for family in hostile::families() {
        let mut last: Option<(u32, i64)> = None;
        for n in [2000, 6000, 20_000] {
            let one = compile(&(family.make)(n), 0, MOST, |jit, module| jit.called(module, SUBJECT, None));
            let Compiled { size, seen, charged, declined, took } = one;
            println!(
                "{:48} {size:7} {:9} {:11} {:8.1} {}",
                family.name,
                seen.most >> 10,
                charged >> 10,
                took.as_secs_f64() * 1e3,
                declined.as_deref().unwrap_or_default(),
            );
            assert!(seen.beyond <= UNCOUNTED, "{}, {n}: {}", family.name, seen.place.unwrap());
            assert!(seen.most <= MOST as i64, "{}, {n}: {}", family.name, seen.most);
            if declined.is_some_and(|why| why.contains("might take more")) {
                refused += 1;
                continue;
            }
            if let (Growth::Linear, Some((small, few))) = (family.growth, last) {
                // Twice as much for a byte, and as much as doesn't depend on the size.
                let most = few * 2 * i64::from(size) / i64::from(small) + (256 << 10);
                assert!(seen.most < most, "{}: {few} for {small}, {} for {size}", family.name, seen.most);
            }
            last = Some((size, seen.most));
        }
    }
    assert!(refused > 10, "{refused}");
}

/// With every option, and of loops that are entered in their middle, which has all locals be variables of the loop's.
#[test]
fn the_bound_holds_however_code_is_made() {
    for family in hostile::families() {
        let bytes = (family.make)(6000);
        for number in 1..WAYS {
            let Compiled { seen, .. } =
                compile(&bytes, number, MOST, |jit, module| jit.called(module, SUBJECT, None));
            assert!(seen.beyond <= UNCOUNTED, "{}, {number}: {}", family.name, seen.place.unwrap());
            assert!(seen.most <= MOST as i64, "{}, {number}: {}", family.name, seen.most);
        }
        for number in [0, 4] {
            for last in [false, true] {
                let (engine, _) = way(number, &Budget::unlimited(), MOST);
                let module = Module::new(&engine, &bytes).unwrap();
                let loops = View::new(&module).shape(SUBJECT).unwrap().loops;
                let found = if last { loops.last() } else { loops.first() };
                let Some(found) = found else { continue };
                let Compiled { seen, .. } = compile(&bytes, number, MOST, |jit, module| {
                    let at = LoopAt { header: found.header, end: found.header };
                    let stays = Stays { outermost: at, sampled: at };
                    jit.watched(module, SUBJECT, Some(stays), None);
                });
                assert!(seen.beyond <= UNCOUNTED, "{}, {number}: {}", family.name, seen.place.unwrap());
                assert!(seen.most <= MOST as i64, "{}, {number}: {}", family.name, seen.most);
            }
        }
    }
}

#[test]
fn a_smaller_bound_is_kept_to() {
    for (most, n) in [(1 << 20, 3000), (4 << 20, 20_000)] {
        let mut refused = 0;
        for family in hostile::families() {
            let one = compile(&(family.make)(n), 0, most, |jit, module| jit.called(module, SUBJECT, None));
            assert!(one.seen.most <= most as i64, "{}: {}", family.name, one.seen.most);
            if let Some(why) = one.declined {
                refused +=
                    usize::from(why == format!("the compiler might take more than {} KiB", most >> 10));
            }
        }
        assert!(refused > 20, "{refused}");
    }
}

#[test]
fn compiling_hostile_functions_takes_no_more_than_is_charged() {
    for (name, text) in hostile() {
        let jit = each(&guests::binary(&text), 1 << 30, |size, seen| {
            println!("{name}: {size} bytes, {} at most", seen.most);
            assert!(seen.beyond <= UNCOUNTED, "{name}, {size} bytes: {}", seen.place.unwrap());
        });
        assert!(jit.stats().declined.is_empty(), "{:?}", jit.stats());
    }
}

/// A budget of any size is kept to, wherever compiling ends, and what the heap holds is in it.
#[test]
fn budgets_hold_while_something_is_compiled() {
    // What is made once in a process.
    let bytes = guests::binary(guests::EVERYTHING);
    guests::use_everything(&Budget::unlimited(), &bytes, bytes.len()).unwrap();
    for (name, bytes) in guests::corpus() {
        if !["regex.wasm", "script.wasm"].contains(&name.as_str()) {
            continue;
        }
        let mut compiled = Vec::new();
        for limit in (1 << 20..30 << 20).step_by(2_500_007) {
            let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0)).unwrap();
            // What is made once for all.
            let small = guests::binary("(module (func))");
            let module = Module::new(&engine(&Budget::unlimited(), &jit), small).unwrap();
            jit.called(&module, 0, None);
            jit.called(&module, 0, Some(&|| false));
            let budget = Budget::new(limit);
            // From the start: what is reserved for code is charged before it is used.
            let ((outcome, code), seen) = watch(&budget, Refused::None, UNCOUNTED, || {
                let outcome = (|| {
                    let engine = engine(&budget, &jit);
                    let module = Module::new(&engine, &bytes)?;
                    let mut store = Store::try_new(&engine, ())?;
                    let instance = Instance::new(&mut store, &module, &[])?;
                    // On this thread, whose heap is watched.
                    (0..View::new(&module).defined_funcs())
                        .for_each(|index| jit.called(&module, index, None));
                    let run = instance.get_typed_func::<i32, i64>(&store, "run")?;
                    run.call(&mut store, 5).map(|_| View::new(&module).cache().used_for(Kind::MachineCode))
                })();
                match outcome {
                    Ok(code) => (None, code),
                    Err(error) => (Some(error.kind()), 0),
                }
            });
            println!(
                "{name} in {limit}: {outcome:?}, {code} of code, {} beyond, {:?}",
                seen.beyond,
                jit.stats()
            );
            // Pages of code aren't on the heap, but charged to the reserve.
            assert!(seen.beyond <= UNCOUNTED, "{name} in {limit}: {}", seen.place.unwrap());
            assert!(seen.held <= UNCOUNTED && budget.used() == 0, "{name} in {limit}: {}", seen.held);
            assert!(budget.peak() <= limit, "{name}");
            compiled.push(jit.stats().functions);
        }
        assert!(compiled.first() < compiled.last(), "{compiled:?}");
    }
}
