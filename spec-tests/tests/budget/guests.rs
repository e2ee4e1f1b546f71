//! Modules to try it on, and what is done with them.

use dunlin::{Budget, Config, Engine, Error, Func, Linker, Memory, Module, Store, Table, Val};
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder, add_to_linker};
use std::path::{Path, PathBuf};

/// Every kind of thing that can be held, in little.
pub(crate) const EVERYTHING: &str = r#"(module $everything
    (type $wide (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)))
    (import "host" "double" (func $double (param i32) (result i32)))
    (import "host" "any" (func $any (param i32 i64) (result f64)))
    (memory (export "memory") 1 4)
    (table (export "table") 4 20 funcref)
    (table 2 externref)
    (global $g (mut i64) (i64.mul (i64.const 6) (i64.const 7)))
    (global (export "wide") v128 (v128.const i32x4 1 2 3 4))
    (elem (i32.const 0) func $double $deep $work)
    (elem $late funcref (item ref.func $wide) (item ref.null func))
    (data (i32.const 8) "active data")
    (data $passive "passive data")
    (func $wide (type $wide) (i32.add (local.get 0) (local.get 14)))
    (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func $work (export "work") (param i32) (result i32) (local v128 i64)
        (memory.init $passive (i32.const 100) (i32.const 0) (i32.const 12))
        (table.init 0 $late (i32.const 2) (i32.const 0) (i32.const 2))
        (drop (memory.grow (i32.const 1)))
        (drop (table.grow 0 (ref.null func) (i32.const 3)))
        (drop (call $any (i32.const 1) (i64.const 2)))
        (block $out (loop $again
            (br_table $out $again $out (call_indirect (param i32) (result i32) (i32.const 1) (i32.const 0)))))
        (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
    (func (export "crash") (result i32) (call $deep (i32.const 5)) (drop) (unreachable))
    (@custom "note" "a custom section"))"#;

/// Folders of real modules: those of this repository, and those that `DUNLIN_CORPUS` names.
pub(crate) fn corpus() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![root.join("examples/wasm"), root.join("benches/workloads/wasm")];
    folders.extend(std::env::var_os("DUNLIN_CORPUS").map(PathBuf::from));
    let mut modules = Vec::new();
    for folder in folders {
        let mut paths: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "wasm"));
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            modules.push((name, std::fs::read(&path).unwrap()));
        }
    }
    assert!(modules.len() > 30);
    modules
}

pub(crate) fn binary(text: &str) -> Vec<u8> {
    wast::parser::parse::<wast::Wat>(&wast::parser::ParseBuffer::new(text).unwrap())
        .unwrap()
        .encode()
        .unwrap()
}

pub(crate) fn engine(budget: &Budget) -> Result<Engine, Error> {
    Engine::new(Config::new().budget(budget.clone()).check_translation(false))
}

/// Loads the module, makes an instance, and calls and grows everything that it has. Nothing of the host's allocates.
pub(crate) fn use_everything(budget: &Budget, bytes: &[u8], chunk: usize) -> Result<(), Error> {
    use_everything_with(&engine(budget)?, bytes, chunk)
}

