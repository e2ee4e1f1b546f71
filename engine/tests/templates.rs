//! Large data segments, which instances of one `InstancePre` share until they write.

use dunlin::{Budget, Config, Engine, Linker, Memory, Module, Store};

/// 300 KiB of `A` from 100 on, of which a later segment changes some; a passive segment; and room to grow.
fn module(engine: &Engine, more: &str) -> Module {
    let large = "A".repeat(300 << 10);
    let text = format!(
        r#"(module {more}
            (memory (export "memory") 6 80)
            (data $large (i32.const 100) "{large}")
            (data (i32.const 200) "later")
            (data $passive "passive")
            (func (export "passive") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7)))
            (func (export "again") (memory.init $large (i32.const 0) (i32.const 0) (i32.const 1)))
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#
    );
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

fn engine(budget: &Budget) -> Engine {
    let mut config = Config::new();
    config.budget(budget.clone());
    Engine::new(&config).unwrap()
}

fn start(pre: &dunlin::InstancePre<()>, engine: &Engine) -> (Store<()>, dunlin::Instance, Memory) {
    let mut store = Store::new(engine, ());
    let instance = pre.instantiate(&mut store).unwrap();
    let memory = instance.get_memory(&store, "memory").unwrap();
    (store, instance, memory)
}

#[test]
fn instances_begin_alike_and_see_nothing_of_each_other() {
    let budget = Budget::new(256 << 20);
    let engine = engine(&budget);
    let module = module(&engine, "");
    let pre = Linker::new(&engine).instantiate_pre(&module).unwrap();
    for _ in 0..3 {
        let (mut store, instance, memory) = start(&pre, &engine);
        let bytes = memory.data(&store);
        assert_eq!((&bytes[98..102], &bytes[198..207]), (&b"\0\0AA"[..], &b"AAlaterAA"[..]));
        assert!(bytes[100 + (300 << 10)..].iter().all(|byte| *byte == 0) && bytes.len() == 6 << 16);
        memory.data_mut(&mut store).fill(b'x');
        let call = |store: &mut Store<()>, name| {
            instance.get_typed_func::<(), ()>(&*store, name).unwrap().call(store, ())
        };
        call(&mut store, "passive").unwrap();
        assert_eq!(memory.data(&store)[..8], *b"passivex");
        // An active segment is dropped once it is in its place.
        assert!(call(&mut store, "again").is_err());
    }
}

#[test]
fn memories_grow_and_are_charged_whole() {
    let budget = Budget::new(256 << 20);
    let engine = engine(&budget);
    let module = module(&engine, "");
    let before = budget.used();
    let pre = Linker::new(&engine).instantiate_pre(&module).unwrap();
    let once = budget.used() - before;
    assert!((300 << 10..320 << 10).contains(&once), "{once} bytes");
    let before = budget.used();
    let (mut store, instance, memory) = start(&pre, &engine);
    assert!(budget.used() - before >= 6 << 16);
    let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 60).unwrap(), 6);
    let bytes = memory.data(&store);
    assert!(bytes.len() == 66 << 16 && bytes[300] == b'A' && bytes[6 << 16..].iter().all(|byte| *byte == 0));
    assert!(budget.used() - before >= 66 << 16);
    drop((store, pre, module, engine));
    assert_eq!(budget.used(), 0);
}

#[test]
fn without_room_for_a_template_segments_are_copied() {
    let budget = Budget::new(256 << 20);
    let engine = engine(&budget);
    let module = module(&engine, "");
    let room = budget.available().unwrap() - (200 << 10);
    let rest = budget.charge(dunlin::Kind::Host, room).unwrap();
    let pre = Linker::new(&engine).instantiate_pre(&module).unwrap();
    drop(rest);
    let (store, _, memory) = start(&pre, &engine);
    assert_eq!(memory.data(&store)[198..207], *b"AAlaterAA");
}

#[test]
fn a_segment_that_does_not_fit_still_traps() {
    let engine = Engine::default();
    let large = "A".repeat(300 << 10);
    let text =
        format!(r#"(module (memory 5) (data (i32.const 0) "{large}") (data (i32.const 327679) "xx"))"#);
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let pre = Linker::new(&engine).instantiate_pre(&module).unwrap();
    let error = pre.instantiate(&mut Store::new(&engine, ())).unwrap_err();
    assert_eq!(error.trap(), Some(dunlin::Trap::MemoryOutOfBounds));
}
