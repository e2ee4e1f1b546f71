//! Whole programs: what they are charged is in proportion to what they execute.

use super::instrument::{COUNTERS, instrument};
use dunlin::{Config, Engine, Instance, Linker, Module, Store, Val};
use dunlin_jit::{Jit, Mode, Options};
use dunlin_wasi_lite::{I32Exit, ReadPipe, WasiCtx, WritePipe};
use std::fs;
use std::path::Path;

#[path = "../../../benches/src/workloads.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the benchmarks")]
mod workloads;

/// How much fuel there is for a program.
const GIVEN: u64 = 1 << 50;

fn engine(fuel: bool) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(fuel);
    // Faster where there is a tier; and so both tiers take part.
    if let Ok(jit) = Jit::new(Options::default().mode(Mode::Sync)) {
        config.tier(jit);
    }
    Engine::new(&config).unwrap()
}

/// Runs a program, and calls `look` when it is over.
fn run<R>(
    engine: &Engine,
    wasm: &[u8],
    args: &[&str],
    look: impl FnOnce(&mut Store<WasiCtx>, Instance) -> R,
    call: impl FnOnce(&mut Store<WasiCtx>, Instance) -> Result<(), dunlin::Error>,
) -> R {
    let mut linker = Linker::<WasiCtx>::new(engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let input = "one two, three\nfour 5 6.5e3 {\"a\": [1, 2]}\n".repeat(100);
    let mut builder = WasiCtx::builder();
    builder.arg("program").args(args).stdin(ReadPipe::from(input)).deterministic(1);
    builder.stdout(WritePipe::in_memory(1 << 22)).stderr(WritePipe::in_memory(1 << 20));
    let mut store = Store::new(engine, builder.build());
    let _ = store.set_fuel(GIVEN);
    let instance = linker.instantiate(&mut store, &Module::new(engine, wasm).unwrap()).unwrap();
    match call(&mut store, instance) {
        Ok(()) => {}
        Err(error) => assert!(error.downcast_ref::<I32Exit>().is_some(), "{error:?}"),
    }
    look(&mut store, instance)
}

/// Runs a program as it is and instrumented, prints the ratio and checks it.
fn check(
    name: &str,
    wasm: &[u8],
    args: &[&str],
    call: impl Fn(&mut Store<WasiCtx>, Instance) -> Result<(), dunlin::Error>,
) {
    let used = run(&engine(true), wasm, args, |store, _| GIVEN - store.get_fuel().unwrap(), &call);
    let counters = |store: &mut Store<WasiCtx>, instance: Instance| {
        COUNTERS.map(|name| match instance.get_global(&mut *store, name).unwrap().get(&*store) {
            Val::I64(n) => n as u64,
            other => panic!("{other:?}"),
        })
    };
    let [executed, charged] = run(&engine(false), &instrument(wasm), args, counters, &call);
    let ratio = used as f64 / executed as f64;
    println!("{name:12} {executed:>12} instructions, {used:>12} fuel, {ratio:.3}");
    // Bulk operations cost by their sizes, which the instrumented program doesn't count.
    assert!(used >= charged && used - charged <= charged / 50, "{name}: {used} instead of {charged}");
    assert!((0.9..=1.3).contains(&ratio), "{name}: {ratio}");
}

fn start(store: &mut Store<WasiCtx>, instance: Instance) -> Result<(), dunlin::Error> {
    instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(store, ())
}

#[test]
fn workloads_are_charged_for_what_they_execute() {
    for work in workloads::WORKLOADS {
        check(work.name, work.wasm, &[], |store, instance| {
            let run = instance.get_typed_func::<i32, i64>(&mut *store, "run")?;
            assert_eq!(run.call(store, work.small_n)?, work.small_result);
            Ok(())
        });
    }
}

#[test]
fn examples_are_charged_for_what_they_execute() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wasm");
    let programs: [(&str, &[&str]); 5] =
        [("hello", &[]), ("wc", &[]), ("json", &[]), ("nqueens", &["8"]), ("mandel", &["60"])];
    for (name, args) in programs {
        let wasm = fs::read(folder.join(name).with_extension("wasm")).unwrap();
        check(name, &wasm, args, start);
    }
}

/// Commands in a folder that `DUNLIN_CORPUS` names are only shown: what they need isn't known.
#[test]
fn other_programs_are_shown() {
    let Some(folder) = std::env::var_os("DUNLIN_CORPUS") else {
        return println!("SKIPPED: DUNLIN_CORPUS names no folder of programs");
    };
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "wasm") {
            let args = fs::read_to_string(path.with_extension("args")).unwrap_or_default();
            let args: Vec<_> = args.lines().collect();
            check(&path.file_stem().unwrap().to_string_lossy(), &fs::read(&path).unwrap(), &args, start);
        }
    }
}
