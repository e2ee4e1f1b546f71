//! The guest's descriptors.

use crate::abi::{Fdflags, Filetype, Rights};
use crate::cookies::Cookies;
use crate::ctx::{DirPerms, FilePerms};
use crate::errno::{Errno, Result};
use crate::paid::reserve;
use crate::sock::Socket;
use crate::stdio::Stdio;
use cap_std::fs::{Dir, File};
use dunlin::{Budget, Charge};
use rustix::fs::OFlags;
use std::os::fd::OwnedFd;

/// `O_DSYNC`, which `rustix` takes for `O_SYNC`.
pub(crate) const O_DSYNC: OFlags = OFlags::from_bits_retain(0o10000);

/// What a descriptor stands for.
pub(crate) enum Kind {
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

pub(crate) struct DirFd {
    pub(crate) dir: Dir,
    /// The guest's name for it, if it is preopened.
    pub(crate) name: Option<String>,
    pub(crate) dir_perms: DirPerms,
    pub(crate) file_perms: FilePerms,
    /// The same directory once more, for reading its entries: `dir` itself may be good for looking up names only.
    pub(crate) listing: Option<OwnedFd>,
    pub(crate) cookies: Cookies,
}

/// A descriptor of the guest's.
pub(crate) struct Fd {
    pub(crate) kind: Kind,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
    /// Whether what would have to wait fails instead.
    pub(crate) nonblock: bool,
}

impl Fd {
    pub(crate) fn new(kind: Kind, base: Rights, inheriting: Rights) -> Self {
        Self { kind, base, inheriting, nonblock: false }
    }

    pub(crate) fn filetype(&self) -> Filetype {
        match &self.kind {
            Kind::Stdio(stdio) if stdio.is_terminal() => Filetype::CharacterDevice,
            Kind::Stdio(_) => Filetype::Unknown,
            Kind::File(file) => file.filetype,
            Kind::Dir(_) => Filetype::Directory,
            Kind::Socket(_) => Filetype::SocketStream,
        }
    }

    pub(crate) fn flags(&self) -> Result<Fdflags, Errno> {
        let mut flags = Fdflags::empty();
        flags.set(Fdflags::NONBLOCK, self.nonblock);
        if let Kind::File(file) = &self.kind {
            let os = rustix::fs::fcntl_getfl(&file.file)?;
            flags.set(Fdflags::APPEND, os.contains(OFlags::APPEND));
            flags.set(Fdflags::DSYNC, os.contains(O_DSYNC));
            // On Linux, `O_RSYNC` is `O_SYNC`, which contains `O_DSYNC`.
            flags.set(Fdflags::SYNC | Fdflags::RSYNC, os.contains(OFlags::SYNC));
        }
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
}

/// The guest's descriptors, by their numbers.
#[derive(Default)]
pub(crate) struct Fds {
    /// Each at the place of its number. As a guest only gets the lowest free one, there are few gaps.
    open: Vec<Option<Fd>>,
    /// All below are in use.
    lowest: usize,
    paid: Option<Charge>,
}

impl Fds {
    pub(crate) fn get(&self, fd: u32) -> Result<&Fd, Errno> {
        self.open.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::BADF)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Fd, Errno> {
        self.open.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BADF)
    }

    fn find_lowest(&mut self) {
        while self.open.get(self.lowest).is_some_and(Option::is_some) {
            self.lowest += 1;
        }
    }

    /// Makes room for one more, before there is anything that could be lost for lack of it.
    pub(crate) fn reserve(&mut self, budget: &Budget) -> Result<(), Errno> {
        self.find_lowest();
        if self.lowest < self.open.len() || self.open.len() < self.open.capacity() {
            return Ok(());
        }
        let more = self.open.len().max(4);
        reserve(&mut self.open, &mut self.paid, budget, more)
    }

    /// Gives `fd` the lowest free number. A guest has [reserved](Self::reserve) its place.
    pub(crate) fn insert(&mut self, fd: Fd) -> u32 {
        self.find_lowest();
        match self.open.get_mut(self.lowest) {
            Some(place) => *place = Some(fd),
            None => self.open.push(Some(fd)),
        }
        self.lowest as u32
    }

