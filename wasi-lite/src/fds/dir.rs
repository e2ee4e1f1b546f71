//! Directories.

use super::cookies::Cookies;
use super::perms::{DirPerms, FilePerms};
use crate::errno::{Errno, Result};
use crate::host::dir::Dir;

pub(crate) struct DirFd {
    pub(crate) dir: Dir,
    /// The guest's name for it, if it is preopened.
    pub(crate) name: Option<String>,
    pub(crate) dir_perms: DirPerms,
    pub(crate) file_perms: FilePerms,
    pub(crate) cookies: Cookies,
}

impl DirFd {
    pub(crate) fn new(dir: Dir, name: Option<String>, dir_perms: DirPerms, file_perms: FilePerms) -> Self {
        Self { dir, name, dir_perms, file_perms, cookies: Cookies::default() }
    }

    pub(crate) fn require(&self, perms: DirPerms) -> Result<(), Errno> {
        if self.dir_perms.contains(perms) { Ok(()) } else { Err(Errno::PERM) }
    }

    /// Whether files may be moved from here to `to`: they must not become writable (or readable) by that.
    pub(crate) fn may_give(&self, to: &DirFd) -> Result<(), Errno> {
        self.require(DirPerms::MUTATE)?;
        to.require(DirPerms::MUTATE)?;
        let more = !self.file_perms & to.file_perms;
        let more_below = !self.dir_perms & to.dir_perms;
        if more.is_empty() && more_below.is_empty() { Ok(()) } else { Err(Errno::PERM) }
    }
}
