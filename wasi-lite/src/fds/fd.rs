//! One descriptor, and what it stands for.

use super::dir::DirFd;
use super::perms::FilePerms;
use crate::abi::{Fdflags, Filetype, Rights};
use crate::errno::{Errno, Result};
use crate::host::file::File;
use crate::host::socket::Socket;
use crate::host::stdio::Stdio;
use crate::host::{AsFd, BorrowedFd};
use std::io;
use std::net::{TcpListener, TcpStream};

/// What a descriptor stands for.
pub(crate) enum FdKind {
    Stdio(Stdio),
    File(FileFd),
    Dir(DirFd),
    Socket(Socket),
}

pub(crate) struct FileFd {
    pub(crate) file: File,
    pub(crate) filetype: Filetype,
    pub(crate) perms: FilePerms,
    /// Whether the guest opened it for writing. The host may have, to create it.
    pub(crate) writable: bool,
    /// Whether reading or writing may take as long as somebody else likes: the file is no file on a disk.
    pub(crate) waits: bool,
}

/// A descriptor of the guest's.
pub(crate) struct Fd {
    pub(crate) kind: FdKind,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    /// Whether what would have to wait fails instead.
    pub(crate) nonblock: bool,
}

impl Fd {
    pub(crate) fn new(kind: FdKind, base: Rights, inheriting: Rights) -> Self {
        Self { kind, base, inheriting, nonblock: false }
    }

    /// A socket that connections come in at.
    pub(crate) fn listener(listener: TcpListener) -> io::Result<Self> {
        let socket = FdKind::Socket(Socket::listener(listener)?);
        Ok(Self::new(socket, Rights::LISTENER, Rights::CONNECTION))
    }

    /// A connection, with the rights that its listener hands on.
    pub(crate) fn connection(stream: TcpStream, inherited: Rights) -> io::Result<Self> {
        let rights = Rights::CONNECTION & inherited;
        Ok(Self::new(FdKind::Socket(Socket::connection(stream)?), rights, rights))
    }

    pub(crate) fn filetype(&self) -> Filetype {
        match &self.kind {
            FdKind::Stdio(stdio) if stdio.is_terminal() => Filetype::CharacterDevice,
            FdKind::Stdio(_) => Filetype::Unknown,
            FdKind::File(file) => file.filetype,
            FdKind::Dir(_) => Filetype::Directory,
            FdKind::Socket(_) => Filetype::SocketStream,
        }
    }

    pub(crate) fn flags(&self) -> Result<Fdflags, Errno> {
        let mut flags = match &self.kind {
            FdKind::File(file) => file.file.flags()?,
            FdKind::Stdio(_) | FdKind::Dir(_) | FdKind::Socket(_) => Fdflags::empty(),
        };
        flags.set(Fdflags::NONBLOCK, self.nonblock);
        Ok(flags)
    }

    /// Checks that the guest hasn't given up `rights`, or never had them.
    pub(crate) fn require(&self, rights: Rights) -> Result<(), Errno> {
        if self.base.contains(rights) {
            Ok(())
        } else if rights.intersects(Rights::FD_READ | Rights::FD_WRITE) {
            // As POSIX says of descriptors that aren't open for reading or writing.
            Err(Errno::BADF)
        } else {
            Err(Errno::NOTCAPABLE)
        }
    }

    /// The host's descriptor of a file or directory, for what isn't reading or writing.
    pub(crate) fn on_disk(&mut self, rights: Rights) -> Result<BorrowedFd<'_>, Errno> {
        let allowed = self.require(rights);
        match &mut self.kind {
            FdKind::Stdio(_) | FdKind::Socket(_) => Err(Errno::INVAL),
            FdKind::File(file) => allowed.map(|()| file.file.as_fd()),
            FdKind::Dir(dir) => allowed.and_then(|()| dir.dir.listing()),
        }
    }
}
