//! Clones: stores that begin where another one stands, and that see nothing of each other.

use crate::moving::{Program, World, assert_clones, assert_refused, engine, run};
use dunlin::{
    Budget, Caller, Engine, ErrorKind, Instance, Linker, Memory, Module, Snapshot, SnapshotPre, Store,
    StoreLimits, StoreLimitsBuilder, Val,
};

/// A memory that its initialisation grows and fills, tables, a global and segments that it drops.
const LIBRARY: &str = r#"(module
    (type $f (func (param i32) (result i32)))
    (import "host" "twice" (func $twice (type $f)))
    (memory (export "memory") 2 40)
    (table $t (export "table") 3 20 funcref)
    (global $state (mut i32) (i32.const 1))
    (global $ref (mut funcref) (ref.null func))
    (data $passive "passive") (data (i32.const 70000) "active")
    (elem $funcs func $twice $plus)
    (elem (table $t) (i32.const 0) func $plus)
    (func $plus (type $f) (i32.add (local.get 0) (global.get $state)))
    (func (export "_initialize")
        (drop (memory.grow (i32.const 8)))
        (memory.fill (i32.const 100) (i32.const 7) (i32.const 400000))
        (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7))
        (data.drop $passive)
        (drop (table.grow $t (ref.null func) (i32.const 4)))
        (table.init $t $funcs (i32.const 5) (i32.const 0) (i32.const 2))
        (elem.drop $funcs)
        (global.set $state (i32.const 40))
        (global.set $ref (table.get $t (i32.const 6))))
    (func (export "call") (param i32) (result i32)
        (global.set $state (i32.add (global.get $state) (i32.const 1)))
        (i32.store8 (i32.const 300000) (i32.add (i32.load8_u (i32.const 300000)) (i32.const 1)))
        (i32.add (call_indirect $t (type $f) (local.get 0) (i32.const 5))
            (i32.add (call_indirect $t (type $f) (local.get 0) (i32.const 6)) (i32.load8_u (i32.const 300000)))))
    (func (export "again") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

struct Library {
    world: World,
    instance: Instance,
    module: Module,
}

/// The library in a store of its own, initialised.
fn initialised(engine: &Engine) -> Library {
    let mut world = World::new(engine, Vec::new());
    let module = Module::new(engine, LIBRARY).unwrap();
    let instance = world.linker.instantiate(&mut world.store, &module).unwrap();
    world.store.set_fuel(1 << 30).unwrap();
    let initialize = instance.get_typed_func::<(), ()>(&world.store, "_initialize").unwrap();
    initialize.call(&mut world.store, ()).unwrap();
    Library { world, instance, module }
}

fn call(store: &mut Store<Vec<i32>>, instance: Instance, arg: i32) -> i32 {
    instance.get_typed_func::<i32, i32>(&*store, "call").unwrap().call(store, arg).unwrap()
}

/// What is in a library: its memory, and what its table holds.
fn contents(store: &mut Store<Vec<i32>>, instance: Instance) -> (Vec<u8>, Vec<bool>) {
    let memory = instance.get_memory(&*store, "memory").unwrap().data(&*store).to_vec();
    let table = instance.get_table(&*store, "table").unwrap();
    let size = table.size(&*store);
    let held = (0..size).map(|at| table.get(&mut *store, at).unwrap().unwrap_funcref().is_some()).collect();
    (memory, held)
}

fn clone(pre: &SnapshotPre<Vec<i32>>, engine: &Engine) -> (Store<Vec<i32>>, Instance) {
    let mut store = Store::new(engine, Vec::new());
    let restored = pre.restore(&mut store).unwrap();
    assert!(restored.call.is_none());
    (store, restored.instances[0])
}

#[test]
fn clones_are_what_the_original_was_and_independent() {
    let engine = engine(|_| {});
    let Library { mut world, instance, module } = initialised(&engine);
    let direct = world.store.snapshot_pre(&world.linker).unwrap();
    let mut bytes = Vec::new();
    world.store.snapshot(&world.linker, b"kept", &mut bytes).unwrap();
    let snapshot = Snapshot::open(engine.budget(), &bytes[..]).unwrap();
    assert_eq!(snapshot.embedder(), b"kept");
    let read = snapshot.restore_pre(&world.linker, &[&module]).unwrap();
    let was = contents(&mut world.store, instance);
    assert!(was.0.len() == 10 << 16 && was.0[..8] == *b"passive\0" && was.0[200] == 7);
    // What the original does from now on, clones don't see.
    let first = call(&mut world.store, instance, 10);
    assert_eq!(first, 20 + 51 + 8);
    let fresh = initialised(&engine);
    let (mut store, instance) = (fresh.world.store, fresh.instance);
    assert_eq!(contents(&mut store, instance), was);
    for pre in [&direct, &read] {
        let mut clones: Vec<_> = (0..4).map(|_| clone(pre, &engine)).collect();
        for (number, (store, instance)) in clones.iter_mut().enumerate() {
            assert_eq!(contents(store, *instance), was);
            let passive = instance.get_typed_func::<(), ()>(&*store, "again").unwrap();
            assert!(passive.call(&mut *store, ()).is_err(), "the segment was dropped");
            for _ in 0..number {
                call(store, *instance, 10);
            }
            let memory = instance.get_memory(&*store, "memory").unwrap();
            memory.data_mut(&mut *store)[1000..200_000].fill(number as u8 + 100);
        }
        for (number, (store, instance)) in clones.iter_mut().enumerate() {
            assert_eq!(call(store, *instance, 10), first + 2 * number as i32);
            assert_eq!(store.data().len(), number + 1);
            let memory = instance.get_memory(&*store, "memory").unwrap();
            assert_eq!(memory.data(&*store)[199_999], number as u8 + 100);
            let grow = instance.get_typed_func::<i32, i32>(&*store, "grow").unwrap();
            assert_eq!(grow.call(&mut *store, 30).unwrap(), 10);
            let bytes = memory.data(&*store);
            assert!(bytes.len() == 40 << 16 && bytes[300] == 7 && bytes[10 << 16..].iter().all(|b| *b == 0));
        }
        let (mut last, instance) = clone(pre, &engine);
        assert_eq!(contents(&mut last, instance), was);
    }
}

#[test]
fn several_instances_are_cloned_with_what_they_share() {
    let library = r#"(module
        (import "host" "twice" (func $twice (param i32) (result i32)))
        (memory (export "memory") 1) (table (export "table") 4 funcref)
        (global $state (export "state") (mut i32) (i32.const 3))
        (tag (export "tag") (param i32))
        (elem (i32.const 1) func $step)
        (func $step (export "step") (param i32) (result i32)
            (global.set $state (i32.add (global.get $state) (local.get 0)))
            (i32.store8 (local.get 0) (global.get $state))
            (call $twice (local.get 0))))"#;
    let main = r#"(module
        (import "library" "step" (func $step (param i32) (result i32)))
        (import "library" "memory" (memory 1)) (import "library" "table" (table 4 funcref))
        (import "library" "state" (global $state (mut i32)))
        (import "library" "tag" (tag $tag (param i32)))
        (elem (i32.const 2) func $own)
        (func $own (param i32) (result i32)
            (block $h (result i32)
                (try_table (catch $tag $h) (throw $tag (call $step (local.get 0))))
                (unreachable)))
        (func (export "run") (param i32) (result i32) (local i32)
            (loop $again
                (local.set 1 (i32.add (local.get 1) (call_indirect (param i32) (result i32)
                    (local.get 0) (i32.add (i32.const 1) (i32.and (local.get 0) (i32.const 1))))))
                (local.set 1 (i32.add (local.get 1) (i32.load8_u (local.get 0))))
                (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.mul (local.get 1) (global.get $state))))"#;
    let program = Program { modules: vec![("library", library), ("main", main)], args: vec![Val::I32(6)] };
    let whole = run(&program, 1 << 40, &[engine(|_| {})]);
    assert!(whole.results.is_ok());
    assert_clones(&program, &whole);
}

