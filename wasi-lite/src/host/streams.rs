//! Reads and writes descriptors that may have to be waited for.

use super::interrupt::{Interrupt, PollFlags};
use crate::errno::{Errno, Fail, Result};
use rustix::fs::FileType;
use std::io;
use std::os::fd::AsFd;

/// A pipe holds at least so much more when `poll` says that it can be written, so writing so much doesn't wait.
pub(crate) const PIPE_BUF: usize = 4096;

/// Whether this is something else than a file on a disk.
pub(crate) fn waits(fd: impl AsFd) -> bool {
    !rustix::fs::fstat(fd).is_ok_and(|stat| {
        matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::BlockDevice)
    })
}

/// Repeats what a signal made fail.
pub(crate) fn uninterrupted<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            result => return result,
        }
    }
}

/// Reads once from something that may have to be waited for.
pub(crate) fn read_stream(
    interrupt: Interrupt<'_>,
    fd: impl AsFd,
    buf: &mut [u8],
    nonblock: bool,
) -> Result<usize> {
    loop {
        interrupt.wait_or_again(&fd, PollFlags::IN, nonblock)?;
        match rustix::io::read(&fd, &mut *buf) {
            // Somebody else who reads from it came first.
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => (),
            count => return Ok(count?),
        }
    }
}

/// Fills all of `buf`, but for the end of the stream.
pub(crate) fn read_all(
    interrupt: Interrupt<'_>,
    fd: impl AsFd,
    buf: &mut [u8],
    nonblock: bool,
) -> Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match read_stream(interrupt, &fd, &mut buf[filled..], nonblock) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Fail::Errno(_) | Fail::Waits) if filled > 0 => break,
            Err(fail) => return Err(fail),
        }
    }
    Ok(filled)
}

/// How much can be read from what is ready for that; 1 where the system doesn't say.
pub(crate) fn readable(fd: impl AsFd) -> u64 {
    rustix::io::ioctl_fionread(fd).unwrap_or(1)
}

/// Writes all of `bytes`, or fewer if it shan't wait, to something that may have to be waited for.
pub(crate) fn write_stream(
    interrupt: Interrupt<'_>,
    fd: impl AsFd,
    bytes: &[u8],
    nonblock: bool,
) -> Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        let chunk = &bytes[written..bytes.len().min(written + PIPE_BUF)];
        let ready = interrupt.wait_or_again(&fd, PollFlags::OUT, nonblock);
        match ready.and_then(|()| Ok(rustix::io::write(&fd, chunk)?)) {
            Ok(count) => written += count,
            Err(Fail::Errno(Errno::AGAIN | Errno::INTR)) if !nonblock => (),
            Err(Fail::Errno(_) | Fail::Waits) if written > 0 => break,
            Err(fail) => return Err(fail),
        }
    }
    Ok(written)
}
