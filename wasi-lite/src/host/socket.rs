//! Sockets.

use super::interrupt::{Interrupt, PollFlags};
use super::system::{AsFd, BorrowedFd};
use crate::errno::{Errno, Result};
use std::io;
use std::net::{TcpListener, TcpStream};

/// A socket of the guest's. The host's own doesn't wait: whoever uses it polls before.
pub(crate) enum Socket {
    Listener(TcpListener),
    Connection(TcpStream),
}

impl Socket {
    /// A socket that connections come in at. On Windows there is none: nobody could wait for it.
    pub(crate) fn listener(listener: TcpListener) -> io::Result<Self> {
        if cfg!(windows) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        listener.set_nonblocking(true)?;
        Ok(Socket::Listener(listener))
    }

    /// A connection. On Windows there is none, as of [`Socket::listener`].
    pub(crate) fn connection(stream: TcpStream) -> io::Result<Self> {
        if cfg!(windows) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        stream.set_nonblocking(true)?;
        Ok(Socket::Connection(stream))
    }

    /// The connection that this is.
    pub(crate) fn stream(&self) -> Result<&TcpStream, Errno> {
        match self {
            Socket::Listener(_) => Err(Errno::NOTCONN),
            Socket::Connection(stream) => Ok(stream),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Listener(listener) => listener.as_fd(),
            Socket::Connection(stream) => stream.as_fd(),
        }
    }
}

/// The next connection, waited for.
pub(crate) fn accept(listener: &TcpListener, interrupt: Interrupt<'_>, nonblock: bool) -> Result<TcpStream> {
    loop {
        interrupt.wait_or_again(listener, PollFlags::IN, nonblock)?;
        match listener.accept() {
            Ok((stream, _)) => return Ok(stream),
            // Whoever wanted to connect went away again, or somebody else accepted it.
            Err(error) => match Errno::from(error) {
                Errno::AGAIN | Errno::INTR | Errno::CONNABORTED => (),
                errno => return Err(errno.into()),
            },
        }
    }
}

/// Reads without taking anything from the stream.
pub(crate) fn peek(
    interrupt: Interrupt<'_>,
    stream: &TcpStream,
    buf: &mut [u8],
    nonblock: bool,
) -> Result<usize> {
    loop {
        interrupt.wait_or_again(stream, PollFlags::IN, nonblock)?;
        match stream.peek(buf).map_err(Errno::from) {
            Err(Errno::AGAIN | Errno::INTR) => (),
            count => return Ok(count?),
        }
    }
}
