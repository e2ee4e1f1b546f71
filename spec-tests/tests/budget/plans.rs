//! What the planner says of modules that consist of much of one thing: it is enough, and not much more than that.

use crate::guests;
use crate::least::least;
use dunlin::{Budget, Linker};
use std::fmt::Write;

/// Modules with much of one thing, by name.
fn families() -> Vec<(&'static str, String)> {
    let many = |n: usize, text: &dyn Fn(usize) -> String| (0..n).map(text).collect::<String>();
    let module = |text: String| format!("(module {text})");
    // Types that all differ.
    let ty = |n: usize| {
        let bits = (0..13).map(|bit| if n >> bit & 1 == 0 { " i32" } else { " i64" });
        format!("(type $t{n} (func (param{})))", bits.collect::<String>())
    };
    let wide =
        |n: usize| format!("(type (func (param i64 {}) (result{})))", "i32 ".repeat(n), " f32".repeat(20));
    vec![
        ("nothing", module(String::new())),
        ("a table", module("(table 100000 funcref)".into())),
        (
            "a table of references",
            module(format!("(table funcref (elem{})) (func $f)", " $f".repeat(20_000))),
        ),
        ("tables", module("(table 10 funcref)".repeat(3000))),
        ("types", module(many(5000, &ty))),
        ("wide types", module(many(500, &wide))),
        ("types of functions", module(many(5000, &ty) + &many(5000, &|n| format!("(func (type $t{n}))")))),
        (
            "exports of one function",
            module(format!("(func){}", many(5000, &|n| format!("(export \"{n}\" (func 0))")))),
        ),
        ("exports", module(many(5000, &|n| format!("(func (export \"{n}\"))")))),
        ("functions", module("(func)".repeat(5000))),
        ("globals", module("(global i64 (i64.const 7))".repeat(5000))),
        (
            "references to functions",
            module(format!("(func $f){}", "(global funcref (ref.func $f))".repeat(5000))),
        ),
        ("element segments", module(format!("(func $f){}", "(elem func $f $f $f)".repeat(5000)))),
        (
            "active elements",
            module(format!(
                "(table 5000 funcref) (elem (i32.const 0) func{}){}",
                many(5000, &|n| format!(" {n}")),
                "(func)".repeat(5000),
            )),
        ),
        ("data segments", module("(data \"abc\")".repeat(5000))),
        ("data", module(format!("(data \"{}\")", "x".repeat(3 << 20)))),
        ("active data", module(format!("(memory 50) (data (i32.const 0) \"{}\")", "x".repeat(3 << 20)))),
        ("a memory", module("(memory 100)".into())),
        ("memories", module("(memory 1)".repeat(90))),
        ("imported functions", module(many(3000, &|n| format!("(import \"a\" \"{n}\" (func))")))),
        ("one large function", module(format!("(func {})", "(drop (i32.const 1))".repeat(100_000)))),
        (
            "a high stack",
            module(format!("(func {}{})", "(i32.const 1)".repeat(30_000), "drop ".repeat(30_000))),
        ),
    ]
}

/// What the functions that trap for imports take, which are the host's.
fn traps_for(bytes: &[u8]) -> u64 {
    let budget = Budget::unlimited();
    let module = guests::load(&budget, bytes).unwrap();
    let before = budget.used();
    let mut linker = Linker::<()>::new(module.engine());
    linker.define_unknown_imports_as_traps(&module).unwrap();
    budget.used() - before
}

/// The most that the planner may say where so much is needed: an eighth more, and what it takes for an empty store.
fn most(least: u64) -> u64 {
    least + least / 8 + (24 << 10)
}

/// Each of them as it is, where loading may take the most; and with so much memory that starting does.
#[test]
fn of_much_of_one_thing() {
    let mut wrong = String::new();
    for (name, text) in families() {
        let plan = |text: &str| guests::load(&Budget::unlimited(), &guests::binary(text)).unwrap().plan();
        let with = |more: String| format!("{} {more})", text.strip_suffix(')').unwrap());
        // What is called takes a stack.
        let called = with("(func (export \"run\"))".into());
        // Twice what loading takes, whatever that is.
        let pages = plan(&called).least() / 32768 + 8;
        let started = with(format!("(memory {pages}) (func (export \"run\"))"));
        for (text, memory) in [(called, 0), (started, pages << 16)] {
            let (bytes, plan) = (guests::binary(&text), plan(&text));
            let least = least(name, &|budget| guests::instantiate(budget, &bytes));
            let planned = plan.least();
            let host = traps_for(&bytes);
            println!("{name}: least {least}, planned {planned}, of them {memory} of memory; {plan}");
            assert!(plan.most().is_none_or(|most| most >= planned), "{name}: {plan}");
            if planned + host < least || planned - memory > most(least - memory) {
                writeln!(
                    wrong,
                    "{name}: least {least}, planned {planned}, host {host}, {memory} memory; {:?}",
                    plan.items()
                )
                .unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
