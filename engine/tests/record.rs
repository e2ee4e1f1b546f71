//! Records: programs that are given the same answers again do the same again, and what isn't the same is noticed.

#[path = "record/damaged.rs"]
mod damaged;
#[path = "record/diverging.rs"]
mod diverging;
#[path = "record/exact.rs"]
mod exact;
#[path = "record/segments.rs"]
mod segments;

use dunlin::{
    Caller, Config, Dispatch, Engine, Error, Extern, HostErrors, Linker, Module, Record, ReplayEnd, Result,
    Store, Val,
};
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

/// A file that can be read while it is written.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl File {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

/// What a program is given from outside, of which no two runs get the same.
struct Outside {
    random: u64,
}

impl Outside {
    fn next(&mut self) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random ^ self.random >> 29
    }
}

/// Asks the host for numbers of every type and for bytes, until it is told to stop, and mixes them all.
const MIXES: &str = r#"(module
    (import "host" "i32" (func $i32 (param i32) (result i32)))
    (import "host" "i64" (func $i64 (param i64) (result i64)))
    (import "host" "f32" (func $f32 (result f32)))
    (import "host" "f64" (func $f64 (param f64 f32) (result f64)))
    (import "host" "v128" (func $v128 (param v128) (result v128)))
    (import "host" "fill" (func $fill (param i32 i32)))
    (import "host" "scatter" (func $scatter (param i32) (result i32)))
    (memory (export "memory") 1)
    (func $mix (param i64 i64) (result i64)
        (i64.add (i64.rotl (i64.mul (local.get 0) (i64.const 0x9e3779b97f4a7c15)) (i64.const 23)) (local.get 1)))
    (func (export "run") (param $n i32) (result i64) (local $hash i64) (local $at i32)
        (loop $again
            (local.set $hash (call $mix (local.get $hash)
                (i64.extend_i32_u (call $i32 (i32.wrap_i64 (local.get $hash))))))
            (local.set $hash (call $mix (local.get $hash) (call $i64 (local.get $hash))))
            (local.set $hash (call $mix (local.get $hash) (i64.extend_i32_u (i32.reinterpret_f32
                (f32.div (call $f32) (f32.sub (call $f32) (call $f32)))))))
            (local.set $hash (call $mix (local.get $hash) (i64.reinterpret_f64
                (call $f64 (f64.sqrt (f64.convert_i64_s (local.get $hash))) (f32.const 1)))))
            (local.set $hash (call $mix (local.get $hash)
                (i64x2.extract_lane 1 (call $v128 (i64x2.splat (local.get $hash))))))
            (call $fill (i32.const 100) (i32.const 5000))
            (local.set $at (i32.add (i32.const 100) (call $scatter (i32.const 60000))))
            (loop $sum
                (local.set $hash (call $mix (local.get $hash) (i64.load (local.get $at))))
                (br_if $sum (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 97))) (i32.const 65000))))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $hash)))"#;

fn memory(caller: &mut Caller<'_, Outside>) -> dunlin::Memory {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else { panic!() };
    memory
}

fn linker(engine: &Engine) -> Linker<Outside> {
    let mut linker = Linker::<Outside>::new(engine);
    type Asks<'a> = Caller<'a, Outside>;
    linker
        .func_wrap("host", "i32", |mut c: Asks<'_>, _: i32| c.data_mut().next() as i32)
        .unwrap()
        .func_wrap("host", "i64", |mut c: Asks<'_>, _: i64| c.data_mut().next() as i64)
        .unwrap()
        .func_wrap("host", "f32", |mut c: Asks<'_>| f32::from((c.data_mut().next() % 3) as u8))
        .unwrap()
        .func_wrap("host", "f64", |mut c: Asks<'_>, _: f64, _: f32| f64::from_bits(c.data_mut().next()))
        .unwrap()
        .func_wrap("host", "v128", |mut c: Asks<'_>, v: dunlin::V128| {
            dunlin::V128::from(v.to_bits() ^ u128::from(c.data_mut().next()) << 60)
        })
        .unwrap()
        .func_wrap("host", "fill", |mut c: Asks<'_>, at: u32, len: u32| -> Result<()> {
            let bytes: Vec<_> = (0..len).map(|_| c.data_mut().next() as u8).collect();
            let memory = memory(&mut c);
            Ok(memory.write(&mut c, at as usize, &bytes)?)
        })
        .unwrap()
        .func_wrap("host", "scatter", |mut c: Asks<'_>, most: u32| -> u32 {
            let (memory, random) = (memory(&mut c), c.data_mut().next());
            let bytes = memory.data_mut(&mut c);
            for (at, byte) in bytes.iter_mut().enumerate().step_by(4099) {
                *byte = byte.wrapping_add((random >> (at % 57)) as u8);
            }
            random as u32 % most
        })
        .unwrap();
    linker
}

fn engine(dispatch: Dispatch) -> Engine {
    Engine::new(Config::new().recordable().dispatch(dispatch)).unwrap()
}

/// A run, recorded: its result and its record.
fn record(engine: &Engine, text: &str, random: u64, n: i32) -> (Result<Val>, Vec<u8>) {
    let module = Module::new(engine, text).unwrap();
    let mut linker = linker(engine);
    linker.record_host_funcs().unwrap();
    let mut store = Store::new(engine, Outside { random });
    store.set_fuel(u64::MAX).unwrap();
    let file = File::default();
    store.record(&module, b"kept", HostErrors::default(), file.clone()).unwrap();
    let result = run(&mut store, &linker, &module, n);
    store.end_record(result.as_ref().map(|_| ())).unwrap();
    (result, file.bytes())
}

fn run(store: &mut Store<Outside>, linker: &Linker<Outside>, module: &Module, n: i32) -> Result<Val> {
    let mut results = [Val::I64(0)];
    let instance = linker.instantiate(&mut *store, module)?;
    let run = instance.get_func(&*store, "run").unwrap();
    run.call(&mut *store, &[Val::I32(n)], &mut results)?;
    let [result] = results;
    Ok(result)
}

/// A replay: its result, and how it ended.
fn replay(engine: &Engine, text: &str, record: &[u8], n: i32) -> Result<(Result<Val>, ReplayEnd)> {
    let module = Module::new(engine, text).unwrap();
    let record = Record::open(engine.budget(), Cursor::new(record.to_vec()))?;
    let mut linker = Linker::new(engine);
    linker.replay_host_funcs(&module).unwrap();
    let mut store = Store::new(engine, Outside { random: 0 });
    store.replay(&module, record, HostErrors::default(), |_, _| Ok(()))?;
    let result = run(&mut store, &linker, &module, n);
    let end = store.end_replay(result.as_ref().map(|_| ()));
    Ok((result, end))
}

fn shown(result: &Result<Val>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.to_string(),
    }
}

/// What a replay that isn't whole says.
fn said(result: Result<(Result<Val>, ReplayEnd)>) -> String {
    match result {
        Ok((_, ReplayEnd::Diverged(what))) => what,
        Ok((result, end)) => format!("{end:?}, {}", shown(&result)),
        Err(error) => error.to_string(),
    }
}

fn failing(number: i32) -> Result<i32, Error> {
    Err(Error::msg(format_args!("the host has no {number}")))
}
