//! `path_open`.

use super::path::follows;
use crate::WasiCtx;
use crate::abi::{Fdflags, Filetype, Oflags, Rights, flags};
use crate::errno::{Errno, Result};
use crate::fds::{DirFd, DirPerms, Fd, FdKind, FileFd, FilePerms};
use crate::guest::Guest;
use crate::host::dir::Dir;
use crate::host::file::File;
use crate::host::names::{NameInDir, means_directory};
use crate::host::open::Opening;

impl WasiCtx {
    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn path_open(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        dirflags: u32,
        path: u32,
        path_len: u32,
        oflags: u32,
        base: u64,
        _inheriting: u64,
        fdflags: u32,
        opened: u32,
    ) -> Result {
        guest.check(opened, 4)?;
        self.fds.reserve(guest.budget)?;
        let dir = self.fds.dir(fd, Rights::PATH_OPEN)?;
        let start = self.fds.get(fd)?;
        let path = guest.path(path, path_len)?;
        let rights = Rights::from_bits_truncate(base) & start.inheriting;
        let how = Opening {
            follow: follows(dirflags, &path)?,
            oflags: flags(oflags)?,
            fdflags: flags(fdflags)?,
            reads: rights.contains(Rights::FD_READ),
            writes: rights.contains(Rights::FD_WRITE),
        };
        check(&how, start, dir)?;
        if how.creates() && means_directory(&path) {
            let exclusive = how.oflags.contains(Oflags::EXCL);
            return Err(path.with(|path| cannot_create(&dir.dir, path, exclusive)).into());
        }
        let file = path.with(|path| dir.dir.open(path, &how))?;
        let fd = descriptor(file, &how, dir, start.inheriting)?;
        let number = self.fds.insert(fd);
        Ok(guest.store_u32(opened, number)?)
    }
}

/// Whether the flags go together, and whether the directory `dir`, which is the descriptor `start`, allows them.
fn check(how: &Opening, start: &Fd, dir: &DirFd) -> Result<(), Errno> {
    if how.is_directory() && how.oflags.intersects(!Oflags::DIRECTORY) {
        return Err(Errno::INVAL);
    }
    for (needed, right) in
        [(how.creates(), Rights::PATH_CREATE_FILE), (how.truncates(), Rights::PATH_FILESTAT_SET_SIZE)]
    {
        if needed {
            start.require(right)?;
        }
    }
    dir.require(DirPerms::READ)?;
    if how.creates() || how.truncates() || how.writes {
        dir.require(DirPerms::MUTATE)?;
        if !dir.file_perms.contains(FilePerms::WRITE) {
            return Err(Errno::PERM);
        }
    }
    Ok(())
}

/// The guest's descriptor for what was opened in `dir`, which hands on the rights `inherited`.
fn descriptor(file: File, how: &Opening, dir: &DirFd, inherited: Rights) -> Result<Fd, Errno> {
    let filetype = file.stat()?.filetype;
    if how.is_directory() && filetype != Filetype::Directory {
        return Err(Errno::NOTDIR);
    }
    let mut fd = if filetype == Filetype::Directory {
        let opened = DirFd::new(Dir::from_file(file), None, dir.dir_perms, dir.file_perms);
        // Guests often ask for less than they then use, so what they ask for isn't what they get.
        Fd::new(FdKind::Dir(opened), Rights::DIRECTORY & inherited, inherited)
    } else if how.reads && !dir.file_perms.contains(FilePerms::READ) {
        return Err(Errno::PERM);
    } else {
        let mut rights = Rights::FILE & inherited;
        rights.set(Rights::FD_READ, how.reads);
        rights.set(Rights::FD_WRITE, how.writes);
        let (perms, writable, waits) = (dir.file_perms, how.writes, filetype.waits());
        Fd::new(FdKind::File(FileFd { file, filetype, perms, writable, waits }), rights, rights)
    };
    fd.nonblock = how.fdflags.contains(Fdflags::NONBLOCK);
    Ok(fd)
}

/// What the system answers to who would create a file at a path that means a directory.
fn cannot_create(dir: &Dir, path: &str, exclusive: bool) -> Errno {
    match NameInDir::to_change(dir, path) {
        Ok(entry) if exclusive && entry.is_dots() => Errno::EXIST,
        Ok(_) => Errno::ISDIR,
        Err(error) => error,
    }
}
