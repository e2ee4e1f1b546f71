//! Where descriptors lead: on Windows the standard library doesn't tell.

use super::dir::Dir;
use super::file::File;
use crate::errno::Errno;
use std::io::SeekFrom;
use std::path::PathBuf;

impl Dir {
    pub(crate) fn path(&self) -> Result<PathBuf, Errno> {
        Err(Errno::NOTSUP)
    }
}

impl File {
    pub(crate) fn path(&self) -> Result<PathBuf, Errno> {
        Err(Errno::NOTSUP)
    }

    pub(crate) fn reads(&self) -> Result<bool, Errno> {
        Err(Errno::NOTSUP)
    }
}

/// Where the next read or write of a file happens, after it was set to this.
pub(crate) fn seek_to(file: &File, offset: Option<u64>) -> Result<u64, Errno> {
    file.seek(offset.map_or(SeekFrom::Current(0), SeekFrom::Start))
}
