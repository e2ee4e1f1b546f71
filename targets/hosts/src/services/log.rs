//! The log: what guests and the host itself report.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

/// A log that passes lines on as text, from a level on.
#[derive(Clone, Debug)]
pub struct TextLog {
    least: Level,
    lines: Lines,
}

impl TextLog {
    /// Passes on what is at least this important.
    pub fn new(least: Level, lines: Lines) -> Self {
        Self { least, lines }
    }
}

impl Log for TextLog {
    fn write(&self, level: Level, source: &str, line: &str) {
        if level >= self.least {
            self.lines.write(format!("{level} {}: {}", source.escape_debug(), escaped(line)));
        }
    }
}

/// Lines on their way to a file or stream, which a thread of their own writes: nobody waits for a slow reader. Lines
/// for which there is no room any more are left out, and their number is told later.
#[derive(Clone)]
pub struct Lines(Arc<Queue>);

struct Queue {
    sender: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

enum Entry {
    Line(String),
    /// Tell when everything before is written.
    Flush(SyncSender<()>),
}

/// How many lines wait at most.
const WAITING: usize = 4096;

/// How long lines are gathered before they are written together.
const PAUSE: Duration = Duration::from_millis(2);

impl Lines {
    /// Lines for `out`.
    ///
    /// # Errors
    ///
    /// If the system has no thread for them.
    pub fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = sync_channel::<Entry>(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let told = lost.clone();
        let write = move || {
            let mut out = BufWriter::new(out);
            while let Ok(first) = receiver.recv() {
                let mut next = Some(first);
                while let Some(entry) = next {
                    // Where nobody reads it, there is nobody to tell.
                    match entry {
                        Entry::Line(line) => drop(writeln!(out, "{line}")),
                        Entry::Flush(done) => {
                            let _ = out.flush();
                            let _ = done.send(());
                        }
                    }
                    next = receiver.try_recv().ok();
                }
                let lost = told.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let _ = writeln!(out, "{lost} lines are missing here");
                }
                let _ = out.flush();
                // While it isn't awaited, the next line wakes nobody: under load, that is one of many.
                std::thread::sleep(PAUSE);
            }
        };
        std::thread::Builder::new().name("log".into()).stack_size(256 << 10).spawn(write)?;
        Ok(Self(Arc::new(Queue { sender, lost })))
    }

    /// Adds a line.
    pub fn write(&self, line: String) {
        if self.0.sender.try_send(Entry::Line(line)).is_err() {
            self.0.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was added before is written, but no longer than this.
    pub fn flush(&self, patience: Duration) {
        let (done, written) = sync_channel(1);
        if self.0.sender.try_send(Entry::Flush(done)).is_ok() {
            let _ = written.recv_timeout(patience);
        }
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

/// A log that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl Log for NoLog {
    fn write(&self, _: Level, _: &str, _: &str) {}
}

/// Passes what a guest writes to a log, line by line, as far as it is bounded.
#[derive(Debug)]
pub struct GuestLog {
    log: Arc<dyn Log>,
    source: String,
    level: Level,
    line: Vec<u8>,
    left: usize,
}

impl GuestLog {
    /// How long a line may be; longer ones are cut into several.
    const LINE: usize = 4096;
    /// How much a guest may write in all.
    const ALL: usize = 64 << 10;

    /// A guest's lines, from this source.
    pub fn new(log: Arc<dyn Log>, source: impl Into<String>) -> Self {
        Self { log, source: source.into(), level: Level::Info, line: Vec::new(), left: Self::ALL }
    }

    /// Passes on a message of the guest's, of which each line is this important. Others are [`Level::Info`].
    pub fn tell(&mut self, level: Level, message: &[u8]) {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.level = level;
        // Writing to the log doesn't fail.
        let _ = self.write_all(message);
        if !self.line.is_empty() {
            self.end_line();
        }
        self.level = Level::Info;
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        self.log.write(self.level, &self.source, line.trim_end_matches('\r'));
        self.line.clear();
    }
}

impl Write for GuestLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in &bytes[..bytes.len().min(self.left)] {
            if byte == b'\n' || self.line.len() == Self::LINE {
                self.end_line();
            }
            if byte != b'\n' {
                self.line.push(byte);
            }
        }
        if self.left > 0 && self.left <= bytes.len() {
            self.line.extend_from_slice(b"... and more, which isn't logged");
            self.end_line();
        }
        self.left = self.left.saturating_sub(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for GuestLog {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
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
    fn what_a_guest_writes_is_bounded() {
        let log = KeptLog::default();
        let mut guest = GuestLog::new(Arc::new(log.clone()), "guest");
        guest.write_all(b"one\r\ntwo").unwrap();
        guest.write_all(b"!\n\nlast").unwrap();
        drop(guest);
        let texts: Vec<_> = log.lines().into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(texts, ["one", "two!", "", "last"]);
        let log = KeptLog::default();
        let mut guest = GuestLog::new(Arc::new(log.clone()), "guest");
        for _ in 0..100 {
            guest.write_all(&[b'x'; 1500]).unwrap();
        }
        drop(guest);
        let texts: Vec<_> = log.lines().into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(texts.iter().filter(|text| text.ends_with("isn't logged")).count(), 1);
        let all: usize = texts.iter().map(String::len).sum();
        assert!((GuestLog::ALL..GuestLog::ALL + 100).contains(&all), "{all}");
    }

    #[test]
    fn messages_have_levels() {
        let log = KeptLog::default();
        let mut guest = GuestLog::new(Arc::new(log.clone()), "guest");
        guest.write_all(b"one").unwrap();
        guest.tell(Level::Warn, b"two\nthree");
        guest.write_all(b"four").unwrap();
        drop(guest);
        let lines: Vec<_> = log.lines().into_iter().map(|(level, _, text)| (level, text)).collect();
        let expected =
            [(Level::Info, "one"), (Level::Warn, "two"), (Level::Warn, "three"), (Level::Info, "four")];
        assert_eq!(lines, expected.map(|(level, text)| (level, text.to_owned())));
    }

    #[test]
    fn lines_are_written_in_order_and_nobody_waits() {
        struct Stuck(std::sync::mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                self.1.lock().unwrap().extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (go, wait) = std::sync::mpsc::channel();
        let text = Arc::new(Mutex::new(Vec::new()));
        let lines = Lines::new(Stuck(wait, text.clone())).unwrap();
        for i in 0..2 * WAITING {
            lines.write(format!("{i:100}"));
        }
        drop(go);
        while !String::from_utf8_lossy(&text.lock().unwrap()).contains("lines are missing here") {
            std::thread::yield_now();
        }
        let text = String::from_utf8(text.lock().unwrap().clone()).unwrap();
        let numbers: Vec<u64> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        assert!(numbers.len() >= WAITING && numbers.is_sorted());
    }

    #[test]
    fn terminals_are_told_nothing() {
        assert_eq!(escaped("a\tb\u{1b}[2Jü\r"), "a\tb\\u{1b}[2Jü\\r");
        assert!(Level::Error > Level::Info);
    }
}
