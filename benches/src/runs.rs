//! Whole runs: a process that loads a module from a file, runs it, and exits. Compile time counts here.

use crate::engines::{CURVES, Engine, RUNS};
use crate::statistics::{median, median_ratio};
use crate::{large, worker};
use dunlin_benches::workloads::Workload;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Workloads, with arguments for which compiled code takes about a second, and the results, on which Dunlin and
/// wasmtime agree.
const LONG: &[(&str, i32, i64)] = &[
    ("mix", 15_500, -4_596_970_179_429_755_426),
    ("recursion", 42, -6_623_011_386_311_206_772),
    ("trees", 340_000, -4_267_905_834_751_665_755),
    ("mandel", 2600, 4_379_277_596_615_152_044),
    ("counters", 4_000_000, 2_172_116_271_791_302_444),
    ("calls", 220_000_000, -4_250_955_929_547_417_643),
    ("tails", 160_000, -7_344_960_992_518_053_316),
    ("switches", 15_000, 1_726_417_014_461_779_763),
    ("matching", 1_000_000, -7_086_024_693_371_370_435),
    ("methods", 4_000_000, 59_266_498_979_927_053),
    ("copies", 330_000, -7_764_116_414_555_680_422),
    ("sha256", 33_000, 3_503_547_014_979_002),
    ("keccak", 20_000, -4_845_588_817_898_471_776),
    ("argon2", 1_500_000, -7_338_221_646_521_419_768),
    ("x25519", 10_500, 9_219_603_272_727_885_402),
    ("nbody", 19_000_000, -4_628_113_171_126_138_196),
    ("mandel_simd", 4300, -3_857_839_701_640_082_947),
    ("chacha_simd", 37_000, 8_448_258_878_309_297_833),
    ("image_simd", 12_500, -8_333_646_387_731_801_974),
    ("text_simd", 90_000, 7_651_645_809_918_875_701),
    ("format", 200_000, -2_064_190_765_407_392_849),
    ("objects", 64_000, -8_636_133_640_019_686_262),
    ("script", 600_000, -3_103_175_617_505_805_858),
];

/// Workloads for which a larger argument doesn't take longer, or changes what they do, because their memory or one of
/// their parts is bounded; and how many calls with the usual argument take about a second.
const REPEATED: &[(&str, u32)] = &[
    ("sort", 50),
    ("lz", 75),
    ("vm", 130),
    ("btree", 80),
    ("matmul", 130),
    ("matmul_simd", 300),
    ("hashmap", 85),
    ("json", 115),
    ("regex", 95),
];

/// A short task in a module of 4 MB: about 10 ms for the interpreter, of the workload that the module is made from.
const SHORT: Task = Task { times: 1, n: 150, result: -4_073_515_805_561_179_081 };

/// The engines that are left out of the long runs.
const SHORT_ONLY: [&str; 2] = ["dunlin", "winch"];

/// One run: from the process's start to its end, its CPU time, and its peak of resident memory.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) wall_ns: i64,
    pub(crate) cpu_ns: i64,
    pub(crate) peak_kib: i64,
}

/// Each engine's runs of one program, one in each round.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) runs: Vec<(&'static str, Result<Vec<Run>, String>)>,
}

/// The task of one process: calls, all with the same argument and result.
#[derive(Clone, Copy)]
struct Task {
    times: u32,
    n: i32,
    result: i64,
}

impl Task {
    /// A task that takes compiled code about a second.
    fn long(workload: &Workload) -> Task {
        let of = |name: &str| name == workload.name;
        match (LONG.iter().find(|(name, ..)| of(name)), REPEATED.iter().find(|(name, _)| of(name))) {
            (Some(&(_, n, result)), None) => Task { times: 1, n, result },
            (None, Some(&(_, times))) => Task { times, n: workload.n, result: workload.result },
            _ => unreachable!("a test makes sure that {} is listed once", workload.name),
        }
    }
}

/// Whether what a workload does is in proportion to its argument, however large that is.
pub(crate) fn in_proportion(workload: &Workload) -> bool {
    LONG.iter().any(|(name, ..)| *name == workload.name)
}

/// All that was measured.
pub(crate) struct Runs {
    pub(crate) long: Vec<Program>,
    pub(crate) short: Program,
    /// The size of the module with a short run.
    pub(crate) short_size: usize,
}

