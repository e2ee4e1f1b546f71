//! `fd_readdir`.

use crate::WasiCtx;
use crate::abi::{Dirent, Rights};
use crate::errno::{Errno, Result};
use crate::fds::{DirFd, DirPerms, FdKind};
use crate::guest::Guest;
use dunlin::Budget;

impl WasiCtx {
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
        let FdKind::Dir(dir) = &mut self.fds.get_mut(fd)?.kind else { return Err(Errno::BADF.into()) };
        let budget = guest.budget;
        let used = read_entries(dir, guest.bytes_mut(buf, buf_len)?, cookie, budget)?;
        Ok(guest.store_u32(bufused, u32::try_from(used).map_err(|_| Errno::OVERFLOW)?)?)
    }
}

/// Fills `buf` with entries from `cookie` on; returns how much was used, which is less than all only at the end.
///
/// The cookies stand for the system's own, so they stay valid while entries come and go.
fn read_entries(dir: &mut DirFd, buf: &mut [u8], cookie: u64, budget: &Budget) -> Result<usize, Errno> {
    let mut used = 0;
    let mut put = |bytes: &[u8]| {
        let len = bytes.len().min(buf.len() - used);
        buf[used..used + len].copy_from_slice(&bytes[..len]);
        used += len;
        used < buf.len()
    };
    let DirFd { dir, cookies, .. } = dir;
    if cookie == 0 {
        cookies.forget();
    }
    let start = cookies.offset(cookie).ok_or(Errno::INVAL)?;
    let own = dir.stat()?.ino;
    dir.entries(start, |entry| {
        if std::str::from_utf8(entry.name).is_err() {
            // The guest couldn't open it, and to leave it out would be a lie.
            return Err(Errno::ILSEQ);
        }
        let dirent = Dirent {
            next: cookies.number(entry.next, budget)?,
            // The parent of a preopened directory isn't the guest's concern.
            ino: if entry.name == b".." { own } else { entry.ino },
            namlen: u32::try_from(entry.name.len()).map_err(|_| Errno::OVERFLOW)?,
            filetype: entry.filetype,
        };
        Ok(put(&dirent.bytes()) && put(entry.name))
    })?;
    Ok(used)
}
