//! What compiling whole modules takes, against what is charged for it: many of everything, in budgets of all sizes.

use crate::guests;
use crate::ledger::{Refused, watch};
use crate::uncounted::UNCOUNTED;
use dunlin::{Budget, Config, Engine, Kind, Module};
use dunlin_jit::aot::{self, Compile, Target};
use dunlin_jit::{Jit, Mode, Options};
use std::fmt::Write;
use std::sync::Arc;

/// Number `n` of some types that all differ, with `more` parameters besides those that make the difference.
fn ty(n: usize, more: usize) -> String {
    let bits = (0..13).map(|bit| if n >> bit & 1 == 0 { "i32 " } else { "i64 " });
    format!("(type $t{n} (func (param {}{}) (result i32)))", bits.collect::<String>(), "i64 ".repeat(more))
}

/// What is pushed for a call of that type, without more.
fn arguments(n: usize) -> String {
    let bits = (0..13).map(|bit| if n >> bit & 1 == 0 { "(i32.const 1)" } else { "(i64.const 1)" });
    bits.collect()
}

/// Modules with much of something, by name.
fn families() -> Vec<(&'static str, String)> {
    let many = |n: usize, text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<String>();
    let mut all = Vec::new();
    // Of types that nothing calls.
    all.push(("unused types", format!("(module {} (func))", many(8000, &|n| ty(n, 25)))));
    // Of types that are called: each has a function, an import, or an element of a table.
    let types = many(600, &|n| ty(n, 25));
    let funcs = many(600, &|n| format!("(func (type $t{n}) (i32.const {n}))"));
    all.push(("types of functions", format!("(module {types}{funcs})")));
    let funcs = many(5000, &|n| format!("(func (type $t{n}) (i32.const {n}))"));
    all.push(("many types of functions", format!("(module {}{funcs})", many(5000, &|n| ty(n, 0)))));
    let wide = format!("(func (param {}) (result i32) (local.get 0))", "i32 ".repeat(900));
    all.push(("a wide function", format!("(module {wide})")));
    let narrow = many(600, &|n| ty(n, 0));
    let imports = many(600, &|n| format!("(import \"\" \"\" (func $i{n} (type $t{n})))"));
    let some = |k: usize, call: &dyn Fn(usize) -> String| {
        let calls = (15 * k..15 * k + 15).map(|n| format!("{}(drop {})", arguments(n), call(n)));
        format!("(func {})", calls.collect::<String>())
    };
    let calls = many(40, &|k| some(k, &|n| format!("(call $i{n})")));
    all.push(("types of imports", format!("(module {narrow}{imports}{calls})")));
    let indirect = |n: usize| format!("(call_indirect $table{} (type $t{n}) (i32.const 0))", n % 90);
    let indirect = many(40, &|k| some(k, &indirect));
    let tables = many(90, &|n| format!("(table $table{n} 7 funcref)"));
    all.push(("tables", format!("(module {narrow}{tables}{indirect})")));
    // Of functions, each of which calls others: before it and behind it.
    let chain = many(1200, &|n| {
        let calls = (0..3).map(|k| format!("(call $f{})", (n + k * 399) % 1200)).collect::<String>();
        format!("(func $f{n} (param i32) (result i32) (local.get 0) {calls})")
    });
    all.push(("functions", format!("(module {chain})")));
    // Of functions that are too large, which others call.
    let large = many(60, &|n| {
        format!(
            "(func $f{n} (param i32) (result i32) (local.get 0) {})",
            "(i32.add (i32.const 3))".repeat(2000)
        )
    });
    let callers = many(60, &|n| format!("(func (result i32) (call $f{n} (i32.const 1)))"));
    all.push(("detours", format!("(module {large}{callers})")));
    // Of places that trap, and of functions in functions.
    let mut text = String::from(
        "(module (memory 1) (func $small (param i32) (result i32) (i32.div_u (local.get 0) (local.get 0)))",
    );
    for n in 0..60 {
        let some =
            "(i32.load8_u) (i32.div_u (local.get 0)) (call $small) (i32.rem_s (local.get 0))".repeat(60);
        write!(text, "(func (param i32) (result i32) (i32.const {n}) {some})").unwrap();
    }
    text.push(')');
    all.push(("places", text));
    all
}

fn options() -> Options {
    let mut options = Jit::options();
    // The ledger is a thread's.
    options.mode(Mode::Eager).parallel_compilation(false).largest_function(4 << 10);
    options
}

fn engine(budget: &Budget, jit: &Arc<Jit>) -> Engine {
    let mut config = Config::new();
    Engine::new(config.budget(budget.clone()).check_translation(false).tier(jit.clone())).unwrap()
}

/// A tier that has made what it makes once for all.
fn warm() -> Arc<Jit> {
    let jit = Jit::new(&options()).unwrap();
    let small = guests::binary("(module (func))");
    Module::new(&engine(&Budget::unlimited(), &jit), small).unwrap();
    jit
}

