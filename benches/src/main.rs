//! `compare` runs the workloads in Dunlin and in other engines, side by side. `regret` runs short programs in the
//! command, with and without a compiler; `curve` has one that gets longer and longer.

mod chart;
mod compare;
mod curve;
mod engines;
mod large;
mod machine;
mod measure;
mod options;
mod process;
mod readme;
mod regret;
mod report;
mod results;
mod runs;
mod scratch;
mod statistics;
mod table;
mod tiers;
mod worker;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        Some("compare") => {
            options::CompareOptions::parse(arguments).and_then(|options| compare::compare(&options))
        }
        Some("curve") => curve::main(arguments),
        Some("regret") => regret::main(arguments),
        // What the tests of `regret` have it start: the command, as it is built into this program.
        Some("run") => return ExitCode::from(dunlin_cli::main(std::env::args_os().skip(1))),
        // What `compare` starts for each engine.
        Some("worker") => worker::work(&arguments.next().unwrap_or_default()),
        // And what it measures from outside.
        Some("once") => runs::once(arguments),
        _ => Err(format!("{}\n\n{}\n\n{}", options::USAGE, regret::USAGE, curve::USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
