//! Options about records.

use crate::failure::Failure;
use std::path::PathBuf;

/// Whether a run is recorded.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Recording {
    /// Where the record goes.
    pub(crate) file: Option<PathBuf>,
    /// How much of it is kept.
    pub(crate) black_box: Option<u64>,
    /// What this run replays.
    pub(crate) replay: Option<Replay>,
}

/// What is replayed, and how far.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Replay {
    /// The record.
    pub(crate) file: PathBuf,
    /// Where it stops.
    pub(crate) until: Option<u64>,
    /// Where a snapshot is made.
    pub(crate) snapshot_at: Option<u64>,
    /// Where that goes.
    pub(crate) snapshot: Option<PathBuf>,
}

/// The least that a black box can be: a block of each half, and what little there is besides.
const LEAST: u64 = 64 << 10;

impl Recording {
    pub(super) fn set_file(&mut self, file: PathBuf) -> Result<(), Failure> {
        self.file = Some(file);
        is_here()
    }

    pub(super) fn complete(&self) -> Result<(), Failure> {
        match (&self.file, self.black_box) {
            (None, Some(_)) => Err(Failure::usage("--black-box needs --record FILE")),
            (_, Some(size)) if size < LEAST => {
                Err(Failure::usage(format_args!("--black-box keeps at least 64KiB, not {size} bytes")))
            }
            _ => Ok(()),
        }
    }

    /// Whether its calls may have to stop and go on.
    #[cfg(feature = "record")]
    pub(crate) fn stops(&self) -> bool {
        self.black_box.is_some() || self.replay.is_some()
    }

    /// Whether the program is one that can be replayed.
    #[cfg(feature = "record")]
    pub(crate) fn is_wanted(&self) -> bool {
        self.file.is_some() || self.replay.is_some()
    }
}

/// Whether this build can do it.
pub(super) fn is_here() -> Result<(), Failure> {
    match cfg!(feature = "record") {
        true => Ok(()),
        false => Err(Failure::usage(
            "this build of dunlin records and replays nothing: build it with the feature 'record'",
        )),
    }
}
