//! Bodies, as they go out and come in.

use super::super::message::{HttpError, HttpLimits, RequestBody, Response, Trailers};
use super::connection::Connection;
use super::head::{self, Framing, Head};
use super::{Idle, broken};
use std::io::{self, Read};
use std::sync::Arc;

/// How much of a body is sent at a time.
const PART: usize = 64 << 10;

/// How long the line may be that a chunk begins with.
const LINE: usize = 1 << 10;

/// Why a request wasn't sent whole.
pub(super) enum Unsent {
    /// The other side takes no more.
    HungUp(io::Error),
    /// It takes nothing for too long.
    Slow(io::Error),
    /// The body can't be read.
    NoBody(io::Error),
}

impl From<io::Error> for Unsent {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::Slow(error),
            _ => Self::HungUp(error),
        }
    }
}

/// Sends a request. The first part of its body goes with its head.
pub(super) fn send(
    connection: &mut Connection,
    head: &[u8],
    body: &mut RequestBody<'_>,
) -> Result<(), Unsent> {
    let (reader, mut left, trailers) = match body {
        RequestBody::Empty => return Ok(connection.write(head)?),
        RequestBody::Sized(reader, length) => (reader, Some(*length), None),
        RequestBody::Chunked(reader) => (reader, None, None),
        RequestBody::Trailed(reader, trailers) => (reader, None, Some(&*trailers)),
    };
    let mut out = head.to_vec();
    let mut part = vec![0; PART];
    loop {
        let most = left.map_or(PART, |left| left.min(PART as u64) as usize);
        let count = if most == 0 { 0 } else { reader.read(&mut part[..most]).map_err(Unsent::NoBody)? };
        match &mut left {
            None if count > 0 => {
                out.extend_from_slice(format!("{count:x}\r\n").as_bytes());
                out.extend_from_slice(&part[..count]);
                out.extend_from_slice(b"\r\n");
            }
            None => {
                out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.iter().flat_map(|trailers| trailers.iter()) {
                    head::write_field(&mut out, name, value)
                        .map_err(|why| Unsent::NoBody(io::Error::other(why)))?;
                }
                out.extend_from_slice(b"\r\n");
                return Ok(connection.write(&out)?);
            }
            Some(0) => return Ok(connection.write(&out)?),
            Some(_) if count == 0 => return Err(Unsent::NoBody(io::ErrorKind::UnexpectedEof.into())),
            Some(left) => {
                out.extend_from_slice(&part[..count]);
                *left -= count as u64;
            }
        }
        connection.write(&out)?;
        out.clear();
    }
}

/// A response whose body is still to be read.
pub(super) fn response(
    head: Head,
    framing: Framing,
    connection: Connection,
    idle: Option<Arc<Idle>>,
    limits: &HttpLimits,
) -> Result<Response, HttpError> {
    let most = limits.response_body;
    if matches!(framing, Framing::Sized(length) if length > most) {
        return Err(HttpError::TooLarge(most));
    }
    let trailers = Trailers::default();
    let state = match framing {
        Framing::Sized(length) => State::Left(length),
        Framing::Chunked => State::Chunk,
        Framing::Closed => State::Closed,
    };
    let mut body = Incoming {
        connection: Some(connection),
        idle,
        state,
        most,
        left: most,
        head: limits.response_headers,
        trailers: trailers.clone(),
    };
    if body.state == State::Left(0) {
        body.end();
    }
    Ok(Response { status: head.status, headers: head.headers, body: Box::new(body), trailers })
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// So many bytes, and the end.
    Left(u64),
    /// A chunk begins.
    Chunk,
    /// So many bytes of a chunk.
    InChunk(u64),
    /// The connection's end is the body's.
    Closed,
}

/// A response's body.
struct Incoming {
    /// Until the body's end.
    connection: Option<Connection>,
    /// Where the connection goes then.
    idle: Option<Arc<Idle>>,
    state: State,
    most: u64,
    left: u64,
    /// How long trailers may be.
    head: usize,
    trailers: Trailers,
}

impl Incoming {
    fn end(&mut self) {
        if let (Some(connection), Some(idle)) = (self.connection.take(), self.idle.take()) {
            idle.put(connection);
        }
    }

    /// The line that a chunk begins with: its length.
    fn begin_chunk(connection: &mut Connection) -> io::Result<u64> {
        let len = connection.until(b"\r\n", LINE)?.ok_or_else(|| broken("a chunk's line is too long"))?;
        let line = &connection.rest()[..len - 2];
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii_end();
        let text = str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let size = text.and_then(|text| u64::from_str_radix(text, 16).ok());
        let size = size.ok_or_else(|| broken("a chunk's length is no number"))?;
        connection.used(len);
        Ok(size)
    }

    fn read_trailers(&mut self) -> io::Result<()> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        while connection.rest().len() < 2 {
            if !connection.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if connection.rest().starts_with(b"\r\n") {
            connection.used(2);
        } else {
            let len = connection.until(b"\r\n\r\n", self.head)?;
            let len = len.ok_or_else(|| io::Error::other(HttpError::TooLarge(self.head as u64)))?;
            let trailers = head::trailers(&connection.rest()[..len]);
            self.trailers.set(trailers.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?);
            connection.used(len);
        }
        self.end();
        Ok(())
    }

    fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(connection) = &mut self.connection else { return Ok(0) };
            let left = match self.state {
                State::Chunk => {
                    match Self::begin_chunk(connection)? {
                        0 => self.read_trailers()?,
                        size => self.state = State::InChunk(size),
                    }
                    continue;
                }
                State::Left(left) | State::InChunk(left) => left,
                State::Closed => u64::MAX,
            };
            let most = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = connection.read(&mut into[..most])?;
            let left = left - count as u64;
            match &mut self.state {
                State::Closed if count == 0 => self.connection = None,
                State::Closed => {}
                _ if count == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                State::Left(_) if left == 0 => self.end(),
                State::InChunk(_) if left == 0 => {
                    let end = connection.until(b"\r\n", 2)?;
                    end.ok_or_else(|| broken("a chunk is longer than it says"))?;
                    connection.used(2);
                    self.state = State::Chunk;
                }
                State::Left(rest) | State::InChunk(rest) => *rest = left,
                State::Chunk => {}
            }
            return Ok(count);
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let read = self.read_some(into).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            io::ErrorKind::UnexpectedEof => io::Error::new(
                error.kind(),
                HttpError::Connection("the connection was closed before the body's end".into()),
            ),
            _ => error,
        });
        if read.is_err() {
            // Nobody knows where the next response would begin.
            (self.connection, self.idle) = (None, None);
        }
        let count = read?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(HttpError::TooLarge(self.most))),
        }
        Ok(count)
    }
}
