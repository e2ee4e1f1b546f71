//! The command's own output: results to standard output, messages to standard error.
//!
//! A closed pipe is no failure. The streams may be non-blocking, and their pipes full: messages are written under a
//! deadline, or a full pipe would keep the process from ending.

use super::style::{Style, styled};
use crate::failure::{Failure, io_reason};
use crate::host::streams::write_all;
use std::fmt::Display;
use std::io::{self, ErrorKind};
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
    match write_all(&io::stdout(), text.as_bytes(), None) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unusable(format_args!("standard output can't be written: {}", io_reason(&error))))
        }
        _ => Ok(()),
    }
}

/// What messages begin with after which all goes on.
const WARNING: &str = "warning:";

/// Writes a message to standard error. A failure of that can't be reported anywhere.
pub(crate) fn complain(message: impl Display) {
    let message = message.to_string();
    let (warning, rest) = match message.trim_end().strip_prefix(WARNING) {
        Some(rest) => (WARNING, rest),
        None => ("", message.trim_end()),
    };
    let name = styled("dunlin:", Style::Bold, io::stderr());
    let text = match warning {
        "" => format!("{name} {rest}\n"),
        _ => format!("{name} {}{rest}\n", styled(warning, Style::Yellow, io::stderr())),
    };
    let patience = match NOBODY_READS.load(Ordering::Relaxed) {
        true => Duration::ZERO,
        false => patience().unwrap_or(PATIENCE),
    };
    let written = write_all(&io::stderr(), text.as_bytes(), Some(patience));
    if written.is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
        NOBODY_READS.store(true, Ordering::Relaxed);
    }
}
