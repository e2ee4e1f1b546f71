//! `fd_*`: what is done with a descriptor. Reading directories is in `dir`.

use crate::WasiCtx;
use crate::abi::{Fdflags, Fdstat, Filestat, Filetype, Fstflags, Rights, Whence, flags};
use crate::ctx::{DirPerms, FilePerms};
use crate::errno::{Errno, Fail, Result};
use crate::fds::{DirFd, Fd, Kind};
use crate::guest::Guest;
use crate::stdio::{PIPE_BUF, read_stream, uninterrupted, write_stream};
use rustix::fs::{Advice, FallocateFlags, SeekFrom, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd};

/// The most that one call transfers, so that its result is a number of any signedness.
const MOST: u32 = i32::MAX as u32;

/// Reads into one buffer after another, until `read` doesn't fill one (or any, if `once`).
pub(crate) fn scatter(
    guest: &mut Guest<'_>,
    (iovs, iovs_len): (u32, u32),
    once: bool,
    mut read: impl FnMut(&mut [u8], u32) -> Result<usize>,
) -> Result<u32> {
    let mut total = 0;
    for index in 0..iovs_len {
        let (buf, len) = guest.iovec(iovs, index)?;
        let len = len.min(MOST - total);
        if len == 0 {
            continue;
        }
        match read(guest.bytes_mut(buf, len)?, total) {
            Ok(count) => {
                let count = u32::try_from(count).map_err(|_| Errno::OVERFLOW)?;
                total += count;
                if count < len || once {
                    break;
                }
            }
            Err(Fail::Errno(_)) if total > 0 => break,
            Err(fail) => return Err(fail),
        }
    }
    Ok(total)
}

/// Writes one buffer after another, small ones together if `write` can't tell the difference, until `write` doesn't
/// take all.
pub(crate) fn gather(
    guest: &Guest<'_>,
    (iovs, iovs_len): (u32, u32),
    mut write: impl FnMut(&[u8], u32) -> Result<usize>,
) -> Result<u32> {
    let mut together = [0; PIPE_BUF];
    let mut index = 0;
    let mut total = 0;
    while index < iovs_len {
        let (buf, len) = guest.iovec(iovs, index)?;
        let mut bytes = guest.bytes(buf, len.min(MOST - total))?;
        index += 1;
        if bytes.len() < PIPE_BUF && index < iovs_len {
            let mut len = bytes.len();
            together[..len].copy_from_slice(bytes);
            while index < iovs_len {
                let (buf, next) = guest.iovec(iovs, index)?;
                let next = guest.bytes(buf, next)?;
                if len + next.len() > PIPE_BUF || (len + next.len()) as u64 > u64::from(MOST - total) {
                    break;
                }
                together[len..len + next.len()].copy_from_slice(next);
                len += next.len();
                index += 1;
            }
            bytes = &together[..len];
        }
        if bytes.is_empty() {
            continue;
        }
        match write(bytes, total) {
            Ok(count) => {
                total += u32::try_from(count).map_err(|_| Errno::OVERFLOW)?;
                if count < bytes.len() {
                    break;
                }
            }
            Err(Fail::Errno(_)) if total > 0 => break,
            Err(fail) => return Err(fail),
        }
    }
    Ok(total)
}

