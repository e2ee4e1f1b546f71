use dunlin::{
    Caller, Config, Engine, Error, Func, Instance, Linker, Memory, MemoryType, Module, Store, Trap,
    TypedFunc, V128, Val,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// One for the way that this module stands for.
fn config() -> Config {
    super::config(module_path!().rsplit("::").next().expect("it is a module"))
}

fn engine() -> Engine {
    Engine::new(&config()).unwrap()
}

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, wat::parse_str(text).expect("valid text")).expect("valid module")
}

/// An instance of a module without imports.
fn instance<T>(store: &mut Store<T>, text: &str) -> Instance {
    let module = module(store.engine(), text);
    Instance::new(store, &module, &[]).expect("it instantiates")
}

fn fueled() -> Engine {
    Engine::new(config().consume_fuel(true)).unwrap()
}

#[test]
fn typed_and_dynamic_calls() {
    let mut store = Store::new(&engine(), ());
    let instance = instance(
        &mut store,
        r#"(module
            (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
            (func (export "swap") (param i64 f64 v128 externref) (result externref v128 f64 i64)
                local.get 3 local.get 2 local.get 1 local.get 0)
            (func (export "nop")))"#,
    );
    let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add").unwrap();
    assert_eq!(add.call(&mut store, (i32::MAX, 1)).unwrap(), i32::MIN);
    let add = instance.get_typed_func::<(u32, u32), u32>(&store, "add").unwrap();
    assert_eq!(add.call(&mut store, (u32::MAX, 3)).unwrap(), 2);
    instance.get_typed_func::<(), ()>(&store, "nop").unwrap().call(&mut store, ()).unwrap();
    let swap = instance.get_func(&store, "swap").unwrap();
    let vector = V128::from_bits(u128::MAX / 3);
    let mut results = [Val::I32(0); 4];
    let nan = 0x7ff0_0000_0000_0001;
    let args = [Val::I64(-2), Val::F64(nan), vector.into(), Val::ExternRef(None)];
    swap.call(&mut store, &args, &mut results).unwrap();
    assert_eq!(results[0].unwrap_extern_ref(), None);
    assert_eq!(results[1].unwrap_v128(), vector);
    assert!(matches!(results[2], Val::F64(bits) if bits == nan));
    assert_eq!(results[3].unwrap_i64(), -2);
    let error = instance.get_typed_func::<i32, i32>(&store, "add").unwrap_err();
    assert_eq!(
        error.to_string(),
        "function `add`: expected a function of type (i32) -> (i32), not (i32, i32) -> (i32)"
    );
    let error = instance.get_typed_func::<(), ()>(&store, "none").unwrap_err();
    assert_eq!(error.to_string(), "no function is exported as `none`");
}

#[test]
fn guests_call_host_functions_of_each_style() {
    let engine = engine();
    let mut linker = Linker::<Vec<i64>>::new(&engine);
    linker
        .func_wrap("h", "none", |mut caller: Caller<'_, Vec<i64>>| caller.data_mut().push(-1))
        .unwrap()
        .func_wrap("h", "one", |a: i32| i64::from(a) * 2)
        .unwrap()
        .func_wrap("h", "two", |a: i64, b: f32| -> Result<(f32, i64), Error> { Ok((b + 0.5, a + 1)) })
        .unwrap()
        .func_wrap("h", "vector", |mut caller: Caller<'_, Vec<i64>>, a: V128, b: i64| {
            caller.data_mut().push(b);
            V128::from_bits(!a.to_bits())
        })
        .unwrap()
        .func_wrap(
            "h",
            "sixteen",
            |a: i32,
             b: i32,
             c: i32,
             d: i32,
             e: i32,
             f: i32,
             g: i32,
             h: i32,
             i: i32,
             j: i32,
             k: i32,
             l: i32,
             m: i32,
             n: i32,
             o: i32,
             p: i32| {
                [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
                    .iter()
                    .zip(1..)
                    .map(|(value, factor)| value * factor)
                    .sum::<i32>()
            },
        )
        .unwrap();
    let ones = "(i32.const 1)".repeat(15);
    let text = format!(
        r#"(module
            (import "h" "none" (func $none)) (import "h" "one" (func $one (param i32) (result i64)))
            (import "h" "two" (func $two (param i64 f32) (result f32 i64)))
            (import "h" "vector" (func $vector (param v128 i64) (result v128)))
            (import "h" "sixteen" (func $sixteen (param{}) (result i32)))
            (func (export "run") (result f32 i64 i64 i32)
                (call $none)
                (call $two (call $one (i32.const 20)) (f32.const 1))
                (i64x2.extract_lane 1 (call $vector (v128.const i64x2 0 5) (i64.const 7)))
                (call $sixteen {ones} (i32.const 100))))"#,
        " i32".repeat(16)
    );
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module(&engine, &text)).unwrap();
    let run = instance.get_typed_func::<(), (f32, i64, i64, i32)>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), (1.5, 41, !5, 120 + 1600));
    assert_eq!(*store.data(), [-1, 7]);
}

