//! Linking, and what instances share, as far as no guest code has to be executed for it.

use dunlin::{
    Caller, Engine, Error, ErrorKind, Extern, ExternType, Func, FuncType, Global, GlobalType, Instance,
    InstancePre, InterruptHandle, Linker, Memory, MemoryType, Module, ModuleStream, Mutability, RefType,
    Store, Table, TableType, Trap, Val, ValType,
};

#[path = "linking/bounds.rs"]
mod bounds;
#[path = "linking/handles.rs"]
mod handles;

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).expect("valid text")).expect("valid module")
}

fn instance(store: &mut Store<()>, text: &str) -> Result<Instance, Error> {
    let module = module(store.engine(), text);
    Instance::new(store, &module, &[])
}

#[test]
fn who_may_go_to_other_threads() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Module>();
    sync::<Module>();
    send::<Engine>();
    sync::<Engine>();
    send::<Store<String>>();
    sync::<Store<String>>();
    send::<Linker<std::rc::Rc<()>>>();
    sync::<InstancePre<std::rc::Rc<()>>>();
    send::<ModuleStream>();
    send::<Error>();
    sync::<Error>();
    send::<InterruptHandle>();
    sync::<InterruptHandle>();
    send::<Val>();
    sync::<Extern>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn a_link_error_names_every_import() {
    let engine = Engine::default();
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("env", "good", || {}).unwrap();
    linker.func_wrap("env", "bad", |_: i32| 0i64).unwrap();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(2))).unwrap();
    linker.define(&store, "env", "small", memory).unwrap();
    let module = module(
        &engine,
        r#"(module
            (import "env" "good" (func))
            (import "env" "bad" (func (param f32)))
            (import "env" "small" (memory 2 3))
            (import "wasi" "fd_\"write" (func (param i32) (result i32)))
            (import "env" "tab" (table 1 funcref)))"#,
    );
    let error = linker.instantiate(&mut store, &module).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Link);
    assert_eq!(
        error.to_string(),
        "4 imports don't link:\
         \n  incompatible import type for `env.bad`: expected function (f32) -> (), found function (i32) -> (i64)\
         \n  incompatible import type for `env.small`: expected memory of 2 to 3 pages, found memory of 1 to 2 pages\
         \n  unknown import `wasi.fd_\\\"write`: expected function (i32) -> (i32), not provided\
         \n  unknown import `env.tab`: expected funcref table of at least 1 element, not provided"
    );
    // Without a store, its objects can't be looked at.
    let error = linker.instantiate_pre(&module).unwrap_err();
    assert!(error.to_string().starts_with("3 imports don't link"), "{error}");
}

#[test]
fn one_problem_is_one_line() {
    let engine = Engine::default();
    let module = module(&engine, r#"(module (import "a" "b" (global (mut i32))))"#);
    let mut store = Store::new(&engine, ());
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!(error.to_string(), "unknown import `a.b`: expected mutable i32 global, not provided");
    let global =
        Global::new(&mut store, GlobalType::new(ValType::I32, Mutability::Const), Val::I32(1)).unwrap();
    let error = Instance::new(&mut store, &module, &[global.into()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "incompatible import type for `a.b`: expected mutable i32 global, found i32 global"
    );
    let error = Instance::new(&mut store, &module, &[global.into(), global.into()]).unwrap_err();
    assert_eq!(error.to_string(), "the module has 1 imports, but 2 are given");
}

#[test]
fn a_hostile_number_of_missing_imports_makes_no_endless_message() {
    let engine = Engine::default();
    let text =
        format!("(module {})", r#"(import "some long module name" "some name" (func))"#.repeat(20_000));
    let error = Linker::<()>::new(&engine)
        .instantiate(&mut Store::new(&engine, ()), &module(&engine, &text))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("20000 imports don't link") && error.ends_with("... and others"));
    assert!(error.len() < 66_000);
}

#[test]
fn limits_of_imports_are_compared_with_the_current_size() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(5))).unwrap();
    let needs_two = module(&engine, r#"(module (import "" "" (memory 2)))"#);
    assert!(Instance::new(&mut store, &needs_two, &[memory.into()]).is_err());
    memory.grow(&mut store, 1).unwrap();
    Instance::new(&mut store, &needs_two, &[memory.into()]).unwrap();
    assert_eq!(Extern::from(memory).ty(&store), ExternType::Memory(MemoryType::new(2, Some(5))));
    assert_eq!(memory.ty(&store), MemoryType::new(1, Some(5)));

    let at_most_four = module(&engine, r#"(module (import "" "" (memory 1 4)))"#);
    assert!(Instance::new(&mut store, &at_most_four, &[memory.into()]).is_err());
    let unbounded = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    assert!(Instance::new(&mut store, &at_most_four, &[unbounded.into()]).is_err());
}

#[test]
fn segments_and_initial_values_are_in_place() {
    let mut store = Store::new(&Engine::default(), ());
    let instance = instance(
        &mut store,
        r#"(module
            (memory (export "m") 1)
            (data (i32.const 3) "abc") (data (i32.const 65535) "z") (data "passive")
            (global (export "i") i32 (i32.add (i32.const 40) (i32.const 2)))
            (global (export "f") f64 (f64.const -0.5))
            (global $v (export "v") v128 (v128.const i64x2 1 2))
            (global (export "r") funcref (ref.func $f))
            (func $f (export "f2") (result i32) i32.const 7)
            (table (export "t") 5 10 funcref)
            (elem (i32.const 1) $f $f) (elem declare func $f)
            (table (export "t2") 3 3 externref))"#,
    )
    .unwrap();
    let memory = instance.get_memory(&store, "m").unwrap();
    assert_eq!(memory.data(&store)[..7], *b"\0\0\0abc\0");
    assert_eq!(memory.data(&store)[65535], b'z');
    let global = |name| instance.get_global(&store, name).unwrap().get(&store);
    assert_eq!(global("i").unwrap_i32(), 42);
    assert_eq!(global("f").unwrap_f64(), -0.5);
    assert_eq!(global("v").unwrap_v128().to_bits(), 2 << 64 | 1);
    let func = instance.get_func(&store, "f2").unwrap();
    assert_eq!(global("r").unwrap_func_ref(), Some(func));
    let table = instance.get_table(&store, "t").unwrap();
    let funcs: Vec<_> = (0..5).map(|i| table.get(&store, i).unwrap().unwrap_func_ref()).collect();
    assert_eq!(funcs, [None, Some(func), Some(func), None, None]);
    assert!(table.get(&store, 5).is_none());
    let names: Vec<_> = instance.exports(&store).map(|export| export.name()).collect();
    assert_eq!(names, ["m", "i", "f", "v", "r", "f2", "t", "t2"]);
    assert!(instance.get_memory(&store, "t").is_none() && instance.get_export(&store, "no").is_none());
}

