//! The specification's types: their flags, their numbers, and how they lie in the guest's memory.

use crate::errno::{Errno, Result};
use bitflags::bitflags;

/// Which snapshot of the interface a module was made for. The functions are the same but for `sock_accept`; three
/// layouts and the order of an enumeration differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Snapshot {
    /// `wasi_unstable`
    Unstable,
    /// `wasi_snapshot_preview1`
    Preview1,
}

/// From where `fd_seek` counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whence {
    Set,
    Cur,
    End,
}

/// How a `subscription` lies in memory.
pub(crate) struct SubscriptionLayout {
    pub(crate) size: u32,
    /// Where its clock's number is, or its descriptor's.
    pub(crate) clock_id: usize,
}

impl Snapshot {
    /// Both, with the names of their modules.
    pub(crate) const ALL: [(&str, Snapshot); 2] =
        [("wasi_snapshot_preview1", Snapshot::Preview1), ("wasi_unstable", Snapshot::Unstable)];

    /// Whether it has the function `name`, which the later one has.
    pub(crate) fn has(self, name: &str) -> bool {
        self == Snapshot::Preview1 || name != "sock_accept"
    }

    pub(crate) fn whence(self, whence: u32) -> Result<Whence, Errno> {
        let order = match self {
            Snapshot::Unstable => [Whence::Cur, Whence::End, Whence::Set],
            Snapshot::Preview1 => [Whence::Set, Whence::Cur, Whence::End],
        };
        order.get(whence as usize).copied().ok_or(Errno::INVAL)
    }

    pub(crate) fn subscription(self) -> SubscriptionLayout {
        match self {
            // The clock is preceded by an identifier that nothing uses.
            Snapshot::Unstable => SubscriptionLayout { size: 56, clock_id: 24 },
            Snapshot::Preview1 => SubscriptionLayout { size: 48, clock_id: 16 },
        }
    }
}