#[test]
fn a_host_function_reaches_its_callers_exports() {
    let engine = engine();
    let mut linker = Linker::<String>::new(&engine);
    linker
        .func_wrap("env", "print", |mut caller: Caller<'_, String>, at: u32, len: u32| {
            let memory = caller.get_export("memory").and_then(|export| export.into_memory());
            let memory = memory.ok_or_else(|| Error::msg("no memory"))?;
            let (bytes, text) = memory.data_and_store_mut(&mut caller);
            let bytes = bytes.get(at as usize..).and_then(|bytes| bytes.get(..len as usize));
            text.push_str(std::str::from_utf8(bytes.ok_or(Trap::MemoryOutOfBounds)?).map_err(Error::host)?);
            Ok(())
        })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "env" "print" (func $print (param i32 i32)))
            (memory (export "memory") 1) (data (i32.const 8) "hello\ff")
            (func $start (call $print (i32.const 8) (i32.const 5)))
            (func (export "print") (param i32 i32) (call $print (local.get 0) (local.get 1)))
            (start $start))"#,
    );
    let mut store = Store::new(&engine, String::new());
    let instance = linker.instantiate_pre(&module).unwrap().instantiate(&mut store).unwrap();
    assert_eq!(store.data(), "hello");
    let print = instance.get_typed_func::<(u32, u32), ()>(&store, "print").unwrap();
    print.call(&mut store, (9, 2)).unwrap();
    assert_eq!(store.data(), "helloel");
    assert_eq!(print.call(&mut store, (65536, 1)).unwrap_err().trap(), Some(Trap::MemoryOutOfBounds));
    assert!(print.call(&mut store, (8, 6)).unwrap_err().is::<std::str::Utf8Error>());
}

#[test]
fn hosts_and_guests_call_each_other() {
    let engine = engine();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .func_wrap("env", "half", |mut caller: Caller<'_, u32>, n: u64| -> Result<u64, Error> {
            *caller.data_mut() += 1;
            let instance = caller.instance().expect("a guest calls");
            let sum = instance.get_typed_func::<u64, u64>(&caller, "sum")?;
            sum.call(&mut caller, n - 1)
        })
        .unwrap();
    // Guest and host take turns; locals survive the host's call.
    let module = module(
        &engine,
        r#"(module (import "env" "half" (func $half (param i64) (result i64)))
            (func (export "sum") (param $n i64) (result i64)
                (if (result i64) (i64.eqz (local.get $n))
                    (then (i64.const 0))
                    (else (i64.add (call $half (local.get $n)) (local.get $n))))))"#,
    );
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let sum = instance.get_typed_func::<u64, u64>(&store, "sum").unwrap();
    assert_eq!(sum.call(&mut store, 20).unwrap(), 210);
    assert_eq!(*store.data(), 20);
    let error = sum.call(&mut store, 1 << 40).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::StackOverflow), "{error}");
    assert_eq!(sum.call(&mut store, 3).unwrap(), 6);
}

