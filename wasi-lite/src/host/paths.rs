//! Where descriptors lead, by the paths that the system has for them now.

use super::dir::Dir;
use super::file::File;
use crate::errno::Errno;
use std::io::SeekFrom;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

impl Dir {
    /// The path that leads here from the host's root.
    pub(crate) fn path(&self) -> Result<PathBuf, Errno> {
        path_of(self.below.as_fd())
    }
}

impl File {
    /// The path that leads here from the host's root. Of a file that was removed, it leads nowhere, or elsewhere.
    pub(crate) fn path(&self) -> Result<PathBuf, Errno> {
        path_of(self.as_fd())
    }

    /// Whether it was opened for reading.
    pub(crate) fn reads(&self) -> Result<bool, Errno> {
        use rustix::fs::OFlags;
        Ok(rustix::fs::fcntl_getfl(self)? & OFlags::RWMODE != OFlags::WRONLY)
    }
}

/// Where the next read or write of a file happens, after it was set to this.
pub(crate) fn seek_to(file: &File, offset: Option<u64>) -> Result<u64, Errno> {
    file.seek(offset.map_or(SeekFrom::Current(0), SeekFrom::Start))
}

#[cfg(target_os = "linux")]
fn path_of(fd: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    use std::os::fd::AsRawFd;
    Ok(std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))?)
}

/// Elsewhere the system doesn't tell.
#[cfg(not(target_os = "linux"))]
fn path_of(_: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
    Err(Errno::NOTSUP)
}
