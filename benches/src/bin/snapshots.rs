//! The cost of moving an instance: what a snapshot takes to write and to restore, and its size.
//!
//! `snapshots [ROUNDS]` has an instance of 16 MiB write to 4 MiB of them, stops it by fuel, and moves it that often. Medians of
//! processor time; nothing is written to a disk, since that is the device's. Then it has another thread ask for a snapshot of a
//! program that runs, and tells how long it is until that is suspended.

use dunlin::{
    Config, Engine, Error, Instance, Linker, Module, Result, ResumableCall, Snapshot, Store, SuspendedCall,
    Val,
};
use dunlin_benches::usage::cpu_us;
use dunlin_jit::{Jit, Mode};
use std::time::{Duration, Instant};

/// No page that is written is like another one.
const MODULE: &str = r#"(module
    (memory 256)
    (func (export "work") (param $x i64) (local $at i32)
        (loop $write
            (local.set $x (i64.add (i64.mul (local.get $x) (i64.const 6364136223846793005)) (i64.const 1)))
            (i64.store (local.get $at) (local.get $x))
            (br_if $write (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 8)))
                (i32.const 0x400000))))
        (loop $on (br $on))))"#;

fn main() -> Result<()> {
    let rounds =
        std::env::args().nth(1).map_or(Ok(21), |rounds| rounds.parse::<usize>()).map_err(Error::msg)?;
    let mut config = Config::new();
    config.consume_fuel(true).snapshots(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, MODULE)?;
    let linker = Linker::<()>::new(&engine);

    let mut store = Store::new(&engine, ());
    store.set_fuel(20_000_000)?;
    let instance = Instance::new(&mut store, &module, &[])?;
    let work = instance.get_func(&store, "work").ok_or_else(|| Error::msg("it exports no function"))?;
    let mut call = work.call_resumable(&mut store, &[Val::I64(1)], &mut [])?;

    let (mut written, mut restored, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let ResumableCall::Suspended(suspended) = call else {
            return Err(Error::msg("it ended, though it has no end"));
        };
        bytes.clear();
        let start = cpu_us();
        suspended.snapshot(&mut store, &linker, b"", &mut bytes)?;
        written.push((cpu_us() - start) / 1e3);
        let start = cpu_us();
        store = Store::new(&engine, ());
        let snapshot = Snapshot::open(engine.budget(), &bytes[..])?;
        let moved = snapshot.restore(&mut store, &linker, &[&module])?;
        restored.push((cpu_us() - start) / 1e3);
        let moved = moved.call.ok_or_else(|| Error::msg("no call was restored"))?;
        store.set_fuel(1000)?;
        call = moved.resume(&mut store, &mut [])?;
    }
    println!(
        "of 16 MiB, 4 MiB changed: {:.2} ms to write, {:.2} ms to restore, {} KiB beyond the changed pages",
        median(&mut written),
        median(&mut restored),
        (bytes.len() as f64 / 1024.0 - 4096.0).ceil()
    );
    let jit = Jit::new(Jit::options().mode(Mode::Sync).threshold(0)).map_err(Error::msg)?;
    for (name, tier) in [("interpreted", None), ("compiled", Some(jit))] {
        let mut config = Config::new();
        config.suspend_compiled(true);
        if let Some(tier) = tier {
            config.tier(tier);
        }
        let mut delays = delays(&Engine::new(&config)?, rounds)?;
        let (median, most) = (median(&mut delays), delays[delays.len() - 1]);
        println!("{name}, it is suspended {median:.3} ms after that is asked for, {most:.3} ms at most");
    }
    Ok(())
}

/// How long it takes each time, in milliseconds.
fn delays(engine: &Engine, rounds: usize) -> Result<Vec<f64>> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &Module::new(engine, MODULE)?, &[])?;
    let work = instance.get_func(&store, "work").ok_or_else(|| Error::msg("it exports no function"))?;
    let handle = store.interrupt_handle();
    let (mut suspended, mut delays) = (None::<SuspendedCall>, Vec::new());
    for _ in 0..rounds {
        let (call, delay) = std::thread::scope(|scope| {
            let asks = scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(5));
                let now = Instant::now();
                handle.request_snapshot();
                now
            });
            let call = match suspended.take() {
                None => work.call_resumable(&mut store, &[Val::I64(1)], &mut []),
                Some(call) => call.resume(&mut store, &mut []),
            };
            let stopped = Instant::now();
            let asked = asks.join().map_err(|_| Error::msg("the thread that asks panicked"))?;
            Ok::<_, Error>((call?, stopped - asked))
        })?;
        match call {
            ResumableCall::Suspended(call) => suspended = Some(call),
            ResumableCall::Finished => return Err(Error::msg("it ended, though it has no end")),
        }
        delays.push(delay.as_secs_f64() * 1e3);
    }
    Ok(delays)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
