//! Directories.

use super::cookies::Cookies;
use super::perms::{DirPerms, FilePerms};
use crate::errno::{Errno, Result};
use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, openat};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub(crate) struct DirFd {
    pub(crate) dir: Dir,
    /// The guest's name for it, if it is preopened.
    pub(crate) name: Option<String>,
    pub(crate) dir_perms: DirPerms,
    pub(crate) file_perms: FilePerms,
    /// The same directory once more, for reading its entries: `dir` itself may be good for looking up names only.
    listing: Option<OwnedFd>,
    pub(crate) cookies: Cookies,
}

impl DirFd {
    pub(crate) fn new(dir: Dir, name: Option<String>, dir_perms: DirPerms, file_perms: FilePerms) -> Self {
        Self { dir, name, dir_perms, file_perms, listing: None, cookies: Cookies::default() }
    }

    /// A descriptor that entries can be read from.
    pub(crate) fn listing(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        self.listing_and_cookies().map(|(listing, _)| listing)
    }

    pub(crate) fn listing_and_cookies(&mut self) -> Result<(BorrowedFd<'_>, &mut Cookies), Errno> {
        let listing = match self.listing.take() {
            Some(listing) => listing,
            None => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                openat(&self.dir, ".", flags, Mode::empty())?
            }
        };
        let listing: &OwnedFd = self.listing.insert(listing);
        Ok((listing.as_fd(), &mut self.cookies))
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