/// The same with an engine that is there.
pub(crate) fn use_everything_with(engine: &Engine, bytes: &[u8], chunk: usize) -> Result<(), Error> {
    let mut stream = dunlin::ModuleStream::new(engine);
    bytes.chunks(chunk).try_for_each(|chunk| stream.push(chunk))?;
    let module = stream.finish()?;
    let mut linker = Linker::<u32>::new(engine);
    linker.func_wrap("host", "double", |n: i32| n.wrapping_mul(2))?;
    let ty =
        module.imports().find_map(|import| import.ty().func().filter(|ty| ty.params().len() == 2).cloned());
    if let Some(ty) = ty {
        linker.func_new("host", "any", ty, |_, args, results| {
            results[0] = Val::from(f64::from(args[0].unwrap_i32()));
            Ok(())
        })?;
    }
    let mut store = Store::try_new(engine, 0)?;
    let instance = linker.instantiate_pre(&module)?.instantiate(&mut store)?;
    let work = instance.get_typed_func::<i32, i32>(&store, "work")?;
    let work = work.call(&mut store, 21)?;
    let deep = instance.get_func(&store, "deep").unwrap();
    let mut results = [Val::I32(0)];
    deep.call(&mut store, &[Val::I32(3000)], &mut results)?;
    assert_eq!((work, results[0].unwrap_i32()), (42, 3000));
    let memory = instance.get_memory(&store, "memory").unwrap();
    assert!(memory.data(&store)[8..].starts_with(b"active data"));
    assert!(memory.data(&store)[100..].starts_with(b"passive data"));
    memory.grow(&mut store, 1)?;
    let table: Table = instance.get_table(&store, "table").unwrap();
    table.grow(&mut store, 5, Val::FuncRef(None))?;
    let again = Func::try_wrap(&mut store, |n: i64| n)?;
    again.call(&mut store, &[Val::I64(1)], &mut [Val::I64(0)])?;
    dunlin::ExternRef::new(&mut store, 7u32)?;
    Memory::new(&mut store, dunlin::MemoryType::new(1, None))?;
    let error = instance.get_func(&store, "crash").unwrap().call(&mut store, &[], &mut results).unwrap_err();
    match error.trap() {
        Some(dunlin::Trap::UnreachableCodeReached) => Ok(()),
        _ => Err(error),
    }
}

/// How much a program may do: some run long.
const FUEL: u64 = 1_000_000;

pub(crate) fn load(budget: &Budget, bytes: &[u8]) -> Result<Module, Error> {
    let mut config = Config::new();
    config.budget(budget.clone()).check_translation(false).consume_fuel(true);
    Module::from_reader(&Engine::new(&config)?, bytes)
}

/// Loads a module, makes an instance of it with functions that trap for imports, and has a function begin.
pub(crate) fn instantiate(budget: &Budget, bytes: &[u8]) -> Result<(), Error> {
    let module = load(budget, bytes)?;
    let engine = module.engine().clone();
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&module)?;
    let mut store = Store::try_new(&engine, ())?;
    store.set_fuel(1000)?;
    let instance = match linker.instantiate(&mut store, &module) {
        Err(error) if error.kind() == dunlin::ErrorKind::Link => return Ok(()),
        instance => instance?,
    };
    let Some(func) = instance.exports(&store).find_map(|export| export.into_extern().into_func()) else {
        return Ok(());
    };
    let ty = func.ty(&store);
    let zeros = |types: dunlin::ValTypes<'_>| types.filter_map(Val::default_for_ty).collect::<Vec<_>>();
    let (params, mut results) = (zeros(ty.params()), zeros(ty.results()));
    match func.call(&mut store, &params, &mut results) {
        Err(error)
            if error.out_of_budget().is_some() || error.trap() == Some(dunlin::Trap::StackOverflow) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Loads a WASI program, and makes an instance of it. What it does when it is run is up to it.
pub(crate) fn start_program(budget: &Budget, bytes: &[u8]) -> Result<(), Error> {
    let module = load(budget, bytes)?;
    let engine = module.engine().clone();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    add_to_linker(&mut linker, |wasi| wasi)?;
    linker.define_unknown_imports_as_traps(&module)?;
    let mut store = Store::try_new(&engine, WasiCtxBuilder::new().build())?;
    store.set_fuel(FUEL)?;
    let instance = match linker.instantiate(&mut store, &module) {
        Err(error) if error.kind() == dunlin::ErrorKind::Link => return Ok(()),
        instance => instance?,
    };
    // The first function, if it takes nothing.
    let start = instance.exports(&store).find_map(|export| export.into_extern().into_func());
    if let Some(start) = start {
        let ty = start.ty(&store);
        if ty.params().is_empty() && ty.results().is_empty() {
            match start.call(&mut store, &[], &mut []) {
                Err(error) if error.kind() == dunlin::ErrorKind::OutOfBudget => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}