/// More than any of them can take.
const PLENTY: u64 = 8 << 30;

#[test]
fn whole_modules_take_no_more_than_is_charged() {
    for (name, text) in families() {
        let bytes = guests::binary(&text);
        let mut compiled = Vec::new();
        for limit in [1 << 20, 3 << 20, 12 << 20, PLENTY, u64::MAX] {
            let jit = warm();
            let before = jit.stats();
            let budget = Budget::new(limit);
            let (code, seen) = watch(&budget, Refused::None, UNCOUNTED, || {
                let module = Module::new(&engine(&budget, &jit), &bytes);
                module.map(|module| dunlin::tier::View::new(&module).cache().used_for(Kind::MachineCode))
            });
            let stats = jit.stats();
            let functions = stats.functions - before.functions;
            let code = code.unwrap_or(0);
            println!(
                "{name}, {} bytes, in {limit}: {functions} functions, {code} of code, {} at most, {} beyond; {:?}",
                bytes.len(),
                seen.most,
                seen.beyond,
                stats.declined
            );
            assert!(seen.beyond <= UNCOUNTED, "{name} in {limit}: {}", seen.place.unwrap());
            assert!(seen.held <= UNCOUNTED && budget.used() == 0, "{name} in {limit}: {}", seen.held);
            assert!(budget.peak() <= limit, "{name} in {limit}");
            assert_eq!(budget.used_for(Kind::CompilerScratch), 0);
            compiled.push((functions, code));
        }
        let (functions, code) = *compiled.last().unwrap();
        // The reserve of a large budget has room for the ways in and out of all functions; what may be inlined it
        // doesn't count.
        if name.contains("types") || name.contains("wide") {
            assert_eq!(compiled[3], (functions, code), "{name}");
        }
        assert!(compiled.iter().all(|(some, _)| *some <= functions), "{name}: {compiled:?}");
        assert!(functions > 0, "{name}");
        // A function, a way in, a way out, and the bridge.
        assert!(name != "unused types" || code < 16 << 10, "{name}: {code}");
    }
}

#[test]
fn compiling_ahead_of_time_takes_no_more_than_is_charged() {
    let how = Compile { largest_function: 4 << 10, parallel: false, ..Compile::new(Target::X86_64) };
    for (name, text) in families() {
        let bytes = guests::binary(&text);
        let budget = Budget::unlimited();
        let engine = guests::engine(&budget).unwrap();
        let small = guests::binary("(module (func))");
        aot::compile(&Module::new(&engine, &small).unwrap(), &small, &how).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let mut file = 0;
        let (code, seen) = watch(&budget, Refused::None, UNCOUNTED, || {
            let made = aot::compile(&module, &bytes, &how).unwrap();
            file = made.bytes.len();
            made.stats.code_bytes
        });
        println!("{name}: {code} of code, {file} in all, {} at most, {} beyond", seen.most, seen.beyond);
        assert!(seen.beyond <= UNCOUNTED, "{name}: {}", seen.place.unwrap());
        assert!(
            seen.held <= UNCOUNTED && budget.used_for(Kind::CompilerScratch) == 0,
            "{name}: {}",
            seen.held
        );
        assert!(name != "unused types" || code < 4 << 10, "{name}: {code}");
    }
}

#[test]
fn precompiled_code_takes_no_more_than_is_charged() {
    let how = Compile { largest_function: 4 << 10, ..Compile::new(Target::here().unwrap()) };
    let plain = Engine::default();
    let corpus =
        guests::corpus().into_iter().filter(|(name, _)| ["regex.wasm", "script.wasm"].contains(&&**name));
    let families = families().into_iter().map(|(name, text)| (name.to_owned(), guests::binary(&text)));
    for (name, bytes) in families.chain(corpus) {
        let file = aot::compile(&Module::new(&plain, &bytes).unwrap(), &bytes, &how).unwrap().bytes;
        let jit = Jit::new(Jit::options().mode(Mode::Off)).unwrap();
        let budget = Budget::unlimited();
        let engine = engine(&budget, &jit);
        let aot::Opened::Precompiled(mut reader) = aot::open(&file[..]).unwrap() else { panic!("{name}") };
        let module = Module::from_reader(&engine, &mut reader).unwrap();
        let paid = Budget::unlimited();
        let ((functions, code), seen) = watch(&budget, Refused::None, i64::MAX, || {
            let code = reader.code(&paid).unwrap();
            (code.functions(), code)
        });
        println!(
            "{name}: {} bytes, {functions} functions; {} of {} held, {} of {} at most",
            file.len(),
            seen.held,
            paid.used(),
            seen.most,
            paid.peak()
        );
        assert!(seen.held - UNCOUNTED <= paid.used() as i64, "{name}");
        assert!(seen.most - UNCOUNTED <= paid.peak() as i64, "{name}");
        jit.attach(&module, &code).unwrap();
        assert_eq!(jit.stats().precompiled, functions as u64);
    }
}
