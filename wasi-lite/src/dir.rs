//! `path_*` and `fd_readdir`: what is done with names. `cap-std` keeps them below the directory that they start from.

use crate::WasiCtx;
use crate::abi::{Dirent, Fdflags, Filestat, Filetype, Lookupflags, Oflags, Rights, flags};
use crate::cookies::Cookies;
use crate::ctx::{DirPerms, FilePerms};
use crate::errno::{Errno, Result};
use crate::fd::{timestamps, waits};
use crate::fds::{DirFd, Fd, FileFd, Kind, O_DSYNC};
use crate::guest::Guest;
use crate::path::{Entry, follows, means_directory};
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use dunlin::Budget;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, SeekFrom, Timestamps};
use rustix::fs::{
    futimens, linkat, mkdirat, openat, readlinkat_raw, renameat, statat, symlinkat, unlinkat, utimensat,
};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

impl DirFd {
    /// A descriptor that entries can be read from.
    pub(crate) fn listing(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        self.listing_and_cookies().map(|(listing, _)| listing)
    }

    fn listing_and_cookies(&mut self) -> Result<(BorrowedFd<'_>, &mut Cookies), Errno> {
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

    fn require(&self, perms: DirPerms) -> Result<(), Errno> {
        if self.dir_perms.contains(perms) { Ok(()) } else { Err(Errno::PERM) }
    }

    /// Whether files may be moved from here to `to`: they must not become writable (or readable) by that.
    fn may_give(&self, to: &DirFd) -> Result<(), Errno> {
        self.require(DirPerms::MUTATE)?;
        to.require(DirPerms::MUTATE)?;
        let more = !self.file_perms & to.file_perms;
        let more_below = !self.dir_perms & to.dir_perms;
        if more.is_empty() && more_below.is_empty() { Ok(()) } else { Err(Errno::PERM) }
    }
}

/// As long as a symbolic link's target can be.
const TARGET_MAX: usize = 4096;

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
            let kind = Kind::Dir(DirFd {
                dir: Dir::from_std_file(file.into_std()),
                name: None,
                dir_perms: dir.dir_perms,
                file_perms: dir.file_perms,
                listing: None,
                cookies: Cookies::default(),
            });
            // Guests often ask for less than they then use, so what they ask for isn't what they get.
            Fd::new(kind, Rights::DIRECTORY & inherited, inherited)
        } else if read && !dir.file_perms.contains(FilePerms::READ) {
            return Err(Errno::PERM.into());
        } else {
            let mut rights = Rights::FILE & inherited;
            rights.set(Rights::FD_READ, read);
            rights.set(Rights::FD_WRITE, write);
            let kind = Kind::File(FileFd {
                file,
                filetype,
                perms: dir.file_perms,
                writable: write,
                waits: waits(filetype),
            });
            Fd::new(kind, rights, rights)
        };
        fd.nonblock = fdflags.contains(Fdflags::NONBLOCK);
        let number = self.fds.insert(fd);
        Ok(guest.store_u32(opened, number)?)
    }

    /// Does with the name `path` in the directory `fd` what changes that directory.
    fn change(
        &self,
        guest: &Guest<'_>,
        (fd, rights): (u32, Rights),
        (path, path_len): (u32, u32),
        change: impl FnOnce(&Entry<'_>) -> Result<(), Errno>,
    ) -> Result {
        let dir = self.fds.dir(fd, rights)?;
        dir.require(DirPerms::MUTATE)?;
        Ok(guest.path(path, path_len)?.with(|path| change(&Entry::to_change(&dir.dir, path)?))?)
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
        Ok(Filestat::from(&metadata).store(guest, stat)?)
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
                let entry = Entry::to_look_up(&dir.dir, path)?;
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
            let from = Entry::to_look_up(&old.dir, old_path)?;
            // The system looks for it first, and then where the new name belongs.
            statat(&from, from.name, AtFlags::SYMLINK_NOFOLLOW)?;
            let to = Entry::to_change(&new.dir, &new_path)?;
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
            let from = Entry::to_change(&old.dir, old_path)?;
            let to = Entry::to_change(&new.dir, &new_path)?;
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
            let entry = Entry::to_look_up(&dir.dir, path)?;
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

    pub(crate) fn fd_readdir(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        buf: u32,
        buf_len: u32,
        cookie: u64,
        bufused: u32,
    ) -> Result {
        guest.check(bufused, 4)?;
        self.fds.dir(fd, Rights::FD_READDIR)?.require(DirPerms::READ)?;
        let Kind::Dir(dir) = &mut self.fds.get_mut(fd)?.kind else { return Err(Errno::BADF.into()) };
        let budget = guest.budget;
        let used = read_entries(dir, guest.bytes_mut(buf, buf_len)?, cookie, budget)?;
        Ok(guest.store_u32(bufused, u32::try_from(used).map_err(|_| Errno::OVERFLOW)?)?)
    }
}

/// Whether `path` names a symbolic link itself.
fn is_link(dir: &Dir, path: &str) -> bool {
    dir.symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

/// What the system answers to who would create a file at a path that means a directory.
fn cannot_create(dir: &Dir, path: &str, exclusive: bool) -> Errno {
    match Entry::to_change(dir, path) {
        Ok(entry) if exclusive && entry.is_dots() => Errno::EXIST,
        Ok(_) => Errno::ISDIR,
        Err(error) => error,
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

/// Fills `buf` with entries from `cookie` on; returns how much was used, which is less than all only at the end.
///
/// The cookies stand for the system's own, so they stay valid while entries come and go.
fn read_entries(dir: &mut DirFd, buf: &mut [u8], cookie: u64, budget: &Budget) -> Result<usize, Errno> {
    // Enough for any one entry, and for what fits a buffer of the usual size.
    let mut scratch = [const { MaybeUninit::uninit() }; 4096];
    let mut used = 0;
    let mut put = |bytes: &[u8]| {
        let len = bytes.len().min(buf.len() - used);
        buf[used..used + len].copy_from_slice(&bytes[..len]);
        used += len;
        used < buf.len()
    };
    let (listing, cookies) = dir.listing_and_cookies()?;
    if cookie == 0 {
        cookies.forget();
    }
    let offset = cookies.offset(cookie).ok_or(Errno::INVAL)?;
    rustix::fs::seek(listing, SeekFrom::Start(offset))?;
    let own = rustix::fs::fstat(listing)?.st_ino;
    let mut entries = RawDir::new(listing, &mut scratch);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if std::str::from_utf8(name).is_err() {
            // The guest couldn't open it, and to leave it out would be a lie.
            return Err(Errno::ILSEQ);
        }
        let filetype = match entry.file_type() {
            FileType::Unknown => match statat(listing, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                Err(_) => FileType::Unknown,
            },
            filetype => filetype,
        };
        let dirent = Dirent {
            next: cookies.number(entry.next_entry_cookie(), budget)?,
            // The parent of a preopened directory isn't the guest's concern.
            ino: if name == b".." { own } else { entry.ino() },
            namlen: u32::try_from(name.len()).map_err(|_| Errno::OVERFLOW)?,
            filetype: filetype.into(),
        };
        if !(put(&dirent.bytes()) && put(name)) {
            break;
        }
    }
    Ok(used)
}
