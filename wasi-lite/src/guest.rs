//! The guest's side of a call: its memory, every access checked.

use crate::abi::{Filestat, Snapshot};
use crate::errno::Errno;
use crate::host::interrupt::Interrupt;
#[cfg(feature = "record")]
use dunlin::CallNotes;
use dunlin::testing::third_party;
use dunlin::{Budget, Charge, Kind};
use std::ops::{Deref, Range};

/// POSIX's `IOV_MAX` on Linux.
const IOV_MAX: u32 = 1024;
/// Linux's `PATH_MAX`, without its NUL.
const PATH_MAX: u32 = 4095;

/// What the sandbox takes to resolve a path: a copy of it where `openat2` does it all, else two lists of its names, one
/// of which may be moving to where there is twice the room, and a buffer for a symbolic link's text, which is longer than
/// any. Only what chains of long links lead to isn't in it.
const PATH_COST: usize = 8192;
const PATH_COST_PER_BYTE: usize = 64;

/// A path, and what it costs to use it.
#[derive(Debug)]
pub(crate) struct GuestPath<'a> {
    text: &'a str,
    _paid: Charge,
}

impl GuestPath<'_> {
    /// Calls the sandbox with it.
    pub(crate) fn with<R>(&self, call: impl FnOnce(&str) -> R) -> R {
        third_party(|| call(self.text))
    }
}

impl Deref for GuestPath<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        self.text
    }
}

/// An argument of a call: its name in the table of functions, and its value.
pub(crate) type Argument = (&'static str, i128);

/// The calling instance.
pub(crate) struct Guest<'a> {
    memory: &'a mut [u8],
    /// What it was made for.
    pub(crate) snapshot: Snapshot,
    pub(crate) interrupt: Interrupt<'a>,
    /// What pays for whatever the host keeps on its behalf.
    pub(crate) budget: &'a Budget,
    /// What the monotonic clock showed when the call began, if it is repeated.
    pub(crate) began: Option<u64>,
    /// Where it is noted what is read and written, if the call is recorded.
    #[cfg(feature = "record")]
    notes: Option<&'a CallNotes>,
}

impl<'a> Guest<'a> {
    pub(crate) fn new(
        memory: &'a mut [u8],
        snapshot: Snapshot,
        interrupt: Interrupt<'a>,
        budget: &'a Budget,
    ) -> Self {
        Self {
            memory,
            snapshot,
            interrupt,
            budget,
            began: None,
            #[cfg(feature = "record")]
            notes: None,
        }
    }

    /// The same in a call that is recorded, if there are notes.
    #[cfg(feature = "record")]
    pub(crate) fn noted(self, notes: Option<&'a CallNotes>) -> Self {
        Self { notes, ..self }
    }

    /// The same in a call that is repeated, if it began then.
    pub(crate) fn begun(self, began: Option<u64>) -> Self {
        Self { began, ..self }
    }

    /// Pays for `count` values of type `T`, until the charge is dropped.
    pub(crate) fn charge<T>(&self, count: usize) -> Result<Charge, Errno> {
        let bytes = count.checked_mul(size_of::<T>()).ok_or(Errno::NOMEM)?;
        self.budget.charge(Kind::Host, bytes as u64).map_err(|_| Errno::NOMEM)
    }

    fn range(&self, at: u32, len: u32) -> Result<Range<usize>, Errno> {
        let start = at as usize;
        match start.checked_add(len as usize) {
            Some(end) if end <= self.memory.len() => Ok(start..end),
            _ => Err(Errno::FAULT),
        }
    }

    pub(crate) fn bytes(&self, at: u32, len: u32) -> Result<&[u8], Errno> {
        let bytes = &self.memory[self.range(at, len)?];
        #[cfg(feature = "record")]
        if let Some(notes) = self.notes {
            notes.read(at as usize, bytes);
        }
        Ok(bytes)
    }

    /// A place for results, all of which is written.
    pub(crate) fn bytes_mut(&mut self, at: u32, len: u32) -> Result<&mut [u8], Errno> {
        self.wrote(at, len);
        self.buffer(at, len)
    }

    /// A place for results. Whatever is [written](Guest::wrote) there has to be said.
    pub(crate) fn buffer(&mut self, at: u32, len: u32) -> Result<&mut [u8], Errno> {
        let range = self.range(at, len)?;
        Ok(&mut self.memory[range])
    }

    /// So many bytes at `at` are results now.
    pub(crate) fn wrote(&self, at: u32, len: u32) {
        #[cfg(feature = "record")]
        if let (Some(notes), Ok(_)) = (self.notes, self.range(at, len)) {
            notes.wrote(at as usize, len as usize);
        }
        #[cfg(not(feature = "record"))]
        let _ = (at, len);
    }

    /// So many bytes of buffers have gone out through a stream with this number.
    pub(crate) fn passed_out(&self, stream: u8, (iovs, iovs_len): (u32, u32), mut len: u32) {
        #[cfg(feature = "record")]
        if let Some(notes) = self.notes {
            let buffers = (0..iovs_len).map_while(|index| self.iovec(iovs, index).ok());
            for (at, room) in buffers {
                let passed = room.min(len);
                if passed == 0 && len == 0 {
                    break;
                }
                notes.passed_out(stream, at as usize, passed as usize);
                len -= passed;
            }
        }
        #[cfg(not(feature = "record"))]
        let _ = (stream, iovs, iovs_len, &mut len);
    }

    /// Checks a place for results, before there is any effect that they would report.
    pub(crate) fn check(&self, at: u32, len: u32) -> Result<(), Errno> {
        self.range(at, len).map(|_| ())
    }