#[test]
fn what_belongs_to_a_store_is_refused_by_name() {
    let engine = engine(|_| {});
    let mut world = World::new(&engine, Vec::new());
    let text = r#"(module (import "host" "memory" (memory 1)) (func (export "run")))"#;
    let module = Module::new(&engine, text).unwrap();
    world.linker.instantiate(&mut world.store, &module).unwrap();
    let refused = world.store.snapshot_pre(&world.linker);
    assert_refused(refused, ErrorKind::Other, "clones would share `host.memory`");
    let mut bytes = Vec::new();
    world.store.snapshot(&world.linker, b"", &mut bytes).unwrap();
    let snapshot = Snapshot::open(engine.budget(), &bytes[..]).unwrap();
    let refused = snapshot.restore_pre(&world.linker, &[&module]);
    assert_refused(refused, ErrorKind::Link, "clones can't share what belongs to a store");
}

#[test]
fn a_clone_is_of_the_same_engine() {
    let here = engine(|_| {});
    let pre = {
        let Library { mut world, .. } = initialised(&here);
        world.store.snapshot_pre(&world.linker).unwrap()
    };
    let other = engine(|_| {});
    let mut store = Store::new(&other, Vec::new());
    assert_refused(pre.restore(&mut store), ErrorKind::Link, "prepared for another engine");
    assert!(pre.restore(&mut Store::new(&here, Vec::new())).is_ok(), "its original is gone");
}

