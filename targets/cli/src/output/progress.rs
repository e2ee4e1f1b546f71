//! A line on a terminal that tells how far long work has come, and is gone when the work is done.

use super::style::is_clever;
use crate::host::streams::write_all;
use crate::host::terminal::columns_of_stderr;
use std::env::var_os;
use std::io::stderr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a line stands at least, so that the terminal isn't what takes the time.
const STANDS: Duration = Duration::from_millis(100);

/// How long a terminal that is stopped is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// What begins a line anew.
const ERASE: &str = "\r\x1b[K";

/// Shows how far work has come, from any thread.
pub(crate) struct Progress {
    line: Mutex<Line>,
}

/// The line, where there is one.
struct Line {
    /// Whether standard error is a terminal that can show it, and takes it.
    works: bool,
    shown: Option<Instant>,
}

impl Progress {
    /// On standard error, if that is a terminal where a line can be erased.
    pub(crate) fn on_stderr() -> Self {
        let works = columns_of_stderr().is_some() && is_clever(|name| var_os(name));
        Self { line: Mutex::new(Line { works, shown: None }) }
    }

    /// Shows this, unless something is shown only since a moment ago.
    pub(crate) fn show(&self, text: impl FnOnce() -> String) {
        // Another thread shows something right now.
        let Ok(mut line) = self.line.try_lock() else { return };
        if line.works && line.shown.is_none_or(|shown| shown.elapsed() >= STANDS) {
            let columns = columns_of_stderr().unwrap_or(0).saturating_sub(1);
            let cut: String = text().chars().take(columns).collect();
            line.write(&format!("{ERASE}{cut}"));
            line.shown = Some(Instant::now());
        }
    }

    /// Erases what is shown.
    pub(crate) fn hide(&self) {
        if let Ok(mut line) = self.line.try_lock()
            && line.shown.take().is_some()
        {
            line.write(ERASE);
        }
    }
}

impl Line {
    fn write(&mut self, text: &str) {
        self.works = self.works && write_all(&stderr(), text.as_bytes(), Some(PATIENCE)).is_ok();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.hide();
    }
}
