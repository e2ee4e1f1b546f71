//! The numbers of the system's errors: those that calls on files give.

use crate::errno::Errno;

/// What the guest gets for a number of the system's; for others, their kind decides.
pub(super) fn of_system(number: i32) -> Option<Errno> {
    Some(match number {
        2 | 3 | 53 | 123 | 161 => Errno::NOENT,
        4 => Errno::MFILE,
        5 => Errno::ACCES,
        6 => Errno::BADF,
        17 => Errno::XDEV,
        19 => Errno::ROFS,
        32 | 33 => Errno::BUSY,
        80 | 183 => Errno::EXIST,
        87 | 131 | 4390 => Errno::INVAL,
        109 | 232 => Errno::PIPE,
        39 | 112 => Errno::NOSPC,
        145 => Errno::NOTEMPTY,
        206 => Errno::NAMETOOLONG,
        267 => Errno::NOTDIR,
        1142 => Errno::MLINK,
        1314 => Errno::PERM,
        1920 | 1921 => Errno::LOOP,
        _ => return None,
    })
}
