//! Tests of what is compiled when nothing says so explicitly: of the account, as far as counts decide.
#![cfg(feature = "compiler")]

use dunlin::{Config, Engine, Instance, Module, Store, Val};
use dunlin_jit::{Jit, Mode, Options, Stats};

/// `spin` has one long loop, `short` is called from one, and `large` costs much.
fn text() -> String {
    let padding = "(drop (i32.const 1000000))".repeat(6000);
    format!(
        r#"(module
            (func $count (param i32) (result i32) (loop $again
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (local.get 0))
            (func $large (param i32) {padding})
            (func (export "spin") (param i32) (drop (call $count (local.get 0))))
            (func (export "short") (param i32) (loop $again
                (drop (call $count (i32.const 40)))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
            (func (export "large") (param i32) (loop $again
                (call $large (i32.const 1))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#
    )
}

/// What is compiled by calling these exports, one after the other.
fn compiled(options: &Options, calls: &[(&str, i32)]) -> Stats {
    let jit = Jit::new(options).unwrap();
    let engine = Engine::new(Config::new().tier(jit.clone())).unwrap();
    let module = Module::new(&engine, wat::parse_str(text()).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    for (name, n) in calls {
        let f = instance.get_func(&store, name).unwrap();
        f.call(&mut store, &[Val::I32(*n)], &mut []).unwrap();
    }
    jit.stats()
}

fn sync() -> Options {
    let mut options = Jit::options();
    options.mode(Mode::Sync);
    options
}

#[test]
fn what_ends_in_its_first_slice_compiles_nothing() {
    for mode in [Mode::Sync, Mode::Background] {
        for threshold in [None, Some(1)] {
            let mut options = Jit::options();
            options.mode(mode);
            threshold.map(|threshold| options.threshold(threshold));
            let stats = compiled(&options, &[("spin", 1000), ("short", 20), ("spin", 500)]);
            assert_eq!(stats, Stats::default(), "{mode:?}, {threshold:?}");
        }
    }
    // Calls that are short each add up to slices all the same.
    let stats = compiled(sync().threshold(1), &[("spin", 1000); 60]);
    assert_eq!(stats.functions + stats.loops, 1, "{stats:?}");
}

#[test]
fn an_activation_that_stays_in_its_loop_has_only_that_compiled() {
    let stats = compiled(&sync(), &[("spin", 30_000_000)]);
    assert_eq!((stats.functions, stats.loops, stats.osr_entries), (0, 1, 1), "{stats:?}");
}

#[test]
fn a_function_that_returns_soon_is_compiled_as_a_whole() {
    let stats = compiled(&sync(), &[("short", 1_000_000)]);
    // The loop that calls it stays.
    assert!(stats.functions >= 1, "{stats:?}");
    let twice = compiled(sync().threshold(1), &[("short", 30_000)]);
    assert!(twice.functions >= 1, "{twice:?}");
}

#[test]
fn a_larger_function_must_have_executed_for_longer() {
    // Both execute some millions of instructions.
    let spins = compiled(&sync(), &[("spin", 1_000_000)]);
    assert!((1..100).contains(&spins.wasm_bytes), "{spins:?}");
    let large = compiled(&sync(), &[("large", 300)]);
    assert!(large.wasm_bytes < 100, "{large:?}");
}

#[test]
fn equal_profiles_lead_to_equal_decisions() {
    let calls =
        [("spin", 400_000), ("short", 60_000), ("large", 500), ("spin", 3_000_000), ("short", 900_000)];
    let decided = |stats: Stats| Stats { compile_time: Default::default(), ..stats };
    let first = decided(compiled(&sync(), &calls));
    assert!(first.functions + first.loops > 1, "{first:?}");
    for _ in 0..3 {
        assert_eq!(decided(compiled(&sync(), &calls)), first);
    }
}
