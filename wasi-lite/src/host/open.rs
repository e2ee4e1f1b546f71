//! What is below a directory: its attributes, and how it is opened.

use super::dir::Dir;
use super::file::File;
use super::opening::{add_flags, is_kept_from_guests};
use crate::abi::{Fdflags, Filestat, Filetype, Oflags};
use crate::errno::Errno;
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::OpenOptions;

/// How something is to be opened.
pub(crate) struct Opening {
    /// Whether a symbolic link at the end of the path is followed.
    pub(crate) follow: bool,
    pub(crate) oflags: Oflags,
    pub(crate) fdflags: Fdflags,
    pub(crate) reads: bool,
    pub(crate) writes: bool,
}

impl Opening {
    pub(crate) fn creates(&self) -> bool {
        self.oflags.contains(Oflags::CREAT)
    }

    pub(crate) fn truncates(&self) -> bool {
        self.oflags.contains(Oflags::TRUNC)
    }

    /// Whether it is to be a directory. [`Dir::open`] opens other files just the same: as a flag of the system's it
    /// would keep the sandbox's own walk from following symbolic links, which is what it does where there is no
    /// `openat2`.
    pub(crate) fn is_directory(&self) -> bool {
        self.oflags.contains(Oflags::DIRECTORY)
    }

    fn options(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.follow(if self.follow { FollowSymlinks::Yes } else { FollowSymlinks::No });
        // The system creates and truncates only what it opens for writing.
        options.write(self.writes || self.creates() || self.truncates()).truncate(self.truncates());
        options.read(self.reads || !self.writes);
        if self.oflags.contains(Oflags::EXCL) {
            options.create_new(self.creates());
        } else {
            options.create(self.creates());
        }
        add_flags(&mut options, self.fdflags);
        options
    }
}

impl Dir {
    pub(crate) fn stat(&self) -> Result<Filestat, Errno> {
        Ok(Filestat::from(&self.below.dir_metadata()?))
    }

    /// The attributes of what `path` leads to, or of the symbolic link at its end if that isn't followed.
    pub(crate) fn stat_at(&self, path: &str, follow: bool) -> Result<Filestat, Errno> {
        let metadata = if follow { self.below.metadata(path) } else { self.below.symlink_metadata(path) };
        Ok(Filestat::from(&metadata?))
    }

    /// Opens what `path` leads to.
    pub(crate) fn open(&self, path: &str, how: &Opening) -> Result<File, Errno> {
        match self.below.open_with(path, &how.options()).map_err(Errno::from) {
            Ok(file) if is_kept_from_guests(&file, how.writes) => Err(Errno::ACCES),
            Ok(file) => Ok(File::opened(file, how.fdflags)),
            Err(Errno::LOOP) if how.is_directory() && !how.follow && self.is_link(path) => Err(Errno::NOTDIR),
            Err(error) => Err(error),
        }
    }

    /// Whether `path` names a symbolic link itself.
    fn is_link(&self, path: &str) -> bool {
        self.stat_at(path, false).is_ok_and(|stat| stat.filetype == Filetype::SymbolicLink)
    }
}
