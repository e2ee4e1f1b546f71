//! Runs the tests for each fault and says which faults were noticed.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::output::say;
use crate::sites::Site;
use crate::suite::{End, Program};
use crate::tree::Copy;

/// A test, how long it takes without a fault, and which places it comes to.
struct Known<'a> {
    program: &'a Program,
    name: String,
    takes: Duration,
    reached: Vec<u8>,
}

/// Tests that take less than this share a process, since starting one takes as long.
const QUICK: Duration = Duration::from_millis(500);

pub(crate) fn run(
    copy: &Copy,
    programs: Vec<Program>,
    faults: &[Site],
    options: &Options,
) -> Result<(), String> {
    let known = survey(copy, &programs, faults.len())?;
    if options.unreached {
        return say_unreached(&known, faults);
    }
    let (mut noticed, mut tried) = (0, 0);
    let mut left = Vec::new();
    for (at, fault) in faults.iter().enumerate() {
        let number = at + 1;
        if options.only.as_ref().is_some_and(|only| !only.contains(&number)) {
            continue;
        }
        tried += 1;
        let start = Instant::now();
        let (said, is_noticed) = trial(copy, &known, number)?;
        say(format_args!("{number:4} {fault}\n     {said} ({:.1} s)", start.elapsed().as_secs_f32()))?;
        if is_noticed {
            noticed += 1;
        } else {
            left.push(format!("{number:4} {fault} ({said})"));
        }
    }
    say(format_args!(
        "\n{noticed} of {tried} noticed, seed {}. Unnoticed:\n{}",
        options.seed,
        left.join("\n")
    ))?;
    Ok(())
}

fn say_unreached(known: &[Known<'_>], faults: &[Site]) -> Result<(), String> {
    let numbered = (1..).zip(faults);
    let unreached = numbered.filter(|(number, _)| known.iter().all(|test| test.reached[*number] == 0));
    for (number, fault) in unreached {
        say(format_args!("{number:4} {fault}"))?;
    }
    Ok(())
}

/// Runs every test once without a fault. The quickest comes first.
fn survey<'a>(copy: &Copy, programs: &'a [Program], faults: usize) -> Result<Vec<Known<'a>>, String> {
    let mut known = Vec::new();
    copy.turn_on(0)?;
    for program in programs {
        let first = known.len();
        for name in program.tests()? {
            match observe(copy, program, &name, faults)? {
                Some((takes, reached)) => known.push(Known { program, name, takes, reached }),
                None => {
                    say(format_args!("{}: {name} is LEFT OUT, since it fails without a fault", program.name))?
                }
            }
        }
        let tests = &known[first..];
        say(format_args!(
            "{}: {} tests take {:.1} s one by one, come to {} faults",
            program.name,
            tests.len(),
            tests.iter().map(|known| known.takes).sum::<Duration>().as_secs_f32(),
            (1..=faults).filter(|&fault| tests.iter().any(|known| known.reached[fault] != 0)).count()
        ))?;
    }
    known.sort_by_key(|known| known.takes);
    say("")?;
    Ok(known)
}

/// How long a test takes without a fault, and which places it comes to. `None` if it fails twice: a place in a handler
/// may keep the compiler from making a jump of its tail call, so that a test needs more stack than there is.
fn observe(
    copy: &Copy,
    program: &Program,
    name: &str,
    faults: usize,
) -> Result<Option<(Duration, Vec<u8>)>, String> {
    let log = copy.logs.join(format!("0-{}-{}", program.name, name.replace("::", "-")));
    for attempt in 0..2 {
        let start = Instant::now();
        let mut end = End::Failed;
        let reached = copy.watch(faults, || {
            end = program.run(&[name], &log, Duration::from_secs(1800))?;
            Ok(())
        })?;
        if let End::Passed = end {
            return Ok(Some((start.elapsed(), reached)));
        }
        if attempt == 0 {
            say(format_args!("{}: {name} FAILED without a fault, and is run again", program.name))?;
        }
    }
    Ok(None)
}

/// What became of one fault, and whether it was noticed.
fn trial(copy: &Copy, known: &[Known<'_>], number: usize) -> Result<(String, bool), String> {
    let mut runs = Vec::new();
    for known in known.iter().filter(|known| known.reached[number] != 0) {
        let shared = runs.iter_mut().find(|(program, _, _): &&mut (&Program, Duration, Vec<&str>)| {
            known.takes < QUICK && program.name == known.program.name
        });
        match shared {
            Some((_, takes, tests)) => {
                *takes += known.takes;
                tests.push(&known.name);
            }
            None => runs.push((known.program, known.takes, vec![known.name.as_str()])),
        }
    }
    for (at, (program, takes, tests)) in runs.iter().enumerate() {
        let log = copy.logs.join(format!("{number}-{at}-{}", program.name));
        let by =
            if tests.len() == 1 { format!("{}: {}", program.name, tests[0]) } else { program.name.clone() };
        match run_unhurried(copy, program, tests, number, &log, Duration::from_secs(20) + *takes * 5)? {
            End::Passed => {}
            End::Failed => return Ok((format!("noticed by {by}"), true)),
            End::Killed => return Ok((format!("noticed: {by} didn't end"), true)),
        }
    }
    let tests: usize = runs.iter().map(|(_, _, tests)| tests.len()).sum();
    let said = match tests {
        0 => "UNNOTICED: no test comes there".into(),
        _ => {
            let mut names: Vec<_> = runs.iter().map(|(program, _, _)| program.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            format!("UNNOTICED by {tests} tests of {}", names.join(", "))
        }
    };
    Ok((said, false))
}

/// Runs tests with a fault. If they don't end within `most`, the fault is the reason only if they do without it: the
/// machine may just be busy.
fn run_unhurried(
    copy: &Copy,
    program: &Program,
    tests: &[&str],
    fault: usize,
    log: &Path,
    mut most: Duration,
) -> Result<End, String> {
    loop {
        copy.turn_on(fault)?;
        let end = program.run(tests, log, most)?;
        copy.turn_on(0)?;
        if !matches!(end, End::Killed) {
            return Ok(end);
        }
        let control = log.with_extension("control");
        if let End::Passed = program.run(tests, &control, most / 2)? {
            return Ok(End::Killed);
        }
        most *= 2;
    }
}
