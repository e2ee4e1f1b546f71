//! Profiles: what is counted, in which stacks, and that nothing else changes.

use dunlin::{Caller, Config, Dispatch, Engine, Func, Instance, Linker, Module, Profile, Store, Trap};

/// One engine for each way of dispatch.
fn engines(fuel: bool) -> [Engine; 2] {
    let mut config = Config::new();
    config.consume_fuel(fuel);
    let chosen = Engine::new(&config).unwrap();
    [chosen, Engine::new(config.dispatch(Dispatch::Loop)).unwrap()]
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

fn call<T>(store: &mut Store<T>, instance: Instance, name: &str) -> Result<(), dunlin::Error> {
    instance.get_typed_func::<(), ()>(&*store, name).unwrap().call(store, ())
}

fn lines(profile: &Profile) -> Vec<String> {
    let mut lines: Vec<_> = profile.folded().collect();
    lines.sort();
    lines
}

fn weight(profile: &Profile, stack: &str) -> u64 {
    let line = profile.folded().find(|line| line.rsplit_once(' ').unwrap().0 == stack);
    line.unwrap_or_else(|| panic!("no {stack} in {:#?}", lines(profile)))
        .rsplit_once(' ')
        .unwrap()
        .1
        .parse()
        .unwrap()
}

const PROPORTION: &str = r#"(module
    (memory 20)
    (func $spin (param $n i32)
        (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func $heavy (call $spin (i32.const 300)))
    (func $light (call $spin (i32.const 100)))
    (func $run (export "run") (local $n i32)
        (local.set $n (i32.const 500))
        (loop $again
            (call $heavy)
            (call $light)
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func $clear (export "clear")
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 1280000))
        (call $light)))"#;

/// Runs it with as much fuel, and tells what it took.
fn fuel_of_run(engine: &Engine, every: Option<u64>, fuel: u64) -> (Option<Trap>, u64, Option<Profile>) {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module(engine, PROPORTION), &[]).unwrap();
    store.set_fuel(fuel).unwrap();
    if let Some(every) = every {
        store.profile(every);
    }
    let trap = call(&mut store, instance, "run").err().and_then(|error| error.trap());
    let used = fuel - store.get_fuel().unwrap();
    (trap, used, store.take_profile())
}

#[test]
fn weights_are_in_proportion_and_fuel_is_the_same() {
    for engine in engines(true) {
        for fuel in [u64::MAX, 123_457] {
            let (trap, used, none) = fuel_of_run(&engine, None, fuel);
            assert!(none.is_none());
            for every in [0, 1, 100, 1009, 10_000, u64::MAX] {
                let (same_trap, same, profile) = fuel_of_run(&engine, Some(every), fuel);
                let profile = profile.unwrap();
                assert_eq!((same_trap, same, profile.total()), (trap, used, used), "{every}");
                let sum: u64 = profile
                    .folded()
                    .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap())
                    .sum();
                assert_eq!(sum, used);
                if every < 1010 {
                    let (heavy, light) =
                        (weight(&profile, "run;heavy;spin"), weight(&profile, "run;light;spin"));
                    let ratio = heavy as f64 / light as f64;
                    assert!((2.5..3.5).contains(&ratio), "{every}: {:#?}", lines(&profile));
                    assert!((heavy + light) as f64 > 0.9 * used as f64);
                }
            }
        }
    }
}

#[test]
fn with_a_sample_for_each_charge_weights_are_exact() {
    for engine in engines(true) {
        let (_, used, profile) = fuel_of_run(&engine, Some(1), u64::MAX);
        let profile = profile.unwrap();
        let heavy = weight(&profile, "run;heavy;spin");
        let light = weight(&profile, "run;light;spin");
        // Each turn costs the same, and each entry.
        assert_eq!((heavy - light) % (500 * 200), 0);
        let turn = (heavy - light) / (500 * 200);
        assert_eq!(heavy - 500 * 300 * turn, light - 500 * 100 * turn);
        assert_eq!(weight(&profile, "run;heavy"), weight(&profile, "run;light"));
        let known = heavy + light + 2 * weight(&profile, "run;heavy") + weight(&profile, "run");
        assert_eq!((known, profile.folded().count()), (used, 5));
    }
}

#[test]
fn bulk_operations_count_where_they_are() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, PROPORTION), &[]).unwrap();
        store.profile(1000);
        call(&mut store, instance, "clear").unwrap();
        let profile = store.take_profile().unwrap();
        assert!((20_000..21_000).contains(&weight(&profile, "clear")), "{:#?}", lines(&profile));
        assert!(profile.total() < 22_000);
        assert!(store.take_profile().is_none());
    }
}

