//! The log: what guests and the host itself report.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// How important a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Each step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happened.
    Info,
    /// What may become a problem.
    Warn,
    /// What failed.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        })
    }
}

/// Takes lines. `source` says who reports: a route, a module, the server.
pub trait Log: fmt::Debug + Send + Sync {
    /// Adds a line. It may have been written by a guest: what reaches a terminal must be escaped.
    fn write(&self, level: Level, source: &str, line: &str);
}

/// A log on standard error, from a level on.
#[derive(Clone, Copy, Debug)]
pub struct StderrLog(pub Level);

impl Log for StderrLog {
    fn write(&self, level: Level, source: &str, line: &str) {
        if level >= self.0 {
            let text = format!("{level} {}: {}\n", source.escape_debug(), escaped(line));
            // Where nobody reads it, there is nobody to tell.
            let _ = io::stderr().lock().write_all(text.as_bytes());
        }
    }
}

/// The line without what a terminal would obey.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' => text.push(c),
            c if c.is_control() => text.extend(c.escape_debug()),
            c => text.push(c),
        }
    }
    text
}

/// A log that is kept, for tests.
#[derive(Clone, Debug, Default)]
pub struct KeptLog(Arc<Mutex<Vec<(Level, String, String)>>>);

impl KeptLog {
    /// All lines so far: level, source and text.
    pub fn lines(&self) -> Vec<(Level, String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log for KeptLog {
    fn write(&self, level: Level, source: &str, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push((level, source.into(), line.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_told_nothing() {
        assert_eq!(escaped("a\tb\u{1b}[2Jü\r"), "a\tb\\u{1b}[2Jü\\r");
        assert!(Level::Error > Level::Info);
    }
}
