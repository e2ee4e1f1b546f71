//! What the system itself is told when something is opened, on Windows.

use crate::abi::Fdflags;
use cap_fs_ext::{OpenOptionsMaybeDirExt, OpenOptionsSyncExt};
use cap_std::fs::OpenOptions;

/// Adds what only the system knows of.
pub(super) fn add_flags(options: &mut OpenOptions, fdflags: Fdflags) {
    // The system opens directories only for those who say so.
    options.maybe_dir(true);
    if fdflags.contains(Fdflags::APPEND) {
        options.append(true);
    }
    options.dsync(fdflags.contains(Fdflags::DSYNC));
    options.sync(fdflags.intersects(Fdflags::SYNC | Fdflags::RSYNC));
}

/// Here there is no view of processes as files.
pub(super) fn is_kept_from_guests(_: &cap_std::fs::File, _: bool) -> bool {
    false
}
