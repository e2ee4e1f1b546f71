//! What embedders of wasmtime and wasmi find here by the names that they know.

use dunlin::error::Context;
use dunlin::{
    Budget, CallHook, Config, Engine, Error, ErrorKind, Extern, Func, FuncType, Instance,
    InstanceAllocationStrategy, Linker, Module, OptLevel, PoolingAllocationConfig, ResourceLimiter, Result,
    Store, StoreLimits, StoreLimitsBuilder, Strategy, Trap, Val, ValType, bail, ensure, format_err,
};

/// A module of its text.
fn loaded(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).expect("valid text")).expect("valid module")
}

const COMMAND: &str = r#"(module
    (import "host" "log" (func $log (param i32)))
    (global $runs (mut i32) (i32.const 0))
    (func (export "_start")
        (global.set $runs (i32.add (global.get $runs) (i32.const 1)))
        (call $log (global.get $runs)))
    (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))"#;

fn logging(engine: &Engine) -> Linker<Vec<i32>> {
    let mut linker = Linker::new(engine);
    let log = |mut caller: dunlin::Caller<'_, Vec<i32>>, n: i32| caller.data_mut().push(n);
    linker.func_wrap("host", "log", log).unwrap();
    linker
}

#[test]
fn each_call_of_a_command_is_an_instance_of_its_own() -> Result<()> {
    let engine = Engine::default();
    let mut linker = logging(&engine);
    let mut store = Store::new(&engine, Vec::new());
    let command = loaded(&engine, COMMAND);
    linker.module(&mut store, "", &command)?.module(&mut store, "tool", &command)?;
    let run = linker.get_default(&mut store, "")?.typed::<(), ()>(&store)?;
    run.call(&mut store, ())?;
    run.call(&mut store, ())?;
    assert_eq!(*store.data(), [1, 1], "its global begins anew");
    let twice = linker.get(&mut store, "tool", "twice").and_then(Extern::into_func).unwrap();
    assert_eq!(twice.typed::<i32, i32>(&store)?.call(&mut store, 21)?, 42);
    assert_eq!(linker.get_default(&mut store, "none").unwrap_err().kind(), ErrorKind::Link);
    Ok(())
}

#[test]
fn a_reactor_is_instantiated_once() -> Result<()> {
    let engine = Engine::default();
    let mut linker = logging(&engine);
    let mut store = Store::new(&engine, Vec::new());
    let text = r#"(module (import "host" "log" (func $log (param i32))) (global $n (mut i32) (i32.const 0))
        (func (export "_initialize") (call $log (i32.const 7)))
        (func (export "") (global.set $n (i32.add (global.get $n) (i32.const 1))) (call $log (global.get $n))))"#;
    linker.module(&mut store, "r", &loaded(&engine, text))?;
    let run = linker.get_default(&mut store, "r")?.typed::<(), ()>(&store)?;
    run.call(&mut store, ())?;
    run.call(&mut store, ())?;
    assert_eq!(*store.data(), [7, 1, 2]);
    Ok(())
}

#[test]
fn what_nobody_defined_has_default_values() -> Result<()> {
    let engine = Engine::default();
    let text = r#"(module
        (import "m" "f" (func (param i32) (result i64 externref)))
        (import "m" "g" (global (mut i64)))
        (import "m" "memory" (memory 2 3))
        (import "m" "table" (table 4 funcref))
        (import "m" "tag" (tag (param i32)))
        (func (export "f") (result i64) (i32.const 1) (call 0) (drop)))"#;
    let module = loaded(&engine, text);
    let (mut store, mut linker) = (Store::<()>::new(&engine, ()), Linker::new(&engine));
    linker.define_unknown_imports_as_default_values(&mut store, &module)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    assert_eq!(instance.get_typed_func::<(), i64>(&mut store, "f")?.call(&mut store, ())?, 0);
    // What is never null has no default value.
    let module = loaded(&engine, r#"(module (import "m" "n" (global (ref func))))"#);
    let error = linker.define_unknown_imports_as_default_values(&mut store, &module).unwrap_err();
    assert!(error.to_string().contains("`m.n` has no default value"), "{error}");
    Ok(())
}

