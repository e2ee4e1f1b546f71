//! `path_open`.

use super::names::{NameInDir, follows, means_directory};
use crate::WasiCtx;
use crate::abi::{Fdflags, Filestat, Filetype, Oflags, Rights, flags};
use crate::errno::{Errno, Result};
use crate::fds::{DirFd, DirPerms, Fd, FdKind, FileFd, FilePerms, O_DSYNC};
use crate::guest::Guest;
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

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
        let inherited = self.fds.get(fd)?.inheriting;
        let path = guest.path(path, path_len)?;
        let follow = follows(dirflags, &path)?;
        let oflags: Oflags = flags(oflags)?;
        let fdflags: Fdflags = flags(fdflags)?;
        let base = Rights::from_bits_truncate(base) & inherited;
        let (create, truncate) = (oflags.contains(Oflags::CREAT), oflags.contains(Oflags::TRUNC));
        if oflags.contains(Oflags::DIRECTORY) && oflags.intersects(!Oflags::DIRECTORY) {
            return Err(Errno::INVAL.into());
        }
        for (needed, right) in
            [(create, Rights::PATH_CREATE_FILE), (truncate, Rights::PATH_FILESTAT_SET_SIZE)]
        {
            if needed {
                self.fds.get(fd)?.require(right)?;
            }
        }
        let write = base.contains(Rights::FD_WRITE);
        dir.require(DirPerms::READ)?;
        if create || truncate || write {
            dir.require(DirPerms::MUTATE)?;
            if !dir.file_perms.contains(FilePerms::WRITE) {
                return Err(Errno::PERM.into());
            }
        }

        let mut options = OpenOptions::new();
        options.follow(if follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        // The system creates and truncates only what it opens for writing.
        options.write(write || create || truncate).truncate(truncate);
        options.read(base.contains(Rights::FD_READ) || !write);
        if oflags.contains(Oflags::EXCL) {
            options.create_new(create);
        } else {
            options.create(create);
        }
        // A FIFO or a device shan't keep the guest waiting here, where no interruption would end it, nor a terminal
        // become the host's.
        let mut os = OFlags::NONBLOCK | OFlags::NOCTTY;
        for (flag, wanted) in [
            (OFlags::APPEND, fdflags.contains(Fdflags::APPEND)),
            (O_DSYNC, fdflags.contains(Fdflags::DSYNC)),
            (OFlags::SYNC, fdflags.intersects(Fdflags::SYNC | Fdflags::RSYNC)),
        ] {
            if wanted {
                os |= flag;
            }
        }
        options.custom_flags(os.bits().cast_signed());

        if create && means_directory(&path) {
            return Err(path
                .with(|path| cannot_create(&dir.dir, path, oflags.contains(Oflags::EXCL)))
                .into());
        }
        let directory = oflags.contains(Oflags::DIRECTORY);
        let file = path.with(|path| {
            dir.dir.open_with(path, &options).map_err(Errno::from).map_err(|error| match error {
                Errno::LOOP if directory && !follow && is_link(&dir.dir, path) => Errno::NOTDIR,
                error => error,
            })
        })?;
        let filetype = Filestat::from(&file.metadata()?).filetype;
        // As a flag of the system's it would keep the sandbox's own walk from following symbolic links, which is what it
        // does where there is no `openat2`.
        if directory && filetype != Filetype::Directory {
            return Err(Errno::NOTDIR.into());
        }
        let read = base.contains(Rights::FD_READ);
        let mut fd = if filetype == Filetype::Directory {
            let opened = Dir::from_std_file(file.into_std());
            let kind = FdKind::Dir(DirFd::new(opened, None, dir.dir_perms, dir.file_perms));
            // Guests often ask for less than they then use, so what they ask for isn't what they get.
            Fd::new(kind, Rights::DIRECTORY & inherited, inherited)
        } else if read && !dir.file_perms.contains(FilePerms::READ) {
            return Err(Errno::PERM.into());
        } else {
            let mut rights = Rights::FILE & inherited;
            rights.set(Rights::FD_READ, read);
            rights.set(Rights::FD_WRITE, write);
            let kind = FdKind::File(FileFd {
                file,
                filetype,
                perms: dir.file_perms,
                writable: write,
                waits: filetype.waits(),
            });
            Fd::new(kind, rights, rights)
        };
        fd.nonblock = fdflags.contains(Fdflags::NONBLOCK);
        let number = self.fds.insert(fd);
        Ok(guest.store_u32(opened, number)?)
    }
}

/// Whether `path` names a symbolic link itself.
fn is_link(dir: &Dir, path: &str) -> bool {
    dir.symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// What the system answers to who would create a file at a path that means a directory.
fn cannot_create(dir: &Dir, path: &str, exclusive: bool) -> Errno {
    match NameInDir::to_change(dir, path) {
        Ok(entry) if exclusive && entry.is_dots() => Errno::EXIST,
        Ok(_) => Errno::ISDIR,
        Err(error) => error,
    }
}
