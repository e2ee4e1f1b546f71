//! A connection to an upstream: bytes and lines, in time.

use super::super::message::{HttpError, HttpLimits};
use super::head::{self, Head};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is read at a time.
const PART: usize = 16 << 10;

/// By how much a deadline may be missed, so that the system needn't be told of it at each read.
const SLACK: Duration = Duration::from_millis(50);

/// How many informational responses may come before one that counts.
const MOST_INTERIM: usize = 16;

/// A connection, and what was read from it and isn't used yet.
pub(super) struct Connection {
    pub(super) place: Arc<str>,
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
    idle: Duration,
    deadline: Option<Instant>,
    /// How long the system lets a read or a write take.
    patience: Duration,
    /// Whether something of the response has come.
    has_begun: bool,
}

/// Tells the other side at once what has arrived. Many servers write the head and the body one after the other: then their
/// system keeps the body until the head is acknowledged (Nagle's algorithm), and ours acknowledges what it doesn't answer
/// after 40 ms only.
fn acknowledge(_stream: &TcpStream) {
    // Where it can't be had, responses take a little longer.
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_quickack(_stream, true);
}

/// What an error of a connection means before there is a response.
pub(super) fn failure(error: &io::Error) -> HttpError {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            HttpError::TimedOut("nothing came or went for too long")
        }
        _ => HttpError::Unanswered(error.to_string()),
    }
}

impl Connection {
    pub(super) fn open(
        place: Arc<str>,
        longest: Duration,
        deadline: Option<Instant>,
    ) -> Result<Self, HttpError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::TimedOut => HttpError::TimedOut("no connection was made in time"),
            _ => HttpError::Connection(format!("{place}: {error}")),
        };
        let mut last = HttpError::Connection(format!("{place}: there is no such host"));
        for address in place.to_socket_addrs().map_err(failed)? {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let time = left.unwrap_or(longest).min(longest).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, time) {
                Ok(stream) => {
                    // Where it can't be had, requests take a little longer.
                    let _ = stream.set_nodelay(true);
                    return Ok(Self {
                        place,
                        stream,
                        buffer: Vec::new(),
                        at: 0,
                        idle: longest,
                        deadline,
                        patience: Duration::ZERO,
                        has_begun: false,
                    });
                }
                Err(error) => last = failed(error),
            }
        }
        Err(last)
    }

    /// Begins an exchange.
    pub(super) fn begin(&mut self, idle: Duration, deadline: Option<Instant>) {
        (self.idle, self.deadline, self.has_begun) = (idle, deadline, false);
    }

    /// Whether an unused connection is open, and nothing has come that nobody asked for.
    pub(super) fn is_quiet(&self) -> bool {
        let peeked = |stream: &TcpStream| {
            stream.set_nonblocking(true)?;
            let peeked = stream.peek(&mut [0]);
            stream.set_nonblocking(false)?;
            peeked
        };
        self.rest().is_empty()
            && peeked(&self.stream).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Has the system end what takes too long.
    fn be_patient(&mut self) -> io::Result<()> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let most = left.unwrap_or(self.idle).min(self.idle).max(Duration::from_millis(1));
        if self.patience > most + SLACK || self.patience < most / 2 {
            self.stream.set_read_timeout(Some(most))?;
            self.stream.set_write_timeout(Some(most))?;
            self.patience = most;
        }
        Ok(())
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.be_patient()?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What was read and isn't used yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    pub(super) fn used(&mut self, count: usize) {
        self.at += count;
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
        }
    }

    /// Reads more behind what isn't used. False at the end.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        let len = self.buffer.len();
        self.buffer.resize(len + PART, 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.receive(&mut buffer[len..]);
        self.buffer = buffer;
        self.buffer.truncate(len + *read.as_ref().unwrap_or(&0));
        read.map(|count| count > 0)
    }

    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.has_begun {
            acknowledge(&self.stream);
        }
        loop {
            self.be_patient()?;
            match self.stream.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    self.has_begun = true;
                    return read;
                }
            }
        }
    }

    /// Reads what there is, past the buffer where that is empty. Nothing is the end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let held = self.rest();
        if held.is_empty() && into.len() >= PART {
            return self.receive(into);
        }
        if held.is_empty() && !self.fill()? {
            return Ok(0);
        }
        let count = self.rest().len().min(into.len());
        into[..count].copy_from_slice(&self.rest()[..count]);
        self.used(count);
        Ok(count)
    }

    /// Reads until `end` has been read, and gives the length up to there. `None` if there is more than that.
    pub(super) fn until(&mut self, end: &[u8], most: usize) -> io::Result<Option<usize>> {
        let mut seen = 0_usize;
        loop {
            let from = seen.saturating_sub(end.len() - 1);
            if let Some(at) = self.rest()[from..].windows(end.len()).position(|bytes| bytes == end) {
                let len = from + at + end.len();
                return Ok((len <= most).then_some(len));
            }
            seen = self.rest().len();
            if seen > most {
                return Ok(None);
            }
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Reads the head of the response that counts, past those that only inform.
    pub(super) fn answer(&mut self, limits: &HttpLimits) -> Result<Head, HttpError> {
        for _ in 0..MOST_INTERIM {
            let head = self.head(limits)?;
            match head.status {
                101 => return Err(HttpError::Protocol("it changes the protocol unasked".into())),
                100..200 => {}
                _ => return Ok(head),
            }
        }
        Err(HttpError::Protocol("it never comes to a response".into()))
    }

    fn head(&mut self, limits: &HttpLimits) -> Result<Head, HttpError> {
        let too_large = || HttpError::TooLarge(limits.response_headers as u64);
        let begun = self.until(b"\r\n\r\n", limits.response_headers);
        let len = begun.map_err(|error| match self.rest() {
            // Nothing of it came.
            [] => failure(&error),
            _ if error.kind() == io::ErrorKind::UnexpectedEof => {
                HttpError::Protocol("the response's headers are cut short".into())
            }
            _ => failure(&error),
        })?;
        let len = len.ok_or_else(too_large)?;
        let head = head::response(&self.rest()[..len])?;
        self.used(len);
        Ok(head)
    }
}
