//! Puts all faults of a sample into the copy at once, each behind a question for its number, and finds out which of
//! them the compiler refuses. So a sample costs one build.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::edit;
use crate::modules::Sources;
use crate::output::say;
use crate::sites::Site;
use crate::subjects::Subject;
use crate::tree::{self, Copy};

/// The first `wanted` of `sites` that compile, woven into the copy. A fault's number is its place here, from 1.
pub(crate) fn compiling(
    copy: &Copy,
    subject: &Subject,
    sources: &Sources,
    sites: Vec<Site>,
    wanted: usize,
) -> Result<Vec<Site>, String> {
    let mut rest = VecDeque::from(sites);
    let mut chosen: Vec<Site> = Vec::new();
    loop {
        // Some more than are wanted, since some will be refused.
        while chosen.len() < wanted + wanted / 8 {
            let Some(site) = rest.pop_front() else { break };
            chosen.push(site);
        }
        weave(copy, sources, &chosen)?;
        let errors = check(copy, subject)?;
        if errors.is_empty() {
            chosen.truncate(wanted);
            weave(copy, sources, &chosen)?;
            return Ok(chosen);
        }
        let before = chosen.len();
        let is_hit = |site: &Site| {
            errors
                .iter()
                .any(|(file, line)| *file == site.file && (site.line..=site.last_line).contains(line))
        };
        chosen.retain(|site| !is_hit(site));
        if chosen.len() == before {
            // The error is elsewhere in the function, such as where a value is used that no longer is set.
            let near = |site: &Site| {
                errors.iter().any(|(file, line)| *file == site.file && site.line.abs_diff(*line) < 40)
            };
            chosen.retain(|site| !near(site));
        }
        if chosen.len() == before {
            let (file, line) = &errors[0];
            return Err(format!(
                "the copy doesn't compile, and not because of a fault: {}:{line}",
                file.display()
            ));
        }
        say(format_args!("{} faults don't compile and are replaced", before - chosen.len()))?;
    }
}

fn weave(copy: &Copy, sources: &Sources, chosen: &[Site]) -> Result<(), String> {
    for (file, source) in sources {
        let numbered = chosen.iter().enumerate().map(|(at, site)| (at + 1, site));
        let wraps: Vec<_> =
            numbered.filter(|(_, site)| site.file == *file).map(|(at, site)| (at, &site.wrap)).collect();
        tree::write(&copy.root.join(file), edit::apply(source, &wraps).as_bytes())?;
    }
    Ok(())
}

/// The places that the compiler complains of.
fn check(copy: &Copy, subject: &Subject) -> Result<Vec<(PathBuf, usize)>, String> {
    let output = cargo(copy)
        .args(["check", "--release", "--keep-going", "--message-format=json", "-p", subject.package])
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    let mut places = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        let message = &message["message"];
        if message["level"] != "error" {
            continue;
        }
        for span in message["spans"].as_array().into_iter().flatten() {
            if span["is_primary"] == true
                && let (Some(file), Some(line)) = (span["file_name"].as_str(), span["line_start"].as_u64())
            {
                places.push((PathBuf::from(file), line as usize));
            }
        }
    }
    if places.is_empty() && !output.status.success() {
        return Err("cargo check fails in the copy without naming a place".into());
    }
    Ok(places)
}

/// Cargo in the copy.
pub(crate) fn cargo(copy: &Copy) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(&copy.root).env("CARGO_TARGET_DIR", &copy.target).stdin(Stdio::null());
    cargo
}
