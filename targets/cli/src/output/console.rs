//! The command's own output: results to standard output, messages to standard error.
//!
//! A closed pipe is no failure. The streams may be non-blocking, and their pipes full: messages are written under a
//! deadline, or a full pipe would keep the process from ending.

use crate::failure::{Failure, io_reason};
use crate::host::streams::write_all;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a message waits for its reader, since the last byte that was taken.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same for messages and all other output, once the process is to end.
const PATIENCE_IN_A_HURRY: Duration = Duration::from_secs(2);

/// Whether the process is to end soon.
static HURRY: AtomicBool = AtomicBool::new(false);

/// Whether a message has missed its deadline: then the next ones don't wait.
static NOBODY_READS: AtomicBool = AtomicBool::new(false);

/// From now on no output waits for long: the process has a deadline, or it got a terminating signal.
pub(crate) fn hurry() {
    HURRY.store(true, Ordering::Relaxed);
}

/// How long output other than a message may wait for its reader; `None` is without limit.
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

/// Writes a message to standard error. A failure of that can't be reported anywhere.
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

/// A writer to a descriptor, which may be non-blocking: it waits by `poll` and writes everything. With `patience`, it
/// fails with [`ErrorKind::TimedOut`] when no byte was taken for that long; otherwise it waits without limit.
pub(crate) struct Patient<'f> {
    pub(crate) to: BorrowedFd<'f>,
    pub(crate) patience: Option<Duration>,
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = write_all(self.to, bytes, self.patience);
        if written.is_err() {
            // A `BufWriter` tries again when it is dropped: it must not wait again.
            self.patience = Some(Duration::ZERO);
        }
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_failed_waits_no_more() {
        let (reader, pipe) = io::pipe().unwrap();
        let patience = Some(Duration::from_millis(1));
        let mut writer = Patient { to: pipe.as_fd(), patience };
        assert_eq!(writer.write(b"there is room").unwrap(), 13);
        assert_eq!(writer.patience, patience);
        // Nobody reads.
        let much = vec![0; 16 << 20];
        assert_eq!(writer.write(&much).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(writer.patience, Some(Duration::ZERO));
        let mut writer = Patient { to: pipe.as_fd(), patience: None };
        drop(reader);
        assert_eq!(writer.write(b"nobody is there").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(writer.patience, Some(Duration::ZERO));
    }
}
