//! What is done with a name in a directory.

use super::names::NameInDir;
use crate::errno::Errno;
use rustix::fs::{
    AtFlags, FileType, Mode, linkat, mkdirat, readlinkat_raw, renameat, statat, symlinkat, unlinkat,
};
use std::os::fd::{AsFd, BorrowedFd};

impl NameInDir<'_> {
    pub(crate) fn create_dir(&self) -> Result<(), Errno> {
        Ok(mkdirat(self, self.name(), Mode::RWXU | Mode::RWXG | Mode::RWXO)?)
    }

    pub(crate) fn remove_dir(&self) -> Result<(), Errno> {
        Ok(unlinkat(self, self.name(), AtFlags::REMOVEDIR)?)
    }

    pub(crate) fn remove_file(&self) -> Result<(), Errno> {
        Ok(unlinkat(self, self.name(), AtFlags::empty())?)
    }

    /// Whether there is such a name, as an error if not.
    pub(crate) fn check_exists(&self) -> Result<(), Errno> {
        Ok(statat(self, self.name(), AtFlags::SYMLINK_NOFOLLOW).map(|_| ())?)
    }

    /// Makes `to` another name of what is there.
    pub(crate) fn link(&self, to: &NameInDir<'_>) -> Result<(), Errno> {
        Ok(linkat(self, self.name(), to, to.name(), AtFlags::empty())?)
    }

    pub(crate) fn rename(&self, to: &NameInDir<'_>) -> Result<(), Errno> {
        Ok(renameat(self, self.name(), to, to.name())?)
    }

    /// Makes it a symbolic link to `target`.
    pub(crate) fn symlink(&self, target: &str) -> Result<(), Errno> {
        symlinkat(target, self, self.name()).map_err(|error| match error {
            // Linux says that something is there, POSIX and the official tests that it is no directory.
            rustix::io::Errno::EXIST if self.slash_after_file() => Errno::NOTDIR,
            error => error.into(),
        })
    }

    /// Stores where the symbolic link leads, as much of that as `target` holds; returns how much it is.
    pub(crate) fn read_link(&self, target: &mut [u8]) -> Result<usize, Errno> {
        Ok(readlinkat_raw(self, self.name(), target)?)
    }

    /// Whether a slash follows the name of what is there and neither a directory nor a symbolic link.
    fn slash_after_file(&self) -> bool {
        let name = self.name().trim_end_matches('/');
        name != self.name()
            && statat(self, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
                !matches!(FileType::from_raw_mode(stat.st_mode), FileType::Directory | FileType::Symlink)
            })
    }
}

impl AsFd for NameInDir<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.parent().as_fd()
    }
}
