//! Setting the times of files, on Windows.

use super::dir::Dir;
use super::names::NameInDir;
use super::system::BorrowedFd;
use super::times::{NewTime, NewTimes};
use crate::errno::Errno;
use cap_fs_ext::{DirExt, SystemTimeSpec};
use cap_std::time::SystemTime;
use std::fs::FileTimes;
use std::time::Duration;

fn system_time(time: NewTime) -> Option<std::time::SystemTime> {
    match time {
        NewTime::Same => None,
        NewTime::Now => Some(std::time::SystemTime::now()),
        NewTime::At(time) => std::time::SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(time)),
    }
}

fn spec(time: NewTime) -> Option<SystemTimeSpec> {
    system_time(time).map(|time| SystemTimeSpec::Absolute(SystemTime::from_std(time)))
}

/// Sets the times of an open file. A directory's handle isn't good for that.
pub(crate) fn set_times(fd: BorrowedFd<'_>, times: NewTimes) -> Result<(), Errno> {
    let BorrowedFd::File(file) = fd else { return Err(Errno::NOTSUP) };
    let mut new = FileTimes::new();
    if let Some(access) = system_time(times.access) {
        new = new.set_accessed(access);
    }
    if let Some(modification) = system_time(times.modification) {
        new = new.set_modified(modification);
    }
    Ok(file.try_clone()?.into_std().set_times(new)?)
}

impl NameInDir<'_> {
    /// Sets the times of what is there, which may be a symbolic link.
    pub(crate) fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        Ok(self.parent().set_symlink_times(self.name(), spec(times.access), spec(times.modification))?)
    }
}

impl Dir {
    /// Sets the times of what `path` leads to.
    pub(crate) fn set_times_at(&self, path: &str, times: NewTimes) -> Result<(), Errno> {
        Ok(self.below.set_times(path, spec(times.access), spec(times.modification))?)
    }
}
