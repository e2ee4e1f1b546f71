//! Address space, and what may be done with its pages.

use std::io;
use std::ops::Deref;

/// The size of a page.
pub(crate) fn page_size() -> usize {
    region::page::size()
}

/// Whether the system grants this much address space.
pub(crate) fn has_address_space(bytes: u64) -> bool {
    usize::try_from(bytes)
        .is_ok_and(|len| memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon().is_ok())
}

/// Whether a code stack of this size leaves address space for others, where RLIMIT_AS limits it. Such a stack takes
/// many times as much as anything else in a store, and a store can do without it.
pub(crate) fn leaves_address_space(bytes: u64) -> bool {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: only writes to `limit`.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    limit.rlim_cur == libc::RLIM_INFINITY || has_address_space(bytes + (limit.rlim_cur / 4).min(1 << 30))
}

/// Whether pages can be accessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    None,
    ReadWrite,
}

/// Address space for a stack. No reference into it is ever created.
pub(crate) struct Reservation(memmap2::MmapRaw);

impl Reservation {
    /// Reserves `len` bytes, the lowest `inaccessible` of which can't be accessed yet.
    pub(crate) fn new(len: usize, inaccessible: usize) -> io::Result<Self> {
        debug_assert!(inaccessible <= len);
        let pages = memmap2::MmapOptions::new().no_reserve_swap().len(len).map_anon()?;
        // A huge page would commit 2 MiB on a touch, uncharged. This is advice only: not every kernel knows it.
        let _ = pages.advise(memmap2::Advice::NoHugePage);
        let pages = memmap2::MmapRaw::from(pages);
        // SAFETY: the pages belong to this mapping, and nothing refers into it.
        unsafe { region::protect(pages.as_ptr(), inaccessible, region::Protection::NONE) }
            .map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(pages))
    }

    /// The lowest address.
    #[inline]
    pub(crate) fn bottom(&self) -> usize {
        self.0.as_ptr() as usize
    }

    /// The address after the highest byte.
    #[inline]
    pub(crate) fn top(&self) -> usize {
        self.bottom() + self.0.len()
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether an address lies in the reservation, accessible or not.
    #[inline]
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.bottom()) < self.0.len()
    }

    /// Changes the access to the pages `from..to`. False if the system refuses. The system call is made directly,
    /// because it must be async-signal-safe.
    ///
    /// # Safety
    /// Nothing live may be in pages that lose access.
    pub(crate) unsafe fn protect(&self, from: usize, to: usize, access: Access) -> bool {
        debug_assert!(self.contains(from) && to <= self.top());
        let protection = match access {
            Access::None => libc::PROT_NONE,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        };
        // SAFETY: the pages belong to this reservation; the rest is this function's contract.
        unsafe { libc::mprotect(from as *mut libc::c_void, to - from, protection) == 0 }
    }

    /// Gives the memory of the pages `from..to` back. They read as zeros afterwards.
    ///
    /// # Safety
    /// Nothing live may be in these pages.
    pub(crate) unsafe fn discard(&self, from: usize, to: usize) {
        debug_assert!(self.contains(from) && to <= self.top());
        // SAFETY: the pages belong to this reservation; the rest is this function's contract.
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_DONTNEED) };
    }
}

/// Pages of machine code (W^X): written once, then made executable, and never writable again.
#[derive(Debug)]
pub(crate) struct CodePages(memmap2::Mmap);

impl CodePages {
    /// Pages of `len` bytes, which `write` fills.
    pub(crate) fn new(len: usize, write: impl FnOnce(&mut [u8])) -> io::Result<Self> {
        let mut pages = memmap2::MmapOptions::new().len(len).map_anon()?;
        write(&mut pages);
        pages.make_exec().map(Self)
    }
}

impl Deref for CodePages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