    fn remove(&mut self, fd: u32) -> Result<Fd, Errno> {
        let removed = self.open.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::BADF)?;
        self.lowest = self.lowest.min(fd as usize);
        Ok(removed)
    }

    /// Closes `fd`, which is gone afterwards even if that fails.
    pub(crate) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        match self.remove(fd)?.kind {
            // Some file systems tell only now that they can't keep what was written.
            Kind::File(file) => Ok(nix::unistd::close(file.file)?),
            Kind::Stdio(_) | Kind::Dir(_) | Kind::Socket(_) => Ok(()),
        }
    }

    /// Makes `from` take the place of `to`, which must be open, too. As with `dup2`, nobody learns of errors of closing `to`.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(to)?;
        let fd = self.remove(from)?;
        self.open[to as usize] = Some(fd);
        Ok(())
    }

    /// The directory `fd`, if `rights` allow what is about to be done with it.
    pub(crate) fn dir(&self, fd: u32, rights: Rights) -> Result<&DirFd, Errno> {
        let fd = self.get(fd)?;
        match &fd.kind {
            Kind::Dir(dir) => fd.require(rights).map(|()| dir),
            Kind::File(_) | Kind::Socket(_) => Err(Errno::NOTDIR),
            Kind::Stdio(_) => Err(Errno::BADF),
        }
    }

    /// The file `fd`, if `rights` allow what is about to be done with it.
    pub(crate) fn file(&self, fd: u32, rights: Rights) -> Result<&FileFd, Errno> {
        let fd = self.get(fd)?;
        match &fd.kind {
            Kind::File(file) => fd.require(rights).map(|()| file),
            Kind::Dir(_) | Kind::Stdio(_) | Kind::Socket(_) => Err(Errno::BADF),
        }
    }

    /// The socket `fd`.
    pub(crate) fn socket(&self, fd: u32) -> Result<&Socket, Errno> {
        match &self.get(fd)?.kind {
            Kind::Socket(socket) => Ok(socket),
            Kind::Stdio(_) | Kind::File(_) | Kind::Dir(_) => Err(Errno::NOTSOCK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;

    #[test]
    fn numbers_are_the_lowest_free() {
        let mut fds = WasiCtx::builder().build().fds;
        let insert =
            |fds: &mut Fds| fds.insert(Fd::new(Kind::Stdio(Stdio::Null), Rights::empty(), Rights::empty()));
        assert_eq!([insert(&mut fds), insert(&mut fds), insert(&mut fds)], [3, 4, 5]);
        fds.close(4).unwrap();
        fds.close(1).unwrap();
        assert_eq!(fds.close(4), Err(Errno::BADF));
        assert_eq!([insert(&mut fds), insert(&mut fds), insert(&mut fds)], [1, 4, 6]);
        fds.renumber(3, 6).unwrap();
        assert_eq!(fds.renumber(3, 6), Err(Errno::BADF));
        fds.renumber(6, 6).unwrap();
        assert_eq!(fds.renumber(6, 7), Err(Errno::BADF), "nothing is open there");
        fds.renumber(6, 0).unwrap();
        assert_eq!([insert(&mut fds), insert(&mut fds), insert(&mut fds)], [3, 6, 7]);
    }

    #[test]
    fn places_are_paid_for_before_there_is_anything_to_put_there() {
        let place = size_of::<Option<Fd>>() as u64;
        let budget = Budget::new(14 * place);
        let mut fds = Fds::default();
        let insert = |fds: &mut Fds| {
            fds.reserve(&budget)?;
            Ok::<_, Errno>(fds.insert(Fd::new(Kind::Stdio(Stdio::Null), Rights::empty(), Rights::empty())))
        };
        for number in 0..8 {
            assert_eq!(insert(&mut fds), Ok(number));
            assert_eq!(budget.used(), if number < 4 { 4 } else { 8 } * place);
        }
        // 16 places, and the 8 until they are copied.
        assert_eq!(insert(&mut fds), Err(Errno::NOMEM));
        assert_eq!(budget.used(), 8 * place);
        // A place that is free has been paid for.
        fds.close(5).unwrap();
        assert_eq!(insert(&mut fds), Ok(5));
        assert_eq!(insert(&mut fds), Err(Errno::NOMEM));
        drop(fds);
        assert_eq!(budget.used(), 0);
    }
}
