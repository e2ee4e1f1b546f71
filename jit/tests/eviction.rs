//! Tests of the code cache when the budget has no more room for machine code.
#![cfg(feature = "compiler")]

use dunlin::tier::View;
use dunlin::{Budget, Config, Engine, Instance, Kind, Module, Store, Trap};
use dunlin_jit::{CacheFull, Jit, Mode};
use std::fmt::Write;

const FUNCS: i32 = 60;

/// Functions with one loop each, and one that calls number `which` of them through a table.
fn text() -> String {
    let mut text = String::from("(module (memory 1) (type $f (func (param i32) (result i64)))");
    let names: Vec<String> = (0..FUNCS).map(|n| format!("$f{n}")).collect();
    write!(text, "(table funcref (elem {}))", names.join(" ")).unwrap();
    for n in 0..FUNCS {
        write!(text, "(func $f{n} (param $n i32) (result i64) (local $x i64) (loop $again").unwrap();
        for step in 0..12 {
            let k = n * 31 + step;
            write!(
                text,
                "(local.set $x (i64.add (i64.mul (local.get $x) (i64.const {k}))
                    (i64.load (i32.and (i32.mul (local.get $n) (i32.const {k})) (i32.const 0xfff8)))))
                 (i64.store (i32.and (i32.mul (local.get $n) (i32.const {})) (i32.const 0xfff8)) (local.get $x))",
                k + 7
            )
            .unwrap();
        }
        text.push_str(
            "(br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $x))",
        );
    }
    text.push_str(
        r#"(func (export "run") (param $which i32) (param $n i32) (result i64) (local $i i32) (local $x i64)
            (loop $again
                (local.set $x (i64.add (local.get $x)
                    (call_indirect (type $f) (local.get $n) (local.get $which))))
                (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))
            (local.get $x)))"#,
    );
    text
}

fn results(engine: &Engine, module: &Module) -> Vec<i64> {
    // Not the module's budget, which only the module's code should fill.
    let mut store = Store::with_budget(engine, &Budget::unlimited(), ()).unwrap();
    let instance = Instance::new(&mut store, module, &[]).unwrap();
    let run = instance.get_typed_func::<(i32, i32), i64>(&store, "run").unwrap();
    (0..3 * FUNCS).map(|n| run.call(&mut store, (n % FUNCS, 400)).unwrap()).collect()
}

#[test]
fn code_is_thrown_away_or_the_tier_stops() {
    let binary = wat::parse_str(text()).unwrap();
    let plain = Engine::default();
    let wanted = results(&plain, &Module::new(&plain, &binary).unwrap());
    for then in [CacheFull::Evict, CacheFull::Stop] {
        for mode in [Mode::Sync, Mode::Background] {
            let mut options = Jit::options();
            options.mode(mode).threshold(1).sample_every(500).cache_full(then);
            let jit = Jit::new(&options).unwrap();
            let budget = Budget::new(3_500_000);
            let engine = Engine::new(Config::new().tier(jit.clone()).budget(budget.clone())).unwrap();
            let module = Module::new(&engine, &binary).unwrap();
            assert_eq!(results(&engine, &module), wanted, "{then:?} {mode:?}");
            let stats = jit.stats();
            let times = View::new(&module).thrown_away();
            println!("{then:?} {mode:?}: {times} times; {stats:?}");
            if mode == Mode::Sync {
                assert!(stats.functions > 5 && stats.declined.len() == 1, "{stats:?}");
                assert_eq!(times > 0, then == CacheFull::Evict, "{stats:?}");
            }
            assert!(budget.peak() <= 3_500_000);
            drop((module, engine));
        }
    }
}

#[test]
fn without_room_for_the_compiler_all_is_interpreted() {
    let binary = wat::parse_str(text()).unwrap();
    let plain = Engine::default();
    let wanted = results(&plain, &Module::new(&plain, &binary).unwrap());
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0)).unwrap();
    let engine = Engine::new(Config::new().tier(jit.clone()).budget(Budget::new(700_000))).unwrap();
    let module = Module::new(&engine, &binary).unwrap();
    assert_eq!(results(&engine, &module), wanted);
    let stats = jit.stats();
    assert!(stats.functions == 0 && stats.declined.len() == 1, "{stats:?}");
    assert_eq!(engine.budget().used_for(Kind::MachineCode), 0);
}

#[test]
fn a_trap_after_code_was_thrown_away_is_as_ever() {
    let binary = wat::parse_str(text()).unwrap();
    let mut options = Jit::options();
    options.mode(Mode::Sync).threshold(1).sample_every(500);
    let jit = Jit::new(&options).unwrap();
    let engine = Engine::new(Config::new().tier(jit).budget(Budget::new(3_500_000))).unwrap();
    let module = Module::new(&engine, &binary).unwrap();
    let mut store = Store::with_budget(&engine, &Budget::unlimited(), ()).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let run = instance.get_typed_func::<(i32, i32), i64>(&store, "run").unwrap();
    for n in 0..2 * FUNCS {
        run.call(&mut store, (n % FUNCS, 300)).unwrap();
        let error = run.call(&mut store, (FUNCS, 1)).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::UndefinedElement));
        assert_eq!(error.backtrace().unwrap().frames().len(), 1);
    }
}
