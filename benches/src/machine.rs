//! The machine that everything is measured on.

use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;

/// In a line of text, without a full stop.
pub(crate) fn line() -> String {
    let (cpu, cores, system) = machine();
    format!("{cpu}, {cores} cores, {system}")
}

/// As an object.
pub(crate) fn json() -> Value {
    let (cpu, cores, system) = machine();
    json!({"cpu": cpu, "cores": cores, "system": system})
}

/// So many processors, in words.
pub(crate) fn processors(count: usize) -> String {
    if count == 1 { "one processor".to_owned() } else { format!("{count} processors") }
}

fn machine() -> (String, usize, String) {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let mut cpu = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    if let (Some(family), Some(model)) = (field("cpu family"), field("model\t")) {
        let _ = write!(cpu, " (family {family}, model {model})");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.split('-').next().unwrap_or("").trim();
    (cpu, cores, format!("{} {release}, {}", std::env::consts::OS, std::env::consts::ARCH))
}
