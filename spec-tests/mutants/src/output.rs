//! Standard output, which may be closed before everything is said.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line.
pub(crate) fn say(line: impl Display) -> Result<(), String> {
    writeln!(io::stdout(), "{line}").map_err(|error| format!("standard output: {error}"))
}