#[test]
fn functions_and_stores_are_made_without_a_question_mark() {
    let mut store = Store::<u32>::default();
    let engine = store.engine().clone();
    let ty = FuncType::with_engine(&engine, [ValType::I32], [ValType::I32]);
    let double = Func::new(&mut store, ty, |_, args, results| {
        results[0] = Val::I32(2 * args[0].unwrap_i32());
        Ok(())
    });
    let add = Func::wrap(&mut store, |a: i32, b: i32| a + b);
    assert_eq!(double.typed::<i32, i32>(&store).unwrap().call(&mut store, 4).unwrap(), 8);
    assert_eq!(add.typed::<(i32, i32), i32>(&store).unwrap().call(&mut store, (4, 5)).unwrap(), 9);
    let small = Engine::new(Config::new().budget(Budget::new(100_000))).unwrap();
    let mut store = Store::new(&small, ());
    let held = small.budget().charge(dunlin::Kind::Host, small.budget().available().unwrap()).unwrap();
    assert!(Func::try_wrap(&mut store, || {}).is_err());
    drop(held);
    assert!(Func::try_wrap(&mut store, || {}).is_ok());
}

#[test]
fn errors_of_others_become_errors() {
    fn parse(text: &str) -> Result<u8> {
        ensure!(!text.is_empty(), "nothing to parse");
        if text == "x" {
            bail!("{text} is no number");
        }
        Ok(text.parse()?)
    }
    assert_eq!(parse("7").unwrap(), 7);
    assert_eq!(parse("").unwrap_err().to_string(), "nothing to parse");
    assert_eq!(parse("x").unwrap_err().to_string(), "x is no number");
    let error = parse("300").context("the port").unwrap_err();
    assert!(error.is::<std::num::ParseIntError>() && error.kind() == ErrorKind::Host);
    assert!(error.to_string().starts_with("the port: "), "{error}");
    let io = || -> Result<()> { Err(std::io::Error::other("x"))? };
    assert_eq!(io().unwrap_err().kind(), ErrorKind::Io);
    let trap = || -> Result<()> { Err(Trap::IntegerOverflow)? };
    assert_eq!(trap().unwrap_err().downcast::<Trap>().unwrap(), Trap::IntegerOverflow);
    let budget = || -> Result<()> { Ok(Budget::new(1).charge(dunlin::Kind::Host, 2).map(drop)?) };
    assert_eq!(budget().unwrap_err().kind(), ErrorKind::OutOfBudget);
    let boxed: Box<dyn std::error::Error> = format_err!("a {}", "message").into();
    assert_eq!(boxed.to_string(), "a message");
    assert!(format_err!(Error::from(Trap::OutOfFuel)).trap().is_some());
    assert!(format_err!("3".parse::<i8>().map_err(|_| "x").unwrap()).to_string() == "3");
}

#[test]
fn modules_that_keep_their_bytes_give_them_back() -> Result<()> {
    let text = r#"(module (@custom "one" "first") (func (export "f") (result i32) (i32.const 3)) (@custom "two" ""))"#;
    let module = loaded(&Engine::default(), text);
    assert!(module.serialize().unwrap_err().to_string().contains("keep_module_bytes"));
    assert!(module.custom_sections().is_err());
    let engine = Engine::new(Config::new().keep_module_bytes(true))?;
    let module = loaded(&engine, text);
    let sections: Vec<_> = module.custom_sections()?.collect();
    assert_eq!(sections, [("one", &b"first"[..]), ("two", b"")]);
    let bytes = module.serialize()?;
    assert_eq!(bytes, engine.precompile_module(&wat::parse_str(text).unwrap())?);
    // SAFETY: they come from `serialize`.
    let again = unsafe { Module::deserialize(&engine, &bytes)? };
    let f = again.get_export_index("f").unwrap();
    assert!(again.get_export_index("g").is_none());
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &again, &[])?;
    let func = instance.get_module_export(&store, &f).and_then(Extern::into_func).unwrap();
    assert_eq!(func.typed::<(), i32>(&store)?.call(&mut store, ())?, 3);
    let other = Instance::new(&mut store, &module, &[])?;
    assert!(other.get_module_export(&store, &f).is_none(), "it is another module's");
    // SAFETY: there is no machine code in it.
    assert!(unsafe { Module::deserialize(&engine, "nonsense") }.is_err());
    // SAFETY: there is no such file.
    assert_eq!(unsafe { Module::deserialize_file(&engine, "/none") }.unwrap_err().kind(), ErrorKind::Io);
    assert!(Module::from_binary(&engine, text.as_bytes()).is_err(), "it is text");
    Ok(())
}

