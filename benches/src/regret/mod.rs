//! `regret`: what it costs to have guessed wrongly whether a program is worth compiling. Short programs, each in
//! processes of its own: never compiled, compiled before the first instruction, and as the command does by default.

mod options;
pub(crate) mod process;
mod programs;
mod report;
mod results;

pub(crate) use options::USAGE;

use crate::machine;
use crate::scratch::Scratch;
use options::RegretOptions;
use process::{End, Processors, Usage};
use programs::{Program, Way};
use results::{Measured, Results, Row};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A run that takes more CPU time than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether compiling everything is measured once, as a matter of form: it takes more than this many times as long as
/// compiling nothing.
const HOPELESS: i64 = 2;

pub(crate) fn main(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let options = RegretOptions::parse(arguments)?;
    let scratch = Scratch::new()?;
    let processors = Processors::find()?;
    let mut results = Results { set: options.set, rounds: options.rounds, tables: Vec::new() };
    for &count in options.processors.iter().filter(|&&count| count <= processors.count()) {
        processors.confine(count)?;
        let mut rows = Vec::new();
        for program in &options.programs {
            eprintln!("{} on {}", program.name, machine::processors(count));
            let measured = Measurement { options: &options, program, scratch: &scratch.0 }.run();
            if let Err(error) = &measured {
                eprintln!("  {error}");
            }
            rows.push(Row { program: program.name, measured });
        }
        results.tables.push((count, rows));
    }
    if results.tables.is_empty() {
        return Err("this machine has fewer processors".to_owned());
    }
    print!("{}", report::text(&results));
    if let Some(path) = &options.json {
        fs::write(path, report::json(&results)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &options.readme {
        crate::readme::replace(path, options.set.mark(), &report::text(&results))?;
    }
    match results.failures() {
        0 => Ok(()),
        failures => Err(format!("{failures} measurements failed")),
    }
}

/// One program's runs on the processors that this thread is confined to.
struct Measurement<'a> {
    options: &'a RegretOptions,
    program: &'a Program,
    scratch: &'a Path,
}

impl Measurement<'_> {
    /// All ways in turn, beginning with another one in each round.
    fn run(&self) -> Result<Measured, String> {
        self.program.prepare(&self.options.fetched, self.scratch)?;
        // Not measured: the files come into the system's cache, and the output is what the others must have.
        let (warm_up, output) = self.once(Way::Off, PATIENCE)?;
        let output = output.ok_or("it doesn't end if it is interpreted")?;
        if let Some(expected) = self.program.expected()
            && expected.as_bytes() != output
        {
            return Err(format!("it prints {} instead of {expected}", String::from_utf8_lossy(&output)));
        }
        let check = |(usage, printed): (Usage, Option<Vec<u8>>), way: Way| match printed {
            Some(printed) if printed == output => Ok(usage),
            Some(_) => Err(format!("{way:?} prints something else than Off")),
            None => Err(format!("{way:?} used {} s of CPU time, and hadn't ended", PATIENCE.as_secs())),
        };
        let (first, printed) = self.once(Way::Eager, self.options.eager_limit)?;
        let eager_ended = printed.is_some();
        if eager_ended {
            check((first, printed), Way::Eager)?;
        }
        let hopeless = !eager_ended || first.cpu_ns > HOPELESS * warm_up.cpu_ns;
        let ways =
            if hopeless { &[Way::Off, Way::Default][..] } else { &[Way::Off, Way::Eager, Way::Default] };
        let mut measured = Measured::new();
        for round in 0..self.options.rounds {
            for turn in 0..ways.len() {
                let way = ways[(round + turn) % ways.len()];
                measured.add(way, check(self.once(way, PATIENCE)?, way)?);
            }
        }
        if hopeless {
            measured.add(Way::Eager, first);
        }
        measured.eager_ended = eager_ended;
        Ok(measured)
    }

    /// A process: what it used, and what it wrote if it ended within the limit.
    fn once(&self, way: Way, limit: Duration) -> Result<(Usage, Option<Vec<u8>>), String> {
        let options = self.options;
        let mut command = self.program.command(&options.command, way, &options.fetched, self.scratch);
        let (usage, end) = process::run(&mut command, limit, self.scratch)?;
        Ok((
            usage,
            match end {
                End::Success(output) => Some(output),
                End::OutOfTime => None,
            },
        ))
    }
}
