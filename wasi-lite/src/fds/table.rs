//! The guest's descriptors.

use super::dir::DirFd;
use super::fd::{Fd, FdKind, FileFd};
use crate::abi::Rights;
use crate::errno::{Errno, Result};
use crate::host::socket::Socket;
use crate::paid::reserve;
use dunlin::{Budget, Charge};

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

    /// The numbers that are in use.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.open.iter().enumerate().filter(|(_, fd)| fd.is_some()).map(|(number, _)| number as u32)
    }

    /// The preopened directory of this name.
    pub(crate) fn grant(&self, name: &str) -> Option<&DirFd> {
        self.open.iter().flatten().find_map(|fd| match &fd.kind {
            FdKind::Dir(dir) if dir.name.as_deref() == Some(name) => Some(dir),
            _ => None,
        })
    }

    /// Takes the preopened directory of this name out.
    pub(crate) fn take_grant(&mut self, name: &str) -> Option<Fd> {
        let is_it = |fd: &Fd| matches!(&fd.kind, FdKind::Dir(dir) if dir.name.as_deref() == Some(name));
        self.open.iter_mut().find(|fd| fd.as_ref().is_some_and(is_it)).and_then(Option::take)
    }

    /// Takes the one with this number out, if it stands for such a thing.
    pub(crate) fn take_if(&mut self, number: u32, is_it: impl Fn(&FdKind) -> bool) -> Option<Fd> {
        self.open.get_mut(number as usize)?.take_if(|fd| is_it(&fd.kind))
    }

    /// Gives `fd` this number, which must be free.
    pub(crate) fn place(&mut self, number: u32, fd: Fd, budget: &Budget) -> Result<(), Errno> {
        let more = (number as usize + 1).saturating_sub(self.open.len());
        reserve(&mut self.open, &mut self.paid, budget, more)?;
        self.open.resize_with(self.open.len().max(number as usize + 1), || None);
        match &mut self.open[number as usize] {
            Some(_) => Err(Errno::BADF),
            place => {
                *place = Some(fd);
                Ok(())
            }
        }
    }

    fn remove(&mut self, fd: u32) -> Result<Fd, Errno> {
        let removed = self.open.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::BADF)?;
        self.lowest = self.lowest.min(fd as usize);
        Ok(removed)
    }

    /// Closes `fd`, which is gone afterwards even if that fails.
    pub(crate) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        match self.remove(fd)?.kind {
            FdKind::File(file) => file.file.close(),
            FdKind::Stdio(_) | FdKind::Dir(_) | FdKind::Socket(_) => Ok(()),
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
            FdKind::Dir(dir) => fd.require(rights).map(|()| dir),
            FdKind::File(_) | FdKind::Socket(_) => Err(Errno::NOTDIR),
            FdKind::Stdio(_) => Err(Errno::BADF),
        }
    }

    /// The file `fd`, if `rights` allow what is about to be done with it.
    pub(crate) fn file(&self, fd: u32, rights: Rights) -> Result<&FileFd, Errno> {
        let fd = self.get(fd)?;
        match &fd.kind {
            FdKind::File(file) => fd.require(rights).map(|()| file),
            FdKind::Dir(_) | FdKind::Stdio(_) | FdKind::Socket(_) => Err(Errno::BADF),
        }
    }

    /// The socket `fd`.
    pub(crate) fn socket(&self, fd: u32) -> Result<&Socket, Errno> {
        match &self.get(fd)?.kind {
            FdKind::Socket(socket) => Ok(socket),
            FdKind::Stdio(_) | FdKind::File(_) | FdKind::Dir(_) => Err(Errno::NOTSOCK),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WasiCtx;
    use crate::host::stdio::Stdio;

    #[test]
    fn numbers_are_the_lowest_free() {
        let mut fds = WasiCtx::builder().build().fds;
        let insert =
            |fds: &mut Fds| fds.insert(Fd::new(FdKind::Stdio(Stdio::Null), Rights::empty(), Rights::empty()));
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
            Ok::<_, Errno>(fds.insert(Fd::new(FdKind::Stdio(Stdio::Null), Rights::empty(), Rights::empty())))
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
