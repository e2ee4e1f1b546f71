//! Times of files.

use crate::abi::{Fstflags, flags};
use crate::errno::{Errno, Result};
use crate::host::times::{NewTime, NewTimes};

/// The times to set, from how WASI passes them.
pub(crate) fn new_times(atim: u64, mtim: u64, fst_flags: u32) -> Result<NewTimes, Errno> {
    let fst_flags: Fstflags = flags(fst_flags)?;
    let time = |time, set, now| match (fst_flags.contains(set), fst_flags.contains(now)) {
        (true, true) => Err(Errno::INVAL),
        (true, false) => Ok(NewTime::At(time)),
        (false, true) => Ok(NewTime::Now),
        (false, false) => Ok(NewTime::Same),
    };
    Ok(NewTimes {
        access: time(atim, Fstflags::ATIM, Fstflags::ATIM_NOW)?,
        modification: time(mtim, Fstflags::MTIM, Fstflags::MTIM_NOW)?,
    })
}
