//! The two streams of our own words: what was asked for, and what there is to say about it.
//!
//! A reader who went away is no reason to fail. Whoever started us may have made the streams non-blocking, and nobody
//! need be reading: messages are written under a deadline, or a full pipe would keep the process from ending.

use crate::failure::{Failure, io_reason};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a message waits for somebody who reads, since the last byte that was taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same, and for whatever else is written, once the process is to end.
const PATIENCE_IN_A_HURRY: Duration = Duration::from_secs(2);

/// When `poll` says that a pipe can be written, it has room for so much.
const PIPE_BUF: usize = 4096;

/// A terminal says so when it has room for one byte, but a serial line's driver has 3 KiB by then. A line's end may
/// become two bytes, and a tabulator eight.
const TERMINAL_CHUNK: usize = 128;

/// Somebody waits for the process to end.
static HURRY: AtomicBool = AtomicBool::new(false);

/// A message has met its deadline, so the next ones don't wait.
static NOBODY_READS: AtomicBool = AtomicBool::new(false);

/// From now on nothing is waited for long: the process has a deadline, or got a signal that asks it to end.
pub(crate) fn hurry() {
    HURRY.store(true, Ordering::Relaxed);
}

/// How long something other than a message may wait for whoever reads it.
pub(crate) fn patience() -> Option<Duration> {
    HURRY.load(Ordering::Relaxed).then_some(PATIENCE_IN_A_HURRY)
}

/// Writes what the user asked for to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match write_all(io::stdout().as_fd(), text.as_bytes(), None) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unusable(format_args!("standard output can't be written: {}", io_reason(&error))))
        }
        _ => Ok(()),
    }
}

/// Says something on standard error. There is nobody left to tell when that fails.
pub(crate) fn complain(message: impl Display) {
    let text = format!("dunlin: {}\n", message.to_string().trim_end());
    let patience = match NOBODY_READS.load(Ordering::Relaxed) {
        true => Duration::ZERO,
        false => patience().unwrap_or(PATIENCE),
    };
    let written = write_all(io::stderr().as_fd(), text.as_bytes(), Some(patience));
    if written.is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
        NOBODY_READS.store(true, Ordering::Relaxed);
    }
}

/// A descriptor that is written to as a whole, also where that would block. With `patience`, writing fails with
/// [`ErrorKind::TimedOut`] when no byte was taken for so long; otherwise it waits as long as it takes.
pub(crate) struct Patient<'f> {
    pub(crate) to: BorrowedFd<'f>,
    pub(crate) patience: Option<Duration>,
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = write_all(self.to, bytes, self.patience);
        if written.is_err() {
            // Whoever tries again at the end of its buffer's life shan't wait again.
            self.patience = Some(Duration::ZERO);
        }
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8], patience: Option<Duration>) -> io::Result<()> {
    let chunk = match patience {
        None => usize::MAX,
        Some(_) if to.is_terminal() => TERMINAL_CHUNK,
        Some(_) => PIPE_BUF,
    };
    while !bytes.is_empty() {
        if patience.is_some() {
            wait(to, PollFlags::OUT, patience)?;
        }
        match rustix::io::write(to, &bytes[..bytes.len().min(chunk)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::AGAIN) => wait(to, PollFlags::OUT, patience)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits until a stream can be read or written, or has failed.
fn wait(stream: BorrowedFd<'_>, what: PollFlags, patience: Option<Duration>) -> io::Result<()> {
    let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::from_borrowed_fd(stream, what)], left.as_ref()) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A name from a module, safe to show in a terminal.
pub(crate) fn shown(name: &str) -> String {
    if name.is_empty() { "\"\"".into() } else { name.escape_debug().to_string() }
}

/// `1 page`, `2 pages`
pub(crate) fn count(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
