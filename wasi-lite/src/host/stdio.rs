//! Where the guest's standard streams lead.

use super::escapes::{self, EscapeFilter};
use super::interrupt::Interrupt;
use super::streams::{read_stream, uninterrupted, waits, write_stream};
use super::system::{self, AsFd, BorrowedFd};
use crate::errno::{Errno, Fail, Result};
use crate::paid::reserve;
use dunlin::{Budget, Charge};
use std::fmt;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The end of a stream in memory, or of anything else that can be read, that the guest reads as its standard input.
///
/// ```
/// use dunlin_wasi_lite::{ReadPipe, WasiCtxBuilder};
/// let ctx = WasiCtxBuilder::new().stdin(ReadPipe::from("one\ntwo\n")).build();
/// ```
///
/// Clones read from the same stream. An interruption of the store doesn't end a read of the reader given to
/// [`ReadPipe::new`]; it takes effect after it. The guest gets `EAGAIN` where such a reader would have to wait and doesn't
/// ([`WouldBlock`](io::ErrorKind::WouldBlock)), since there is no way to wait for it.
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
    /// What it holds of the budget of the store that wrote first.
    paid: Option<Charge>,
}

impl Memory {
    fn write(&mut self, budget: &Budget, bytes: &[u8]) -> Result<usize, Errno> {
        let len = bytes.len().min(self.capacity.saturating_sub(self.bytes.len()));
        if len == 0 && !bytes.is_empty() {
            return Err(Errno::NOSPC);
        }
        if self.bytes.capacity() - self.bytes.len() < len {
            let more = self.bytes.capacity().max(len).min(self.capacity);
            reserve(&mut self.bytes, &mut self.paid, budget, more)?;
        }
        self.bytes.extend_from_slice(&bytes[..len]);
        Ok(len)
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WritePipe {
    /// Collects up to `capacity` bytes; for a write past that the guest gets `ENOSPC`. What it holds is charged to the
    /// budget of the store that the guest runs in; where that is used up the guest gets `ENOMEM`.
    pub fn in_memory(capacity: usize) -> Self {
        Self(Sink::Memory(Arc::new(Mutex::new(Memory { bytes: Vec::new(), capacity, paid: None }))))
    }

    /// Passes everything to `writer`, and flushes it after every write of the guest's. If it fails when it has taken a
    /// part, the guest is told how much that is.
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

    fn write(&self, budget: &Budget, bytes: &[u8]) -> Result<usize, Errno> {
        match &self.0 {
            Sink::Memory(memory) => lock(memory).write(budget, bytes),
            Sink::Writer(writer) => {
                let writer = &mut *lock(writer);
                let count = write_as_much(writer, bytes)?;
                writer.flush()?;
                Ok(count)
            }
        }
    }
}

/// Writes until the writer fails, which is an error only if nothing has been written.
fn write_as_much(writer: &mut dyn Write, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match uninterrupted(|| writer.write(&bytes[written..])) {
            Ok(0) if written == 0 => return Err(io::ErrorKind::WriteZero.into()),
            Ok(0) => break,
            Ok(count) => written += count,
            Err(_) if written > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
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
    Host(HostStream),
    /// Whoever reads it is stopped before that.
    Stops,
}

/// One of the host's own streams.
pub(crate) struct HostStream {
    stream: Stream,
    /// Whether reading or writing it may take as long as somebody else likes.
    waits: bool,
    filter: Option<EscapeFilter>,
    exit_on_broken_pipe: bool,
}

/// The exit code of programs that wrote to a pipe when nobody was left to read from it, as a shell shows it.
const BROKEN_PIPE: i32 = 128 + 13;

impl HostStream {
    /// Keeps commands from terminals, if there is what the filters share.
    pub(crate) fn filter_escapes(&mut self, shared: Option<&escapes::Shared>) {
        let (number, fd) = (self.stream.number(), self.stream.as_fd());
        self.filter = shared
            .filter(|_| system::is_terminal(fd))
            .map(|shared| EscapeFilter::new(number, fd, shared.clone()));
    }

    pub(crate) fn exit_on_broken_pipe(&mut self, exit: bool) {
        self.exit_on_broken_pipe = exit;
    }

    fn write(&self, interrupt: Interrupt<'_>, bytes: &[u8], nonblock: bool) -> Result<usize> {
        let stream = self.stream.as_fd();
        let result = match (&self.filter, self.waits) {
            (Some(filter), _) => {
                filter.write(bytes, |bytes| write_stream(interrupt, stream, bytes, nonblock))
            }
            (None, true) => write_stream(interrupt, stream, bytes, nonblock),
            (None, false) => uninterrupted(|| system::write(stream, bytes)).map_err(Fail::from),
        };
        match result {
            Err(Fail::Errno(Errno::PIPE)) if self.exit_on_broken_pipe => Err(Fail::Exit(BROKEN_PIPE)),
            result => result,
        }
    }
}

pub(crate) enum Stream {
    Stdin(io::Stdin),
    Stdout(io::Stdout),
    Stderr(io::Stderr),
}

impl Stream {
    fn number(&self) -> u8 {
        match self {
            Stream::Stdin(_) => 0,
            Stream::Stdout(_) => 1,
            Stream::Stderr(_) => 2,
        }
    }
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

impl Stdio {
    pub(crate) fn host(stream: Stream) -> Self {
        let waits = waits(&stream);
        Stdio::Host(HostStream { stream, waits, filter: None, exit_on_broken_pipe: false })
    }

    /// Which of the standard streams it is, if that can be told.
    pub(crate) fn number(&self) -> Option<u8> {
        match self {
            Stdio::Host(HostStream { stream: Stream::Stdin(_), .. }) | Stdio::Read(_) | Stdio::Stops => {
                Some(0)
            }
            Stdio::Host(HostStream { stream: Stream::Stdout(_), .. }) => Some(1),
            Stdio::Host(HostStream { stream: Stream::Stderr(_), .. }) => Some(2),
            Stdio::Null | Stdio::Write(_) => None,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Stdio::Host(host) if system::is_terminal(host.stream.as_fd()))
    }

    /// The host's descriptor, if it must be waited for.
    pub(crate) fn waits(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Stdio::Host(host) if host.waits => Some(host.stream.as_fd()),
            _ => None,
        }
    }

    pub(crate) fn read(&self, interrupt: Interrupt<'_>, buf: &mut [u8], nonblock: bool) -> Result<usize> {
        match self {
            Stdio::Null | Stdio::Write(_) => Ok(0),
            Stdio::Stops => Err(Fail::Interrupted),
            Stdio::Read(pipe) => Ok(uninterrupted(|| lock(&pipe.0).read(buf))?),
            Stdio::Host(host) if host.waits => read_stream(interrupt, host.stream.as_fd(), buf, nonblock),
            Stdio::Host(host) => Ok(uninterrupted(|| system::read(host.stream.as_fd(), &mut *buf))?),
        }
    }

    pub(crate) fn write(
        &self,
        interrupt: Interrupt<'_>,
        budget: &Budget,
        bytes: &[u8],
        nonblock: bool,
    ) -> Result<usize> {
        match self {
            Stdio::Null | Stdio::Read(_) | Stdio::Stops => Ok(bytes.len()),
            Stdio::Write(pipe) => Ok(pipe.write(budget, bytes)?),
            Stdio::Host(host) => host.write(interrupt, bytes, nonblock),
        }
    }
}
