//! Profiles of compiled code: whole stacks, whatever is compiled of them.
#![cfg(feature = "compiler")]

use dunlin::{Caller, Config, Engine, Error, Linker, Module, Store};
use dunlin_jit::{Jit, Mode, Options};
use std::collections::BTreeMap;

/// Functions whose bodies are padded so far stay interpreted.
const SMALL: u32 = 80;

/// `run` and `middle` are larger than what is compiled; `outer` and `inner` aren't.
fn text() -> String {
    let padding = "nop ".repeat(SMALL as usize);
    format!(
        r#"(module
            (import "host" "back" (func $back (param i32)))
            (memory 20)
            (func $inner (export "inner") (param $n i32)
                (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
            (func $middle (param i32) {padding} (call $inner (local.get 0)))
            (func $outer (param i32) (call $middle (local.get 0)))
            (func $run (export "run") (param i32) {padding}
                (call $outer (local.get 0)) (call $outer (local.get 0)))
            (func $host (export "host") (param i32) (call $back (local.get 0)))
            (func $fill (export "fill") (param $n i32)
                (loop $again
                    (memory.fill (i32.const 0) (i32.const 1) (i32.const 1000000))
                    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
            (func $island (export "island") (param $n i32) {padding}
                (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#
    )
}

/// The stacks of a call, and how many functions and loops were compiled.
fn stacks(options: &Options, name: &str, n: i32) -> (BTreeMap<String, u64>, u64) {
    let jit = Jit::new(options).unwrap();
    let engine = Engine::new(Config::new().consume_fuel(true).tier(jit.clone())).unwrap();
    let module = Module::new(&engine, wat::parse_str(text()).unwrap()).unwrap();
    let mut linker = Linker::new(&engine);
    let back = |mut caller: Caller<'_, ()>, n: i32| -> Result<(), Error> {
        let inner = caller.get_export("inner").unwrap().into_func().unwrap();
        inner.typed::<i32, ()>(&caller)?.call(&mut caller, n)
    };
    linker.func_wrap("host", "back", back).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(u64::MAX).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    store.profile(10_000);
    instance.get_typed_func::<i32, ()>(&store, name).unwrap().call(&mut store, n).unwrap();
    let used = u64::MAX - store.get_fuel().unwrap();
    let profile = store.take_profile().unwrap();
    assert_eq!(profile.total(), used);
    let lines = profile.folded().map(|line| {
        let (stack, weight) = line.rsplit_once(' ').unwrap();
        (stack.to_owned(), weight.parse().unwrap())
    });
    (lines.collect(), jit.stats().functions + jit.stats().loops)
}

fn at_once() -> Options {
    let mut options = Jit::options();
    options.mode(Mode::Sync).threshold(0).largest_function(SMALL);
    options
}

/// Whether nearly all was executed in this stack, and the rest in outer parts of it.
#[track_caller]
fn nearly_all(stacks: &BTreeMap<String, u64>, expected: &str) {
    let total: u64 = stacks.values().sum();
    let there = stacks.get(expected).copied().unwrap_or(0);
    assert!(there * 10 > total * 9, "{stacks:#?}");
    for stack in stacks.keys().filter(|stack| *stack != "[unsampled]") {
        assert!(expected.starts_with(&**stack), "{stacks:#?}");
    }
}

#[test]
fn segments_of_both_kinds_are_one_stack() {
    let (compiled, pieces) = stacks(&at_once(), "run", 2_000_000);
    nearly_all(&compiled, "run;outer;middle;inner");
    assert!(pieces >= 2, "{pieces}");
    // Everything compiled, and nothing.
    let (all, _) = stacks(Jit::options().mode(Mode::Sync).threshold(0), "run", 2_000_000);
    nearly_all(&all, "run;outer;middle;inner");
    let (none, pieces) = stacks(Jit::options().mode(Mode::Off), "run", 2_000_000);
    nearly_all(&none, "run;outer;middle;inner");
    assert_eq!(pieces, 0);
}

#[test]
fn a_loop_that_is_compiled_belongs_to_its_function_once() {
    for (name, options) in [("inner", Jit::options()), ("island", at_once())] {
        let mut options = options;
        let (stacks, pieces) = stacks(options.mode(Mode::Sync), name, 20_000_000);
        nearly_all(&stacks, name);
        assert!(pieces > 0, "{name}");
    }
}

#[test]
fn a_host_function_that_calls_back_is_between_stacks() {
    let (stacks, _) = stacks(&at_once(), "host", 2_000_000);
    let total: u64 = stacks.values().sum();
    // The compiled function that called the host's isn't known.
    let inner: u64 =
        stacks.iter().filter(|(stack, _)| stack.ends_with("inner")).map(|(_, weight)| weight).sum();
    assert!(inner * 10 > total * 9, "{stacks:#?}");
}

#[test]
fn what_a_builtin_takes_counts_for_its_caller() {
    let (stacks, _) = stacks(&at_once(), "fill", 500);
    nearly_all(&stacks, "fill");
}
