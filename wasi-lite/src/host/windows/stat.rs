//! The attributes of files, as the guest gets them, on Windows.

use super::system::since_1970;
use crate::abi::{Filestat, Filetype};
use cap_fs_ext::MetadataExt;
use cap_std::fs::{FileType, Metadata};
use std::io;

impl From<FileType> for Filetype {
    fn from(ty: FileType) -> Self {
        if ty.is_file() {
            Filetype::RegularFile
        } else if ty.is_dir() {
            Filetype::Directory
        } else if ty.is_symlink() {
            Filetype::SymbolicLink
        } else {
            Filetype::Unknown
        }
    }
}

/// Of a file that was opened for this, as `cap-std` does for all but entries of directories.
impl From<&Metadata> for Filestat {
    fn from(metadata: &Metadata) -> Self {
        let nanoseconds =
            |time: io::Result<cap_std::time::SystemTime>| time.map_or(0, |time| since_1970(time.into_std()));
        Filestat {
            dev: metadata.dev(),
            ino: metadata.ino(),
            filetype: metadata.file_type().into(),
            nlink: metadata.nlink(),
            size: metadata.len(),
            atim: nanoseconds(metadata.accessed()),
            mtim: nanoseconds(metadata.modified()),
            // When the attributes changed, the system doesn't say: not before the contents did.
            ctim: nanoseconds(metadata.modified()),
        }
    }
}
