//! The options of `compare`.

use crate::engines::{ENGINES, Engine};
use dunlin_benches::workloads::{WORKLOADS, Workload};
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
pub(crate) struct CompareOptions {
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) readme: Option<PathBuf>,
    pub(crate) rounds: usize,
    pub(crate) workloads: Vec<&'static Workload>,
    pub(crate) engines: Vec<&'static Engine>,
    pub(crate) large: Option<PathBuf>,
    pub(crate) before: Option<PathBuf>,
    pub(crate) startup: bool,
    pub(crate) runs: bool,
}

impl CompareOptions {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<CompareOptions, String> {
        let mut options = CompareOptions {
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

/// Whether all names are among those that there are.
pub(crate) fn known(names: &[&str], all: &[&str]) -> Result<(), String> {
    match names.iter().find(|name| !all.contains(name)) {
        Some(name) => Err(format!("{name} is none of {}", all.join(", "))),
        None => Ok(()),
    }
}

/// The whole path of a file that must exist, or what is wrong, and advice.
pub(crate) fn absolute(path: &Path, advice: &str) -> Result<PathBuf, String> {
    path.canonicalize().map_err(|error| format!("{}: {error}; {advice}", path.display()))
}
