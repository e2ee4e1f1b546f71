//! What this process has used so far.

use dunlin::{Error, Result};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time of all threads, in microseconds.
pub fn cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// A number of KiB in what Linux says of the process.
///
/// # Errors
///
/// If it can't be read, or has no such line.
pub fn status(name: &str) -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status").map_err(|error| Error::msg(error.to_string()))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Error::msg(format!("no {name} in /proc/self/status")))
}
