//! Writing a record, all of it or the last part.

use super::{errors, settings};
use crate::args::RunOptions;
use crate::failure::{Failure, io_reason};
use crate::guest::wasi::Wasi;
use crate::output::complain;
use dunlin::{Error, Linker, Module, Store, SuspendedCall, Trap};
use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Where a record goes.
pub(in super::super) struct BlackBox {
    path: PathBuf,
    file: Option<File>,
    head: Vec<u8>,
    /// The bytes of each of the two segments, if not all is kept.
    half: Option<u64>,
    /// Whether there can be another segment.
    rotates: Cell<bool>,
}

/// The segment before, and the one that is being begun.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Opens a file to be written from its beginning. Of an old one a byte is kept, which is written over at once: what was
/// truncated to nothing, ext4 puts on the disk when it is closed, and the process waits.
fn open(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() > 1 {
        file.set_len(1)?;
    }
    Ok(file)
}

impl BlackBox {
    /// Opens the file.
    pub(super) fn open(path: &Path, options: &RunOptions) -> Result<Self, Failure> {
        // A segment of another run isn't this one's.
        let _ = fs::remove_file(beside(path, ".old"));
        let file = open(path).map_err(|error| {
            Failure::unusable(format_args!("--record {}: {}", path.display(), io_reason(&error)))
        })?;
        let half = options.recording.black_box.map(|size| size / 2);
        let head = settings::of(options);
        Ok(Self { path: path.into(), file: Some(file), head, half, rotates: Cell::new(half.is_some()) })
    }

    pub(super) fn begin(&mut self, store: &mut Store<Wasi>, module: &Module) -> Result<(), Failure> {
        let Some(file) = self.file.take() else { return Ok(()) };
        store
            .record(module, &self.head, errors(), file)
            .map_err(|error| Failure::unusable(format_args!("--record {}: {error}", self.path.display())))
    }

    /// Whether the program is to stop for other segments, which it does from now on.
    pub(super) fn rotates(&self, store: &mut Store<Wasi>) -> bool {
        let Some(half) = self.half else { return false };
        store.bound_record(half);
        true
    }

    /// Begins another segment, if that is why the program has stopped.
    pub(super) fn rotate(
        &self,
        (store, linker): (&mut Store<Wasi>, &Linker<Wasi>),
        call: &SuspendedCall,
    ) -> bool {
        if call.reason().trap() != Some(Trap::Interrupt) {
            return false;
        }
        if store.is_record_full() && self.rotates.get() {
            let new = beside(&self.path, ".new");
            let begun = open(&new).map_err(Error::from);
            let begun = begun.and_then(|file| call.continue_record(&mut *store, linker, file));
            let moved = begun.and_then(|()| Ok(self.replace(&new)?));
            if let Err(error) = moved {
                let _ = fs::remove_file(&new);
                self.rotates.set(false);
                store.stop_record(Error::msg("the black box could not go on"));
                complain(format_args!("warning: --black-box: nothing more is recorded: {error}"));
            }
        }
        true
    }

    /// The new segment takes the place of the last one, and that of the one before.
    fn replace(&self, new: &Path) -> io::Result<()> {
        fs::rename(&self.path, beside(&self.path, ".old"))?;
        fs::rename(new, &self.path)
    }
}
