//! Times of files.

use crate::abi::{Fstflags, flags};
use crate::errno::{Errno, Result};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

/// The times to set, from how WASI passes them.
pub(crate) fn timestamps(atim: u64, mtim: u64, fst_flags: u32) -> Result<Timestamps, Errno> {
    let fst_flags: Fstflags = flags(fst_flags)?;
    let time = |time: u64, set, now| match (fst_flags.contains(set), fst_flags.contains(now)) {
        (true, true) => Err(Errno::INVAL),
        (true, false) => {
            Ok(Timespec { tv_sec: (time / 1_000_000_000) as _, tv_nsec: (time % 1_000_000_000) as _ })
        }
        (false, true) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        (false, false) => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
    };
    Ok(Timestamps {
        last_access: time(atim, Fstflags::ATIM, Fstflags::ATIM_NOW)?,
        last_modification: time(mtim, Fstflags::MTIM, Fstflags::MTIM_NOW)?,
    })
}