bitflags! {
    /// What may be done with a descriptor.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Rights: u64 {
        const FD_DATASYNC = 1 << 0;
        const FD_READ = 1 << 1;
        const FD_SEEK = 1 << 2;
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        const FD_SYNC = 1 << 4;
        const FD_TELL = 1 << 5;
        const FD_WRITE = 1 << 6;
        const FD_ADVISE = 1 << 7;
        const FD_ALLOCATE = 1 << 8;
        const PATH_CREATE_DIRECTORY = 1 << 9;
        const PATH_CREATE_FILE = 1 << 10;
        const PATH_LINK_SOURCE = 1 << 11;
        const PATH_LINK_TARGET = 1 << 12;
        const PATH_OPEN = 1 << 13;
        const FD_READDIR = 1 << 14;
        const PATH_READLINK = 1 << 15;
        const PATH_RENAME_SOURCE = 1 << 16;
        const PATH_RENAME_TARGET = 1 << 17;
        const PATH_FILESTAT_GET = 1 << 18;
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        const FD_FILESTAT_GET = 1 << 21;
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        const PATH_SYMLINK = 1 << 24;
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        const PATH_UNLINK_FILE = 1 << 26;
        const POLL_FD_READWRITE = 1 << 27;
        const SOCK_SHUTDOWN = 1 << 28;
        const SOCK_ACCEPT = 1 << 29;

        /// What makes sense for a file.
        const FILE = Self::FD_DATASYNC.bits() | Self::FD_READ.bits() | Self::FD_SEEK.bits()
            | Self::FD_FDSTAT_SET_FLAGS.bits() | Self::FD_SYNC.bits() | Self::FD_TELL.bits()
            | Self::FD_WRITE.bits() | Self::FD_ADVISE.bits() | Self::FD_ALLOCATE.bits()
            | Self::FD_FILESTAT_GET.bits() | Self::FD_FILESTAT_SET_SIZE.bits()
            | Self::FD_FILESTAT_SET_TIMES.bits() | Self::POLL_FD_READWRITE.bits();
        /// What makes sense for a socket that connections come in at.
        const LISTENER = Self::FD_READ.bits() | Self::FD_FDSTAT_SET_FLAGS.bits()
            | Self::FD_FILESTAT_GET.bits() | Self::POLL_FD_READWRITE.bits() | Self::SOCK_ACCEPT.bits();
        /// What makes sense for a connection.
        const CONNECTION = Self::FD_READ.bits() | Self::FD_WRITE.bits() | Self::FD_FDSTAT_SET_FLAGS.bits()
            | Self::FD_FILESTAT_GET.bits() | Self::POLL_FD_READWRITE.bits() | Self::SOCK_SHUTDOWN.bits();
        /// What makes sense for a directory.
        const DIRECTORY = Self::FD_DATASYNC.bits() | Self::FD_SYNC.bits()
            | Self::PATH_CREATE_DIRECTORY.bits() | Self::PATH_CREATE_FILE.bits()
            | Self::PATH_LINK_SOURCE.bits() | Self::PATH_LINK_TARGET.bits() | Self::PATH_OPEN.bits()
            | Self::FD_READDIR.bits() | Self::PATH_READLINK.bits() | Self::PATH_RENAME_SOURCE.bits()
            | Self::PATH_RENAME_TARGET.bits() | Self::PATH_FILESTAT_GET.bits()
            | Self::PATH_FILESTAT_SET_SIZE.bits() | Self::PATH_FILESTAT_SET_TIMES.bits() | Self::FD_FILESTAT_GET.bits()
            | Self::FD_FILESTAT_SET_TIMES.bits() | Self::PATH_SYMLINK.bits()
            | Self::PATH_REMOVE_DIRECTORY.bits() | Self::PATH_UNLINK_FILE.bits();
    }

    /// How a descriptor behaves.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Fdflags: u16 {
        const APPEND = 1 << 0;
        const DSYNC = 1 << 1;
        const NONBLOCK = 1 << 2;
        const RSYNC = 1 << 3;
        const SYNC = 1 << 4;
    }

    /// How `path_open` opens.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Oflags: u16 {
        const CREAT = 1 << 0;
        const DIRECTORY = 1 << 1;
        const EXCL = 1 << 2;
        const TRUNC = 1 << 3;
    }

    /// How `sock_recv` receives.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Riflags: u16 {
        const RECV_PEEK = 1 << 0;
        const RECV_WAITALL = 1 << 1;
    }

    /// Which directions `sock_shutdown` closes.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Sdflags: u8 {
        const RD = 1 << 0;
        const WR = 1 << 1;
    }

    /// How a path is resolved.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Lookupflags: u32 {
        const SYMLINK_FOLLOW = 1 << 0;
    }

    /// Which times are set, and to what.
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub(crate) struct Fstflags: u16 {
        const ATIM = 1 << 0;
        const ATIM_NOW = 1 << 1;
        const MTIM = 1 << 2;
        const MTIM_NOW = 1 << 3;
    }
}

/// Flags of any kind as the guest passes them; a bit that the specification doesn't know is an error.
pub(crate) fn flags<F: bitflags::Flags>(bits: u32) -> Result<F, Errno>
where
    F::Bits: TryFrom<u32>,
{
    F::Bits::try_from(bits).ok().and_then(F::from_bits).ok_or(Errno::INVAL)
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(dead_code, reason = "not every system tells all kinds apart")]
pub(crate) enum Filetype {
    Unknown = 0,
    BlockDevice = 1,
    CharacterDevice = 2,
    Directory = 3,
    RegularFile = 4,
    SocketStream = 6,
    SymbolicLink = 7,
}

impl Filetype {
    /// Whether reading or writing such a file may take as long as somebody else likes.
    pub(crate) fn waits(self) -> bool {
        !matches!(self, Filetype::RegularFile | Filetype::BlockDevice)
    }
}

/// What a directory contains, or itself (`.`), or what it is in (`..`).
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) ino: u64,
    pub(crate) filetype: Filetype,
    /// The system's cookie of the next one.
    pub(crate) next: u64,
}

/// How a part of a file is going to be read: see WASI's `advice`.
#[derive(Clone, Copy)]
pub(crate) enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

/// The attributes of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Filestat {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) filetype: Filetype,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) atim: u64,
    pub(crate) mtim: u64,
    pub(crate) ctim: u64,
}

