//! Where the guest's standard streams lead.

use crate::errno::{Errno, Fail, Result};
use crate::guest::Interrupt;
use rustix::event::{PollFlags, Timespec};
use rustix::fs::FileType;
use std::collections::TryReserveError;
use std::fmt;
use std::io::{self, Cursor, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A pipe holds at least so much more when `poll` says that it can be written, so writing so much doesn't wait.
pub(crate) const PIPE_BUF: usize = 4096;

/// The end of a stream in memory, or of anything else that can be read, that the guest reads as its standard input.
///
/// ```
/// use dunlin_wasi_lite::{ReadPipe, WasiCtxBuilder};
/// let ctx = WasiCtxBuilder::new().stdin(ReadPipe::from("one\ntwo\n")).build();
/// ```
///
/// Clones read from the same stream. An interruption of the store doesn't end a read of the reader given to
/// [`ReadPipe::new`]; it takes effect after it.
#[derive(Clone)]
pub struct ReadPipe(Arc<Mutex<dyn Read + Send>>);

impl ReadPipe {
    /// What `reader` reads.
    pub fn new(reader: impl Read + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(reader)))
    }
}

impl<B: Into<Vec<u8>>> From<B> for ReadPipe {
    fn from(bytes: B) -> Self {
        Self::new(Cursor::new(bytes.into()))
    }
}

impl fmt::Debug for ReadPipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadPipe").finish_non_exhaustive()
    }
}

/// The end of a stream in memory, or of anything else that can be written, that the guest writes its standard output or
/// standard error to.
///
/// ```
/// use dunlin_wasi_lite::{WasiCtxBuilder, WritePipe};
/// let stdout = WritePipe::in_memory(1 << 20);
/// let ctx = WasiCtxBuilder::new().stdout(stdout.clone()).build();
/// // Run the guest, then:
/// assert_eq!(stdout.contents(), b"");
/// ```
///
/// Clones write to the same stream. An interruption of the store doesn't end a write of the writer given to
/// [`WritePipe::new`]; it takes effect after it.
#[derive(Clone)]
pub struct WritePipe(Sink);

#[derive(Clone)]
enum Sink {
    Memory(Arc<Mutex<Memory>>),
    Writer(Arc<Mutex<dyn Write + Send>>),
}

struct Memory {
    bytes: Vec<u8>,
    capacity: usize,
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WritePipe {
    /// Collects up to `capacity` bytes; for a write past that the guest gets `ENOSPC`.
    pub fn in_memory(capacity: usize) -> Self {
        Self(Sink::Memory(Arc::new(Mutex::new(Memory { bytes: Vec::new(), capacity }))))
    }

    /// Passes everything to `writer`, and flushes it after every write of the guest's.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self(Sink::Writer(Arc::new(Mutex::new(writer))))
    }

    /// What has been written so far, if this is [`in_memory`](Self::in_memory); nothing otherwise.
    pub fn contents(&self) -> Vec<u8> {
        match &self.0 {
            Sink::Memory(memory) => lock(memory).bytes.clone(),
            Sink::Writer(_) => Vec::new(),
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<usize, Errno> {
        match &self.0 {
            Sink::Memory(memory) => {
                let memory = &mut *lock(memory);
                let len = bytes.len().min(memory.capacity.saturating_sub(memory.bytes.len()));
                if len == 0 && !bytes.is_empty() {
                    return Err(Errno::NOSPC);
                }
                memory.bytes.try_reserve(len).map_err(|_: TryReserveError| Errno::NOMEM)?;
                memory.bytes.extend_from_slice(&bytes[..len]);
                Ok(len)
            }
            Sink::Writer(writer) => {
                let writer = &mut *lock(writer);
                writer.write_all(bytes)?;
                writer.flush()?;
                Ok(bytes.len())
            }
        }
    }
}

impl fmt::Debug for WritePipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WritePipe").finish_non_exhaustive()
    }
}

