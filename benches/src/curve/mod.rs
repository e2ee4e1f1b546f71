//! `curve`: one workload with less and more to do, from a millisecond to ten seconds if it is interpreted, and what all
//! of a run costs in each way, that is, with compiling.

mod draw;
mod options;
mod report;

pub(crate) use options::USAGE;

use crate::engines::CURVES;
use crate::regret::process::{self, End, Processors};
use crate::scratch::Scratch;
use crate::statistics::median;
use dunlin_benches::workloads::Workload;
use options::CurveOptions;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The workload, unless another is asked for: what it does is in proportion to its argument, and in many functions.
const WORKLOAD: &str = "mix";

/// The least argument is the workload's usual one over this: about a millisecond.
const LEAST: f64 = 50.0;

/// How many arguments there are for each power of ten, and for how many powers.
const STEPS: i32 = 3;
const POWERS: i32 = 4;

/// A run that takes more CPU time than this hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A way to run the workload.
struct Way {
    name: &'static str,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    /// By the command, with this value of `--jit`, if there is any.
    Command(Option<&'static str>),
    /// By a process of this program, in which another engine is.
    Peer,
}

/// What was measured for one argument: CPU time way by way.
struct Point {
    n: i32,
    cpu_ns: Vec<i64>,
}

/// Everything measured.
struct Curve {
    workload: &'static str,
    /// The first is interpretation.
    ways: Vec<&'static str>,
    points: Vec<Point>,
    rounds: usize,
    processors: usize,
}

pub(crate) fn main(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = CurveOptions::parse(arguments)?;
    let scratch = Scratch::new()?;
    let all = Processors::find()?;
    let processors = options.processors.min(all.count());
    all.confine(processors)?;
    let workload = options.workload;
    let module = scratch.0.join("curve.wasm");
    fs::write(&module, workload.wasm).map_err(|error| error.to_string())?;
    let ways = ways();
    let mut curve = Curve {
        workload: workload.name,
        ways: ways.iter().map(|way| way.name).collect(),
        points: Vec::new(),
        rounds: options.rounds,
        processors,
    };
    for n in arguments_up_to(workload, options.powers) {
        eprintln!("{} {n}", workload.name);
        let run = |way: &Way| run(way, n, &options.command, &module, &scratch.0);
        curve.points.push(Point { n, cpu_ns: point(&ways, options.rounds, run)? });
    }
    print!("{}", report::text(&curve));
    let write = |path: &Option<_>, contents: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, contents()).map_err(|error| error.to_string()),
        None => Ok(()),
    };
    write(&options.json, &|| report::json(&curve))?;
    write(&options.svg, &|| draw::draw(&report::chart(&curve)))?;
    match &options.readme {
        Some(path) => crate::readme::replace(path, "<!-- curve -->\n", &report::text(&curve)),
        None => Ok(()),
    }
}

fn ways() -> Vec<Way> {
    let command = |name, mode| Way { name, how: How::Command(mode) };
    let mut ways =
        vec![command("off", Some("off")), command("eager", Some("eager")), command("default", None)];
    ways.extend(CURVES.iter().map(|(name, _)| Way { name, how: How::Peer }));
    ways
}

/// The workload's arguments, from the least on, over powers of ten.
fn arguments_up_to(workload: &Workload, powers: i32) -> Vec<i32> {
    let least = f64::from(workload.n) / LEAST;
    (0..=powers * STEPS)
        .map(|i| (least * 10f64.powf(f64::from(i) / f64::from(STEPS))).round() as i32)
        .collect()
}

/// The medians of all ways' CPU times, which take turns. They must agree on what they print.
fn point(
    ways: &[Way],
    rounds: usize,
    run: impl Fn(&Way) -> Result<(i64, String), String>,
) -> Result<Vec<i64>, String> {
    let (_, expected) = run(&ways[0])?;
    let mut times = vec![Vec::new(); ways.len()];
    for round in 0..rounds {
        for turn in 0..ways.len() {
            let i = (round + turn) % ways.len();
            let (time, result) = run(&ways[i])?;
            if result != expected {
                return Err(format!("{} gives {result} instead of {expected}", ways[i].name));
            }
            times[i].push(time);
        }
    }
    Ok(times.into_iter().map(median).collect())
}

/// One process: its CPU time, and the workload's result.
fn run(way: &Way, n: i32, dunlin: &Path, module: &Path, scratch: &Path) -> Result<(i64, String), String> {
    let mut command = match way.how {
        How::Command(mode) => {
            let mut command = Command::new(dunlin);
            command.arg("run").args(mode.iter().flat_map(|mode| ["--jit", mode]));
            command.args(["--invoke", "run"]).arg(module).arg(n.to_string());
            command
        }
        How::Peer => {
            let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
            command.args(["once", way.name, "run", "1", &n.to_string()]).arg(module);
            command
        }
    };
    let (usage, end) =
        process::run(&mut command, PATIENCE, scratch).map_err(|error| format!("{}: {error}", way.name))?;
    match end {
        // A process of this program prints more behind the result.
        End::Success(output) => {
            let output = String::from_utf8_lossy(&output);
            let result =
                output.split_whitespace().next().ok_or_else(|| format!("{} prints nothing", way.name))?;
            Ok((usage.cpu_ns, result.to_owned()))
        }
        End::OutOfTime => {
            Err(format!("{} used {} s of CPU time, and hadn't ended", way.name, PATIENCE.as_secs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin_benches::workloads::WORKLOADS;

    #[test]
    fn arguments_grow_evenly_over_four_powers_of_ten() {
        let workload = WORKLOADS.iter().find(|workload| workload.name == WORKLOAD).unwrap();
        let all = arguments_up_to(workload, POWERS);
        assert_eq!(all.len(), 13);
        assert_eq!((all[0], all[6], all[12]), (6, 600, 60_000));
        assert!(all.windows(2).all(|pair| (2.1..2.2).contains(&(f64::from(pair[1]) / f64::from(pair[0])))));
    }

    #[test]
    fn medians_of_all_turns_count_and_results_must_agree() {
        let turns = std::cell::RefCell::new(Vec::new());
        let run = |way: &Way| {
            turns.borrow_mut().push(way.name);
            Ok((turns.borrow().len() as i64, "7".to_owned()))
        };
        let times = point(&ways()[..3], 3, run).unwrap();
        let (off, eager, default) = ("off", "eager", "default");
        let rounds = [off, off, eager, default, eager, default, off, default, off, eager];
        assert_eq!(*turns.borrow(), rounds);
        assert_eq!(times, [7, 5, 6]);

        let wrong =
            point(&ways()[..3], 1, |way| Ok((1, if way.name == eager { "8" } else { "7" }.to_owned())));
        assert_eq!(wrong, Err("eager gives 8 instead of 7".to_owned()));
    }
}
