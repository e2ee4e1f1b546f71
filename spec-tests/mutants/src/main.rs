//! Mutation testing: small faults are put into a crate, one at a time, and its tests are run. A fault that no test
//! notices is a hole in the tests, or changes nothing. `../README.md` says how to use it.
#![forbid(unsafe_code)]

mod cfg;
mod edit;
mod modules;
mod operators;
mod options;
mod output;
mod sites;
mod subjects;
mod suite;
mod tree;
mod trials;
mod weave;

use std::path::Path;
use std::process::ExitCode;

use modules::Sources;
use options::Options;
use output::say;
use sites::Site;

fn main() -> ExitCode {
    let done = match options::parse() {
        Ok(Some(options)) => run(options),
        Ok(None) => say(options::HELP.trim_end()),
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), String> {
    let root = tree::workspace()?;
    let sources = modules::of(&root, options.subject)?;
    let mut sites = sites::of(&sources, options.subject)?;
    say(format_args!("{}: {} places for a fault", options.subject.package, sites.len()))?;
    if let Some(revision) = &options.diff {
        let changed = tree::changed_lines(&root, revision)?;
        sites.retain(|site| changed.contains(&(site.file.clone(), site.line)));
        say(format_args!("{} of them in lines that differ from {revision}", sites.len()))?;
    }
    if options.list {
        for site in &sites {
            say(site)?;
        }
        return Ok(());
    }
    sample(&root, &options, sites, &sources)
}

fn sample(root: &Path, options: &Options, mut sites: Vec<Site>, sources: &Sources) -> Result<(), String> {
    fastrand::Rng::with_seed(options.seed).shuffle(&mut sites);
    say(format_args!(
        "{} of them are tried, chosen with --seed {}",
        options.sample.min(sites.len()),
        options.seed
    ))?;
    let copy = tree::copy(root, options.subject, sources)?;
    let faults = weave::compiling(&copy, options.subject, sources, sites, options.sample)?;
    let programs = suite::build(&copy, options.subject)?;
    trials::run(&copy, programs, &faults, options)
}
