//! A response that is sent while the guest makes it.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What waits to be sent at most: so many writes of the guest's.
const WAITING: usize = 4;

/// What the guest wrote, or why there is no more.
type Part = Result<Vec<u8>, &'static str>;

/// What the guest writes to.
pub(super) struct Written(SyncSender<Part>);

/// What is sent.
pub(super) struct Sent {
    parts: Receiver<Part>,
    part: io::Cursor<Vec<u8>>,
}

pub(super) fn stream() -> (Written, Sent) {
    let (sender, parts) = sync_channel(WAITING);
    (Written(sender), Sent { parts, part: io::Cursor::default() })
}

impl Written {
    /// Another one, for who knows how the guest ended.
    pub(super) fn again(&self) -> Self {
        Self(self.0.clone())
    }

    /// There will be no more, though it isn't the end.
    pub(super) fn break_off(self) {
        let _ = self.0.send(Err("the function failed before its end"));
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        match self.0.send(Ok(bytes.to_vec())) {
            Ok(()) => Ok(bytes.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sent {
    /// Waits for the first part; `Ok(false)` if there is none.
    pub(super) fn wait(&mut self) -> io::Result<bool> {
        match self.parts.recv() {
            Ok(Ok(part)) => {
                self.part = io::Cursor::new(part);
                Ok(true)
            }
            Ok(Err(why)) => Err(io::Error::other(why)),
            Err(_) => Ok(false),
        }
    }
}

impl Read for Sent {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.part.position() == self.part.get_ref().len() as u64 && !self.wait()? {
            return Ok(0);
        }
        self.part.read(into)
    }
}