#[test]
fn a_panic_goes_through_and_the_store_stays_usable() {
    let engine = engine();
    let mut linker = Linker::<u32>::new(&engine);
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, u32>, n: i32| {
            *caller.data_mut() += 1;
            assert!(n != 3, "three is too many");
            n
        })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "env" "host" (func $host (param i32) (result i32)))
            (func (export "guest") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 1))))"#,
    );
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let guest = instance.get_typed_func::<i32, i32>(&store, "guest").unwrap();
    for _ in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| guest.call(&mut store, 3))).unwrap_err();
        assert_eq!(*panic.downcast::<&str>().unwrap(), "three is too many");
        assert_eq!(guest.call(&mut store, 4).unwrap(), 5);
    }
    assert_eq!(*store.data(), 6);
}

#[test]
fn host_errors_come_back_as_they_were() {
    #[derive(Debug, PartialEq)]
    struct Exit(i32);
    impl std::fmt::Display for Exit {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "exit with {}", self.0)
        }
    }
    impl std::error::Error for Exit {}
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("env", "exit", |code: i32| -> Result<(), Error> { Err(Error::host(Exit(code))) })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "env" "exit" (func $exit (param i32))) (func (export "run") (call $exit (i32.const 7)) unreachable))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    let error = run.call(&mut store, ()).unwrap_err();
    assert_eq!(error.to_string(), "exit with 7");
    assert_eq!(error.backtrace().unwrap().frames().len(), 1);
    assert_eq!(error.downcast::<Exit>().unwrap(), Exit(7));
}

#[test]
fn objects_are_shared_while_code_runs() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new(&engine);
    let memory = Memory::new(&mut store, MemoryType::new(1, Some(3))).unwrap();
    linker.define(&store, "env", "memory", memory).unwrap();
    linker
        .func_wrap("env", "grow", move |mut caller: Caller<'_, ()>| -> Result<u64, Error> {
            let before = memory.grow(&mut caller, 1)?;
            memory.data_mut(&mut caller)[65536..65540].copy_from_slice(&77u32.to_le_bytes());
            Ok(before)
        })
        .unwrap();
    let first = module(
        &engine,
        r#"(module (import "env" "memory" (memory 1)) (import "env" "grow" (func $grow (result i64)))
            (global (export "g") (mut i32) (i32.const 1))
            (table (export "t") 2 funcref)
            (func (export "run") (result i32)
                (drop (call $grow))
                (i32.load (i32.const 65536)))
            (func (export "indirect") (result i32) (call_indirect (result i32) (i32.const 1))))"#,
    );
    let first = linker.instantiate(&mut store, &first).unwrap();
    linker.instance(&store, "first", first).unwrap();
    let second = module(
        &engine,
        r#"(module (import "first" "g" (global $g (mut i32))) (import "first" "t" (table 2 funcref))
            (import "first" "run" (func $run (result i32)))
            (elem (i32.const 1) $mine)
            (func $mine (result i32) (global.set $g (i32.add (global.get $g) (i32.const 1))) (call $run)))"#,
    );
    linker.instantiate(&mut store, &second).unwrap();
    let indirect = first.get_typed_func::<(), i32>(&store, "indirect").unwrap();
    assert_eq!(indirect.call(&mut store, ()).unwrap(), 77);
    assert_eq!(first.get_global(&store, "g").unwrap().get(&store).unwrap_i32(), 2);
    assert_eq!(memory.size(&store), 2);
}

