//! `path_*` other than `path_open`: what is done with names. `cap-std` keeps them below the directory that they start
//! from.

use super::times::new_times;
use crate::WasiCtx;
use crate::abi::{Lookupflags, Rights, flags};
use crate::errno::{Errno, Result};
use crate::fds::{DirPerms, FilePerms};
use crate::guest::Guest;
use crate::host::names::{NameInDir, means_directory};

/// As long as a symbolic link's target can be.
const TARGET_MAX: usize = 4096;

impl WasiCtx {
    /// Does with the name `path` in the directory `fd` what changes that directory.
    fn change(
        &self,
        guest: &Guest<'_>,
        (fd, rights): (u32, Rights),
        (path, path_len): (u32, u32),
        change: impl FnOnce(&NameInDir<'_>) -> Result<(), Errno>,
    ) -> Result {
        let dir = self.fds.dir(fd, rights)?;
        dir.require(DirPerms::MUTATE)?;
        Ok(guest.path(path, path_len)?.with(|path| change(&NameInDir::to_change(&dir.dir, path)?))?)
    }

    pub(crate) fn path_create_directory(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Result {
        self.change(guest, (fd, Rights::PATH_CREATE_DIRECTORY), (path, path_len), |entry| entry.create_dir())
    }

    pub(crate) fn path_remove_directory(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Result {
        self.change(guest, (fd, Rights::PATH_REMOVE_DIRECTORY), (path, path_len), |entry| entry.remove_dir())
    }

    pub(crate) fn path_unlink_file(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Result {
        self.change(guest, (fd, Rights::PATH_UNLINK_FILE), (path, path_len), |entry| entry.remove_file())
    }

    pub(crate) fn path_filestat_get(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup_flags: u32,
        path: u32,
        path_len: u32,
        stat: u32,
    ) -> Result {
        let dir = self.fds.dir(fd, Rights::PATH_FILESTAT_GET)?;
        dir.require(DirPerms::READ)?;
        let path = guest.path(path, path_len)?;
        let follow = follows(lookup_flags, &path)?;
        let filestat = path.with(|path| dir.dir.stat_at(path, follow))?;
        Ok(guest.store_filestat(stat, &filestat)?)
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn path_filestat_set_times(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        lookup_flags: u32,
        path: u32,
        path_len: u32,
        atim: u64,
        mtim: u64,
        fst_flags: u32,
    ) -> Result {
        let dir = self.fds.dir(fd, Rights::PATH_FILESTAT_SET_TIMES)?;
        let times = new_times(atim, mtim, fst_flags)?;
        let path = guest.path(path, path_len)?;
        dir.require(DirPerms::MUTATE)?;
        if !dir.file_perms.contains(FilePerms::WRITE) {
            return Err(Errno::PERM.into());
        }
        let follow = follows(lookup_flags, &path)?;
        Ok(path.with(|path| {
            if follow {
                dir.dir.set_times_at(path, times)
            } else {
                NameInDir::to_look_up(&dir.dir, path)?.set_times(times)
            }
        })?)
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn path_link(
        &mut self,
        guest: &mut Guest<'_>,
        old_fd: u32,
        old_flags: u32,
        old_path: u32,
        old_path_len: u32,
        new_fd: u32,
        new_path: u32,
        new_path_len: u32,
    ) -> Result {
        let old = self.fds.dir(old_fd, Rights::PATH_LINK_SOURCE)?;
        let new = self.fds.dir(new_fd, Rights::PATH_LINK_TARGET)?;
        let (old_path, new_path) = (guest.path(old_path, old_path_len)?, guest.path(new_path, new_path_len)?);
        old.may_give(new)?;
        // `linkat` that follows symbolic links can't be kept below a directory.
        if flags::<Lookupflags>(old_flags)?.contains(Lookupflags::SYMLINK_FOLLOW) {
            return Err(Errno::INVAL.into());
        }
        Ok(old_path.with(|old_path| {
            let from = NameInDir::to_look_up(&old.dir, old_path)?;
            // The system looks for it first, and then where the new name belongs.
            from.check_exists()?;
            let to = NameInDir::to_change(&new.dir, &new_path)?;
            from.link(&to)
        })?)
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn path_rename(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        old_path: u32,
        old_path_len: u32,
        new_fd: u32,
        new_path: u32,
        new_path_len: u32,
    ) -> Result {
        let old = self.fds.dir(fd, Rights::PATH_RENAME_SOURCE)?;
        let new = self.fds.dir(new_fd, Rights::PATH_RENAME_TARGET)?;
        let (old_path, new_path) = (guest.path(old_path, old_path_len)?, guest.path(new_path, new_path_len)?);
        old.may_give(new)?;
        Ok(old_path.with(|old_path| {
            let from = NameInDir::to_change(&old.dir, old_path)?;
            let to = NameInDir::to_change(&new.dir, &new_path)?;
            from.rename(&to)
        })?)
    }

    pub(crate) fn path_symlink(
        &mut self,
        guest: &mut Guest<'_>,
        old_path: u32,
        old_path_len: u32,
        fd: u32,
        new_path: u32,
        new_path_len: u32,
    ) -> Result {
        let target = guest.path(old_path, old_path_len)?;
        self.change(guest, (fd, Rights::PATH_SYMLINK), (new_path, new_path_len), |entry| {
            // The sandbox doesn't follow these, but other programs would.
            if target.starts_with('/') {
                return Err(Errno::PERM);
            }
            entry.symlink(&target)
        })
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn path_readlink(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
        buf: u32,
        buf_len: u32,
        bufused: u32,
    ) -> Result {
        guest.check(bufused, 4)?;
        let dir = self.fds.dir(fd, Rights::PATH_READLINK)?;
        dir.require(DirPerms::READ)?;
        let mut target = [0; TARGET_MAX];
        let path = guest.path(path, path_len)?;
        let len = path.with(|path| NameInDir::to_look_up(&dir.dir, path)?.read_link(&mut target))?;
        let target = &target[..len];
        // Where it leads outside of the sandbox isn't the guest's concern.
        if target.starts_with(b"/") {
            return Err(Errno::PERM.into());
        }
        let len = u32::try_from(target.len()).unwrap_or(u32::MAX).min(buf_len);
        guest.store(buf, &target[..len as usize])?;
        Ok(guest.store_u32(bufused, len)?)
    }
}

/// Whether a symbolic link at the end of `path` is followed by a call that looks up what is there.
pub(super) fn follows(lookup_flags: u32, path: &str) -> Result<bool, Errno> {
    Ok(flags::<Lookupflags>(lookup_flags)?.contains(Lookupflags::SYMLINK_FOLLOW) || means_directory(path))
}
