//! Runs the tests for each fault and says which faults were noticed.

use std::fs;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::output::say;
use crate::sites::Site;
use crate::suite::{End, Program};
use crate::tree::Copy;

/// A test program, how long it takes without a fault, and which places it comes to.
struct Known {
    program: Program,
    takes: Duration,
    reached: Vec<u8>,
}

pub(crate) fn run(
    copy: &Copy,
    programs: Vec<Program>,
    faults: &[Site],
    options: &Options,
) -> Result<(), String> {
    let known = survey(copy, programs, faults.len())?;
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

/// Runs every program once without a fault. The quickest comes first.
fn survey(copy: &Copy, programs: Vec<Program>, faults: usize) -> Result<Vec<Known>, String> {
    let mut known = Vec::new();
    for program in programs {
        let map = copy.logs.join("reached");
        fs::write(&map, vec![0; faults + 1]).map_err(|error| error.to_string())?;
        let log = copy.logs.join(format!("0-{}", program.name));
        let mut start = Instant::now();
        let unhurried = Duration::from_secs(1800);
        if !matches!(program.run(0, Some(&map), &log, unhurried)?, End::Passed) {
            let log = copy.logs.join(format!("0-{}-again", program.name));
            say(format_args!("{} FAILED without a fault, and is run again", program.name))?;
            start = Instant::now();
            if !matches!(program.run(0, Some(&map), &log, unhurried)?, End::Passed) {
                return Err(format!("{} fails without a fault: see {}", program.name, log.display()));
            }
        }
        let takes = start.elapsed();
        let reached = fs::read(&map).map_err(|error| error.to_string())?;
        say(format_args!(
            "{} takes {:.1} s, comes to {} faults",
            program.name,
            takes.as_secs_f32(),
            count(&reached)
        ))?;
        known.push(Known { program, takes, reached });
    }
    known.sort_by_key(|known| known.takes);
    say("")?;
    Ok(known)
}

fn count(reached: &[u8]) -> usize {
    reached.iter().filter(|&&reached| reached != 0).count()
}

/// What became of one fault, and whether it was noticed.
fn trial(copy: &Copy, known: &[Known], number: usize) -> Result<(String, bool), String> {
    let mut ran = Vec::new();
    for Known { program, takes, reached } in known {
        if reached[number] == 0 {
            continue;
        }
        let log = copy.logs.join(format!("{number}-{}", program.name));
        let most = Duration::from_secs(20) + *takes * 5;
        match program.run(number, None, &log, most)? {
            End::Passed => ran.push(program.name.as_str()),
            End::Failed => return Ok((format!("noticed by {}", program.name), true)),
            End::Killed => return Ok((format!("noticed: {} didn't end", program.name), true)),
        }
    }
    let said = match ran.as_slice() {
        [] => "UNNOTICED: no test comes there".into(),
        ran => format!("UNNOTICED by {}", ran.join(", ")),
    };
    Ok((said, false))
}
