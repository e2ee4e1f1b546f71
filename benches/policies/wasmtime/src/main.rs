//! The same as `benches/src/bin/policies.rs`, by the crate opa-wasm.
//!
//! `peer POLICY ENTRYPOINT INPUT DATA [SECONDS]`; with 0 seconds, one result is printed.

use opa_wasm::Runtime;
use serde_json::Value;
use std::error::Error;
use std::time::{Duration, Instant};
use wasmtime::{Config, Engine, Module, Store};

/// As many times are kept: more would be memory that isn't the policy's.
const KEPT: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let seconds = arguments.get(4).map_or(Ok(3.0), |seconds| seconds.parse::<f64>())?;
    let engine = Engine::new(&Config::new())?;
    let module = Module::from_file(&engine, &arguments[0])?;
    let mut store = Store::new(&engine, ());
    let data: Value = serde_json::from_str(&std::fs::read_to_string(&arguments[3])?)?;
    let policy = Runtime::new(&mut store, &module).await?.with_data(&mut store, &data).await?;
    let (entrypoint, input) = (&arguments[1], std::fs::read_to_string(&arguments[2])?);
    macro_rules! evaluate {
        () => {{
            let input: Value = serde_json::from_str(&input)?;
            let result: Value = policy.evaluate(&mut store, entrypoint, &input).await?;
            result.to_string()
        }};
    }
    let result = evaluate!();
    if seconds == 0.0 {
        println!("{result}");
        return Ok(());
    }
    let warm = Instant::now();
    while warm.elapsed() < Duration::from_secs_f64(seconds / 3.0) {
        evaluate!();
    }
    let (mut times, mut count, start) = (vec![Duration::ZERO; KEPT], 0, Instant::now());
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        let begin = Instant::now();
        evaluate!();
        times[count % KEPT] = begin.elapsed();
        count += 1;
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let percentile = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM:")).and_then(|line| line.split_whitespace().nth(1));
    let line = serde_json::json!({
        "engine": "opa-wasm on wasmtime", "result": result, "per_second": rate.round(), "median_us": percentile(50),
        "p99_us": percentile(99), "peak_kib": peak.and_then(|peak| peak.parse::<u64>().ok()),
    });
    println!("{line}");
    Ok(())
}
