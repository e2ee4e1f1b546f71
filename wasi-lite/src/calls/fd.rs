//! `fd_*` other than reading and writing.

use super::times::new_times;
use crate::WasiCtx;
use crate::abi::{Advice, Fdflags, Fdstat, Filestat, Rights, Whence, flags};
use crate::errno::{Errno, Result};
use crate::fds::{DirFd, DirPerms, FdKind, FilePerms};
use crate::guest::Guest;
use crate::host::file::{sync, sync_data};
use crate::host::set_times::set_times;
use std::io::SeekFrom;

impl WasiCtx {
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
        if let FdKind::Stdio(_) | FdKind::Socket(_) = self.fds.get(fd)?.kind {
            return Err(Errno::SPIPE);
        }
        self.fds.file(fd, rights)?.file.seek(position)
    }

    pub(crate) fn fd_close(&mut self, _: &mut Guest<'_>, fd: u32) -> Result {
        Ok(self.fds.close(fd)?)
    }

    pub(crate) fn fd_renumber(&mut self, _: &mut Guest<'_>, from: u32, to: u32) -> Result {
        Ok(self.fds.renumber(from, to)?)
    }

    pub(crate) fn fd_sync(&mut self, _: &mut Guest<'_>, fd: u32) -> Result {
        Ok(sync(self.fds.get_mut(fd)?.on_disk(Rights::FD_SYNC)?)?)
    }

    pub(crate) fn fd_datasync(&mut self, _: &mut Guest<'_>, fd: u32) -> Result {
        Ok(sync_data(self.fds.get_mut(fd)?.on_disk(Rights::FD_DATASYNC)?)?)
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
        Ok(file.file.advise(offset, len, advice)?)
    }

    pub(crate) fn fd_allocate(&mut self, _: &mut Guest<'_>, fd: u32, offset: u64, len: u64) -> Result {
        let file = self.fds.file(fd, Rights::FD_ALLOCATE)?;
        // As POSIX says.
        if !file.writable {
            return Err(Errno::BADF.into());
        }
        Ok(file.file.allocate(offset, len)?)
    }

    pub(crate) fn fd_fdstat_get(&mut self, guest: &mut Guest<'_>, fd: u32, stat: u32) -> Result {
        let fd = self.fds.get(fd)?;
        let fdstat = Fdstat {
            filetype: fd.filetype(),
            flags: fd.flags()?,
            rights_base: fd.base,
            rights_inheriting: fd.inheriting,
        };
        Ok(guest.store(stat, &fdstat.bytes())?)
    }

    pub(crate) fn fd_fdstat_set_flags(&mut self, _: &mut Guest<'_>, fd: u32, fdflags: u32) -> Result {
        let fd = self.fds.get_mut(fd)?;
        let new: Fdflags = flags(fdflags)?;
        match &fd.kind {
            FdKind::File(file) => {
                fd.require(Rights::FD_FDSTAT_SET_FLAGS)?;
                // No system lets these change.
                let fixed = Fdflags::DSYNC | Fdflags::RSYNC | Fdflags::SYNC;
                if (new ^ fd.flags()?).intersects(fixed) {
                    return Err(Errno::INVAL.into());
                }
                file.file.set_append(new.contains(Fdflags::APPEND))?;
            }
            FdKind::Stdio(_) | FdKind::Socket(_) => (),
            FdKind::Dir(_) => return Err(Errno::BADF.into()),
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
            FdKind::Stdio(_) | FdKind::Socket(_) => Filestat {
                dev: 0,
                ino: 0,
                filetype: fd.filetype(),
                nlink: 0,
                size: 0,
                atim: 0,
                mtim: 0,
                ctim: 0,
            },
            FdKind::File(file) => {
                fd.require(Rights::FD_FILESTAT_GET)?;
                file.file.stat()?
            }
            FdKind::Dir(dir) => {
                fd.require(Rights::FD_FILESTAT_GET)?;
                dir.dir.stat()?
            }
        };
        Ok(guest.store_filestat(stat, &filestat)?)
    }

    pub(crate) fn fd_filestat_set_size(&mut self, _: &mut Guest<'_>, fd: u32, size: u64) -> Result {
        let file = self.fds.file(fd, Rights::FD_FILESTAT_SET_SIZE)?;
        // As POSIX says.
        if !file.writable {
            return Err(Errno::INVAL.into());
        }
        Ok(file.file.set_len(size)?)
    }

    pub(crate) fn fd_filestat_set_times(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        atim: u64,
        mtim: u64,
        fst_flags: u32,
    ) -> Result {
        let times = new_times(atim, mtim, fst_flags)?;
        let fd = self.fds.get_mut(fd)?;
        let allowed = match &fd.kind {
            FdKind::Stdio(_) | FdKind::Socket(_) => return Err(Errno::BADF.into()),
            FdKind::File(file) => file.perms.contains(FilePerms::WRITE),
            FdKind::Dir(dir) => dir.dir_perms.contains(DirPerms::MUTATE),
        };
        if !allowed {
            return Err(Errno::PERM.into());
        }
        Ok(set_times(fd.on_disk(Rights::FD_FILESTAT_SET_TIMES)?, times)?)
    }

    pub(crate) fn fd_prestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, prestat: u32) -> Result {
        let FdKind::Dir(DirFd { name: Some(name), .. }) = &self.fds.get(fd)?.kind else {
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
        let FdKind::Dir(DirFd { name: Some(name), .. }) = &self.fds.get(fd)?.kind else {
            return Err(Errno::NOTDIR.into());
        };
        if name.len() as u64 > u64::from(len) {
            return Err(Errno::NAMETOOLONG.into());
        }
        Ok(guest.store(path, name.as_bytes())?)
    }
}