impl WasiCtx {
    /// What all transfers share: whatever the guest passes is checked before anything happens, and it is told how much
    /// was transferred.
    pub(crate) fn transfer(
        &self,
        guest: &mut Guest<'_>,
        (fd, rights): (u32, Rights),
        iovs: (u32, u32),
        count: u32,
        transfer: impl FnOnce(&Fd, &mut Guest<'_>) -> Result<u32>,
    ) -> Result {
        guest.check(count, 4)?;
        guest.check_iovecs(iovs.0, iovs.1)?;
        let fd = self.fds.get(fd)?;
        fd.require(rights)?;
        let transferred = transfer(fd, guest)?;
        Ok(guest.store_u32(count, transferred)?)
    }

    pub(crate) fn fd_read(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        nread: u32,
    ) -> Result {
        let iovs = (iovs, iovs_len);
        self.transfer(guest, (fd, Rights::FD_READ), iovs, nread, |fd, guest| {
            let (interrupt, nonblock) = (guest.interrupt, fd.nonblock);
            match &fd.kind {
                Kind::Stdio(stdio) => {
                    scatter(guest, iovs, true, |buf, _| stdio.read(interrupt, buf, nonblock))
                }
                Kind::File(file) if file.waits => scatter(guest, iovs, true, |buf, _| {
                    read_stream(interrupt, file.file.as_fd(), buf, nonblock)
                }),
                Kind::File(file) => scatter(guest, iovs, false, |buf, _| {
                    Ok(uninterrupted(|| Ok(rustix::io::read(&file.file, &mut *buf)?))?)
                }),
                Kind::Socket(socket) => {
                    let stream = socket.stream()?.as_fd();
                    scatter(guest, iovs, true, |buf, _| read_stream(interrupt, stream, buf, nonblock))
                }
                Kind::Dir(_) => Err(Errno::BADF.into()),
            }
        })
    }

    pub(crate) fn fd_pread(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        offset: u64,
        nread: u32,
    ) -> Result {
        let iovs = (iovs, iovs_len);
        self.transfer(guest, (fd, Rights::FD_READ), iovs, nread, |fd, guest| {
            let Kind::File(file) = &fd.kind else { return Err(Errno::SPIPE.into()) };
            scatter(guest, iovs, false, |buf, done| {
                let offset = offset.checked_add(done.into()).ok_or(Errno::INVAL)?;
                Ok(uninterrupted(|| Ok(rustix::io::pread(&file.file, &mut *buf, offset)?))?)
            })
        })
    }

    pub(crate) fn fd_write(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        nwritten: u32,
    ) -> Result {
        let iovs = (iovs, iovs_len);
        self.transfer(guest, (fd, Rights::FD_WRITE), iovs, nwritten, |fd, guest| {
            let (interrupt, budget, nonblock) = (guest.interrupt, guest.budget, fd.nonblock);
            match &fd.kind {
                Kind::Stdio(stdio) => {
                    gather(guest, iovs, |bytes, _| stdio.write(interrupt, budget, bytes, nonblock))
                }
                Kind::File(file) if file.waits => gather(guest, iovs, |bytes, _| {
                    write_stream(interrupt, file.file.as_fd(), bytes, nonblock)
                }),
                Kind::File(file) => gather(guest, iovs, |bytes, _| {
                    Ok(uninterrupted(|| Ok(rustix::io::write(&file.file, bytes)?))?)
                }),
                Kind::Socket(socket) => {
                    let stream = socket.stream()?.as_fd();
                    gather(guest, iovs, |bytes, _| write_stream(interrupt, stream, bytes, nonblock))
                }
                Kind::Dir(_) => Err(Errno::BADF.into()),
            }
        })
    }

    pub(crate) fn fd_pwrite(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        offset: u64,
        nwritten: u32,
    ) -> Result {
        let iovs = (iovs, iovs_len);
        self.transfer(guest, (fd, Rights::FD_WRITE), iovs, nwritten, |fd, guest| {
            let Kind::File(file) = &fd.kind else { return Err(Errno::SPIPE.into()) };
            gather(guest, iovs, |bytes, done| {
                let offset = offset.checked_add(done.into()).ok_or(Errno::INVAL)?;
                Ok(uninterrupted(|| Ok(rustix::io::pwrite(&file.file, bytes, offset)?))?)
            })
        })
    }

    pub(crate) fn fd_seek(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        offset: i64,
        whence: u32,
        newoffset: u32,
    ) -> Result {
        guest.check(newoffset, 8)?;
        self.fds.get(fd)?;
        let position = match guest.snapshot.whence(whence)? {
            Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::INVAL)?),
            Whence::Cur => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        Ok(guest.store_u64(newoffset, self.seek(fd, Rights::FD_SEEK, position)?)?)
    }

    pub(crate) fn fd_tell(&mut self, guest: &mut Guest<'_>, fd: u32, offset: u32) -> Result {
        guest.check(offset, 8)?;
        Ok(guest.store_u64(offset, self.seek(fd, Rights::FD_TELL, SeekFrom::Current(0))?)?)
    }

    fn seek(&self, fd: u32, rights: Rights, position: SeekFrom) -> Result<u64, Errno> {
        if let Kind::Stdio(_) | Kind::Socket(_) = self.fds.get(fd)?.kind {
            return Err(Errno::SPIPE);
        }
        Ok(rustix::fs::seek(&self.fds.file(fd, rights)?.file, position)?)
    }

