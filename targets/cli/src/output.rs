//! The two streams of our own words. A reader who went away is no reason to fail, let alone to panic.

use crate::failure::{Failure, io_reason};
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Writes what the user asked for to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::unusable(format_args!("standard output can't be written: {}", io_reason(&error))))
        }
        _ => Ok(()),
    }
}

/// Says something on standard error. There is nobody left to tell when that fails.
pub(crate) fn complain(message: impl Display) {
    let _ = writeln!(io::stderr().lock(), "dunlin: {}", message.to_string().trim_end());
}

/// A name from a module, safe to show in a terminal.
pub(crate) fn shown(name: &str) -> String {
    if name.is_empty() { "\"\"".into() } else { name.escape_debug().to_string() }
}

/// `1 page`, `2 pages`
pub(crate) fn count(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
