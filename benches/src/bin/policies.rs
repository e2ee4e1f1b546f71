//! How fast policies of Open Policy Agent are evaluated.
//!
//! `policies POLICY ENTRYPOINT INPUT DATA [off|jit] [SECONDS]` evaluates one input again and again, and prints as a line
//! of JSON what `benches/policies` compares: evaluations a second, the median and the 99th percentile of an evaluation in
//! microseconds, and the process's peak memory in KiB. Each evaluation takes the input as text and gives the result as
//! text.

use dunlin::{Config, Engine, Module};
use dunlin_hosts::opa::{Policy, PolicyOptions};
use dunlin_jit::Jit;
use std::error::Error;
use std::time::{Duration, Instant};

/// As many times are kept: more would be memory that isn't the policy's.
const KEPT: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [policy, entrypoint, input, data, more @ ..] = &arguments[..] else {
        return Err("wanted: POLICY ENTRYPOINT INPUT DATA [off|jit] [SECONDS]".into());
    };
    let mut config = Config::new();
    let jit = more.first().is_none_or(|tier| tier == "jit");
    if jit {
        config.tier(Jit::new(&Jit::options())?);
    }
    let seconds = more.get(1).map_or(Ok(3.0), |seconds| seconds.parse::<f64>())?;
    let policy = Policy::new(&Module::from_file(&Engine::new(&config)?, policy)?, PolicyOptions::default())?;
    let mut evaluator = policy.evaluator(std::fs::read_to_string(data)?)?;
    let input = std::fs::read_to_string(input)?;
    let mut evaluate = || evaluator.evaluate(entrypoint, Some(&input));
    let result = evaluate()?;
    // What is hot is found and compiled, as the peers' code is before it is measured.
    let warm = Instant::now();
    while warm.elapsed() < Duration::from_secs_f64(seconds / 3.0) {
        evaluate()?;
    }
    let (mut times, mut count, start) = (vec![Duration::ZERO; KEPT], 0, Instant::now());
    while start.elapsed() < Duration::from_secs_f64(seconds) {
        let begin = Instant::now();
        evaluate()?;
        times[count % KEPT] = begin.elapsed();
        count += 1;
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let percentile = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
    let line = serde_json::json!({
        "engine": if jit { "dunlin" } else { "dunlin, interpreted" },
        "result": result, "per_second": rate.round(), "median_us": percentile(50), "p99_us": percentile(99),
        "peak_kib": peak_kib(),
    });
    println!("{line}");
    Ok(())
}

fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}
