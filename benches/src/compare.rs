//! The comparison: every workload in every engine, all engines interleaved, over several rounds.

use crate::engines::{ENGINES, Engine, Role};
use crate::process::Worker;
use crate::runs::{self, Runs};
use crate::{chart, large, report};
use dunlin_benches::workloads::{WORKLOADS, Workload};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const USAGE: &str = "usage: dunlin-benches compare [OPTIONS]

  --json FILE      writes the results as JSON
  --svg FILE       draws them
  --readme FILE    puts the tables between the file's <!-- results --> lines
  --rounds N       how often everything is measured; the median counts (5)
  --only NAMES     these workloads alone, separated by commas; loading only with --large, whole runs only with --runs
  --engines NAMES  these engines alone, beside Dunlin
  --before PROGRAM another build of this program, whose Dunlin is measured beside this one's
  --large FILE     the module to load, instead of a made-up one of 4 MB; it may import functions only
  --runs yes|no    whether processes are measured as wholes

Engines other than Dunlin need the feature `peers`, and wasm3 needs `wasm3`.";

/// What the command line asks for.
pub(crate) struct Options {
    json: Option<PathBuf>,
    svg: Option<PathBuf>,
    readme: Option<PathBuf>,
    rounds: usize,
    workloads: Vec<&'static Workload>,
    engines: Vec<&'static Engine>,
    large: Option<PathBuf>,
    before: Option<PathBuf>,
    startup: bool,
    runs: bool,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            json: None,
            svg: None,
            readme: None,
            rounds: 5,
            workloads: WORKLOADS.iter().collect(),
            engines: ENGINES.iter().collect(),
            large: None,
            before: None,
            startup: true,
            runs: true,
        };
        let mut runs = None;
        while let Some(option) = arguments.next() {
            if option == "--help" {
                return Err(USAGE.to_owned());
            }
            let value = arguments.next().ok_or_else(|| format!("{option} takes a value\n\n{USAGE}"))?;
            let names: Vec<&str> = value.split(',').collect();
            match option.as_str() {
                "--json" => options.json = Some(value.into()),
                "--svg" => options.svg = Some(value.into()),
                "--readme" => options.readme = Some(value.into()),
                "--before" => options.before = Some(value.into()),
                "--large" => options.large = Some(value.into()),
                "--runs" => match value.as_str() {
                    "yes" => runs = Some(true),
                    "no" => runs = Some(false),
                    _ => return Err(format!("--runs takes yes or no, not {value}")),
                },
                "--rounds" => match value.parse() {
                    Ok(rounds @ 1..) => options.rounds = rounds,
                    _ => return Err(format!("--rounds takes a number from 1 on, not {value}")),
                },
                "--only" => {
                    known(&names, &WORKLOADS.iter().map(|workload| workload.name).collect::<Vec<_>>())?;
                    options.workloads.retain(|workload| names.contains(&workload.name));
                    (options.startup, options.runs) = (false, false);
                }
                "--engines" => {
                    known(&names, &ENGINES.iter().map(|engine| engine.name).collect::<Vec<_>>())?;
                    options.engines.retain(|engine| {
                        engine.name == "dunlin" || engine.before.is_some() || names.contains(&engine.name)
                    });
                }
                _ => return Err(format!("unknown option {option}\n\n{USAGE}")),
            }
        }
        if options.before.is_none() {
            options.engines.retain(|engine| engine.before.is_none());
        }
        options.startup |= options.large.is_some();
        options.runs = runs.unwrap_or(options.runs);
        Ok(options)
    }
}

fn known(names: &[&str], all: &[&str]) -> Result<(), String> {
    match names.iter().find(|name| !all.contains(name)) {
        Some(name) => Err(format!("{name} is none of {}", all.join(", "))),
        None => Ok(()),
    }
}

/// One engine's time for a workload, and its memory.
pub(crate) struct Measured {
    /// Of each round.
    pub(crate) times_ns: Vec<i64>,
    pub(crate) median_ns: i64,
    pub(crate) peak_kib: i64,
    pub(crate) engine_kib: i64,
}