/// A standard stream of the guest's.
pub(crate) enum Stdio {
    /// Nothing to read, and what is written disappears.
    Null,
    Read(ReadPipe),
    Write(WritePipe),
    /// One of the host's own.
    Host {
        stream: Stream,
        /// Whether reading or writing it may take as long as somebody else likes.
        waits: bool,
    },
}

pub(crate) enum Stream {
    Stdin(io::Stdin),
    Stdout(io::Stdout),
    Stderr(io::Stderr),
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Stdin(stdin) => stdin.as_fd(),
            Stream::Stdout(stdout) => stdout.as_fd(),
            Stream::Stderr(stderr) => stderr.as_fd(),
        }
    }
}

/// Whether this is something else than a file on a disk.
pub(crate) fn waits(fd: impl AsFd) -> bool {
    !rustix::fs::fstat(fd).is_ok_and(|stat| {
        matches!(FileType::from_raw_mode(stat.st_mode), FileType::RegularFile | FileType::BlockDevice)
    })
}

impl Stdio {
    pub(crate) fn host(stream: Stream) -> Self {
        let waits = waits(&stream);
        Stdio::Host { stream, waits }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Stdio::Host { stream, .. } if stream.as_fd().is_terminal())
    }

    /// The host's descriptor, if it must be waited for.
    pub(crate) fn waits(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Stdio::Host { stream, waits: true } => Some(stream.as_fd()),
            _ => None,
        }
    }

    pub(crate) fn read(&self, interrupt: Interrupt<'_>, buf: &mut [u8], nonblock: bool) -> Result<usize> {
        match self {
            Stdio::Null | Stdio::Write(_) => Ok(0),
            Stdio::Read(pipe) => Ok(uninterrupted(|| lock(&pipe.0).read(buf))?),
            Stdio::Host { stream, waits: true } => read_stream(interrupt, stream.as_fd(), buf, nonblock),
            Stdio::Host { stream, waits: false } => {
                Ok(uninterrupted(|| Ok(rustix::io::read(stream.as_fd(), &mut *buf)?))?)
            }
        }
    }

    pub(crate) fn write(&self, interrupt: Interrupt<'_>, bytes: &[u8], nonblock: bool) -> Result<usize> {
        match self {
            Stdio::Null | Stdio::Read(_) => Ok(bytes.len()),
            Stdio::Write(pipe) => Ok(pipe.write(bytes)?),
            Stdio::Host { stream, waits: true } => write_stream(interrupt, stream.as_fd(), bytes, nonblock),
            Stdio::Host { stream, waits: false } => {
                Ok(uninterrupted(|| Ok(rustix::io::write(stream.as_fd(), bytes)?))?)
            }
        }
    }
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

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Reads once from something that may have to be waited for.
pub(crate) fn read_stream(
    interrupt: Interrupt<'_>,
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    nonblock: bool,
) -> Result<usize> {
    loop {
        if !interrupt.wait(fd, PollFlags::IN, nonblock.then_some(&AT_ONCE))? {
            return Err(Errno::AGAIN.into());
        }
        match rustix::io::read(fd, &mut *buf) {
            // Somebody else who reads from it came first.
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => (),
            count => return Ok(count?),
        }
    }
}

/// Writes all of `bytes`, or fewer if it shan't wait, to something that may have to be waited for.
pub(crate) fn write_stream(
    interrupt: Interrupt<'_>,
    fd: BorrowedFd<'_>,
    bytes: &[u8],
    nonblock: bool,
) -> Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        let chunk = &bytes[written..bytes.len().min(written + PIPE_BUF)];
        let count = match interrupt.wait(fd, PollFlags::OUT, nonblock.then_some(&AT_ONCE)) {
            Ok(true) => rustix::io::write(fd, chunk).map_err(|error| Fail::Errno(error.into())),
            Ok(false) => Err(Errno::AGAIN.into()),
            Err(fail) => return Err(fail),
        };
        match count {
            Ok(count) => written += count,
            Err(Fail::Errno(Errno::AGAIN | Errno::INTR)) if !nonblock => (),
            Err(_) if written > 0 => break,
            Err(fail) => return Err(fail),
        }
    }
    Ok(written)
}
