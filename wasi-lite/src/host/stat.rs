//! The attributes of files, as the guest gets them.

use crate::abi::{Filestat, Filetype};
use cap_std::fs::{Metadata, MetadataExt};
use rustix::fs::{FileType, RawMode};

impl From<FileType> for Filetype {
    fn from(ty: FileType) -> Self {
        match ty {
            FileType::RegularFile => Filetype::RegularFile,
            FileType::Directory => Filetype::Directory,
            FileType::Symlink => Filetype::SymbolicLink,
            FileType::Socket => Filetype::SocketStream,
            FileType::CharacterDevice => Filetype::CharacterDevice,
            FileType::BlockDevice => Filetype::BlockDevice,
            // The specification has no word for FIFOs.
            FileType::Fifo | FileType::Unknown => Filetype::Unknown,
        }
    }
}

impl From<&Metadata> for Filestat {
    fn from(metadata: &Metadata) -> Self {
        // Times before 1970 have no number here.
        let time = |seconds: i64, nanos: i64| {
            let seconds = u64::try_from(seconds).unwrap_or(0);
            seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(nanos).unwrap_or(0))
        };
        Filestat {
            dev: metadata.dev(),
            ino: metadata.ino(),
            filetype: FileType::from_raw_mode(metadata.mode() as RawMode).into(),
            nlink: metadata.nlink(),
            size: metadata.size(),
            atim: time(metadata.atime(), metadata.atime_nsec()),
            mtim: time(metadata.mtime(), metadata.mtime_nsec()),
            ctim: time(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_have_the_numbers_of_the_specification() {
        for (ty, number) in [
            (FileType::Unknown, 0),
            (FileType::Fifo, 0),
            (FileType::BlockDevice, 1),
            (FileType::CharacterDevice, 2),
            (FileType::Directory, 3),
            (FileType::RegularFile, 4),
            (FileType::Socket, 6),
            (FileType::Symlink, 7),
        ] {
            assert_eq!(Filetype::from(ty) as u8, number, "{ty:?}");
        }
    }
}
