//! Mappings: address space, and the pages behind it.

use alloc::string::ToString;
use std::io;

/// Zeroed bytes at a fixed address, taken from the operating system a page at a time as they are touched.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: memmap2::MmapMut,
    /// Whether a part of it is a snapshot's.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "snapshots aren't mapped there"))]
    overlaid: bool,
}

std::thread_local! {
    /// For tests: how many mappings succeed until they are refused.
    pub(crate) static REFUSED_AFTER: core::cell::Cell<u64> = const { core::cell::Cell::new(u64::MAX) };
    /// For tests: how many were refused.
    pub(crate) static REFUSED: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
    /// For tests: larger mappings are refused.
    pub(crate) static LARGEST: core::cell::Cell<usize> = const { core::cell::Cell::new(usize::MAX) };
}

/// Whether a test wants mappings refused, and so wants all of them asked for.
pub(crate) fn refuses_mappings() -> bool {
    REFUSED_AFTER.get() != u64::MAX
}

/// An error if a test wants the next mapping, of `len` bytes, refused.
fn refused(len: usize) -> io::Result<()> {
    if cfg!(test) && len > LARGEST.get() {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    match REFUSED_AFTER.get() {
        u64::MAX => Ok(()),
        0 => {
            REFUSED.set(REFUSED.get() + 1);
            Err(io::ErrorKind::OutOfMemory.into())
        }
        left => {
            REFUSED_AFTER.set(left - 1);
            Ok(())
        }
    }
}

impl Mapping {
    /// Maps `len` bytes, which must not be 0.
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        refused(len)?;
        Ok(Self { map: memmap2::MmapOptions::new().len(len).map_anon()?, overlaid: false })
    }

    /// Reserves `len` bytes of address space that count towards memory in use only as they are touched.
    pub(crate) fn reserve(len: usize) -> io::Result<Self> {
        refused(len)?;
        let map = memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon()?;
        Ok(Self { map, overlaid: false })
    }

    /// Reserves `len` bytes of address space, of which the first `accessible` can be accessed, a multiple of 64 KiB.
    pub(crate) fn accessible_to(accessible: usize, len: usize) -> io::Result<Self> {
        let mapping = Self::reserve(len)?;
        if accessible < len {
            mapping.protect(accessible, len - accessible, region::Protection::NONE)?;
        }
        Ok(mapping)
    }

    /// Makes the bytes from `from` to `to`, both multiples of 64 KiB, readable and writable.
    pub(crate) fn make_accessible(&mut self, from: usize, to: usize) -> io::Result<()> {
        if from == to {
            return Ok(());
        }
        refused(to - from)?;
        self.protect(from, to - from, region::Protection::READ_WRITE)
    }

    fn protect(&self, at: usize, len: usize, protection: region::Protection) -> io::Result<()> {
        let at = self.map[at..at + len].as_ptr();
        // SAFETY: the pages are the mapping's own, and nothing refers into them that this could invalidate.
        unsafe { region::protect(at, len, protection) }.map_err(|error| io::Error::other(error.to_string()))
    }

    /// Asks the system to hold no more than the pages that are touched: it may otherwise make a large mapping of
    /// 2 MiB pages, of which a small memory uses little.
    pub(crate) fn in_small_pages(&self) {
        // Advisory: failure is harmless, and not every system has it.
        #[cfg(target_os = "linux")]
        let _ = self.map.advise(memmap2::Advice::NoHugePage);
    }

    /// Gives the pages of `len` bytes from `from` on back to the system: they are zero when they are touched again.
    /// False if the system doesn't do that.
    pub(crate) fn discard(&mut self, from: usize, len: usize) -> bool {
        #[cfg(target_os = "linux")]
        // SAFETY: the mapping is private and anonymous, so its bytes become 0; the exclusive borrow shows that nobody
        // relies on them.
        let discarded =
            unsafe { self.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, from, len) }.is_ok();
        #[cfg(not(target_os = "linux"))]
        let discarded = (from..from + len).is_empty();
        discarded
    }

    /// Reserves `len` bytes, rounded up to pages, between a page that faults when touched, and `beyond` bytes and a page
    /// that do. Gives the mapping and where the usable part begins in it.
    pub(crate) fn guarded(len: usize, beyond: usize) -> io::Result<(Self, usize)> {
        let page = region::page::size();
        let (len, beyond) = (len.next_multiple_of(page), beyond.next_multiple_of(page) + page);
        let mapping = Self::reserve(page + len + beyond)?;
        for (guard, size) in [(0, page), (page + len, beyond)] {
            mapping.protect(guard, size, region::Protection::NONE)?;
        }
        Ok((mapping, page))
    }

    /// A page that can be read, for [`Mapping::open`] to change that. Gives the mapping and where the page begins in it.
    pub(crate) fn readable() -> io::Result<(Self, usize)> {
        let page = region::page::size();
        // Between writable pages, the kernel never merges it with a neighbour. So changing its protection never splits
        // a mapping, which would take memory.
        let mapping = Self::reserve(3 * page)?;
        mapping.protect(page, page, region::Protection::READ)?;
        Ok((mapping, page))
    }

    /// Has the page at `at` be readable, or inaccessible.
    pub(crate) fn open(&self, at: usize, open: bool) -> io::Result<()> {
        let protection = if open { region::Protection::READ } else { region::Protection::NONE };
        self.protect(at, region::page::size(), protection)
    }

    /// The address of a byte.
    pub(crate) fn address(&self, at: usize) -> *const u8 {
        self.map[at..].as_ptr()
    }

    /// Makes the mapping larger, wherever it then is; the new bytes are zero. Gives it back if it can't.
    #[cfg(target_os = "linux")]
    pub(crate) fn grow(mut self, len: usize) -> Result<Self, Self> {
        if refused(len).is_err() || isize::try_from(len).is_err() {
            return Err(self);
        }
        // What are several mappings to the system, it can't move.
        if self.overlaid {
            return self.copied(len);
        }
        // SAFETY: the mapping is private and anonymous, and no borrow of it is left: `self` is owned.
        match unsafe { self.map.remap(len, memmap2::RemapOptions::new().may_move(true)) } {
            Ok(()) => Ok(self),
            Err(_) => self.copied(len),
        }
    }

    /// Makes the mapping larger, wherever it then is; the new bytes are zero. Gives it back if it can't.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn grow(self, len: usize) -> Result<Self, Self> {
        self.copied(len)
    }

    /// A larger mapping with the same bytes.
    fn copied(self, len: usize) -> Result<Self, Self> {
        let Ok(mut larger) = Self::new(len) else { return Err(self) };
        larger.map[..self.map.len()].copy_from_slice(&self.map);
        Ok(larger)
    }

    /// Makes the first bytes those of a snapshot, of which a page is copied when it is written. On failure the mapping is
    /// lost, and its address space with it: the system may have removed a part, where something else may be soon.
    #[cfg(target_os = "linux")]
    pub(crate) fn overlay(self, snapshot: &Snapshot) -> io::Result<Self> {
        use std::os::fd::AsRawFd;
        assert!(snapshot.len <= self.len(), "the snapshot fits");
        let mut mapping = core::mem::ManuallyDrop::new(self);
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_FIXED);
        let (at, fd) = (mapping.as_mut_ptr().cast(), snapshot.file.as_raw_fd());
        // SAFETY: the pages replaced are the mapping's own, which is owned, so nothing refers into them; the file's bytes
        // never change, since it is sealed.
        let placed = unsafe { libc::mmap(at, snapshot.len, protection, flags, fd, 0) };
        match placed == libc::MAP_FAILED {
            true => Err(io::Error::last_os_error()),
            false => {
                mapping.overlaid = true;
                Ok(core::mem::ManuallyDrop::into_inner(mapping))
            }
        }
    }

    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.map.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}

