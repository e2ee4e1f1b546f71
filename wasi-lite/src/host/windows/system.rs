//! What the other files of this folder take from the system, on Windows. There is no waiting for several handles of any
//! kind without unsafe code, so whatever isn't a clock or an interruption counts as ready, and a read of the standard input
//! waits by itself: an interruption takes effect after it.

use crate::errno::Errno;
use bitflags::bitflags;
use dunlin::InterruptWaiter;
use std::io::{self, IsTerminal, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime};

/// Where something is read or written.
#[derive(Clone, Copy)]
pub(crate) enum BorrowedFd<'a> {
    Stdin,
    Stdout,
    Stderr,
    File(&'a cap_std::fs::File),
    /// A directory, whose handle is good for nothing here.
    Dir,
    Stream(&'a TcpStream),
    /// Sockets that connections come in at, which aren't given to guests here.
    Listener,
    Interrupt(&'a InterruptWaiter),
}

/// Something of the host's that can be read, written or waited for.
pub(crate) trait AsFd {
    fn as_fd(&self) -> BorrowedFd<'_>;
}

macro_rules! as_fd {
    ($($ty:ty: $self:ident => $fd:expr;)*) => {
        $(impl AsFd for $ty {
            fn as_fd(&self) -> BorrowedFd<'_> {
                let $self = self;
                $fd
            }
        })*
    };
}

as_fd! {
    BorrowedFd<'_>: fd => *fd;
    PollFd<'_>: polled => polled.fd;
    io::Stdin: _stdin => BorrowedFd::Stdin;
    io::Stdout: _stdout => BorrowedFd::Stdout;
    io::Stderr: _stderr => BorrowedFd::Stderr;
    cap_std::fs::File: file => BorrowedFd::File(file);
    cap_std::fs::Dir: _dir => BorrowedFd::Dir;
    TcpStream: stream => BorrowedFd::Stream(stream);
    TcpListener: _listener => BorrowedFd::Listener;
    InterruptWaiter: waiter => BorrowedFd::Interrupt(waiter);
}

impl<T: AsFd + ?Sized> AsFd for &T {
    fn as_fd(&self) -> BorrowedFd<'_> {
        (**self).as_fd()
    }
}

/// A descriptor that outlives a call: there are none, since nothing is waited for after one.
pub(crate) enum OwnedFd {}

impl BorrowedFd<'_> {
    pub(super) fn try_clone_to_owned(&self) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

bitflags! {
    #[derive(Clone, Copy)]
    pub(crate) struct PollFlags: u8 {
        const IN = 1;
        const OUT = 2;
        const ERR = 4;
        const HUP = 8;
        const NVAL = 16;
    }
}

/// What is waited for, and what happened.
pub(crate) struct PollFd<'a> {
    fd: BorrowedFd<'a>,
    events: PollFlags,
    happened: PollFlags,
}

impl<'a> PollFd<'a> {
    pub(crate) fn new(fd: &'a impl AsFd, events: PollFlags) -> Self {
        Self::from_borrowed_fd(fd.as_fd(), events)
    }

    pub(crate) fn from_borrowed_fd(fd: BorrowedFd<'a>, events: PollFlags) -> Self {
        Self { fd, events, happened: PollFlags::empty() }
    }

    pub(crate) fn revents(&self) -> PollFlags {
        self.happened
    }

    fn look(&mut self) -> bool {
        let ready = !matches!(self.fd, BorrowedFd::Interrupt(waiter) if !waiter.is_interrupted());
        self.happened = if ready { self.events } else { PollFlags::empty() };
        ready
    }
}

/// How often a wait looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(10);

/// Waits until one of `fds` is ready or the time has passed; returns how many are.
pub(super) fn poll(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    let began = Instant::now();
    loop {
        let ready = fds.iter_mut().map(PollFd::look).filter(|&ready| ready).count();
        let rest = timeout.map_or(LOOK, |timeout| timeout.saturating_sub(began.elapsed()));
        if ready > 0 || rest.is_zero() {
            return Ok(ready);
        }
        std::thread::sleep(rest.min(LOOK));
    }
}

pub(super) fn read(fd: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    match fd.as_fd() {
        BorrowedFd::Stdin => io::stdin().lock().read(buf),
        BorrowedFd::File(mut file) => file.read(buf),
        BorrowedFd::Stream(mut stream) => stream.read(buf),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

pub(super) fn write(fd: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    let flushed = |stream: &mut dyn Write| {
        let count = stream.write(bytes)?;
        stream.flush().map(|()| count)
    };
    match fd.as_fd() {
        BorrowedFd::Stdout => flushed(&mut io::stdout().lock()),
        BorrowedFd::Stderr => flushed(&mut io::stderr().lock()),
        BorrowedFd::File(mut file) => file.write(bytes),
        BorrowedFd::Stream(mut stream) => stream.write(bytes),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Whether it is sure to be a file on a disk.
pub(super) fn is_on_disk(fd: impl AsFd) -> bool {
    matches!(fd.as_fd(), BorrowedFd::File(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()))
}

/// How much can be read: the system doesn't say.
pub(super) fn readable(_: impl AsFd) -> Option<u64> {
    None
}

pub(super) fn is_terminal(fd: BorrowedFd<'_>) -> bool {
    match fd {
        BorrowedFd::Stdin => io::stdin().is_terminal(),
        BorrowedFd::Stdout => io::stdout().is_terminal(),
        BorrowedFd::Stderr => io::stderr().is_terminal(),
        _ => false,
    }
}

/// The standard library writes to consoles in characters, and takes UTF-8.
pub(super) fn decodes_utf8(_: impl AsFd) -> bool {
    true
}

/// The clocks that WASI knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockId {
    Realtime,
    Monotonic,
    ProcessCPUTime,
    ThreadCPUTime,
}

/// What a clock shows, in nanoseconds. The standard library doesn't tell processor time.
pub(super) fn clock_time(clock: ClockId) -> Result<u64, Errno> {
    match clock {
        ClockId::Realtime => Ok(since_1970(SystemTime::now())),
        _ => Err(Errno::NOTSUP),
    }
}

/// The smallest step of a clock, in nanoseconds: the system counts in steps of 100.
pub(super) fn clock_step(clock: ClockId) -> Result<u64, Errno> {
    match clock {
        ClockId::Realtime | ClockId::Monotonic => Ok(100),
        _ => Err(Errno::NOTSUP),
    }
}

/// Nanoseconds since the beginning of 1970. Times before that have no number here.
pub(super) fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