#[test]
fn memories_are_charged_whole_and_images_once() {
    let budget = Budget::new(64 << 20);
    let engine = engine(|config| _ = config.budget(budget.clone()));
    let Library { mut world, .. } = initialised(&engine);
    let before = budget.used();
    let pre = world.store.snapshot_pre(&world.linker).unwrap();
    let image = budget.used() - before;
    assert!((390 << 10..430 << 10).contains(&image), "{image} bytes");
    let before = budget.used();
    let clones: Vec<_> = (0..5).map(|_| clone(&pre, &engine)).collect();
    let each = (budget.used() - before) / 5;
    assert!((10 << 16..(10 << 16) + (100 << 10)).contains(&each), "{each} bytes");
    drop(clones);
    assert_eq!(budget.used(), before);
    // A store's own budget refuses what it has no room for.
    let small = budget.sub_budget(500 << 10);
    let mut store = Store::with_budget(&engine, &small, Vec::new()).unwrap();
    assert_refused(pre.restore(&mut store), ErrorKind::OutOfBudget, "budget");
    drop((store, pre, world));
    drop(engine);
    assert_eq!(budget.used(), 0);
}

/// Whatever is refused by a budget, one more byte at a time, is refused without a trace.
#[test]
fn refusals_leave_nothing() {
    let budget = Budget::new(64 << 20);
    let engine = engine(|config| _ = config.budget(budget.clone()));
    let Library { mut world, .. } = initialised(&engine);
    let pre = world.store.snapshot_pre(&world.linker).unwrap();
    let used = budget.used();
    let (mut limit, mut refused) = (1000, 0);
    loop {
        let own = budget.sub_budget(limit);
        let made = Store::with_budget(&engine, &own, Vec::new())
            .and_then(|mut store| pre.restore(&mut store).map(|_| store));
        match made {
            Ok(store) => break drop(store),
            Err(error) => assert_eq!(error.kind(), ErrorKind::OutOfBudget, "{error}"),
        }
        assert_eq!(budget.used(), used);
        refused += 1;
        limit += 997;
    }
    assert!(refused > 600, "{refused}");
}

#[test]
fn limiters_are_asked_for_the_size_that_memories_have() {
    let engine = engine(|_| {});
    let module = Module::new(&engine, LIBRARY).unwrap();
    let mut linker = Linker::new(&engine);
    linker.func_wrap("host", "twice", |_: Caller<'_, StoreLimits>, n: i32| n * 2).unwrap();
    let mut store = Store::new(&engine, StoreLimitsBuilder::new().build());
    store.set_fuel(1 << 30).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    instance.get_typed_func::<(), ()>(&store, "_initialize").unwrap().call(&mut store, ()).unwrap();
    let pre = store.snapshot_pre(&linker).unwrap();
    let limited = |bytes| -> dunlin::Result<u64> {
        let mut store = Store::new(&engine, StoreLimitsBuilder::new().memory_size(bytes).build());
        store.limiter(|limits| limits);
        let instance = pre.restore(&mut store)?.instances[0];
        let memory: Memory = instance.get_memory(&store, "memory").unwrap();
        Ok(memory.size(&store))
    };
    assert_eq!(limited(10 << 16).unwrap(), 10);
    assert!(limited((10 << 16) - 1).is_err());
}
