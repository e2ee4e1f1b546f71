//! What the system itself is told when something is opened.

use super::file::O_DSYNC;
use crate::abi::Fdflags;
use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

/// Adds what only the system knows of.
pub(super) fn add_flags(options: &mut OpenOptions, fdflags: Fdflags) {
    // A FIFO or a device shan't keep the guest waiting here, where no interruption would end it, nor a terminal
    // become the host's.
    let mut os = OFlags::NONBLOCK | OFlags::NOCTTY;
    for (flag, wanted) in [
        (OFlags::APPEND, fdflags.contains(Fdflags::APPEND)),
        (O_DSYNC, fdflags.contains(Fdflags::DSYNC)),
        (OFlags::SYNC, fdflags.intersects(Fdflags::SYNC | Fdflags::RSYNC)),
    ] {
        if wanted {
            os |= flag;
        }
    }
    options.custom_flags(os.bits().cast_signed());
}

/// Whether a file is the system's view of processes, and more than what everybody may read. `/proc/self/mem` is the
/// host's own memory: whoever writes it leaves the sandbox, and whoever reads it knows all that the host knows.
#[cfg(target_os = "linux")]
pub(super) fn is_kept_from_guests(file: &cap_std::fs::File, writes: bool) -> bool {
    use rustix::fs::{FileType, Mode, fstat, fstatfs};
    // Of the file system `proc`, by Linux's `statfs`.
    const PROC_SUPER_MAGIC: rustix::fs::FsWord = 0x9fa0;
    let is_private = |mode: u32| {
        let is_file = FileType::from_raw_mode(mode) == FileType::RegularFile;
        is_file && (writes || !Mode::from_raw_mode(mode).contains(Mode::ROTH))
    };
    fstatfs(file).is_ok_and(|system| system.f_type == PROC_SUPER_MAGIC)
        && fstat(file).map_or(true, |stat| is_private(stat.st_mode))
}

/// Elsewhere there is no such view, or it isn't files.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_kept_from_guests(_: &cap_std::fs::File, _: bool) -> bool {
    false
}