#[test]
fn a_function_of_a_failed_instance_can_be_called() {
    let mut store = Store::new(&engine(), ());
    let owner = instance(
        &mut store,
        r#"(module (table (export "t") 1 funcref) (func (export "call") (result i32) (call_indirect (result i32) (i32.const 0))))"#,
    );
    let call = owner.get_typed_func::<(), i32>(&store, "call").unwrap();
    assert_eq!(call.call(&mut store, ()).unwrap_err().to_string(), "uninitialized element");
    let failing = module(
        store.engine(),
        r#"(module (import "" "t" (table 1 funcref)) (memory 1)
            (func $f (result i32) (i32.load (i32.const 4)))
            (elem (i32.const 0) $f) (data (i32.const 4) "\2a") (start $bad) (func $bad unreachable))"#,
    );
    let table = owner.get_export(&store, "t").unwrap();
    let error = Instance::new(&mut store, &failing, &[table]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::UnreachableCodeReached));
    assert_eq!(call.call(&mut store, ()).unwrap(), 42);
}

/// Counts to its parameter.
const COUNT: &str = r#"(module
    (func (export "count") (param $n i64) (result i64) (local $i i64)
        (loop $again
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (br_if $again (i64.lt_u (local.get $i) (local.get $n))))
        (local.get $i)))"#;

fn count<T>(store: &mut Store<T>) -> TypedFunc<u64, u64> {
    let instance = instance(store, COUNT);
    instance.get_typed_func(&*store, "count").unwrap()
}

#[test]
fn fuel_is_exact() {
    let mut store = Store::new(&fueled(), ());
    let count = count(&mut store);
    store.set_fuel(1_000_000_000).unwrap();
    let mut cost = |n| {
        let before = store.get_fuel().unwrap();
        assert_eq!(count.call(&mut store, n).unwrap(), n.max(1));
        before - store.get_fuel().unwrap()
    };
    let (once, ten, many) = (cost(1), cost(10), cost(1_000_000));
    let turn = (ten - once) / 9;
    assert!(turn > 0);
    assert_eq!(ten, once + 9 * turn);
    assert_eq!(many, once + 999_999 * turn);

    store.set_fuel(many).unwrap();
    assert_eq!(count.call(&mut store, 1_000_000).unwrap(), 1_000_000);
    assert_eq!(store.get_fuel().unwrap(), 0);
    store.set_fuel(many - 1).unwrap();
    let error = count.call(&mut store, 1_000_000).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::OutOfFuel));
    assert_eq!(store.get_fuel().unwrap(), turn - 1, "the turn that couldn't be paid took nothing");
    store.set_fuel(once).unwrap();
    assert_eq!(count.call(&mut store, 1).unwrap(), 1);
}

#[test]
fn a_host_function_sets_the_fuel() {
    let engine = fueled();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("env", "refuel", |mut caller: Caller<'_, ()>| -> Result<u64, Error> {
            let left = caller.get_fuel()?;
            caller.set_fuel(5_000)?;
            Ok(left)
        })
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "env" "refuel" (func $refuel (result i64))) (func (export "run") (result i64) (call $refuel)))"#,
    );
    let mut store = Store::new(&engine, ());
    store.set_fuel(1_000).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<(), u64>(&store, "run").unwrap();
    let left = run.call(&mut store, ()).unwrap();
    assert!((1..1_000).contains(&left), "{left}");
    assert_eq!(store.get_fuel().unwrap(), 5_000);
}

/// Interrupts the store a little later.
fn soon<T>(store: &Store<T>) -> std::thread::JoinHandle<()> {
    let handle = store.interrupt_handle();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        handle.interrupt();
    })
}

#[test]
fn endless_guests_can_be_interrupted() {
    for engine in [engine(), fueled()] {
        let mut store = Store::new(&engine, ());
        let count = count(&mut store);
        // An error where fuel isn't counted, which must not matter.
        let _ = store.set_fuel(u64::MAX);
        let thread = soon(&store);
        let error = count.call(&mut store, u64::MAX).unwrap_err();
        assert_eq!(error.trap(), Some(Trap::Interrupt));
        thread.join().unwrap();
        assert_eq!(count.call(&mut store, 5).unwrap(), 5, "one trap answers it");
        store.interrupt_handle().interrupt();
        assert_eq!(count.call(&mut store, 5).unwrap_err().trap(), Some(Trap::Interrupt));
        assert_eq!(count.call(&mut store, 5).unwrap(), 5);
    }
}