/// A guest that goes through a host function and another instance, back to itself; and replaces frames.
const TWISTED: &str = r#"(module $m
    (import "host" "back" (func $back))
    (import "" "through" (func $through (param i32)))
    (import "" "instead" (func $instead (param i32)))
    (func $leaf (export "leaf") (param i32)
        (if (i32.eqz (local.get 0)) (then (return)))
        (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $outer (export "outer") (call $back) (call $back))
    (func (export "inner")
        (call $through (i32.const 3))
        (call $replaced)
        (call $replaced_elsewhere))
    (func $replaced (return_call $leaf (i32.const 2)))
    (func $replaced_elsewhere (return_call $instead (i32.const 2))))"#;

const OTHER: &str = r#"(module $o
    (func $spin (param i32)
        (loop $again (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
    (func $through (export "through") (param i32) (call $spin (local.get 0)))
    (func $instead (export "instead") (param i32) (return_call $spin (local.get 0))))"#;

#[test]
fn stacks_are_joined_across_hosts_and_instances() {
    for engine in engines(false) {
        let mut store = Store::new(&engine, None::<Instance>);
        let mut linker = Linker::new(&engine);
        linker
            .func_wrap("host", "back", |mut caller: Caller<'_, Option<Instance>>| {
                let inner = caller.data().unwrap();
                // Twice, to come back to the same outer stack.
                for _ in 0..2 {
                    inner.get_typed_func::<(), ()>(&caller, "inner")?.call(&mut caller, ())?;
                }
                Ok::<_, dunlin::Error>(())
            })
            .unwrap();
        let other = linker.instantiate(&mut store, &module(&engine, OTHER)).unwrap();
        linker.instance(&mut store, "", other).unwrap();
        let instance = linker.instantiate(&mut store, &module(&engine, TWISTED)).unwrap();
        *store.data_mut() = Some(instance);
        store.profile(1);
        call(&mut store, instance, "outer").unwrap();
        let profile = store.take_profile().unwrap();
        let stacks: Vec<_> =
            lines(&profile).iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect();
        let inner = "m!outer;m!func[5]";
        let expected = [
            "m!outer".to_owned(),
            inner.to_owned(),
            format!("{inner};m!leaf"),
            format!("{inner};m!replaced"),
            format!("{inner};m!replaced_elsewhere"),
            format!("{inner};o!instead"),
            format!("{inner};o!spin"),
            format!("{inner};o!through"),
            format!("{inner};o!through;o!spin"),
        ];
        assert_eq!(stacks, expected);
    }
}

#[test]
fn samples_take_no_native_stack() {
    let guest = r#"(module
        (import "" "through" (func $through (param i32)))
        (import "host" "nothing" (func $nothing))
        (memory 1)
        (func (export "run") (local i32)
            (local.set 0 (i32.const 20000))
            (loop $again
                (call $through (i32.const 3))
                (call $nothing)
                (call $instead)
                (memory.fill (i32.const 0) (i32.const 0) (i32.const 200))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (func $instead (return_call $through (i32.const 1))))"#;
    for engine in engines(false) {
        let run = move || {
            let mut store = Store::new(&engine, ());
            let mut linker = Linker::new(&engine);
            let other = linker.instantiate(&mut store, &module(&engine, OTHER)).unwrap();
            linker.instance(&mut store, "", other).unwrap();
            let nothing = Func::try_wrap(&mut store, || {}).unwrap();
            linker.define(&store, "host", "nothing", nothing).unwrap();
            let instance = linker.instantiate(&mut store, &module(&engine, guest)).unwrap();
            store.profile(1);
            call(&mut store, instance, "run").unwrap();
            assert!(store.take_profile().unwrap().total() > 500_000);
        };
        std::thread::Builder::new().stack_size(512 << 10).spawn(run).unwrap().join().unwrap();
    }
}

#[test]
fn fuel_set_by_a_host_function_doesnt_disturb() {
    for engine in engines(true) {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        let refuel = |mut caller: Caller<'_, ()>| caller.set_fuel(1 << 40);
        linker.func_wrap("host", "refuel", refuel).unwrap();
        let text = r#"(module (import "host" "refuel" (func $refuel))
            (func $run (export "run") (local i32)
                (local.set 0 (i32.const 1000))
                (loop $again
                    (call $refuel)
                    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"#;
        let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
        store.set_fuel(1 << 40).unwrap();
        store.profile(10_000);
        call(&mut store, instance, "run").unwrap();
        let total = store.take_profile().unwrap().total();
        assert!((5000..8000).contains(&total), "{total}");
    }
}

#[test]
fn a_deep_stack_is_cut() {
    let text = r#"(module (func $down (export "down") (param i32)
        (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))))))"#;
    for engine in engines(false) {
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        store.profile(100);
        instance.get_typed_func::<u32, ()>(&store, "down").unwrap().call(&mut store, 5000).unwrap();
        let profile = store.take_profile().unwrap();
        let deepest = profile.folded().next().unwrap();
        assert!(deepest.starts_with("...;down;"), "{deepest}");
        assert_eq!(deepest.matches("down").count(), 200);
    }
}