#[test]
fn memories_tables_and_globals_are_shared() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let first = instance(
        &mut store,
        r#"(module (memory (export "m") 1 4) (table (export "t") 2 funcref) (global (export "g") (mut i64) (i64.const 5))
            (func (export "f")))"#,
    )
    .unwrap();
    linker.instance(&store, "first", first).unwrap();
    linker.alias_module("first", "again").unwrap();
    linker.alias("first", "m", "third", "memory").unwrap();
    let second = module(
        &engine,
        r#"(module
            (import "first" "m" (memory 1)) (import "again" "t" (table 1 funcref)) (import "first" "g" (global $g (mut i64)))
            (import "first" "f" (func $f)) (import "third" "memory" (memory 1))
            (data (i32.const 0) "hi") (data 1 (i32.const 1) "o")
            (elem (i32.const 1) $f)
            (export "m" (memory 1)) (export "t" (table 0)) (export "g" (global 0)) (export "f" (func 0)))"#,
    );
    let second = linker.instantiate(&mut store, &second).unwrap();
    let (ours, theirs) = (first.get_memory(&store, "m").unwrap(), second.get_memory(&store, "m").unwrap());
    assert_eq!(ours, theirs);
    assert_eq!(ours.data(&store)[..2], *b"ho");
    theirs.data_mut(&mut store)[2] = 9;
    assert_eq!(ours.data(&store)[2], 9);
    theirs.grow(&mut store, 2).unwrap();
    assert_eq!((ours.size(&store), ours.data_size(&store)), (3, 3 << 16));
    let func = first.get_func(&store, "f").unwrap();
    assert_eq!(second.get_func(&store, "f"), Some(func));
    let table = second.get_table(&store, "t").unwrap();
    assert_eq!(Some(table), first.get_table(&store, "t"));
    assert_eq!(table.get(&store, 1).unwrap().unwrap_func_ref(), Some(func));
    second.get_global(&store, "g").unwrap().set(&mut store, Val::I64(6)).unwrap();
    assert_eq!(first.get_global(&store, "g").unwrap().get(&store).unwrap_i64(), 6);
}

