//! What can't be moved is refused by name, before anything is written; what can't be restored, before anything executes.

use crate::moving::{Program, World, assert_refused, engine};
use dunlin::{
    Budget, ErrorKind, ExternRef, Func, Global, GlobalType, MemoryType, Module, Mutability, ResumableCall,
    SharedMemory, Snapshot, SuspendedCall, Val, ValType,
};

const ENDLESS: &str = r#"(module (import "host" "twice" (func $twice (param i32) (result i32)))
    (memory (export "memory") 3)
    (func (export "run") (loop $again (drop (call $twice (i32.const 1))) (br $again))))"#;

fn suspended(world: &mut World, program: &Program<'_>) -> SuspendedCall {
    match world.begin(program, 5_000).0.unwrap() {
        ResumableCall::Suspended(call) => call,
        ResumableCall::Finished => panic!("it has finished"),
    }
}

fn program(text: &str) -> Program<'_> {
    Program::new(text, &[])
}

fn refused_while_writing(text: &str, says: &str) {
    let engine = engine(|config| _ = config.shared_memory(true));
    let mut world = World::new(&engine, Vec::new());
    let shared = SharedMemory::new(&engine, MemoryType::shared(1, 1)).unwrap();
    world.linker.define(&world.store, "host", "shared", shared).unwrap();
    let unnamed = Func::wrap(&mut world.store, || {});
    let value = ExternRef::new(&mut world.store, 7).unwrap();
    for (name, ty, value) in [
        ("func", ValType::FUNCREF, Val::FuncRef(Some(unnamed))),
        ("extern", ValType::EXTERNREF, Val::ExternRef(Some(value))),
    ] {
        let global = Global::new(&mut world.store, GlobalType::new(ty, Mutability::Var), value).unwrap();
        world.linker.define(&world.store, "host", name, global).unwrap();
    }
    let call = suspended(&mut world, &program(text));
    assert_refused(world.snapshot(&call), ErrorKind::Other, says);
}

#[test]
fn what_has_no_name_is_refused() {
    let run = r#"(func (export "run") (loop $again (br $again)))"#;
    let text = format!(r#"(module (import "host" "func" (global (mut funcref))) {run})"#);
    refused_while_writing(&text, "the host has made a function that the linker has no name for");
    let text = format!(r#"(module (import "host" "extern" (global (mut externref))) {run})"#);
    refused_while_writing(&text, "a reference to something of the host's");
    let text = format!(r#"(module (import "host" "shared" (memory 1 1 shared)) {run})"#);
    refused_while_writing(&text, "a memory is shared");
    let text = r#"(module (tag $e (param exnref)) (func (export "run") (local $x exnref) (local $n i32)
        (loop $again
            (block $caught (result exnref)
                (try_table (catch_all_ref $caught) (throw $e (local.get $x))) (unreachable))
            (local.set $x)
            (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 65))))
        (loop $again (br $again))))"#;
    refused_while_writing(text, "exceptions carry each other too deeply");
}

#[test]
fn an_engine_has_to_be_configured_for_it() {
    let engine = engine(|config| _ = config.snapshots(false));
    assert_eq!(Module::new(&engine, ENDLESS).unwrap().digest(), None);
    let mut world = World::new(&engine, Vec::new());
    let call = suspended(&mut world, &program(ENDLESS));
    assert_refused(world.snapshot(&call), ErrorKind::Other, "Config::snapshots");
}

#[test]
fn what_is_missing_is_named() {
    let here = engine(|_| {});
    let mut world = World::new(&here, Vec::new());
    let call = suspended(&mut world, &program(ENDLESS));
    let bytes = world.snapshot(&call).unwrap();

    let other = format!("{ENDLESS} ;; with another function").replace("(memory", "(func) (memory");
    let mut world = World::new(&here, Vec::new());
    assert_refused(world.restore(&program(&other), &bytes), ErrorKind::Link, "the module of the digest");

    let mut world = World::new(&here, Vec::new());
    let module = Module::new(&here, ENDLESS).unwrap();
    let restored = Snapshot::open(here.budget(), &bytes[..]).unwrap().restore(
        &mut world.store,
        &dunlin::Linker::new(&here),
        &[&module],
    );
    assert_refused(restored, ErrorKind::Link, "the snapshot needs `host.twice`, which is not defined");

    let without_fuel = engine(|config| _ = config.consume_fuel(false));
    let mut world = World::new(&without_fuel, Vec::new());
    assert_refused(
        world.restore(&program(ENDLESS), &bytes),
        ErrorKind::Other,
        "counts fuel, and this one doesn't",
    );

    let small = engine(|config| _ = config.budget(Budget::new(300 << 10)));
    let mut world = World::new(&small, Vec::new());
    assert_refused(world.restore(&program(ENDLESS), &bytes), ErrorKind::OutOfBudget, "budget");
}

#[test]
fn a_store_without_a_call_and_one_that_has_not_begun() {
    let engine = engine(|_| {});
    let mut world = World::new(&engine, Vec::new());
    let text = r#"(module (memory (export "memory") 2)
        (func (export "run") (param i64 f32) (result f32)
            (i64.store (i32.const 80000) (local.get 0)) (local.get 1)))"#;
    let program = Program::new(text, &[Val::I64(-7), Val::from(2.5f32)]);
    let (call, mut results) = world.begin(&program, 0);
    let Ok(ResumableCall::Suspended(call)) = call else { panic!("there is no fuel") };
    let bytes = world.snapshot(&call).unwrap();
    let mut next = World::new(&engine, Vec::new());
    let call = next.restore(&program, &bytes).unwrap().unwrap();
    next.store.set_fuel(100).unwrap();
    assert!(matches!(call.resume(&mut next.store, &mut results), Ok(ResumableCall::Finished)));
    assert_eq!(results[0].f32(), Some(2.5));
    // Without a call; and to a module whose data went into its memory while it was loaded.
    let mut bytes = Vec::new();
    let World { mut store, linker } = next;
    store.snapshot(&linker, b"", &mut bytes).unwrap();
    let mut world = World::new(&engine, Vec::new());
    let module = Module::new(&engine, text).unwrap();
    let snapshot = Snapshot::open(engine.budget(), &bytes[..]).unwrap();
    let restored = snapshot.restore(&mut world.store, &world.linker, &[&module]).unwrap();
    assert!(restored.call.is_none());
    let memory = restored.instances[0].get_memory(&world.store, "memory").unwrap();
    assert_eq!(memory.data(&world.store)[80000..80008], (-7i64).to_le_bytes());
    // A page, and little besides.
    assert!(bytes.len() < 4096 + 1024, "{} bytes", bytes.len());
}