#[test]
fn start_functions_and_bulk_operations_can_be_interrupted() {
    let mut store = Store::new(&engine(), ());
    let endless = module(store.engine(), "(module (start $s) (func $s (loop $l (br $l))))");
    let thread = soon(&store);
    let error = Instance::new(&mut store, &endless, &[]).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::Interrupt));
    thread.join().unwrap();

    let fills = instance(
        &mut store,
        r#"(module (memory 256)
            (func (export "fill") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x1000000)) (br $l))))"#,
    );
    let fill = fills.get_typed_func::<(), ()>(&store, "fill").unwrap();
    let thread = soon(&store);
    assert_eq!(fill.call(&mut store, ()).unwrap_err().trap(), Some(Trap::Interrupt));
    thread.join().unwrap();
}

#[cfg(unix)]
#[test]
fn a_waiting_host_function_is_woken() {
    use std::io::Read;
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap("env", "wait", |caller: Caller<'_, ()>| -> Result<(), Error> {
            let waiter = caller.interrupt_waiter()?;
            assert!(!waiter.is_interrupted());
            // Stands for a poll: a copy of the descriptor becomes readable.
            let fd = std::os::fd::AsFd::as_fd(&waiter).try_clone_to_owned()?;
            let mut pipe = std::io::PipeReader::from(fd);
            let mut byte = [1];
            pipe.read_exact(&mut byte)?;
            assert!(waiter.is_interrupted() && caller.is_interrupted());
            Err(Trap::OutOfBudget.into())
        })
        .unwrap();
    let module =
        module(&engine, r#"(module (import "env" "wait" (func $wait)) (func (export "run") (call $wait)))"#);
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    let thread = soon(&store);
    assert_eq!(run.call(&mut store, ()).unwrap_err().trap(), Some(Trap::OutOfBudget));
    thread.join().unwrap();
}

#[test]
fn backtraces_name_functions_and_offsets() {
    let engine = engine();
    let mut store = Store::new(&engine, ());
    let text = r#"(module $program
        (func $main (export "main") (param i32) (call $middle (local.get 0)))
        (func $middle (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))) (call $deep (i32.const 200)))
        (func $deep (param i32)
            (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else unreachable))))"#;
    let bytes = wat::parse_str(text).unwrap();
    let instance = instance(&mut store, text);
    let main = instance.get_typed_func::<i32, ()>(&store, "main").unwrap();
    let error = main.call(&mut store, 0).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::IntegerDivisionByZero));
    let backtrace = error.backtrace().unwrap();
    let names: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_name().unwrap()).collect();
    assert_eq!(names, ["middle", "main"]);
    assert_eq!(backtrace.omitted(), 0);
    let frame = &backtrace.frames()[0];
    assert_eq!((frame.func_index(), frame.module_name()), (1, Some("program")));
    // i32.const 1, local.get 0, i32.div_u
    let operands = bytes.windows(5).position(|bytes| bytes == [0x41, 1, 0x20, 0, 0x6e]).unwrap();
    assert_eq!(frame.module_offset(), Some(operands as u64 + 4));
    assert!(format!("{error:?}").contains("program!middle"), "{error:?}");

    let error = main.call(&mut store, 1).unwrap_err();
    let backtrace = error.backtrace().unwrap();
    assert_eq!(error.to_string(), "unreachable");
    assert_eq!(backtrace.frames().len() as u64 + backtrace.omitted(), 203);
    // The first and the last, and how many are between.
    let names: Vec<_> = backtrace.frames().iter().map(|frame| frame.func_name().unwrap()).collect();
    assert_eq!((names.len(), &names[48..]), (50, &["middle", "main"][..]));
    assert!(names[..48].iter().all(|name| *name == "deep"));
    let text = backtrace.to_string();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[40].starts_with("   39: ") && lines[40].ends_with("program!deep"), "{text}");
    assert_eq!(lines[41], "       ... 153 frames between ...");
    assert!(lines[42].starts_with("  193: ") && lines[51].starts_with("  202: "), "{text}");
    assert!(lines[51].ends_with("program!main") && lines.len() == 52, "{text}");
}

