//! Measures workloads and loading, all engines interleaved, over several rounds.

use crate::engines::{Engine, Role};
use crate::large;
use crate::options::CompareOptions;
use crate::process::Worker;
use crate::results::{Measured, Startup};
use crate::statistics::median;
use dunlin_benches::workloads::Workload;
use std::path::Path;

/// Runs every engine in a separate process. In each round every engine runs once, starting with another one each time.
pub(crate) fn workload(
    options: &CompareOptions,
    workload: &Workload,
    path: &Path,
) -> Vec<Result<Measured, String>> {
    let check = |(result, time): (i64, i64)| {
        if result == workload.result {
            Ok(time)
        } else {
            Err(format!("a wrong result, {result} instead of {}", workload.result))
        }
    };
    let mut workers: Vec<Result<(Worker, Vec<i64>), String>> = options
        .engines
        .iter()
        .map(|engine| {
            if engine.loads_alone() {
                return Err("it is measured for loading alone".to_owned());
            }
            let mut worker = Worker::start(engine, options.before.as_deref())?;
            worker.load(path, "run")?;
            // The first run includes lazy translation.
            worker.run(workload.n).and_then(check)?;
            Ok((worker, Vec::new()))
        })
        .collect();
    let count = workers.len();
    for round in 0..options.rounds {
        for i in 0..count {
            let outcome = &mut workers[(i + round) % count];
            if let Ok((worker, times)) = outcome {
                // Compiled code is so fast that one measurement takes several runs.
                let runs = if options.engines[(i + round) % count].compiles() { 5 } else { 1 };
                let turn: Result<Vec<i64>, String> =
                    (0..runs).map(|_| worker.run(workload.n).and_then(check)).collect();
                match turn {
                    Ok(turn) => times.push(median(turn)),
                    Err(error) => *outcome = Err(error),
                }
            }
        }
    }
    workers
        .into_iter()
        .map(|outcome| {
            let (mut worker, times) = outcome?;
            let (peak_kib, engine_kib) = worker.memory()?;
            Ok(Measured { median_ns: median(times.clone()), times_ns: times, peak_kib, engine_kib })
        })
        .collect()
}

/// A new process for every engine in every round, since only the first load counts.
pub(crate) fn startup(options: &CompareOptions, path: &Path) -> Vec<Result<Startup, String>> {
    let count = options.engines.len();
    let mut outcomes: Vec<Result<Vec<Startup>, String>> = (0..count).map(|_| Ok(Vec::new())).collect();
    for round in 0..options.rounds {
        for i in 0..count {
            let i = (i + round) % count;
            if let Ok(times) = &mut outcomes[i] {
                match start(options.engines[i], path, options.before.as_deref()) {
                    Ok(startup) => times.push(startup),
                    Err(error) => outcomes[i] = Err(error),
                }
            }
        }
    }
    let middle = |times: &[Startup], field: fn(&Startup) -> i64| median(times.iter().map(field).collect());
    outcomes
        .into_iter()
        .map(|outcome| {
            let times = outcome?;
            Ok(Startup {
                load_ns: middle(&times, |startup| startup.load_ns),
                total_ns: middle(&times, |startup| startup.total_ns),
                peak_kib: middle(&times, |startup| startup.peak_kib),
                engine_kib: middle(&times, |startup| startup.engine_kib),
            })
        })
        .collect()
}

fn start(engine: &Engine, path: &Path, before: Option<&Path>) -> Result<Startup, String> {
    if engine.role == Role::CompiledOnly {
        return Err("its loading isn't measured".to_owned());
    }
    let mut worker = Worker::start(engine, before)?;
    let load_ns = worker.load(path, large::EXPORT)?;
    let (result, call_ns) = worker.run(42)?;
    if result != 42 {
        return Err(format!("a wrong result, {result} instead of 42"));
    }
    let (peak_kib, engine_kib) = worker.memory()?;
    Ok(Startup { load_ns, total_ns: load_ns + call_ns, peak_kib, engine_kib })
}
