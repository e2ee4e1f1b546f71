//! A file of the folder that is being written: it is there when it is complete, or never was.

use super::folder::{Folder, Stage};
use super::id::Id;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is written at a time.
const BUFFER: usize = 16 << 10;

/// The file of a request.
#[derive(Debug)]
pub(in crate::wagi) struct Writing {
    folder: Arc<Folder>,
    id: Id,
    stage: Stage,
    /// Whether there was nothing of the request before.
    is_new: bool,
    file: BufWriter<File>,
    /// How much room it has taken.
    bytes: u64,
    /// Why it won't be complete.
    failed: Option<io::ErrorKind>,
    is_complete: bool,
}

impl Folder {
    /// Begins a file of a request, of which there may be none yet.
    pub(in crate::wagi) fn write(self: &Arc<Self>, id: Id, stage: Stage) -> io::Result<Writing> {
        let (file, is_new) = self.begin(id, stage)?;
        let (folder, file) = (self.clone(), BufWriter::with_capacity(BUFFER, file));
        Ok(Writing { folder, id, stage, is_new, file, bytes: 0, failed: None, is_complete: false })
    }
}

impl Writing {
    /// It is complete, and survives a crash from now on.
    pub(in crate::wagi) fn finish(mut self) -> io::Result<()> {
        if let Some(kind) = self.failed {
            return Err(kind.into());
        }
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        self.folder.complete(self.id, self.stage, self.bytes)?;
        self.is_complete = true;
        Ok(())
    }

    /// Begins again.
    pub(in crate::wagi) fn again(self) -> io::Result<Self> {
        let (folder, id, stage) = (self.folder.clone(), self.id, self.stage);
        drop(self);
        folder.write(id, stage)
    }

    /// What has been written, if that isn't more than `most`.
    fn contents(&mut self, most: usize) -> Option<Vec<u8>> {
        if self.bytes > most as u64 || self.failed.is_some() {
            return None;
        }
        self.file.flush().ok()?;
        fs::read(self.folder.unfinished(self.id, self.stage)).ok()
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut write = || {
            self.folder.take_room(bytes.len() as u64)?;
            self.bytes += bytes.len() as u64;
            self.file.write_all(bytes)
        };
        if let Err(error) = write() {
            self.failed = Some(error.kind());
            return Err(error);
        }
        Ok(bytes.len())
    }

    /// What counts is whether it is complete.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_complete {
            self.folder.give_up(self.id, self.stage, self.bytes, self.is_new);
        }
    }
}

/// An answer that a program prints to a file. Clones are the same.
#[derive(Clone, Debug)]
pub(in crate::wagi) struct Printing(Arc<Mutex<Option<Writing>>>);

impl Printing {
    pub(in crate::wagi) fn new(writing: Writing) -> Self {
        Self(Arc::new(Mutex::new(Some(writing))))
    }

    fn writing(&self) -> MutexGuard<'_, Option<Writing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has been printed, if that isn't more than `most`.
    pub(in crate::wagi) fn printed(&self, most: usize) -> Option<Vec<u8>> {
        self.writing().as_mut()?.contents(most)
    }

    /// Nothing more is printed.
    pub(in crate::wagi) fn end(&self) -> Option<Writing> {
        self.writing().take()
    }
}

impl Write for Printing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writing().as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |writing| writing.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
