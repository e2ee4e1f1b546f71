//! `fd_read`, `fd_write` and their like: data between descriptors and the guest's buffers.

use crate::WasiCtx;
use crate::abi::Rights;
use crate::errno::{Errno, Fail, Result};
use crate::fds::{Fd, FdKind};
use crate::guest::Guest;
use crate::host::streams::{PIPE_BUF, read_stream, write_stream};

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
        match read(guest.buffer(buf, len)?, total) {
            Ok(count) => {
                let count = u32::try_from(count).map_err(|_| Errno::OVERFLOW)?;
                guest.wrote(buf, count);
                total += count;
                if count < len || once {
                    break;
                }
            }
            Err(Fail::Errno(_) | Fail::Waits) if total > 0 => break,
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
            Err(Fail::Errno(_) | Fail::Waits) if total > 0 => break,
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
                FdKind::Stdio(stdio) => {
                    scatter(guest, iovs, true, |buf, _| stdio.read(interrupt, buf, nonblock))
                }
                FdKind::File(file) if file.waits => {
                    scatter(guest, iovs, true, |buf, _| read_stream(interrupt, &file.file, buf, nonblock))
                }
                FdKind::File(file) => scatter(guest, iovs, false, |buf, _| Ok(file.file.read(buf)?)),
                FdKind::Socket(socket) => {
                    let stream = socket.stream()?;
                    scatter(guest, iovs, true, |buf, _| read_stream(interrupt, stream, buf, nonblock))
                }
                FdKind::Dir(_) => Err(Errno::BADF.into()),
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
            let FdKind::File(file) = &fd.kind else { return Err(Errno::SPIPE.into()) };
            scatter(guest, iovs, false, |buf, done| {
                let offset = offset.checked_add(done.into()).ok_or(Errno::INVAL)?;
                Ok(file.file.read_at(buf, offset)?)
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
        let number = fd;
        self.transfer(guest, (fd, Rights::FD_WRITE), iovs, nwritten, |fd, guest| {
            let (interrupt, budget, nonblock) = (guest.interrupt, guest.budget, fd.nonblock);
            match &fd.kind {
                FdKind::Stdio(stdio) => {
                    let written =
                        gather(guest, iovs, |bytes, _| stdio.write(interrupt, budget, bytes, nonblock))?;
                    guest.passed_out(stdio.number().unwrap_or(number.min(2) as u8), iovs, written);
                    Ok(written)
                }
                FdKind::File(file) if file.waits => {
                    gather(guest, iovs, |bytes, _| write_stream(interrupt, &file.file, bytes, nonblock))
                }
                FdKind::File(file) => gather(guest, iovs, |bytes, _| Ok(file.file.write(bytes)?)),
                FdKind::Socket(socket) => {
                    let stream = socket.stream()?;
                    gather(guest, iovs, |bytes, _| write_stream(interrupt, stream, bytes, nonblock))
                }
                FdKind::Dir(_) => Err(Errno::BADF.into()),
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
            let FdKind::File(file) = &fd.kind else { return Err(Errno::SPIPE.into()) };
            gather(guest, iovs, |bytes, done| {
                let offset = offset.checked_add(done.into()).ok_or(Errno::INVAL)?;
                Ok(file.file.write_at(bytes, offset)?)
            })
        })
    }
}
