//! A pipe that says whether something has happened.

use std::io::{self, PipeReader, PipeWriter, Read, Write};

/// A pipe of at most one byte: readable while it is signalled, for hosts that wait by `poll` and its like.
pub(crate) struct SignalPipe {
    reader: PipeReader,
    writer: PipeWriter,
}

impl SignalPipe {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { reader, writer })
    }

    /// Makes it readable. It isn't yet: so there is room, and since both ends are open, this neither waits nor fails.
    pub(crate) fn signal(&self) {
        let _ = (&self.writer).write(&[0]);
    }

    /// Undoes [`SignalPipe::signal`]: the byte is there, so this doesn't wait.
    pub(crate) fn clear(&self) {
        let _ = (&self.reader).read(&mut [0]);
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for SignalPipe {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
