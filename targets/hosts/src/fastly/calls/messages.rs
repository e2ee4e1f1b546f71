//! Host functions about requests and responses, but for their headers.

use super::memory::{Span, fill, put, put_word, slice, split};
use super::{Answer, Guest, Status};
use hyper::Method;

/// The highest number of a version of HTTP.
const NEWEST: u32 = 4;

pub(super) fn downstream(guest: &mut Guest<'_>, request: u32, body: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let handles = session.downstream()?;
    put_word(memory, request, handles.0)?;
    Ok(put_word(memory, body, handles.1)?)
}

pub(super) fn new_request(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let handle = session.new_request()?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn new_response(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let handle = session.new_response()?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn close_request(guest: &mut Guest<'_>, request: u32) -> Answer {
    Ok(guest.data_mut().requests.remove(request).map(drop)?)
}

pub(super) fn close_response(guest: &mut Guest<'_>, response: u32) -> Answer {
    Ok(guest.data_mut().responses.remove(response).map(drop)?)
}

pub(super) fn get_method(guest: &mut Guest<'_>, request: u32, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(fill(memory, buffer, out, session.requests.get(request)?.method.as_bytes())?)
}

pub(super) fn set_method(guest: &mut Guest<'_>, request: u32, method: Span) -> Answer {
    let (memory, session) = split(guest)?;
    let method = slice(memory, method)?;
    /// Longer than any that there is.
    const MOST: usize = 1024;
    if method.len() > MOST || Method::from_bytes(method).is_err() {
        return Err(Status::HttpInvalid.into());
    }
    session.requests.get_mut(request)?.method = String::from_utf8_lossy(method).into_owned();
    Ok(())
}

pub(super) fn get_uri(guest: &mut Guest<'_>, request: u32, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let uri = session.requests.get(request)?.uri.to_string();
    Ok(fill(memory, buffer, out, uri.as_bytes())?)
}

pub(super) fn set_uri(guest: &mut Guest<'_>, request: u32, uri: Span) -> Answer {
    let (memory, session) = split(guest)?;
    // It can't be longer than 64 KiB.
    let uri = slice(memory, uri)?.try_into().map_err(|_| Status::HttpInvalid)?;
    session.requests.get_mut(request)?.uri = uri;
    Ok(())
}

pub(super) fn get_request_version(guest: &mut Guest<'_>, request: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(put_word(memory, out, session.requests.get(request)?.version)?)
}

/// It is kept, and what is sent is HTTP/1.1.
pub(super) fn set_request_version(guest: &mut Guest<'_>, request: u32, version: u32) -> Answer {
    guest.data_mut().requests.get_mut(request)?.version = checked(version)?;
    Ok(())
}

pub(super) fn get_response_version(guest: &mut Guest<'_>, response: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(put_word(memory, out, session.responses.get(response)?.version)?)
}

/// See [`set_request_version`].
pub(super) fn set_response_version(guest: &mut Guest<'_>, response: u32, version: u32) -> Answer {
    guest.data_mut().responses.get_mut(response)?.version = checked(version)?;
    Ok(())
}

fn checked(version: u32) -> Result<u32, Status> {
    if version > NEWEST { Err(Status::Inval) } else { Ok(version) }
}

/// How a request's body is framed is up to the connection.
pub(super) fn set_request_mode(guest: &mut Guest<'_>, request: u32, mode: u32) -> Answer {
    guest.data().requests.get(request)?;
    if mode > 1 { Err(Status::Inval.into()) } else { Ok(()) }
}

/// The same for a response's body, and for what becomes of the connection.
pub(super) fn set_response_mode(guest: &mut Guest<'_>, response: u32, mode: u32) -> Answer {
    guest.data().responses.get(response)?;
    if mode > 1 { Err(Status::Inval.into()) } else { Ok(()) }
}

pub(super) fn set_decompression(guest: &mut Guest<'_>, request: u32, encodings: u32) -> Answer {
    const GZIP: u32 = 1;
    if encodings & !GZIP != 0 {
        return Err(Status::Inval.into());
    }
    guest.data_mut().requests.get_mut(request)?.decompresses = encodings == GZIP;
    Ok(())
}

/// Nothing is cached, so there is nothing to override.
pub(super) fn set_cache_override(guest: &mut Guest<'_>, request: u32) -> Answer {
    Ok(guest.data().requests.get(request).map(drop)?)
}

pub(super) fn get_status(guest: &mut Guest<'_>, response: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(put(memory, out, session.responses.get(response)?.status.to_le_bytes())?)
}

pub(super) fn set_status(guest: &mut Guest<'_>, response: u32, status: u32) -> Answer {
    let status = u16::try_from(status).ok().filter(|status| (100..1000).contains(status));
    guest.data_mut().responses.get_mut(response)?.status = status.ok_or(Status::Inval)?;
    Ok(())
}

pub(super) fn send_downstream(guest: &mut Guest<'_>, response: u32, body: u32, streams: bool) -> Answer {
    Ok(guest.data_mut().answer(response, body, streams)?)
}
