//! `compare` runs the workloads in Dunlin and in other engines, side by side.

mod chart;
mod compare;
mod engines;
mod large;
mod measure;
mod options;
mod process;
mod report;
mod results;
mod runs;
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
        // What `compare` starts for each engine.
        Some("worker") => worker::work(&arguments.next().unwrap_or_default()),
        // And what it measures from outside.
        Some("once") => runs::once(arguments),
        _ => Err(options::USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
