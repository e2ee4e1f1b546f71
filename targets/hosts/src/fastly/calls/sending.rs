//! Host functions about requests to backends, and about waiting.

use super::memory::{Span, put, put_word, slice, split, text};
use super::{Answer, Guest, Refusal, Session, Status};
use crate::fastly::sending::{Arrival, Pending};
use crate::fastly::session::Item;
use crate::fastly::status::{NO_HANDLE, SENT_WELL, SendError};
use std::time::Duration;

/// How many handles may be waited for together.
const MOST: u32 = 16 << 10;

/// Where the handles of a response and its body are put.
type Places = (u32, u32);

pub(super) fn send(
    guest: &mut Guest<'_>,
    (request, body): (u32, u32),
    backend: Span,
    detail: Option<u32>,
    places: Places,
) -> Answer {
    let (memory, session) = split(guest)?;
    let pending = session.send(request, body, text(memory, backend)?, false)?;
    let arrival = session.wait(None, |_| Ok(pending.take()))??;
    deliver(guest, arrival, detail, places)
}

pub(super) fn send_async(
    guest: &mut Guest<'_>,
    (request, body): (u32, u32),
    backend: Span,
    streams: bool,
    out: u32,
) -> Answer {
    let (memory, session) = split(guest)?;
    let pending = session.send(request, body, text(memory, backend)?, streams)?;
    let handle = session.items.insert(Item::Request(pending))?;
    Ok(put_word(memory, out, handle)?)
}

/// Tells the guest how a request ended.
fn deliver(guest: &mut Guest<'_>, arrival: Option<Arrival>, detail: Option<u32>, places: Places) -> Answer {
    let (memory, session) = split(guest)?;
    let arrived = session.receive(arrival.unwrap_or(Err(SendError::InternalError)))?;
    if let Some(at) = detail {
        let tag = arrived.as_ref().map_or_else(|why| *why as u32, |_| SENT_WELL);
        put_word(memory, at, tag)?;
        // Of what the rest of the detail could say, nothing is known.
        put_word(memory, at.saturating_add(4), 0)?;
    }
    let (response, body) = arrived.map_err(|why| match why {
        SendError::HttpProtocolError => Status::HttpInvalid,
        _ => Status::Error,
    })?;
    put_word(memory, places.0, response)?;
    Ok(put_word(memory, places.1, body)?)
}

fn pending(session: &Session, handle: u32) -> Result<&Pending, Status> {
    match session.items.get(handle)? {
        Item::Request(pending) => Ok(pending),
        _ => Err(Status::Badf),
    }
}

/// Takes what a request came to, if it has.
fn take(session: &mut Session, handle: u32) -> Result<Option<Arrival>, Status> {
    let arrival = pending(session, handle)?.take();
    if arrival.is_some() {
        session.items.remove(handle)?;
    }
    Ok(arrival)
}

pub(super) fn poll(
    guest: &mut Guest<'_>,
    pending: u32,
    detail: Option<u32>,
    done: u32,
    places: Places,
) -> Answer {
    let (memory, session) = split(guest)?;
    let arrival = take(session, pending)?;
    put_word(memory, done, arrival.is_some().into())?;
    match arrival {
        Some(arrival) => deliver(guest, Some(arrival), detail, places),
        None => {
            put_word(memory, places.0, NO_HANDLE)?;
            Ok(put_word(memory, places.1, NO_HANDLE)?)
        }
    }
}

pub(super) fn wait(guest: &mut Guest<'_>, pending: u32, detail: Option<u32>, places: Places) -> Answer {
    let (_, session) = split(guest)?;
    let arrival = session.wait(None, |session| take(session, pending))??;
    deliver(guest, arrival, detail, places)
}

/// Handles in the guest's memory, at least one.
fn handles(memory: &[u8], (at, count): Span) -> Result<Vec<u32>, Status> {
    if count == 0 || count > MOST {
        return Err(Status::Inval);
    }
    let bytes = slice(memory, (at, count * 4))?;
    Ok(bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
}

/// Waits for the first of these handles, and gives its index; `None` if none is ready in time.
fn first(session: &mut Session, handles: &[u32], time: Option<Duration>) -> Result<Option<usize>, Refusal> {
    let first = session.wait(time, |session| {
        for (index, handle) in handles.iter().enumerate() {
            if session.is_ready(*handle)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    });
    Ok(first??)
}

pub(super) fn select_request(
    guest: &mut Guest<'_>,
    list: Span,
    detail: Option<u32>,
    out: u32,
    places: Places,
) -> Answer {
    let (memory, session) = split(guest)?;
    let handles = handles(memory, list)?;
    for handle in &handles {
        pending(session, *handle)?;
    }
    let index = first(session, &handles, None)?.unwrap_or(0);
    put_word(memory, out, index as u32)?;
    let arrival = take(session, handles[index])?;
    deliver(guest, arrival, detail, places)
}

pub(super) fn select(guest: &mut Guest<'_>, list: Span, milliseconds: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let time = (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()));
    let handles = match (list.1, time) {
        // Then the time is all that is waited for.
        (0, Some(_)) => Vec::new(),
        _ => handles(memory, list)?,
    };
    let index = first(session, &handles, time)?.map_or(u32::MAX, |index| index as u32);
    Ok(put(memory, out, index.to_le_bytes())?)
}

pub(super) fn is_ready(guest: &mut Guest<'_>, item: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let is_ready = session.is_ready(item)?;
    Ok(put_word(memory, out, is_ready.into())?)
}
