//! Files that are open, and what goes for open directories, too.

use super::streams::uninterrupted;
use crate::abi::{Advice, Fdflags, Filestat};
use crate::errno::Errno;
use rustix::fs::{FallocateFlags, OFlags};
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};

/// `O_DSYNC`, which `rustix` takes for `O_SYNC`.
pub(super) const O_DSYNC: OFlags = OFlags::from_bits_retain(0o10000);

/// A file, a device or a FIFO.
pub(crate) struct File(pub(super) cap_std::fs::File);

impl File {
    /// What was opened; the system knows with which flags.
    pub(super) fn opened(file: cap_std::fs::File, _: Fdflags) -> Self {
        Self(file)
    }

    pub(crate) fn read(&self, buf: &mut [u8]) -> Result<usize, Errno> {
        Ok(uninterrupted(|| Ok(rustix::io::read(&self.0, &mut *buf)?))?)
    }

    pub(crate) fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, Errno> {
        Ok(uninterrupted(|| Ok(rustix::io::pread(&self.0, &mut *buf, offset)?))?)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(uninterrupted(|| Ok(rustix::io::write(&self.0, bytes)?))?)
    }

    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
        Ok(uninterrupted(|| Ok(rustix::io::pwrite(&self.0, bytes, offset)?))?)
    }

    pub(crate) fn seek(&self, position: SeekFrom) -> Result<u64, Errno> {
        Ok((&self.0).seek(position)?)
    }

    pub(crate) fn set_len(&self, len: u64) -> Result<(), Errno> {
        Ok(uninterrupted(|| Ok(rustix::fs::ftruncate(&self.0, len)?))?)
    }

    pub(crate) fn advise(&self, offset: u64, len: u64, advice: Advice) -> Result<(), Errno> {
        advise(self.as_fd(), offset, len, advice)
    }

    pub(crate) fn allocate(&self, offset: u64, len: u64) -> Result<(), Errno> {
        Ok(rustix::fs::fallocate(&self.0, FallocateFlags::empty(), offset, len)?)
    }

    pub(crate) fn stat(&self) -> Result<Filestat, Errno> {
        Ok(Filestat::from(&self.0.metadata()?))
    }

    /// The flags that the system keeps.
    pub(crate) fn flags(&self) -> Result<Fdflags, Errno> {
        let os = rustix::fs::fcntl_getfl(&self.0)?;
        let mut flags = Fdflags::empty();
        flags.set(Fdflags::APPEND, os.contains(OFlags::APPEND));
        flags.set(Fdflags::DSYNC, os.contains(O_DSYNC));
        // On Linux, `O_RSYNC` is `O_SYNC`, which contains `O_DSYNC`.
        flags.set(Fdflags::SYNC | Fdflags::RSYNC, os.contains(OFlags::SYNC));
        Ok(flags)
    }

    pub(crate) fn set_append(&self, append: bool) -> Result<(), Errno> {
        let mut os = rustix::fs::fcntl_getfl(&self.0)?;
        os.set(OFlags::APPEND, append);
        Ok(rustix::fs::fcntl_setfl(&self.0, os)?)
    }

    /// Closes it. Some file systems tell only now that they can't keep what was written.
    pub(crate) fn close(self) -> Result<(), Errno> {
        Ok(nix::unistd::close(self.0)?)
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Waits until a file or directory is on the disk.
pub(crate) fn sync(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    Ok(rustix::fs::fsync(fd)?)
}

/// Waits until the data of a file or directory is on the disk.
pub(crate) fn sync_data(fd: BorrowedFd<'_>) -> Result<(), Errno> {
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::fdatasync(fd)?);
    #[cfg(not(target_os = "linux"))]
    sync(fd)
}

#[cfg(target_os = "linux")]
fn advise(fd: BorrowedFd<'_>, offset: u64, len: u64, advice: Advice) -> Result<(), Errno> {
    let advice = match advice {
        Advice::Normal => rustix::fs::Advice::Normal,
        Advice::Sequential => rustix::fs::Advice::Sequential,
        Advice::Random => rustix::fs::Advice::Random,
        Advice::WillNeed => rustix::fs::Advice::WillNeed,
        Advice::DontNeed => rustix::fs::Advice::DontNeed,
        Advice::NoReuse => rustix::fs::Advice::NoReuse,
    };
    Ok(rustix::fs::fadvise(fd, offset, std::num::NonZeroU64::new(len), advice)?)
}

/// Other systems take no such advice, and it changes nothing that a program could observe.
#[cfg(not(target_os = "linux"))]
fn advise(_: BorrowedFd<'_>, _: u64, _: u64, _: Advice) -> Result<(), Errno> {
    Ok(())
}
