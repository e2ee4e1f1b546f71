//! Reading and writing descriptors that may be non-blocking.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, ErrorKind, IsTerminal, Read, StdinLock, Write};
#[cfg(feature = "gdb")]
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(feature = "gdb")]
use std::thread;
use std::time::{Duration, Instant};

/// The room in a pipe, at least, when `poll` reports it writable.
const PIPE_BUF: usize = 4096;

/// `poll` reports a terminal writable when it has room for one byte, but a serial line's driver has 3 KiB by then. A
/// line feed may become two bytes, and a tab eight.
const TERMINAL_CHUNK: usize = 128;

/// Writes everything. With `patience`, it fails with [`ErrorKind::TimedOut`] when no byte was taken for that long.
pub(crate) fn write_all(
    to: &(impl AsFd + ?Sized),
    mut bytes: &[u8],
    patience: Option<Duration>,
) -> io::Result<()> {
    let to = to.as_fd();
    let chunk = match patience {
        None => usize::MAX,
        Some(_) if to.is_terminal() => TERMINAL_CHUNK,
        Some(_) => PIPE_BUF,
    };
    while !bytes.is_empty() {
        if patience.is_some() {
            wait(to, PollFlags::OUT, patience)?;
        }
        match rustix::io::write(to, &bytes[..bytes.len().min(chunk)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::AGAIN) => wait(to, PollFlags::OUT, patience)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A writer to a descriptor, which may be non-blocking: it waits by `poll` and writes everything. With `patience`, it
/// fails with [`ErrorKind::TimedOut`] when no byte was taken for that long; otherwise it waits without limit.
pub(crate) struct Patient<'f> {
    to: BorrowedFd<'f>,
    patience: Option<Duration>,
}

impl<'f> Patient<'f> {
    pub(crate) fn new(to: &'f impl AsFd, patience: Option<Duration>) -> Self {
        Self { to: to.as_fd(), patience }
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = write_all(&self.to, bytes, self.patience);
        if written.is_err() {
            // A `BufWriter` tries again when it is dropped: it must not wait again.
            self.patience = Some(Duration::ZERO);
        }
        written.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What output goes to: a standard stream or a file.
#[cfg(feature = "trace")]
pub(crate) type Output = Box<dyn AsFd + Send + Sync>;

/// Waits until a stream can be read or written, or has failed.
fn wait(stream: BorrowedFd<'_>, what: PollFlags, patience: Option<Duration>) -> io::Result<()> {
    let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::from_borrowed_fd(stream, what)], left.as_ref()) {
            Ok(0) => return Err(ErrorKind::TimedOut.into()),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Runs something, while another thread calls `on_input` once `connection` has something to read or is closed. Tells
/// whether it has; without a pipe or a thread, it is never told.
#[cfg(feature = "gdb")]
pub(crate) fn watched(connection: &TcpStream, on_input: impl FnOnce() + Send, run: impl FnOnce()) -> bool {
    let Ok((ended, end)) = io::pipe() else {
        run();
        return false;
    };
    thread::scope(|scope| {
        let watcher = thread::Builder::new().name("debugger".into()).spawn_scoped(scope, move || {
            let has_input = first_is_readable(connection, &ended);
            if has_input {
                on_input();
            }
            has_input
        });
        // However it ends, the watcher ends then.
        let ends = end;
        run();
        drop(ends);
        watcher.is_ok_and(|watcher| watcher.join().unwrap_or(false))
    })
}

/// Waits until one of two can be read, or has failed; whether the first can.
#[cfg(feature = "gdb")]
fn first_is_readable(first: &impl AsFd, second: &impl AsFd) -> bool {
    let mut both = [PollFd::new(first, PollFlags::IN), PollFd::new(second, PollFlags::IN)];
    loop {
        match poll(&mut both, None) {
            Err(Errno::INTR) => {}
            result => return result.is_ok() && !both[0].revents().is_empty(),
        }
    }
}

/// Standard input, read as if it were blocking even if it isn't.
pub(crate) fn standard_input() -> impl Read {
    Blocking(io::stdin().lock())
}

struct Blocking(StdinLock<'static>);

impl Read for Blocking {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(into) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(self.0.as_fd(), PollFlags::IN, None)?;
                }
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_failed_waits_no_more() {
        let (reader, pipe) = io::pipe().unwrap();
        let patience = Some(Duration::from_millis(1));
        let mut writer = Patient { to: pipe.as_fd(), patience };
        assert_eq!(writer.write(b"there is room").unwrap(), 13);
        assert_eq!(writer.patience, patience);
        // Nobody reads.
        let much = vec![0; 16 << 20];
        assert_eq!(writer.write(&much).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(writer.patience, Some(Duration::ZERO));
        let mut writer = Patient { to: pipe.as_fd(), patience: None };
        drop(reader);
        assert_eq!(writer.write(b"nobody is there").unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(writer.patience, Some(Duration::ZERO));
    }
}
