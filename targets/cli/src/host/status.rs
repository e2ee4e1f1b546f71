//! What the system says of this process.

use std::fs::File;
use std::io::{self, Read};

/// Linux's text about this process.
fn status() -> io::Result<String> {
    // Room for it at once, since the system makes all of it again for each read.
    let mut status = String::with_capacity(8 << 10);
    File::open("/proc/self/status")?.read_to_string(&mut status)?;
    Ok(status)
}

/// The signals that the process inherited as ignored, as from a shell that starts it in the background.
pub(crate) fn ignored_signals() -> u64 {
    let status = status().unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The peak of the process's memory, if the system provides it.
pub(crate) fn peak_process_bytes() -> Option<u64> {
    let status = status().ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
