//! Options about snapshots.

use super::values::Given;
use crate::failure::Failure;
use std::path::PathBuf;
use std::time::Duration;

/// When snapshots are made, and what is gone on from.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Moving {
    /// Where they go.
    pub(crate) file: Option<PathBuf>,
    pub(crate) on_signal: bool,
    pub(crate) on_timeout: bool,
    pub(crate) on_fuel: bool,
    pub(crate) every: Option<Duration>,
    /// The snapshot to go on from.
    pub(crate) resume: Option<PathBuf>,
    /// The snapshot of an initialised program that this one begins as.
    pub(crate) from: Option<PathBuf>,
    /// Whether it was `dunlin resume` that was called: its first operand is the snapshot.
    pub(super) by_resume: bool,
}

impl Moving {
    /// Whether this build can do what is asked for.
    fn is_here() -> Result<(), Failure> {
        match cfg!(feature = "snapshot") {
            true => Ok(()),
            false => Err(Failure::usage(
                "this build of dunlin makes and reads no snapshots: build it with the feature 'snapshot'",
            )),
        }
    }

    pub(super) fn set_file(&mut self, file: PathBuf) -> Result<(), Failure> {
        self.file = Some(file);
        Self::is_here()
    }

    pub(super) fn set_resume(&mut self, file: PathBuf) -> Result<(), Failure> {
        self.resume = Some(file);
        Self::is_here()
    }

    pub(super) fn set_from(&mut self, file: PathBuf) -> Result<(), Failure> {
        self.from = Some(file);
        Self::is_here()
    }

    /// `--snapshot-on`
    pub(super) fn on(&mut self, given: Given<'_>) -> Result<(), Failure> {
        for event in given.text()?.split(',') {
            match event {
                "SIGUSR1" | "usr1" => self.on_signal = true,
                "timeout" => self.on_timeout = true,
                "fuel" => self.on_fuel = true,
                _ => return Err(given.refusal("SIGUSR1, timeout or fuel")),
            }
        }
        Self::is_here()
    }

    /// Whether anything is to be done at all.
    pub(crate) fn is_wanted(&self) -> bool {
        self.file.is_some() || self.resume.is_some() || self.from.is_some()
    }

    pub(super) fn complete(&self) -> Result<(), Failure> {
        if self.from.is_some() && (self.resume.is_some() || self.file.is_some()) {
            return Err(Failure::usage(
                "--from begins a program anew: it goes with neither --resume nor --snapshot",
            ));
        }
        let has_reason = self.on_signal || self.on_timeout || self.on_fuel || self.every.is_some();
        match (&self.file, has_reason) {
            (None, true) => Err(Failure::usage("--snapshot-on and --every need --snapshot FILE")),
            (Some(_), false) => Err(Failure::usage("--snapshot needs --snapshot-on EVENT or --every TIME")),
            _ => Ok(()),
        }
    }
}
