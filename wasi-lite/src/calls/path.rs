//! `path_*` other than `path_open`: what is done with names. `cap-std` keeps them below the directory that they start
//! from.

use super::names::{NameInDir, follows};
use super::times::timestamps;
use crate::WasiCtx;
use crate::abi::{Filestat, Lookupflags, Rights, flags};
use crate::errno::{Errno, Result};
use crate::fds::{DirPerms, FilePerms};
use crate::guest::Guest;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, Mode, OFlags, Timestamps};
use rustix::fs::{
    futimens, linkat, mkdirat, openat, readlinkat_raw, renameat, statat, symlinkat, unlinkat, utimensat,
};

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
        self.change(guest, (fd, Rights::PATH_CREATE_DIRECTORY), (path, path_len), |entry| {
            Ok(mkdirat(entry, entry.name, Mode::RWXU | Mode::RWXG | Mode::RWXO)?)
        })
    }

    pub(crate) fn path_remove_directory(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Result {
        self.change(guest, (fd, Rights::PATH_REMOVE_DIRECTORY), (path, path_len), |entry| {
            Ok(unlinkat(entry, entry.name, AtFlags::REMOVEDIR)?)
        })
    }

    pub(crate) fn path_unlink_file(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Result {
        self.change(guest, (fd, Rights::PATH_UNLINK_FILE), (path, path_len), |entry| {
            Ok(unlinkat(entry, entry.name, AtFlags::empty())?)
        })
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
        let metadata =
            path.with(|path| if follow { dir.dir.metadata(path) } else { dir.dir.symlink_metadata(path) })?;
        Ok(guest.store_filestat(stat, &Filestat::from(&metadata))?)
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
        let times = timestamps(atim, mtim, fst_flags)?;
        let path = guest.path(path, path_len)?;
        dir.require(DirPerms::MUTATE)?;
        if !dir.file_perms.contains(FilePerms::WRITE) {
            return Err(Errno::PERM.into());
        }
        let follow = follows(lookup_flags, &path)?;
        Ok(path.with(|path| {
            if follow {
                set_times(&dir.dir, path, &times)
            } else {
                let entry = NameInDir::to_look_up(&dir.dir, path)?;
                Ok(utimensat(&entry, entry.name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
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
            statat(&from, from.name, AtFlags::SYMLINK_NOFOLLOW)?;
            let to = NameInDir::to_change(&new.dir, &new_path)?;
            Ok::<_, Errno>(linkat(&from, from.name, &to, to.name, AtFlags::empty())?)
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
            Ok::<_, Errno>(renameat(&from, from.name, &to, to.name)?)
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
            symlinkat(&*target, entry, entry.name).map_err(|error| match error {
                // Linux says that something is there, POSIX and the official tests that it is no directory.
                rustix::io::Errno::EXIST if entry.slash_after_file() => Errno::NOTDIR,
                error => error.into(),
            })
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
        let len = guest.path(path, path_len)?.with(|path| {
            let entry = NameInDir::to_look_up(&dir.dir, path)?;
            Ok::<_, Errno>(readlinkat_raw(&entry, entry.name, &mut target)?)
        })?;
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

/// Sets the times of what `path` leads to. It isn't opened, since that may wait or have effects.
fn set_times(dir: &Dir, path: &str, times: &Timestamps) -> Result<(), Errno> {
    let mut options = OpenOptions::new();
    let file = dir.open_with(path, options.read(true).custom_flags(OFlags::PATH.bits().cast_signed()))?;
    match utimensat(&file, "", times, AtFlags::EMPTY_PATH) {
        // Before Linux 5.8 it must be opened.
        Err(rustix::io::Errno::INVAL) => {
            let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            if file.metadata()?.is_dir() {
                return Ok(futimens(openat(&file, ".", flags, Mode::empty())?, times)?);
            }
            options.custom_flags(flags.bits().cast_signed());
            let opened = dir.open_with(path, &options).or_else(|_| {
                options.read(false).write(true);
                dir.open_with(path, &options)
            });
            Ok(futimens(opened?, times)?)
        }
        result => Ok(result?),
    }
}