    pub(crate) fn fd_close(&mut self, _: &mut Guest<'_>, fd: u32) -> Result {
        Ok(self.fds.close(fd)?)
    }

    pub(crate) fn fd_renumber(&mut self, _: &mut Guest<'_>, from: u32, to: u32) -> Result {
        Ok(self.fds.renumber(from, to)?)
    }

    pub(crate) fn fd_sync(&mut self, _: &mut Guest<'_>, fd: u32) -> Result {
        Ok(rustix::fs::fsync(self.fds.get_mut(fd)?.on_disk(Rights::FD_SYNC)?)?)
    }

    pub(crate) fn fd_datasync(&mut self, _: &mut Guest<'_>, fd: u32) -> Result {
        Ok(rustix::fs::fdatasync(self.fds.get_mut(fd)?.on_disk(Rights::FD_DATASYNC)?)?)
    }

    pub(crate) fn fd_advise(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        offset: u64,
        len: u64,
        advice: u32,
    ) -> Result {
        let file = self.fds.file(fd, Rights::FD_ADVISE)?;
        let advice = match advice {
            0 => Advice::Normal,
            1 => Advice::Sequential,
            2 => Advice::Random,
            3 => Advice::WillNeed,
            4 => Advice::DontNeed,
            5 => Advice::NoReuse,
            _ => return Err(Errno::INVAL.into()),
        };
        Ok(rustix::fs::fadvise(&file.file, offset, NonZeroU64::new(len), advice)?)
    }

    pub(crate) fn fd_allocate(&mut self, _: &mut Guest<'_>, fd: u32, offset: u64, len: u64) -> Result {
        let file = self.fds.file(fd, Rights::FD_ALLOCATE)?;
        // As POSIX says.
        if !file.writable {
            return Err(Errno::BADF.into());
        }
        Ok(rustix::fs::fallocate(&file.file, FallocateFlags::empty(), offset, len)?)
    }

    pub(crate) fn fd_fdstat_get(&mut self, guest: &mut Guest<'_>, fd: u32, stat: u32) -> Result {
        let fd = self.fds.get(fd)?;
        let fdstat = Fdstat {
            filetype: fd.filetype(),
            flags: fd.flags()?,
            rights_base: fd.base,
            rights_inheriting: fd.inheriting,
        };
        Ok(fdstat.store(guest, stat)?)
    }

    pub(crate) fn fd_fdstat_set_flags(&mut self, _: &mut Guest<'_>, fd: u32, fdflags: u32) -> Result {
        let fd = self.fds.get_mut(fd)?;
        let new: Fdflags = flags(fdflags)?;
        match &fd.kind {
            Kind::File(file) => {
                fd.require(Rights::FD_FDSTAT_SET_FLAGS)?;
                // No system lets these change.
                let fixed = Fdflags::DSYNC | Fdflags::RSYNC | Fdflags::SYNC;
                if (new ^ fd.flags()?).intersects(fixed) {
                    return Err(Errno::INVAL.into());
                }
                let mut os = rustix::fs::fcntl_getfl(&file.file)?;
                os.set(rustix::fs::OFlags::APPEND, new.contains(Fdflags::APPEND));
                rustix::fs::fcntl_setfl(&file.file, os)?;
            }
            Kind::Stdio(_) | Kind::Socket(_) => (),
            Kind::Dir(_) => return Err(Errno::BADF.into()),
        }
        // The host's own flag stays what it is: it may be shared with other processes.
        fd.nonblock = new.contains(Fdflags::NONBLOCK);
        Ok(())
    }

    pub(crate) fn fd_fdstat_set_rights(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        base: u64,
        inheriting: u64,
    ) -> Result {
        let fd = self.fds.get_mut(fd)?;
        let (base, inheriting) = (Rights::from_bits_retain(base), Rights::from_bits_retain(inheriting));
        if !fd.base.contains(base) || !fd.inheriting.contains(inheriting) {
            return Err(Errno::NOTCAPABLE.into());
        }
        (fd.base, fd.inheriting) = (base, inheriting);
        Ok(())
    }

