//! The cost of clones of one initialised instance: time and memory for each, before it runs.
//!
//! `clones [COUNT [off|jit]]` makes that many clones of an instance with 20 MiB of memory, all of which its initialisation has written, 64 functions
//! in a table, and a call that is suspended behind it; each is in a store of its own. `clones COUNT off|jit MODULE [ARGS]... < INPUT` does so with a
//! WASI program that stands where it first reads its standard input, and says what a run to the end takes, with INPUT: of a clone, and
//! from the start. Times are of the processor. Memory is what is resident or in page tables; the first clone's share of what all have in
//! common isn't in it.

use dunlin::{
    Config, Engine, Error, Func, Linker, Module, Result, ResumableCall, SnapshotPre, Store, SuspendedCall,
};
use dunlin_benches::usage::{cpu_us, status};
use dunlin_jit::Jit;
use dunlin_wasi_lite::{I32Exit, ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe, add_to_linker};
use std::io::Read;

/// How many of the 64 functions, all in the table, are alike.
fn instance() -> String {
    let funcs: String = (0..64).map(|n| format!("(func $f{n} (result i32) (i32.const {n}))")).collect();
    let names: String = (0..64).map(|n| format!(" $f{n}")).collect();
    format!(
        r#"(module
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 320)
        (table 64 funcref) (elem (i32.const 0) func{names}) {funcs}
        (func (export "_start") (local i32)
            (loop $again
                (i64.store (local.get 0) (i64.add (i64.extend_i32_u (local.get 0)) (i64.const 0x0101010101010101)))
                (br_if $again (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 8))) (i32.const 20971520))))
            (i64.store (i32.const 0) (i64.const 0x800000010))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))"#
    )
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(10_000), |count| count.parse());
    let count = count.map_err(|_| Error::msg("the first argument is a number"))?;
    let tier = arguments.next();
    let program: Vec<String> = arguments.collect();
    let mut config = Config::new();
    config.snapshots(true);
    if tier.as_deref() == Some("jit") {
        config.suspend_compiled(true);
        config.tier(Jit::new(&Jit::options()).map_err(|error| Error::msg(error.to_string()))?);
    }
    let engine = Engine::new(&config)?;
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
    let module = match program.first() {
        Some(path) => Module::from_file(&engine, path)?,
        None => Module::new(&engine, instance())?,
    };
    let mut input = Vec::new();
    if !program.is_empty() {
        let read = std::io::stdin().read_to_end(&mut input);
        read.map_err(|error| Error::msg(error.to_string()))?;
    }
    let context = |input: &[u8]| {
        let mut builder = WasiCtxBuilder::new();
        builder.args(&program).stdin(ReadPipe::from(input)).stdout(WritePipe::in_memory(1 << 20));
        builder.stderr(WritePipe::in_memory(1 << 20));
        builder
    };
    // More than once, so that everything is translated, and what is hot is compiled.
    let times = if tier.as_deref() == Some("jit") { 12 } else { 2 };
    for _ in 0..times {
        let begin = cpu_us();
        let mut store = Store::new(&engine, context(&input).build());
        end(&mut store, |store| start(&linker, &module, store)?.call(&mut *store, &[], &mut []))?;
        println!("from the start to the end: {:.0} us", cpu_us() - begin);
    }
    let mut store = Store::new(&engine, context(b"").stop_at_stdin().build());
    let start = start(&linker, &module, &mut store)?;
    let begin = cpu_us();
    let ResumableCall::Suspended(call) = start.call_resumable(&mut store, &[], &mut [])? else {
        return Err(Error::msg("it ends without reading its input"));
    };
    println!("its initialisation: {:.0} us", cpu_us() - begin);
    let state = store.data_mut().save().map_err(|error| Error::msg(error.to_string()))?;
    let begin = cpu_us();
    let pre = call.snapshot_pre(&mut store, &linker)?;
    println!("the original of clones: {:.0} us", cpu_us() - begin);
    drop(store);
    let clone = |input: &[u8]| -> Result<_> {
        let mut context = context(input).build();
        context.adopt(&state, engine.budget()).map_err(|error| Error::msg(error.to_string()))?;
        one(&pre, &engine, context)
    };
    let mut times: Vec<_> = Vec::new();
    for _ in 0..15 {
        let begin = cpu_us();
        let (mut store, call) = clone(&input)?;
        end(&mut store, |store| match call.resume(store, &mut [])? {
            ResumableCall::Finished => Ok(()),
            ResumableCall::Suspended(call) => Err(call.into_reason()),
        })?;
        times.push(cpu_us() - begin);
    }
    times.sort_by(f64::total_cmp);
    println!("from a clone to the end: {:.0} us", times[7]);
    let mut made = Vec::with_capacity(count);
    let (resident, tables, begin) = (status("VmRSS")?, status("VmPTE")?, cpu_us());
    for _ in 0..count {
        made.push(clone(b"")?);
    }
    let each = |before: f64, now: f64| (now - before) / count as f64;
    println!(
        "{count} clones, each: {:.1} us, {:.1} KiB resident, {:.1} KiB of page tables; {} mappings in all",
        each(begin, cpu_us()),
        each(resident, status("VmRSS")?),
        each(tables, status("VmPTE")?),
        std::fs::read_to_string("/proc/self/maps").map_or(0, |maps| maps.lines().count()),
    );
    Ok(())
}

fn start(linker: &Linker<WasiCtx>, module: &Module, store: &mut Store<WasiCtx>) -> Result<Func> {
    let instance = linker.instantiate(&mut *store, module)?;
    instance.get_func(&*store, "_start").ok_or_else(|| Error::msg("it has no _start"))
}

fn one(
    pre: &SnapshotPre<WasiCtx>,
    engine: &Engine,
    context: WasiCtx,
) -> Result<(Store<WasiCtx>, SuspendedCall)> {
    let mut store = Store::new(engine, context);
    let call = pre.restore(&mut store)?.call.ok_or_else(|| Error::msg("no call is suspended"))?;
    Ok((store, call))
}

/// Runs a program to its end, which exiting with 0 may be.
fn end(store: &mut Store<WasiCtx>, run: impl FnOnce(&mut Store<WasiCtx>) -> Result<()>) -> Result<()> {
    match run(store) {
        Err(error) if error.downcast_ref::<I32Exit>().is_none_or(|exit| exit.0 != 0) => Err(error),
        _ => Ok(()),
    }
}
