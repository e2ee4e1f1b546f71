//! Setting the times of files, by the system.

use super::dir::Dir;
use super::names::NameInDir;
use super::times::{NewTime, NewTimes};
use crate::errno::Errno;
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens, utimensat};
use std::os::fd::BorrowedFd;

impl From<NewTime> for Timespec {
    fn from(time: NewTime) -> Self {
        match time {
            NewTime::Same => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            NewTime::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            NewTime::At(time) => {
                Timespec { tv_sec: (time / 1_000_000_000) as _, tv_nsec: (time % 1_000_000_000) as _ }
            }
        }
    }
}

impl From<NewTimes> for Timestamps {
    fn from(times: NewTimes) -> Self {
        Timestamps { last_access: times.access.into(), last_modification: times.modification.into() }
    }
}

/// Sets the times of an open file or directory.
pub(crate) fn set_times(fd: BorrowedFd<'_>, times: NewTimes) -> Result<(), Errno> {
    Ok(futimens(fd, &times.into())?)
}

impl NameInDir<'_> {
    /// Sets the times of what is there, which may be a symbolic link.
    pub(crate) fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        Ok(utimensat(self, self.name(), &times.into(), AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

impl Dir {
    /// Sets the times of what `path` leads to. It isn't opened, since that may wait or have effects.
    #[cfg(target_os = "linux")]
    pub(crate) fn set_times_at(&self, path: &str, times: NewTimes) -> Result<(), Errno> {
        let times = times.into();
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(OFlags::PATH.bits().cast_signed());
        let file = self.below.open_with(path, &options)?;
        match utimensat(&file, "", &times, AtFlags::EMPTY_PATH) {
            // Before Linux 5.8 it must be opened.
            Err(rustix::io::Errno::INVAL) => {
                if file.metadata()?.is_dir() {
                    let dir = rustix::fs::openat(&file, ".", CALM, rustix::fs::Mode::empty())?;
                    return Ok(futimens(dir, &times)?);
                }
                self.open_and_set_times(path, &times)
            }
            result => Ok(result?),
        }
    }

    /// Sets the times of what `path` leads to.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn set_times_at(&self, path: &str, times: NewTimes) -> Result<(), Errno> {
        self.open_and_set_times(path, &times.into())
    }

    fn open_and_set_times(&self, path: &str, times: &Timestamps) -> Result<(), Errno> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(CALM.bits().cast_signed());
        let opened = self.below.open_with(path, &options).or_else(|_| {
            options.read(false).write(true);
            self.below.open_with(path, &options)
        });
        Ok(futimens(opened?, times)?)
    }
}

/// Opening doesn't wait for the other end of a FIFO, and takes no terminal.
const CALM: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);