    pub(crate) fn fd_filestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, stat: u32) -> Result {
        let fd = self.fds.get(fd)?;
        let filestat = match &fd.kind {
            // Nothing that tells the guest more about its host than it needs.
            Kind::Stdio(_) | Kind::Socket(_) => Filestat {
                dev: 0,
                ino: 0,
                filetype: fd.filetype(),
                nlink: 0,
                size: 0,
                atim: 0,
                mtim: 0,
                ctim: 0,
            },
            Kind::File(file) => {
                fd.require(Rights::FD_FILESTAT_GET)?;
                Filestat::from(&file.file.metadata()?)
            }
            Kind::Dir(dir) => {
                fd.require(Rights::FD_FILESTAT_GET)?;
                Filestat::from(&dir.dir.dir_metadata()?)
            }
        };
        Ok(filestat.store(guest, stat)?)
    }

    pub(crate) fn fd_filestat_set_size(&mut self, _: &mut Guest<'_>, fd: u32, size: u64) -> Result {
        let file = self.fds.file(fd, Rights::FD_FILESTAT_SET_SIZE)?;
        // As POSIX says.
        if !file.writable {
            return Err(Errno::INVAL.into());
        }
        Ok(uninterrupted(|| Ok(rustix::fs::ftruncate(&file.file, size)?))?)
    }

    pub(crate) fn fd_filestat_set_times(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        atim: u64,
        mtim: u64,
        fst_flags: u32,
    ) -> Result {
        let times = timestamps(atim, mtim, fst_flags)?;
        let fd = self.fds.get_mut(fd)?;
        let allowed = match &fd.kind {
            Kind::Stdio(_) | Kind::Socket(_) => return Err(Errno::BADF.into()),
            Kind::File(file) => file.perms.contains(FilePerms::WRITE),
            Kind::Dir(dir) => dir.dir_perms.contains(DirPerms::MUTATE),
        };
        if !allowed {
            return Err(Errno::PERM.into());
        }
        Ok(rustix::fs::futimens(fd.on_disk(Rights::FD_FILESTAT_SET_TIMES)?, &times)?)
    }

    pub(crate) fn fd_prestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, prestat: u32) -> Result {
        let Kind::Dir(DirFd { name: Some(name), .. }) = &self.fds.get(fd)?.kind else {
            return Err(Errno::BADF.into());
        };
        let len = u32::try_from(name.len()).map_err(|_| Errno::OVERFLOW)?;
        guest.check(prestat, 8)?;
        // The tag: a directory, the only one there is.
        guest.store_u32(prestat, 0)?;
        Ok(guest.store_u32(prestat + 4, len)?)
    }

    pub(crate) fn fd_prestat_dir_name(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        len: u32,
    ) -> Result {
        let Kind::Dir(DirFd { name: Some(name), .. }) = &self.fds.get(fd)?.kind else {
            return Err(Errno::NOTDIR.into());
        };
        if name.len() as u64 > u64::from(len) {
            return Err(Errno::NAMETOOLONG.into());
        }
        Ok(guest.store(path, name.as_bytes())?)
    }
}

impl Fd {
    /// The host's descriptor of a file or directory, for what isn't reading or writing.
    fn on_disk(&mut self, rights: Rights) -> Result<BorrowedFd<'_>, Errno> {
        let allowed = self.require(rights);
        match &mut self.kind {
            Kind::Stdio(_) | Kind::Socket(_) => Err(Errno::INVAL),
            Kind::File(file) => allowed.map(|()| file.file.as_fd()),
            Kind::Dir(dir) => allowed.and_then(|()| dir.listing()),
        }
    }
}

/// The times to set, from how WASI passes them.
pub(crate) fn timestamps(atim: u64, mtim: u64, fst_flags: u32) -> Result<Timestamps, Errno> {
    let fst_flags: Fstflags = flags(fst_flags)?;
    let time = |time: u64, set, now| match (fst_flags.contains(set), fst_flags.contains(now)) {
        (true, true) => Err(Errno::INVAL),
        (true, false) => {
            Ok(Timespec { tv_sec: (time / 1_000_000_000) as _, tv_nsec: (time % 1_000_000_000) as _ })
        }
        (false, true) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        (false, false) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
    };
    Ok(Timestamps {
        last_access: time(atim, Fstflags::ATIM, Fstflags::ATIM_NOW)?,
        last_modification: time(mtim, Fstflags::MTIM, Fstflags::MTIM_NOW)?,
    })
}

/// What a file of this type is, as far as reading it is concerned.
pub(crate) fn waits(filetype: Filetype) -> bool {
    !matches!(filetype, Filetype::RegularFile | Filetype::BlockDevice)
}
