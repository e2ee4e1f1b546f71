//! Lines that are written as they come, so that they are there even if the process is killed.

use super::console::{complain, patience};
use crate::failure::{Failure, io_reason};
use crate::host::files::is_stdout;
use crate::host::streams::{Output, write_all};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Where the lines of an option go.
pub(crate) struct Lines {
    option: &'static str,
    /// Nothing, once it couldn't be written.
    to: Option<Output>,
}

impl Lines {
    /// To standard error.
    pub(crate) fn to_stderr(option: &'static str) -> Self {
        Self { option, to: Some(Box::new(io::stderr())) }
    }

    /// To a file, from its beginning. Opening a FIFO waits for a reader.
    pub(crate) fn to_file(option: &'static str, path: &Path) -> Result<Self, Failure> {
        let to: Output = match fs::metadata(path) {
            _ if path == "-" => Box::new(io::stdout()),
            Ok(there) if is_stdout(path, &there) => Box::new(io::stdout()),
            _ => Box::new(File::create(path).map_err(|error| {
                Failure::unusable(format_args!("{option} {}: {}", path.display(), io_reason(&error)))
            })?),
        };
        Ok(Self { option, to: Some(to) })
    }

    /// Writes one. If that fails, it says so, and writes no more.
    pub(crate) fn write(&mut self, line: &str) {
        let Some(to) = &self.to else { return };
        if let Err(error) = write_all(&**to, format!("{line}\n").as_bytes(), patience()) {
            self.to = None;
            // A closed pipe is no failure, as for all output.
            if error.kind() != ErrorKind::BrokenPipe {
                complain(format_args!("{}: {}", self.option, io_reason(&error)));
            }
        }
    }
}