    pub(crate) fn store(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let len = u32::try_from(bytes.len()).map_err(|_| Errno::OVERFLOW)?;
        self.bytes_mut(at, len)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn store_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.store(at, &value.to_le_bytes())
    }

    pub(crate) fn store_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.store(at, &value.to_le_bytes())
    }

    /// Stores the attributes of a file as the guest's snapshot has them.
    pub(crate) fn store_filestat(&mut self, at: u32, stat: &Filestat) -> Result<(), Errno> {
        let (bytes, len) = stat.bytes(self.snapshot);
        self.store(at, &bytes[..len])
    }

    pub(crate) fn path(&self, at: u32, len: u32) -> Result<GuestPath<'_>, Errno> {
        let bytes = self.bytes(at, len)?;
        if len > PATH_MAX {
            return Err(Errno::NAMETOOLONG);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Errno::ILSEQ)?;
        // To the system, the path would end there.
        if text.contains('\0') {
            return Err(Errno::INVAL);
        }
        Ok(GuestPath { text, _paid: self.charge::<u8>(PATH_COST + PATH_COST_PER_BYTE * text.len())? })
    }

    /// Checks an array of `iovec` or `ciovec` and all the buffers that it names.
    pub(crate) fn check_iovecs(&self, iovs: u32, len: u32) -> Result<(), Errno> {
        if len > IOV_MAX {
            return Err(Errno::INVAL);
        }
        (0..len).try_for_each(|index| self.iovec(iovs, index).map(|_| ()))
    }

    /// Where the buffer is that an element of such an array names.
    pub(crate) fn iovec(&self, iovs: u32, index: u32) -> Result<(u32, u32), Errno> {
        let at = iovs.checked_add(index * 8).ok_or(Errno::FAULT)?;
        let [b0, b1, b2, b3, l0, l1, l2, l3] = *self.bytes(at, 8)? else { return Err(Errno::FAULT) };
        let (buf, buf_len) = (u32::from_le_bytes([b0, b1, b2, b3]), u32::from_le_bytes([l0, l1, l2, l3]));
        self.check(buf, buf_len)?;
        Ok((buf, buf_len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_checked() {
        let (mut memory, budget) = ([0; 100], Budget::unlimited());
        let mut guest = Guest::new(&mut memory, Snapshot::Preview1, Interrupt::by(None), &budget);
        assert_eq!(guest.bytes(96, 4).unwrap().len(), 4);
        assert_eq!(guest.bytes(100, 0).unwrap().len(), 0);
        for (at, len) in [(97, 4), (101, 0), (u32::MAX, u32::MAX), (0, u32::MAX), (u32::MAX, 0)] {
            assert_eq!(guest.bytes(at, len), Err(Errno::FAULT));
            assert_eq!(guest.path(at, len).unwrap_err(), Errno::FAULT);
        }
        assert_eq!(guest.store_u64(93, 1), Err(Errno::FAULT));
        guest.store(0, b"\xff").unwrap();
        assert_eq!(guest.path(0, 1).unwrap_err(), Errno::ILSEQ);
        guest.store(0, b"a\0b").unwrap();
        assert_eq!(guest.path(0, 3).unwrap_err(), Errno::INVAL);
        assert_eq!(&*guest.path(0, 1).unwrap(), "a");
    }

    #[test]
    fn iovecs_are_checked() {
        let (mut memory, budget) = ([0; 100], Budget::unlimited());
        let mut guest = Guest::new(&mut memory, Snapshot::Preview1, Interrupt::by(None), &budget);
        guest.store(0, &[[16_u8, 0, 0, 0], [4, 0, 0, 0], [97, 0, 0, 0], [4, 0, 0, 0]].concat()).unwrap();
        assert_eq!(guest.iovec(0, 0), Ok((16, 4)));
        assert_eq!(guest.iovec(0, 1), Err(Errno::FAULT));
        assert_eq!(guest.check_iovecs(0, 1), Ok(()));
        assert_eq!(guest.check_iovecs(0, 2), Err(Errno::FAULT));
        assert_eq!(guest.check_iovecs(96, 1), Err(Errno::FAULT));
        assert_eq!(guest.check_iovecs(u32::MAX, 1), Err(Errno::FAULT));
        assert_eq!(guest.check_iovecs(0, 1025), Err(Errno::INVAL));
        let mut memory = [0; 1025 * 8];
        let guest = Guest::new(&mut memory, Snapshot::Preview1, Interrupt::by(None), &budget);
        assert_eq!(guest.check_iovecs(0, 1024), Ok(()));
        assert_eq!(guest.check_iovecs(0, 1025), Err(Errno::INVAL));
    }

    #[test]
    fn paths_are_charged_while_they_are_used() {
        let (mut memory, budget) = ([b'x'; 5000], Budget::new(1 << 20));
        let guest = Guest::new(&mut memory, Snapshot::Preview1, Interrupt::by(None), &budget);
        for len in [0, 1, 100, 4095] {
            let path = guest.path(0, len).unwrap();
            assert_eq!((path.len(), budget.used()), (len as usize, 8192 + 64 * u64::from(len)));
            drop(path);
            assert_eq!(budget.used(), 0);
        }
        assert_eq!(guest.path(0, 4096).unwrap_err(), Errno::NAMETOOLONG);
        let budget = Budget::new(8192 + 64 * 100);
        let guest = Guest::new(&mut memory, Snapshot::Preview1, Interrupt::by(None), &budget);
        assert_eq!(guest.path(0, 101).unwrap_err(), Errno::NOMEM);
        let _one = guest.path(0, 100).unwrap();
        assert_eq!(guest.path(0, 0).unwrap_err(), Errno::NOMEM);
    }
}