#[test]
fn what_was_done_before_a_trap_stays_done() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, MemoryType::new(1, None)).unwrap();
    let table =
        Table::new(&mut store, TableType::new(RefType::FUNCREF, 3, None), Val::FuncRef(None)).unwrap();
    let bad_data = module(
        &engine,
        r#"(module (import "" "" (memory 1)) (import "" "" (table 1 funcref)) (func $f (result i32) i32.const 1)
            (elem (i32.const 2) $f) (data (i32.const 0) "kept") (data (i32.const 65530) "too long"))"#,
    );
    let error = Instance::new(&mut store, &bad_data, &[memory.into(), table.into()]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
    assert_eq!(memory.data(&store)[..4], *b"kept");
    assert_eq!(memory.data(&store)[65530], 0, "nothing of a segment that doesn't fit");
    let func = table.get(&store, 2).unwrap().unwrap_func_ref().unwrap();
    assert_eq!(func.ty(&store), FuncType::new([], [ValType::I32]));

    let bad_elem =
        module(&engine, r#"(module (import "" "" (table 1 funcref)) (func $f) (elem (i32.const 3) $f))"#);
    let error = Instance::new(&mut store, &bad_elem, &[table.into()]).unwrap_err();
    assert_eq!(error.to_string(), "out of bounds table access");
}

#[test]
fn names_are_defined_once_unless_shadowing_is_allowed() {
    let mut linker = Linker::<()>::new(&Engine::default());
    linker.func_wrap("m", "f", || 1).unwrap();
    let error = linker.func_wrap("m", "f", || 2).unwrap_err();
    assert_eq!(error.to_string(), "`m.f` is defined twice");
    assert_eq!(linker.alias("m", "g", "m", "h").unwrap_err().to_string(), "`m.g` is not defined");
    linker.allow_shadowing(true).func_wrap("m", "f", || 3).unwrap();
    let mut store = Store::new(linker.engine(), ());
    let func = linker.get(&mut store, "m", "f").unwrap().into_func().unwrap();
    assert_eq!(func.typed::<(), i32>(&store).unwrap().call(&mut store, ()).unwrap(), 3);
    assert_eq!(
        linker.get(&mut store, "m", "f").unwrap().into_func(),
        Some(func),
        "the same function each time"
    );
    assert!(linker.get(&mut store, "m", "g").is_none());
    assert_eq!(linker.names().collect::<Vec<_>>(), [("m", "f")]);
}

#[test]
fn unknown_functions_can_be_made_to_trap() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (import "a" "b" (func (param i64) (result f32 externref))) (import "a" "c" (func)) (export "b" (func 0)))"#,
    );
    let mut linker = Linker::<()>::new(&engine);
    linker.func_wrap("a", "c", || {}).unwrap();
    linker.define_unknown_imports_as_traps(&module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let func = instance.get_func(&store, "b").unwrap();
    let mut results = [Val::I32(0), Val::I32(0)];
    let error = func.call(&mut store, &[Val::I64(1)], &mut results).unwrap_err();
    assert_eq!(error.to_string(), "unknown import `a.b` was called");
}

#[test]
fn host_functions_of_every_arity() {
    let mut store = Store::new(&Engine::default(), 0u32);
    let f = Func::try_wrap(&mut store, || {}).unwrap();
    f.typed::<(), ()>(&store).unwrap().call(&mut store, ()).unwrap();
    let f = Func::try_wrap(&mut store, |mut caller: Caller<'_, u32>| *caller.data_mut() += 1).unwrap();
    f.typed::<(), ()>(&store).unwrap().call(&mut store, ()).unwrap();
    assert_eq!(*store.data(), 1);
    let f = Func::try_wrap(&mut store, |a: f32| -> Result<f64, Error> { Ok(a.into()) }).unwrap();
    assert_eq!(f.typed::<f32, f64>(&store).unwrap().call(&mut store, 0.5).unwrap(), 0.5);
    let f =
        Func::try_wrap(&mut store, |caller: Caller<'_, u32>, a: u64, b: dunlin::V128| (b, *caller.data(), a))
            .unwrap();
    let typed = f.typed::<(u64, dunlin::V128), (dunlin::V128, u32, u64)>(&store).unwrap();
    let vector = dunlin::V128::from_bits(u128::MAX - 7);
    assert_eq!(typed.call(&mut store, (u64::MAX, vector)).unwrap(), (vector, 1, u64::MAX));
    #[expect(clippy::too_many_arguments, reason = "that is the point")]
    fn sixteen(
        a: i32,
        b: i64,
        c: f32,
        d: f64,
        e: u32,
        f: u64,
        g: i32,
        h: i32,
        i: i32,
        j: i32,
        k: i32,
        l: i32,
        m: i32,
        n: i32,
        o: i32,
        p: dunlin::V128,
    ) -> (i64, dunlin::V128) {
        let floats = i64::from(c as i32) + d as i64;
        let ints = [a, g, h, i, j, k, l, m, n, o].map(i64::from).iter().sum::<i64>();
        (b + floats + i64::from(e) + f as i64 + ints, p)
    }
    let f = Func::try_wrap(&mut store, sixteen).unwrap();
    let mut params = [Val::I32(1); 16];
    for (i, val) in
        [(1, Val::I64(10)), (2, 100f32.into()), (3, 1000f64.into()), (5, Val::I64(1)), (15, vector.into())]
    {
        params[i] = val;
    }
    let mut results = [Val::I32(0); 2];
    f.call(&mut store, &params, &mut results).unwrap();
    assert_eq!((results[0].unwrap_i64(), results[1].unwrap_v128()), (1122, vector));
}