impl Filestat {
    /// As it lies in the guest's memory, and how many of these bytes it has.
    pub(crate) fn bytes(&self, snapshot: Snapshot) -> ([u8; 64], usize) {
        let filetype = self.filetype as u64;
        let start: &[u64] = match snapshot {
            // The number of links has 32 bits, and lies in the word of the type.
            Snapshot::Unstable => &[self.dev, self.ino, filetype | self.nlink << 32],
            Snapshot::Preview1 => &[self.dev, self.ino, filetype, self.nlink],
        };
        let rest = [self.size, self.atim, self.mtim, self.ctim];
        let mut bytes = [0; 64];
        for (to, field) in bytes.chunks_exact_mut(8).zip(start.iter().chain(&rest)) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        (bytes, (start.len() + rest.len()) * 8)
    }
}

/// The attributes of a descriptor.
pub(crate) struct Fdstat {
    pub(crate) filetype: Filetype,
    pub(crate) flags: Fdflags,
    pub(crate) rights_base: Rights,
    pub(crate) rights_inheriting: Rights,
}

impl Fdstat {
    /// As it lies in the guest's memory.
    pub(crate) fn bytes(&self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[0] = self.filetype as u8;
        bytes[2..4].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes[8..16].copy_from_slice(&self.rights_base.bits().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.rights_inheriting.bits().to_le_bytes());
        bytes
    }
}

/// The head of an entry of a directory; its name follows.
pub(crate) struct Dirent {
    pub(crate) next: u64,
    pub(crate) ino: u64,
    pub(crate) namlen: u32,
    pub(crate) filetype: Filetype,
}

impl Dirent {
    pub(crate) const SIZE: usize = 24;

    pub(crate) fn bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..8].copy_from_slice(&self.next.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ino.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.namlen.to_le_bytes());
        bytes[20] = self.filetype as u8;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitflags::Flags;

    /// That the flags of these names are the bits from the lowest on, and that there are no others.
    fn check<F: Flags<Bits: Into<u64>>>(names: &str) {
        let mut all = 0;
        for (bit, name) in names.split_whitespace().enumerate() {
            let bits = F::from_name(name).unwrap_or_else(|| panic!("{name}")).bits();
            assert_eq!(bits.into(), 1 << bit, "{name}");
            all |= 1 << bit;
        }
        assert_eq!(F::all().bits().into(), all, "{names}");
    }

    #[test]
    fn flags_have_the_bits_of_the_specification() {
        check::<Rights>(
            "FD_DATASYNC FD_READ FD_SEEK FD_FDSTAT_SET_FLAGS FD_SYNC FD_TELL FD_WRITE FD_ADVISE FD_ALLOCATE \
             PATH_CREATE_DIRECTORY PATH_CREATE_FILE PATH_LINK_SOURCE PATH_LINK_TARGET PATH_OPEN FD_READDIR \
             PATH_READLINK PATH_RENAME_SOURCE PATH_RENAME_TARGET PATH_FILESTAT_GET PATH_FILESTAT_SET_SIZE \
             PATH_FILESTAT_SET_TIMES FD_FILESTAT_GET FD_FILESTAT_SET_SIZE FD_FILESTAT_SET_TIMES PATH_SYMLINK \
             PATH_REMOVE_DIRECTORY PATH_UNLINK_FILE POLL_FD_READWRITE SOCK_SHUTDOWN SOCK_ACCEPT",
        );
        check::<Fdflags>("APPEND DSYNC NONBLOCK RSYNC SYNC");
        check::<Oflags>("CREAT DIRECTORY EXCL TRUNC");
        check::<Riflags>("RECV_PEEK RECV_WAITALL");
        check::<Sdflags>("RD WR");
        check::<Lookupflags>("SYMLINK_FOLLOW");
        check::<Fstflags>("ATIM ATIM_NOW MTIM MTIM_NOW");
    }

    #[test]
    fn only_one_function_is_new() {
        for (name, snapshot) in Snapshot::ALL {
            let here: Vec<_> = crate::FUNCTIONS.iter().filter(|(name, _)| snapshot.has(name)).collect();
            let missing = if name == "wasi_unstable" { 1 } else { 0 };
            assert_eq!(here.len(), 46 - missing, "{name}");
        }
        assert!(!Snapshot::Unstable.has("sock_accept"));
    }
}
