//! Directories on Windows: what is below them, and what they contain.

use super::file::File;
use super::system::{AsFd, BorrowedFd};
use crate::abi::{Entry, Filestat, Filetype};
use crate::errno::Errno;
use std::io;
use std::path::Path;

/// A directory. Paths that start from it never lead out of it: `cap-std` sees to that.
pub(crate) struct Dir {
    pub(super) below: cap_std::fs::Dir,
}

impl Dir {
    /// Opens a directory of the host's.
    pub(crate) fn open_ambient(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { below: cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())? })
    }

    /// The directory that was opened as a file.
    pub(crate) fn from_file(file: File) -> Self {
        Self { below: cap_std::fs::Dir::from_std_file(file.0.into_std()) }
    }

    pub(crate) fn listing(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        Ok(self.below.as_fd())
    }

    /// Passes on the entries from the `start`th on, until `take` doesn't want more. The system doesn't list a directory
    /// itself and the one that it is in, so these come first.
    pub(crate) fn entries(
        &mut self,
        start: u64,
        mut take: impl FnMut(Entry<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        let own = self.stat()?.ino;
        for (name, next) in [(".", 1), ("..", 2)] {
            let entry = Entry { name: name.as_bytes(), ino: own, filetype: Filetype::Directory, next };
            if start < next && !take(entry)? {
                return Ok(());
            }
        }
        for (entry, index) in self.below.entries()?.zip(2..) {
            let entry = entry?;
            if index < start {
                continue;
            }
            let name = entry.file_name();
            let ino = self.below.symlink_metadata(&name).map_or(0, |metadata| Filestat::from(&metadata).ino);
            let filetype = entry.file_type()?.into();
            if !take(Entry { name: name.as_encoded_bytes(), ino, filetype, next: index + 1 })? {
                break;
            }
        }
        Ok(())
    }
}