/// Whether the system has `len` bytes of memory.
pub(crate) fn has_memory(len: usize) -> bool {
    Mapping::new(len).is_ok()
}

/// The size of the system's pages.
pub(crate) fn page_size() -> usize {
    region::page::size()
}

/// Bytes that mappings share until they are written.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct Snapshot {
    file: std::fs::File,
    len: usize,
}

#[cfg(target_os = "linux")]
impl Snapshot {
    /// A snapshot of `len` bytes, a multiple of the system's pages: these parts, each at its place, and zeros.
    pub(crate) fn new<'p>(len: usize, parts: impl Iterator<Item = (u64, &'p [u8])>) -> io::Result<Self> {
        use std::os::fd::{AsRawFd, FromRawFd};
        use std::os::unix::fs::FileExt;
        // SAFETY: the name is a text of C's; the descriptor is new, and nobody else's.
        let file = unsafe {
            let fd = libc::memfd_create(c"dunlin".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            std::fs::File::from_raw_fd(fd)
        };
        file.set_len(len as u64)?;
        for (at, part) in parts {
            file.write_all_at(part, at)?;
        }
        let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: it changes only what may be done to the file from now on.
        match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } {
            0 => Ok(Self { file, len }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Elsewhere there are none.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) enum Snapshot {}

#[cfg(not(target_os = "linux"))]
impl Snapshot {
    pub(crate) fn new<'p>(_: usize, _: impl Iterator<Item = (u64, &'p [u8])>) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(not(target_os = "linux"))]
impl Mapping {
    pub(crate) fn overlay(self, snapshot: &Snapshot) -> io::Result<Self> {
        match *snapshot {}
    }
}

/// Whether address space is so plentiful that each memory may reserve all it may ever grow to.
pub(crate) const RESERVE_MEMORIES: bool = cfg!(target_pointer_width = "64");

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_snapshot_is_shared_until_it_is_written() {
        let page = region::page::size();
        let parts = [(1, &b"abc"[..]), (page as u64, b"def")];
        let snapshot = Snapshot::new(2 * page, parts.into_iter()).unwrap();
        let make = || Mapping::new(4 * page).unwrap().overlay(&snapshot).unwrap();
        let (mut one, two) = (make(), make());
        assert_eq!((&one.map[..4], &one.map[page..page + 4]), (&b"\0abc"[..], &b"def\0"[..]));
        one.map[1] = b'x';
        one.map[3 * page] = 7;
        assert_eq!((two.map[1], two.map[3 * page], make().map[1]), (b'a', 0, b'a'));
        let Ok(one) = one.grow(64 * page) else { panic!("it should grow") };
        assert_eq!((&one.map[..4], one.map[page], one.map[3 * page]), (&b"\0xbc"[..], b'd', 7));
        assert!(one.map[3 * page + 1..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_mapping_keeps_its_bytes_when_it_grows() {
        let mut mapping = Mapping::new(65536).unwrap();
        mapping.map[..3].copy_from_slice(b"abc");
        let Ok(mapping) = mapping.grow(65536 * 50) else { panic!("3 MiB should be there") };
        assert_eq!(mapping.len(), 65536 * 50);
        assert_eq!(mapping.map[..4], *b"abc\0");
        assert!(mapping.map[3..].iter().all(|byte| *byte == 0));
        assert!(mapping.grow(usize::MAX / 2).is_err_and(|same| same.map[..3] == *b"abc"));
    }
}
