//! `path_open`.

use super::names::{NameInDir, follows, means_directory};
use crate::WasiCtx;
use crate::abi::{Fdflags, Filestat, Filetype, Oflags, Rights, flags};
use crate::errno::{Errno, Result};
use crate::fds::{DirFd, DirPerms, Fd, FdKind, FileFd, FilePerms, O_DSYNC};
use crate::guest::Guest;
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
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
        let start = self.fds.get(fd)?;
        let path = guest.path(path, path_len)?;
        let wanted = Wanted {
            follow: follows(dirflags, &path)?,
            oflags: flags(oflags)?,
            fdflags: flags(fdflags)?,
            rights: Rights::from_bits_truncate(base) & start.inheriting,
        };
        wanted.check(start, dir)?;
        if wanted.creates() && means_directory(&path) {
            let exclusive = wanted.oflags.contains(Oflags::EXCL);
            return Err(path.with(|path| cannot_create(&dir.dir, path, exclusive)).into());
        }
        let file = path.with(|path| wanted.open(&dir.dir, path))?;
        let fd = wanted.descriptor(file, dir, start.inheriting)?;
        let number = self.fds.insert(fd);
        Ok(guest.store_u32(opened, number)?)
    }
}

/// How the guest wants something opened.
struct Wanted {
    /// Whether a symbolic link at the end of the path is followed.
    follow: bool,
    oflags: Oflags,
    fdflags: Fdflags,
    /// The rights that it asks for, as far as it can get them.
    rights: Rights,
}

impl Wanted {
    fn creates(&self) -> bool {
        self.oflags.contains(Oflags::CREAT)
    }

    fn truncates(&self) -> bool {
        self.oflags.contains(Oflags::TRUNC)
    }

    fn writes(&self) -> bool {
        self.rights.contains(Rights::FD_WRITE)
    }

    fn is_directory(&self) -> bool {
        self.oflags.contains(Oflags::DIRECTORY)
    }

    /// Whether the flags go together, and whether the directory `dir`, which is the descriptor `start`, allows them.
    fn check(&self, start: &Fd, dir: &DirFd) -> Result<(), Errno> {
        if self.is_directory() && self.oflags.intersects(!Oflags::DIRECTORY) {
            return Err(Errno::INVAL);
        }
        for (needed, right) in
            [(self.creates(), Rights::PATH_CREATE_FILE), (self.truncates(), Rights::PATH_FILESTAT_SET_SIZE)]
        {
            if needed {
                start.require(right)?;
            }
        }
        dir.require(DirPerms::READ)?;
        if self.creates() || self.truncates() || self.writes() {
            dir.require(DirPerms::MUTATE)?;
            if !dir.file_perms.contains(FilePerms::WRITE) {
                return Err(Errno::PERM);
            }
        }
        Ok(())
    }

    fn open(&self, dir: &Dir, path: &str) -> Result<File, Errno> {
        dir.open_with(path, &self.options()).map_err(Errno::from).map_err(|error| match error {
            Errno::LOOP if self.is_directory() && !self.follow && is_link(dir, path) => Errno::NOTDIR,
            error => error,
        })
    }

    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.follow(if self.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        // The system creates and truncates only what it opens for writing.
        options.write(self.writes() || self.creates() || self.truncates()).truncate(self.truncates());
        options.read(self.rights.contains(Rights::FD_READ) || !self.writes());
        if self.oflags.contains(Oflags::EXCL) {
            options.create_new(self.creates());
        } else {
            options.create(self.creates());
        }
        // A FIFO or a device shan't keep the guest waiting here, where no interruption would end it, nor a terminal
        // become the host's.
        let mut os = OFlags::NONBLOCK | OFlags::NOCTTY;
        for (flag, wanted) in [
            (OFlags::APPEND, self.fdflags.contains(Fdflags::APPEND)),
            (O_DSYNC, self.fdflags.contains(Fdflags::DSYNC)),
            (OFlags::SYNC, self.fdflags.intersects(Fdflags::SYNC | Fdflags::RSYNC)),
        ] {
            if wanted {
                os |= flag;
            }
        }
        options.custom_flags(os.bits().cast_signed());
        options
    }

    /// The guest's descriptor for what was opened in `dir`, which hands on the rights `inherited`.
    fn descriptor(&self, file: File, dir: &DirFd, inherited: Rights) -> Result<Fd, Errno> {
        let filetype = Filestat::from(&file.metadata()?).filetype;
        // As a flag of the system's it would keep the sandbox's own walk from following symbolic links, which is what it
        // does where there is no `openat2`.
        if self.is_directory() && filetype != Filetype::Directory {
            return Err(Errno::NOTDIR);
        }
        let reads = self.rights.contains(Rights::FD_READ);
        let mut fd = if filetype == Filetype::Directory {
            let opened = Dir::from_std_file(file.into_std());
            let opened = DirFd::new(opened, None, dir.dir_perms, dir.file_perms);
            // Guests often ask for less than they then use, so what they ask for isn't what they get.
            Fd::new(FdKind::Dir(opened), Rights::DIRECTORY & inherited, inherited)
        } else if reads && !dir.file_perms.contains(FilePerms::READ) {
            return Err(Errno::PERM);
        } else {
            let mut rights = Rights::FILE & inherited;
            rights.set(Rights::FD_READ, reads);
            rights.set(Rights::FD_WRITE, self.writes());
            let (perms, writable, waits) = (dir.file_perms, self.writes(), filetype.waits());
            Fd::new(FdKind::File(FileFd { file, filetype, perms, writable, waits }), rights, rights)
        };
        fd.nonblock = self.fdflags.contains(Fdflags::NONBLOCK);
        Ok(fd)
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