/// The measured process: `once ENGINE EXPORT TIMES N PATH`.
pub(crate) fn once(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let mut next = || arguments.next().ok_or("once takes an engine, an export, two numbers, and a file");
    let (engine, export, times, n, path) = (next()?, next()?, next()?, next()?, next()?);
    let times: u32 = times.parse().map_err(|_| "once takes a number of calls")?;
    let n = n.parse().map_err(|_| "once takes a number")?;
    let mut engines = RUNS.iter().chain(CURVES);
    let load = engines.find(|(name, _)| *name == engine).ok_or("no engine is called that")?.1;
    let mut call = load(Path::new(&path), &export)?;
    let result = call(n)?;
    for _ in 1..times {
        let again = call(n)?;
        if again != result {
            return Err(format!("a later call gives {again} instead of {result}"));
        }
    }
    // The tear-down counts too.
    drop(call);
    println!("{result} {} {}", worker::cpu_time(), worker::status("VmHWM:"));
    Ok(())
}

fn run(engine: &str, path: &Path, task: Task) -> Result<Run, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.args(["once", engine, "run", &task.times.to_string(), &task.n.to_string()]).arg(path);
    let start = Instant::now();
    let output = command.output().map_err(|error| error.to_string())?;
    let wall_ns = start.elapsed().as_nanos() as i64;
    if !output.status.success() {
        return Err(format!("{} ({})", String::from_utf8_lossy(&output.stderr).trim(), output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().map_while(|number| number.parse().ok()).collect::<Vec<i64>>()[..] {
        [result, cpu_ns, peak_kib] if result == task.result => Ok(Run { wall_ns, cpu_ns, peak_kib }),
        [result, ..] => Err(format!("a wrong result, {result} instead of {}", task.result)),
        [] => Err(format!("an answer that makes no sense: {text}")),
    }
}

fn program(rounds: usize, name: &'static str, path: &Path, task: Task, engines: &[&'static str]) -> Program {
    let mut runs: Vec<_> = engines.iter().map(|name| (*name, Ok(Vec::new()))).collect();
    let count = runs.len();
    for round in 0..rounds {
        for i in 0..count {
            let (engine, outcome) = &mut runs[(i + round) % count];
            if let Ok(runs) = outcome {
                match run(engine, path, task) {
                    Ok(run) => runs.push(run),
                    Err(error) => *outcome = Err(error),
                }
            }
        }
    }
    Program { name, runs }
}

pub(crate) fn measure(
    rounds: usize,
    workloads: &[&Workload],
    engines: &[&Engine],
    folder: &Path,
) -> Result<Runs, String> {
    let asked = |name: &&str| engines.iter().any(|engine| engine.name == *name);
    let all: Vec<&str> = RUNS.iter().map(|(name, _)| *name).filter(asked).collect();
    let some: Vec<&str> = all.iter().copied().filter(|name| !SHORT_ONLY.contains(name)).collect();
    let mut long = Vec::new();
    for workload in workloads {
        let name = workload.name;
        eprintln!("a long run of {name}");
        let path = folder.join(format!("{name}.wasm"));
        long.push(program(rounds, name, &path, Task::long(workload), &some));
    }
    eprintln!("a short run in a large module");
    let wasm = large::synthetic(large::SIZE)?;
    let path = folder.join("short.wasm");
    fs::write(&path, &wasm).map_err(|error| error.to_string())?;
    let short = program(rounds, large::SOURCE, &path, SHORT, &all);
    Ok(Runs { long, short, short_size: wasm.len() })
}

impl Program {
    fn of(&self, engine: &str) -> Option<&[Run]> {
        let (_, runs) = self.runs.iter().find(|(name, _)| *name == engine)?;
        runs.as_deref().ok()
    }

    /// The median of a quantity.
    pub(crate) fn median(&self, engine: &str, what: fn(&Run) -> i64) -> Option<i64> {
        Some(median(self.of(engine)?.iter().map(what).collect()))
    }

    /// The median over the rounds of a quantity's ratio, another engine's over `engine`'s.
    pub(crate) fn ratio(&self, engine: &str, other: &str, what: fn(&Run) -> i64) -> Option<f64> {
        let pairs = self.of(engine)?.iter().zip(self.of(other)?);
        Some(median_ratio(pairs.map(|(own, other)| (what(own), what(other)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin_benches::workloads::WORKLOADS;

    #[test]
    fn every_workload_has_a_long_run() {
        for workload in WORKLOADS {
            Task::long(workload);
        }
        assert_eq!(LONG.len() + REPEATED.len(), WORKLOADS.len());
    }
}
