//! `sock_*`: connections, and the sockets that they come in at.

use super::transfer::scatter;
use crate::WasiCtx;
use crate::abi::{Fdflags, Riflags, Rights, Sdflags, flags};
use crate::errno::{Errno, Result};
use crate::fds::Fd;
use crate::guest::Guest;
use crate::host::socket::{Socket, accept, peek};
use crate::host::streams::{read_all, read_stream};
use std::net::Shutdown;

impl WasiCtx {
    pub(crate) fn sock_accept(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        fdflags: u32,
        accepted: u32,
    ) -> Result {
        guest.check(accepted, 4)?;
        self.fds.reserve(guest.budget)?;
        let socket = self.fds.socket(fd)?;
        let fdflags: Fdflags = flags(fdflags)?;
        if fdflags.intersects(!Fdflags::NONBLOCK) {
            return Err(Errno::INVAL.into());
        }
        let Socket::Listener(listener) = socket else { return Err(Errno::INVAL.into()) };
        let fd = self.fds.get(fd)?;
        fd.require(Rights::SOCK_ACCEPT)?;
        let stream = accept(listener, guest.interrupt, fd.nonblock)?;
        let mut connection = Fd::connection(stream, fd.inheriting)?;
        connection.nonblock = fdflags.contains(Fdflags::NONBLOCK);
        let number = self.fds.insert(connection);
        Ok(guest.store_u32(accepted, number)?)
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn sock_recv(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        data: u32,
        data_len: u32,
        riflags: u32,
        datalen: u32,
        roflags: u32,
    ) -> Result {
        guest.check(roflags, 2)?;
        let stream = self.fds.socket(fd)?.stream()?;
        let riflags: Riflags = flags(riflags)?;
        let (peeks, all) = (riflags.contains(Riflags::RECV_PEEK), riflags.contains(Riflags::RECV_WAITALL));
        let iovs = (data, data_len);
        self.transfer(guest, (fd, Rights::FD_READ), iovs, datalen, |fd, guest| {
            let (interrupt, nonblock) = (guest.interrupt, fd.nonblock);
            scatter(guest, iovs, peeks || !all, |buf, _| {
                if peeks {
                    peek(interrupt, stream, buf, nonblock)
                } else if all {
                    read_all(interrupt, stream, buf, nonblock)
                } else {
                    read_stream(interrupt, stream, buf, nonblock)
                }
            })
        })?;
        // Of a stream, nothing is ever cut off.
        Ok(guest.store(roflags, &[0, 0])?)
    }

    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    pub(crate) fn sock_send(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        data: u32,
        data_len: u32,
        siflags: u32,
        datalen: u32,
    ) -> Result {
        self.fds.socket(fd)?.stream()?;
        // None is defined.
        if siflags != 0 {
            return Err(Errno::INVAL.into());
        }
        self.fd_write(guest, fd, data, data_len, datalen)
    }

    pub(crate) fn sock_shutdown(&mut self, _: &mut Guest<'_>, fd: u32, how: u32) -> Result {
        let stream = self.fds.socket(fd)?.stream()?;
        let how: Sdflags = flags(how)?;
        let how = match (how.contains(Sdflags::RD), how.contains(Sdflags::WR)) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::INVAL.into()),
        };
        self.fds.get(fd)?.require(Rights::SOCK_SHUTDOWN)?;
        Ok(stream.shutdown(how)?)
    }
}
