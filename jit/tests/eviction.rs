//! Tests of the code cache when the budget has no more room for machine code.
#![cfg(feature = "compiler")]

use dunlin::tier::View;
use dunlin::{Budget, Caller, Config, Engine, Error, Func, Instance, Kind, Module, Store, Trap};
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

/// Functions that stay interpreted, since they are large, and of which not all fit what there is for code. `f` calls `g`,
/// which is compiled: that calls `f` again, or the host at last.
fn large_and_small(crowd: i32) -> String {
    let mut text = String::from(
        r#"(module (import "" "ask" (func $ask (param i32) (result i32)))
        (func $g (param i32) (result i32) (if (result i32) (local.get 0)
            (then (call $f (i32.sub (local.get 0) (i32.const 1))))
            (else (call $ask (i32.const 100)))))
        (func $f (export "f") (param i32) (result i32)"#,
    );
    text.push_str(&"(local.set 0 (i32.xor (local.get 0) (i32.const 1)))".repeat(60));
    text.push_str("(i32.add (call $g (local.get 0)) (i32.const 1)))");
    for n in 0..crowd {
        write!(text, r#"(func (export "c{n}") (param i32) (result i32)"#).unwrap();
        text.push_str(&"(local.set 0 (i32.mul (local.get 0) (i32.const 3)))".repeat(800));
        text.push_str("(local.get 0))");
    }
    text.push(')');
    text
}

/// Interpreted frames may lie below compiled ones, and these below interpreted ones.
#[test]
fn code_of_frames_below_compiled_ones_is_kept() {
    const CROWD: i32 = 150;
    const DEPTH: i32 = 3;
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0).largest_function(200)).unwrap();
    let budget = Budget::new(8 << 20);
    let engine = Engine::new(Config::new().tier(jit.clone()).budget(budget)).unwrap();
    let module = Module::new(&engine, wat::parse_str(large_and_small(CROWD)).unwrap()).unwrap();
    let mut store = Store::with_budget(&engine, &Budget::unlimited(), None::<Instance>).unwrap();
    let ask = |mut caller: Caller<'_, Option<Instance>>, x: i32| -> Result<i32, Error> {
        let instance = caller.data().expect("it is set");
        for n in 0..2 * CROWD {
            let c = instance.get_typed_func::<i32, i32>(&caller, &format!("c{}", n % CROWD))?;
            c.call(&mut caller, n)?;
        }
        Ok(x)
    };
    let ask = Func::try_wrap(&mut store, ask).unwrap();
    let instance = Instance::new(&mut store, &module, &[ask.into()]).unwrap();
    *store.data_mut() = Some(instance);
    let f = instance.get_typed_func::<i32, i32>(&store, "f").unwrap();
    assert_eq!(f.call(&mut store, DEPTH).unwrap(), 100 + DEPTH + 1);
    let (stats, dropped) = (jit.stats(), module.dropped_translations());
    println!("{dropped} times; {stats:?}");
    assert!(stats.functions >= 1 && dropped > CROWD as u64, "{dropped} {stats:?}");
}
