//! Reads and writes descriptors that may have to be waited for.

use super::interrupt::{Interrupt, PollFlags};
use super::system::{self, AsFd};
use crate::errno::{Errno, Fail, Result};
use std::io;

/// A pipe holds at least so much more when `poll` says that it can be written, so writing so much doesn't wait.
pub(crate) const PIPE_BUF: usize = 4096;

/// Whether this is something else than a file on a disk.
pub(crate) fn waits(fd: impl AsFd) -> bool {
    !system::is_on_disk(fd)
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
        match system::read(&fd, &mut *buf).map_err(Errno::from) {
            // Somebody else who reads from it came first.
            Err(Errno::AGAIN | Errno::INTR) => (),
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
    system::readable(fd).unwrap_or(1)
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
        match ready.and_then(|()| Ok(system::write(&fd, chunk)?)) {
            Ok(count) => written += count,
            Err(Fail::Errno(Errno::AGAIN | Errno::INTR)) if !nonblock => (),
            Err(Fail::Errno(_) | Fail::Waits) if written > 0 => break,
            Err(fail) => return Err(fail),
        }
    }
    Ok(written)
}
