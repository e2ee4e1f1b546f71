//! Host functions about bodies.

use super::memory::{List, Span, fill_list, put, put_word, slice, slice_mut, split};
use super::{Answer, Guest, Status};
use crate::fastly::body::{Body, Sink};
use crate::fastly::session::Item;
use std::io::Write;

pub(super) fn new(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let handle = session.items.insert(Item::Body(Body::default()))?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn append(guest: &mut Guest<'_>, to: u32, from: u32) -> Answer {
    let (_, session) = split(guest)?;
    session.body(to)?;
    if to == from {
        return Err(Status::Badf.into());
    }
    let mut from = session.take_body(from)?;
    match &mut session.body(to)?.sink {
        None => session.body(to)?.append(from),
        Some(Sink::Client(writer)) => from.copy_to(writer).map_err(|_| Status::Error)?,
        Some(Sink::Backend(_)) => {
            let mut buffer = vec![0; 16 << 10];
            loop {
                let read = session.wait(None, |_| from.try_read(&mut buffer))?;
                match read?.unwrap_or(0) {
                    0 => break,
                    count => write_all(session, to, &buffer[..count])?,
                }
            }
        }
    }
    Ok(())
}

/// Writes everything to a body that goes on to a backend.
fn write_all(session: &mut super::Session, to: u32, mut bytes: &[u8]) -> Answer {
    while !bytes.is_empty() {
        let written = session.wait(None, |session| match &session.body(to)?.sink {
            Some(Sink::Backend(inlet)) => inlet.try_write(bytes).map_err(|_| Status::Error),
            _ => Err(Status::Badf),
        })?;
        bytes = &bytes[written?.unwrap_or(0)..];
    }
    Ok(())
}

pub(super) fn read(guest: &mut Guest<'_>, body: u32, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    if session.body(body)?.sink.is_some() {
        return Err(Status::Badf.into());
    }
    let into = slice_mut(memory, buffer)?;
    let count = session.wait(None, |session| session.body(body)?.try_read(into))??.unwrap_or(0);
    Ok(put_word(memory, out, count as u32)?)
}

pub(super) fn write(guest: &mut Guest<'_>, body: u32, from: Span, end: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let bytes = slice(memory, from)?;
    if end > 1 {
        return Err(Status::Inval.into());
    }
    let budget = session.budget.clone();
    let known = session.body(body)?;
    let count = match &mut known.sink {
        Some(_) if end == 1 => return Err(Status::Unsupported.into()),
        None => {
            known.write(&budget, bytes, end == 1)?;
            bytes.len()
        }
        Some(Sink::Client(writer)) => {
            // It waits where the client takes its time, and fails when the request's time is up.
            writer.write_all(bytes).map_err(|_| Status::Error)?;
            bytes.len()
        }
        Some(Sink::Backend(_)) if bytes.is_empty() => 0,
        Some(Sink::Backend(_)) => {
            let written = session.wait(None, |session| match &session.body(body)?.sink {
                Some(Sink::Backend(inlet)) => inlet.try_write(bytes).map_err(|_| Status::Error),
                _ => Err(Status::Badf),
            })?;
            written?.unwrap_or(0)
        }
    };
    Ok(put_word(memory, out, count as u32)?)
}

pub(super) fn close(guest: &mut Guest<'_>, body: u32) -> Answer {
    let (_, session) = split(guest)?;
    if let Some(Sink::Backend(inlet)) = session.take_body(body)?.sink {
        inlet.end(Ok(()));
    }
    Ok(())
}

/// The same, but whoever gets what was written learns that its end is missing.
pub(super) fn abandon(guest: &mut Guest<'_>, body: u32) -> Answer {
    let (_, session) = split(guest)?;
    if let Some(Sink::Client(_)) = session.take_body(body)?.sink {
        session.abandoned = true;
    }
    Ok(())
}

pub(super) fn known_length(guest: &mut Guest<'_>, body: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let known = session.body(body)?;
    let length = known.known_length().filter(|_| known.sink.is_none()).ok_or(Status::None)?;
    Ok(put(memory, out, length.to_le_bytes())?)
}

/// There are none, which is known when the body has been read.
pub(super) fn trailers(
    guest: &mut Guest<'_>,
    body: u32,
    buffer: Span,
    cursor: u32,
    end: u32,
    out: u32,
) -> Answer {
    know_trailers(guest, body)?;
    let (memory, _) = split(guest)?;
    Ok(fill_list(memory, &List { buffer, cursor, end, out }, std::iter::empty())?)
}

pub(super) fn no_trailer(guest: &mut Guest<'_>, body: u32) -> Answer {
    know_trailers(guest, body)?;
    Err(Status::Inval.into())
}

fn know_trailers(guest: &mut Guest<'_>, body: u32) -> Result<(), Status> {
    let (_, session) = split(guest)?;
    if session.body(body)?.is_incoming() { Err(Status::Again) } else { Ok(()) }
}
