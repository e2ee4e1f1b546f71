//! Files that are open, on Windows.

use super::system::{AsFd, BorrowedFd};
use crate::abi::{Advice, Fdflags, Filestat};
use crate::errno::Errno;
use cap_std::fs::FileExt;
use std::io::{Read, Seek, SeekFrom, Write};

/// A file or a device, and the flags that it was opened with, which the system doesn't tell.
pub(crate) struct File(pub(super) cap_std::fs::File, Fdflags);

impl File {
    /// What was opened with these flags.
    pub(super) fn opened(file: cap_std::fs::File, flags: Fdflags) -> Self {
        Self(file, flags & (Fdflags::APPEND | Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC))
    }

    pub(crate) fn read(&self, buf: &mut [u8]) -> Result<usize, Errno> {
        Ok((&self.0).read(buf)?)
    }

    /// Reads elsewhere than at the position, which the system moves all the same: it is put back.
    pub(crate) fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Errno> {
        self.elsewhere(|file| Ok(file.seek_read(buf, offset)?))
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok((&self.0).write(bytes)?)
    }

    /// Writes elsewhere than at the position: see [`read_at`](Self::read_at).
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        self.elsewhere(|file| Ok(file.seek_write(bytes, offset)?))
    }

    fn elsewhere(
        &self,
        call: impl FnOnce(&cap_std::fs::File) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let position = self.seek(SeekFrom::Current(0))?;
        let result = call(&self.0);
        self.seek(SeekFrom::Start(position))?;
        result
    }

    pub(crate) fn seek(&self, position: SeekFrom) -> Result<u64, Errno> {
        Ok((&self.0).seek(position)?)
    }

    pub(crate) fn set_len(&self, len: u64) -> Result<(), Errno> {
        Ok(self.0.set_len(len)?)
    }

    /// The system takes no such advice, and it changes nothing that a program could observe.
    pub(crate) fn advise(&self, _: u64, _: u64, _: Advice) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn allocate(&self, _: u64, _: u64) -> Result<(), Errno> {
        Err(Errno::NOTSUP)
    }

    pub(crate) fn stat(&self) -> Result<Filestat, Errno> {
        Ok(Filestat::from(&self.0.metadata()?))
    }

    pub(crate) fn flags(&self) -> Result<Fdflags, Errno> {
        Ok(self.1)
    }

    /// Fails where that is to change: the system takes it with the opening alone.
    pub(crate) fn set_append(&self, append: bool) -> Result<(), Errno> {
        if append == self.1.contains(Fdflags::APPEND) { Ok(()) } else { Err(Errno::NOTSUP) }
    }

    pub(crate) fn close(self) -> Result<(), Errno> {
        Ok(())
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        BorrowedFd::File(&self.0)
    }
}

/// Waits until a file is on the disk. Of directories the system does no such thing.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    match fd {
        BorrowedFd::File(file) => Ok(file.sync_all()?),
        _ => Err(Errno::NOTSUP),
    }
}

/// Waits until the data of a file is on the disk.
pub(crate) fn sync_data(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    match fd {
        BorrowedFd::File(file) => Ok(file.sync_data()?),
        _ => Err(Errno::NOTSUP),
    }
}
