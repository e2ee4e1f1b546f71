//! Directories: what is below them, and what they contain.

use super::file::File;
use crate::abi::Entry;
use crate::errno::Errno;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A directory. Paths that start from it never lead out of it: `cap-std` sees to that.
pub(crate) struct Dir {
    pub(super) below: cap_std::fs::Dir,
    /// The same directory once more, for reading its entries: `below` itself may be good for looking up names only.
    listing: Option<OwnedFd>,
}

impl Dir {
    /// Opens a directory of the host's.
    pub(crate) fn open_ambient(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())?))
    }

    /// The directory that was opened as a file.
    pub(crate) fn from_file(file: File) -> Self {
        Self::new(cap_std::fs::Dir::from_std_file(file.0.into_std()))
    }

    fn new(below: cap_std::fs::Dir) -> Self {
        Self { below, listing: None }
    }

    /// A descriptor that entries can be read from.
    pub(crate) fn listing(&mut self) -> Result<BorrowedFd<'_>, Errno> {
        let listing = match self.listing.take() {
            Some(listing) => listing,
            None => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                openat(&self.below, ".", flags, Mode::empty())?
            }
        };
        let listing: &OwnedFd = self.listing.insert(listing);
        Ok(listing.as_fd())
    }

    /// Passes on the entries from the system's cookie `start` on, until `take` doesn't want more.
    #[cfg(target_os = "linux")]
    pub(crate) fn entries(
        &mut self,
        start: u64,
        mut take: impl FnMut(Entry<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        // Enough for any one entry, and for what fits a buffer of the usual size.
        let mut scratch = [const { std::mem::MaybeUninit::uninit() }; 4096];
        let listing = self.listing()?;
        rustix::fs::seek(listing, rustix::fs::SeekFrom::Start(start))?;
        let mut entries = rustix::fs::RawDir::new(listing, &mut scratch);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let more = take(Entry {
                name: entry.file_name().to_bytes(),
                ino: entry.ino(),
                filetype: filetype(listing, entry.file_name(), entry.file_type()).into(),
                next: entry.next_entry_cookie(),
            })?;
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Passes on the entries from the `start`th on, until `take` doesn't want more. Systems other than Linux don't say where
    /// an entry is, so entries are counted.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn entries(
        &mut self,
        start: u64,
        mut take: impl FnMut(Entry<'_>) -> Result<bool, Errno>,
    ) -> Result<(), Errno> {
        let listing = self.listing()?;
        for (entry, index) in rustix::fs::Dir::read_from(listing)?.zip(0..) {
            let entry = entry?;
            let more = index < start
                || take(Entry {
                    name: entry.file_name().to_bytes(),
                    ino: entry.ino(),
                    filetype: filetype(listing, entry.file_name(), entry.file_type()).into(),
                    next: index + 1,
                })?;
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// The type of a directory's entry, which some file systems don't tell with its name.
fn filetype(listing: BorrowedFd<'_>, name: &CStr, told: FileType) -> FileType {
    match told {
        FileType::Unknown => statat(listing, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
        told => told,
    }
}