/// One engine's startup: from a large module's bytes to the end of the first call.
pub(crate) struct Startup {
    pub(crate) load_ns: i64,
    pub(crate) total_ns: i64,
    pub(crate) peak_kib: i64,
    pub(crate) engine_kib: i64,
}

/// Everything measured. The inner lists are in the order of the engines.
pub(crate) struct Results {
    pub(crate) engines: Vec<&'static Engine>,
    pub(crate) rounds: usize,
    pub(crate) workloads: Vec<(&'static Workload, Vec<Result<Measured, String>>)>,
    pub(crate) large_size: usize,
    pub(crate) startup: Vec<Result<Startup, String>>,
    pub(crate) runs: Option<Runs>,
}

pub(crate) fn compare(options: &Options) -> Result<(), String> {
    let folder = Scratch::new()?;
    let mut results = Results {
        engines: options.engines.clone(),
        rounds: options.rounds,
        workloads: Vec::new(),
        large_size: 0,
        startup: Vec::new(),
        runs: None,
    };
    for (i, workload) in options.workloads.iter().enumerate() {
        eprintln!("{} ({} of {})", workload.name, i + 1, options.workloads.len());
        let path = folder.0.join(format!("{}.wasm", workload.name));
        fs::write(&path, workload.wasm).map_err(|error| error.to_string())?;
        let measured = measure(options, workload, &path);
        for (engine, outcome) in options.engines.iter().zip(&measured) {
            if let Err(error) = outcome
                && !engine.loads_alone()
            {
                eprintln!("  {}: {error}", engine.name);
            }
        }
        results.workloads.push((workload, measured));
    }
    if options.startup {
        let wasm = match &options.large {
            Some(path) => {
                let wasm = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                large::rewrite(&wasm, 1)?
            }
            None => large::synthetic(large::SIZE)?,
        };
        eprintln!("loading {} bytes", wasm.len());
        let path = folder.0.join("large.wasm");
        fs::write(&path, &wasm).map_err(|error| error.to_string())?;
        results.large_size = wasm.len();
        results.startup = measure_startup(options, &path);
    }
    if options.runs {
        results.runs = Some(runs::measure(options.rounds, &options.workloads, &options.engines, &folder.0)?);
    }
    print!("{}", report::text(&results));
    let write = |path: &Option<PathBuf>, contents: &dyn Fn() -> Result<String, String>| match path {
        Some(path) => contents().and_then(|contents| {
            fs::write(path, contents).map_err(|error| format!("{}: {error}", path.display()))
        }),
        None => Ok(()),
    };
    write(&options.json, &|| Ok(report::json(&results)))?;
    write(&options.svg, &|| Ok(chart::draw(&results)))?;
    write(&options.readme, &|| report::readme(&results, options.readme.as_deref().unwrap_or(Path::new(""))))
}

/// Runs every engine in a separate process. In each round every engine runs once, starting with another one each time.
fn measure(options: &Options, workload: &Workload, path: &Path) -> Vec<Result<Measured, String>> {
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
fn measure_startup(options: &Options, path: &Path) -> Vec<Result<Startup, String>> {
    let count = options.engines.len();
    let mut outcomes: Vec<Result<Vec<Startup>, String>> = (0..count).map(|_| Ok(Vec::new())).collect();
    for round in 0..options.rounds {
        for i in 0..count {
            let i = (i + round) % count;
            if let Ok(times) = &mut outcomes[i] {
                match startup(options.engines[i], path, options.before.as_deref()) {
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

fn startup(engine: &Engine, path: &Path, before: Option<&Path>) -> Result<Startup, String> {
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

pub(crate) fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values.len() {
        0 => 0,
        size if size % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2,
    }
}

/// A temporary folder for modules, removed when this value is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, String> {
        let folder = std::env::temp_dir().join(format!("dunlin-benches-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