#[test]
fn switches_of_wasmtimes_are_accepted() -> Result<()> {
    let mut config = Config::new();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(1).total_tables(1).table_elements(1).total_core_instances(1).max_memory_size(1 << 16);
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_nan_canonicalization(true)
        .parallel_compilation(true)
        .memory_reservation(1 << 32)
        .memory_guard_size(1 << 32)
        .memory_init_cow(true)
        .async_support(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .target(std::env::consts::ARCH)?;
    let engine = Engine::new(&config)?;
    let module = loaded(&engine, "(module (memory 2))");
    let error = Instance::new(&mut Store::new(&engine, ()), &module, &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "the pool's bound holds");
    Ok(())
}

#[test]
fn a_limiter_bounds_what_a_store_has() -> Result<()> {
    let engine = Engine::default();
    let text = r#"(module (memory (export "memory") 1) (table (export "table") 2 9 funcref)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "more") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))"#;
    let module = loaded(&engine, text);
    let limited = |limits: StoreLimitsBuilder| {
        let mut store = Store::new(&engine, limits.build());
        store.limiter(|limits| limits);
        store
    };
    let bounds = || StoreLimitsBuilder::new().memory_size(3 << 16).table_elements(4);
    let mut store = limited(bounds().instances(1));
    let instance = Instance::new(&mut store, &module, &[])?;
    let grow = instance.get_typed_func::<i32, i32>(&store, "grow")?;
    let more = instance.get_typed_func::<i32, i32>(&store, "more")?;
    assert_eq!([grow.call(&mut store, 2)?, grow.call(&mut store, 1)?, grow.call(&mut store, 0)?], [1, -1, 3]);
    assert_eq!([more.call(&mut store, 2)?, more.call(&mut store, 1)?, more.call(&mut store, 0)?], [2, -1, 4]);
    assert!(instance.get_memory(&store, "memory").unwrap().grow(&mut store, 1).is_err());
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("1 instances")), (ErrorKind::Limit, true));
    for few in [bounds().memories(0), bounds().tables(0), bounds().memory_size(9), bounds().table_elements(1)]
    {
        assert_eq!(Instance::new(limited(few), &module, &[]).unwrap_err().kind(), ErrorKind::Limit);
    }
    // Growth that can't be is a trap, if that is wanted.
    let mut store = limited(bounds().trap_on_grow_failure(true));
    let instance = Instance::new(&mut store, &module, &[])?;
    for name in ["grow", "more"] {
        let grow = instance.get_typed_func::<i32, i32>(&store, name)?;
        assert!(grow.call(&mut store, 7).unwrap_err().to_string().contains("may not grow"), "{name}");
    }
    // A limiter sees what it decides, also about growth that fails for another reason.
    #[derive(Default)]
    struct Watch(Vec<(usize, usize, Option<usize>)>, usize);
    impl ResourceLimiter for Watch {
        fn memory_growing(&mut self, now: usize, then: usize, most: Option<usize>) -> Result<bool> {
            self.0.push((now, then, most));
            Ok(true)
        }
        fn memory_grow_failed(&mut self, _: Error) -> Result<()> {
            self.1 += 1;
            Ok(())
        }
        fn table_growing(&mut self, now: usize, then: usize, most: Option<usize>) -> Result<bool> {
            self.0.push((now, then, most));
            Ok(true)
        }
    }
    let mut store = Store::<Watch>::default();
    let module = loaded(store.engine(), text);
    store.limiter(|watch| watch);
    let instance = Instance::new(&mut store, &module, &[])?;
    instance.get_typed_func::<i32, i32>(&store, "grow")?.call(&mut store, 70_000)?;
    let page = 1_usize << 16;
    // With 32 bits, more than there can be.
    let grown = page.saturating_mul(70_001);
    assert_eq!(store.data().0, [(0, 2, Some(9)), (0, page, None), (page, grown, None)]);
    assert_eq!(store.data().1, 1);
    let _: StoreLimits = StoreLimits::default();
    Ok(())
}

#[test]
fn a_hook_sees_calls_between_host_and_guest() -> Result<()> {
    let engine = Engine::default();
    let module = loaded(&engine, r#"(module (import "" "" (func)) (func (export "f") (call 0)))"#);
    let mut store = Store::new(&engine, (Vec::new(), None));
    let host = Func::wrap(&mut store, || {});
    let instance = Instance::new(&mut store, &module, &[host.into()])?;
    store.call_hook(|mut store, hook| {
        store.data_mut().0.push(hook);
        ensure!(store.data().1 != Some(hook), "not now");
        Ok(())
    });
    let f = instance.get_typed_func::<(), ()>(&store, "f")?;
    f.call(&mut store, ())?;
    use CallHook::*;
    let all = [CallingWasm, CallingHost, ReturningFromHost, ReturningFromWasm];
    assert_eq!(store.data().0, all);
    assert!(CallingHost.entering_host() && CallingWasm.exiting_host());
    for hook in all {
        store.data_mut().1 = Some(hook);
        assert_eq!(f.call(&mut store, ()).unwrap_err().to_string(), "not now", "{hook:?}");
    }
    store.data_mut().1 = None;
    f.call(&mut store, ())
}