#[test]
fn a_deep_recursion_exhausts_the_stack() {
    let engine = Engine::new(config().max_wasm_stack(64 << 10)).unwrap();
    let mut store = Store::new(&engine, ());
    let instance =
        instance(&mut store, r#"(module (func $f (export "f") (param i64) (call $f (local.get 0))))"#);
    let f = instance.get_typed_func::<i64, ()>(&store, "f").unwrap();
    for _ in 0..2 {
        let error = f.call(&mut store, 1).unwrap_err();
        assert_eq!(error.to_string(), "call stack exhausted");
        assert!(error.backtrace().unwrap().omitted() > 100);
    }
}

#[test]
fn modules_run_on_many_threads() {
    let engine = engine();
    let module = module(&engine, COUNT);
    std::thread::scope(|scope| {
        for n in 1..5 {
            let (engine, module) = (&engine, &module);
            scope.spawn(move || {
                let mut store = Store::new(engine, ());
                let instance = Instance::new(&mut store, module, &[]).unwrap();
                let count = instance.get_typed_func::<u64, u64>(&store, "count").unwrap();
                assert_eq!(count.call(&mut store, n * 1000).unwrap(), n * 1000);
            });
        }
    });
}

#[test]
fn a_store_moves_to_another_thread() {
    let mut store = Store::new(&engine(), String::from("here"));
    let count = count(&mut store);
    assert_eq!(count.call(&mut store, 3).unwrap(), 3);
    let mut store = std::thread::spawn(move || {
        assert_eq!(count.call(&mut store, 4).unwrap(), 4);
        store.data_mut().push_str(" and there");
        store
    })
    .join()
    .unwrap();
    assert_eq!(count.call(&mut store, 5).unwrap(), 5);
    assert_eq!(store.into_data(), "here and there");
}

#[test]
fn guests_pass_functions_to_hosts() {
    let engine = engine();
    let mut linker = Linker::<()>::new(&engine);
    linker
        .func_wrap(
            "env",
            "apply",
            |mut caller: Caller<'_, ()>, f: Option<Func>, n: i32| -> Result<i32, Error> {
                let f = f.ok_or_else(|| Error::msg("null"))?;
                f.typed::<i32, i32>(&caller)?.call(&mut caller, n)
            },
        )
        .unwrap();
    let module = module(
        &engine,
        r#"(module (import "env" "apply" (func $apply (param funcref i32) (result i32)))
            (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
            (elem declare func $square $apply)
            (func (export "squared") (param i32) (result i32) (call $apply (ref.func $square) (local.get 0)))
            (func (export "null") (result i32) (call $apply (ref.null func) (i32.const 0)))
            (func (export "itself") (result funcref) (ref.func $apply)))"#,
    );
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let squared = instance.get_typed_func::<i32, i32>(&store, "squared").unwrap();
    assert_eq!(squared.call(&mut store, 12).unwrap(), 144);
    let null = instance.get_typed_func::<(), i32>(&store, "null").unwrap();
    assert_eq!(null.call(&mut store, ()).unwrap_err().to_string(), "null");
    let itself = instance.get_typed_func::<(), Option<Func>>(&store, "itself").unwrap();
    let apply = linker.get(&mut store, "env", "apply").unwrap().into_func();
    assert_eq!(itself.call(&mut store, ()).unwrap(), apply);
}
