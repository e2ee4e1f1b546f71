//! Reading and writing streams. No stream is non-blocking here, and none can be waited for under a deadline: what has a
//! patience waits without limit, too.

use std::io::{self, ErrorKind, Read, Write};
#[cfg(feature = "gdb")]
use std::net::TcpStream;
use std::time::Duration;

/// What can be written through a shared reference.
pub(crate) trait Stream {
    /// Writes some of it.
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize>;
}

impl<S> Stream for S
where
    for<'s> &'s S: Write,
{
    fn write_some(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self;
        let count = stream.write(bytes)?;
        stream.flush()?;
        Ok(count)
    }
}

/// What output goes to: a standard stream or a file.
#[cfg(feature = "trace")]
pub(crate) type Output = Box<dyn Stream + Send + Sync>;

/// Writes everything.
pub(crate) fn write_all<S: Stream + ?Sized>(to: &S, mut bytes: &[u8], _: Option<Duration>) -> io::Result<()> {
    while !bytes.is_empty() {
        match to.write_some(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A writer to a stream.
pub(crate) struct Patient<'f>(&'f dyn Stream);

impl<'f> Patient<'f> {
    pub(crate) fn new(to: &'f impl Stream, _: Option<Duration>) -> Self {
        Self(to)
    }
}

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_some(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs something, while another thread calls `on_input` once `connection` has something to read or is closed. Tells
/// whether it has.
#[cfg(feature = "gdb")]
pub(crate) fn watched(connection: &TcpStream, on_input: impl FnOnce() + Send, run: impl FnOnce()) -> bool {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    /// How often the thread looks whether it shall end.
    const LOOK: Duration = Duration::from_millis(20);

    /// Ends the thread, however what runs ends.
    struct Ends<'e>(&'e AtomicBool);

    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let ended = &AtomicBool::new(false);
    let timed_out = |error: &io::Error| matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
    let watch = move || {
        while !ended.load(Ordering::Relaxed) {
            if !connection.peek(&mut [0]).is_err_and(|error| timed_out(&error)) {
                on_input();
                return true;
            }
        }
        false
    };
    if connection.set_read_timeout(Some(LOOK)).is_err() {
        run();
        return false;
    }
    let has_input = thread::scope(|scope| {
        let watcher = thread::Builder::new().name("debugger".into()).spawn_scoped(scope, watch);
        let ends = Ends(ended);
        run();
        drop(ends);
        watcher.is_ok_and(|watcher| watcher.join().unwrap_or(false))
    });
    // If that fails, reads end early, as on a bad connection.
    let _ = connection.set_read_timeout(None);
    has_input
}

/// Standard input.
pub(crate) fn standard_input() -> impl Read {
    io::stdin().lock()
}
