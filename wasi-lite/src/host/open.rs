//! Opening what is below a directory.

use super::dir::Dir;
use super::file::{File, O_DSYNC};
use crate::abi::{Fdflags, Filetype, Oflags};
use crate::errno::Errno;
use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

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
        // A FIFO or a device shan't keep the guest waiting here, where no interruption would end it, nor a terminal
        // become the host's.
        let mut os = OFlags::NONBLOCK | OFlags::NOCTTY;
        for (flag, wanted) in [
            (OFlags::APPEND, self.fdflags.contains(Fdflags::APPEND)),
            (O_DSYNC, self.fdflags.contains(Fdflags::DSYNC)),
            (OFlags::SYNC, self.fdflags.intersects(Fdflags::SYNC | Fdflags::RSYNC)),
        ] {
            if wanted {
                os |= flag;
            }
        }
        options.custom_flags(os.bits().cast_signed());
        options
    }
}

impl Dir {
    /// Opens what `path` leads to.
    pub(crate) fn open(&self, path: &str, how: &Opening) -> Result<File, Errno> {
        match self.below.open_with(path, &how.options()).map_err(Errno::from) {
            Ok(file) if is_kept_from_guests(&file, how) => Err(Errno::ACCES),
            Ok(file) => Ok(File(file)),
            Err(Errno::LOOP) if how.is_directory() && !how.follow && self.is_link(path) => Err(Errno::NOTDIR),
            Err(error) => Err(error),
        }
    }

    /// Whether `path` names a symbolic link itself.
    fn is_link(&self, path: &str) -> bool {
        self.stat_at(path, false).is_ok_and(|stat| stat.filetype == Filetype::SymbolicLink)
    }
}

/// Whether a file is the system's view of processes, and more than what everybody may read. `/proc/self/mem` is the
/// host's own memory: whoever writes it leaves the sandbox, and whoever reads it knows all that the host knows.
#[cfg(target_os = "linux")]
fn is_kept_from_guests(file: &cap_std::fs::File, how: &Opening) -> bool {
    use rustix::fs::{FileType, Mode, fstat, fstatfs};
    // Of the file system `proc`, by Linux's `statfs`.
    const PROC_SUPER_MAGIC: rustix::fs::FsWord = 0x9fa0;
    let is_private = |mode: u32| {
        let is_file = FileType::from_raw_mode(mode) == FileType::RegularFile;
        is_file && (how.writes || !Mode::from_raw_mode(mode).contains(Mode::ROTH))
    };
    fstatfs(file).is_ok_and(|system| system.f_type == PROC_SUPER_MAGIC)
        && fstat(file).map_or(true, |stat| is_private(stat.st_mode))
}

/// Elsewhere there is no such view, or it isn't files.
#[cfg(not(target_os = "linux"))]
fn is_kept_from_guests(_: &cap_std::fs::File, _: &Opening) -> bool {
    false
}
