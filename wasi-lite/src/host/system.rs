//! What the other files of this folder take from the system: descriptors, waiting for them, clocks.

use crate::errno::Errno;
use rustix::fs::FileType;
use rustix::termios::{InputModes, tcgetattr};
use rustix::time::{Timespec, clock_getres, clock_gettime};
use std::io::{self, IsTerminal};
use std::time::Duration;

pub(crate) use rustix::event::{PollFd, PollFlags};
pub(crate) use rustix::time::ClockId;
pub(crate) use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

pub(super) fn read(fd: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::io::read(fd, buf)?)
}

pub(super) fn write(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::io::write(fd, bytes)?)
}

/// Whether it is a file on a disk.
pub(super) fn is_on_disk(fd: impl AsFd) -> bool {
    rustix::fs::fstat(fd).is_ok_and(|stat| {
        matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::BlockDevice)
    })
}

/// How much can be read from what is ready for that, if the system says.
pub(super) fn readable(fd: impl AsFd) -> Option<u64> {
    rustix::io::ioctl_fionread(fd).ok()
}

pub(super) fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    fd.is_terminal()
}

/// Whether a terminal says that it decodes UTF-8.
pub(super) fn decodes_utf8(terminal: impl AsFd) -> bool {
    tcgetattr(terminal).is_ok_and(|termios| termios.input_modes.contains(InputModes::IUTF8))
}

/// Waits until one of `fds` is ready or the time has passed; returns how many are.
pub(super) fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    let timeout = timeout
        .map(|timeout| Timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos().into() });
    Ok(rustix::event::poll(fds, timeout.as_ref())?)
}

/// What a clock shows, in nanoseconds.
pub(super) fn clock_time(clock: ClockId) -> Result<u64, Errno> {
    Ok(nanoseconds(clock_gettime(clock)))
}

/// The smallest step of a clock, in nanoseconds.
pub(super) fn clock_step(clock: ClockId) -> Result<u64, Errno> {
    Ok(nanoseconds(clock_getres(clock)))
}

fn nanoseconds(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}
