//! Sockets.

use crate::errno::{Errno, Result};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

/// A socket of the guest's. The host's own doesn't wait: whoever uses it polls before.
pub(crate) enum Socket {
    Listener(TcpListener),
    Connection(TcpStream),
}

impl Socket {
    pub(super) fn listener(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Socket::Listener(listener))
    }

    pub(super) fn connection(stream: TcpStream) -> io::Result<Self> {
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
