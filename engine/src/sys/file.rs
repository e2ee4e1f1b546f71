//! Files that are read by position.

use std::fs::File;
use std::io;

/// A file that is read by position, from any thread.
#[derive(Debug)]
pub(crate) struct PositionedFile {
    #[cfg(unix)]
    file: File,
    #[cfg(not(unix))]
    file: std::sync::Mutex<File>,
}

impl PositionedFile {
    #[cfg(unix)]
    pub(crate) fn new(file: File) -> PositionedFile {
        PositionedFile { file }
    }

    #[cfg(unix)]
    pub(crate) fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, into, offset)
    }

    #[cfg(not(unix))]
    pub(crate) fn new(file: File) -> PositionedFile {
        PositionedFile { file: std::sync::Mutex::new(file) }
    }

    #[cfg(not(unix))]
    pub(crate) fn read_exact_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(into)
    }
}
