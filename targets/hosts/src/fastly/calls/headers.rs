//! Host functions about headers, the same for requests and responses.

use super::memory::{List, Span, entries, fill, fill_list, slice, split};
use super::{Answer, Guest, Session, Status};
use crate::fastly::fields::Fields;

/// Whose headers.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Request(u32),
    Response(u32),
}

fn fields(session: &mut Session, of: Of) -> Result<&mut Fields, Status> {
    match of {
        Of::Request(handle) => session.requests.get_mut(handle).map(|head| &mut head.fields),
        Of::Response(handle) => session.responses.get_mut(handle).map(|head| &mut head.fields),
    }
}

pub(super) fn names(guest: &mut Guest<'_>, of: Of, buffer: Span, cursor: u32, end: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let fields = fields(session, of)?;
    Ok(fill_list(memory, &List { buffer, cursor, end, out }, fields.names())?)
}

pub(super) fn values(
    guest: &mut Guest<'_>,
    of: Of,
    name: Span,
    buffer: Span,
    cursor: u32,
    end: u32,
    out: u32,
) -> Answer {
    let (memory, session) = split(guest)?;
    let fields = fields(session, of)?;
    let values = fields.values(slice(memory, name)?)?;
    Ok(fill_list(memory, &List { buffer, cursor, end, out }, values)?)
}

pub(super) fn value(guest: &mut Guest<'_>, of: Of, name: Span, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let value = fields(session, of)?.get(slice(memory, name)?)?;
    Ok(fill(memory, buffer, out, value)?)
}

pub(super) fn set_values(guest: &mut Guest<'_>, of: Of, name: Span, values: Span) -> Answer {
    let (memory, session) = split(guest)?;
    let (name, values) = (slice(memory, name)?, slice(memory, values)?);
    Ok(fields(session, of)?.set(name, entries(values))?)
}

pub(super) fn insert(guest: &mut Guest<'_>, of: Of, name: Span, value: Span) -> Answer {
    let (memory, session) = split(guest)?;
    let (name, value) = (slice(memory, name)?, slice(memory, value)?);
    Ok(fields(session, of)?.set(name, [value])?)
}

pub(super) fn append(guest: &mut Guest<'_>, of: Of, name: Span, value: Span) -> Answer {
    let (memory, session) = split(guest)?;
    let (name, value) = (slice(memory, name)?, slice(memory, value)?);
    Ok(fields(session, of)?.append(name, value)?)
}

/// One that isn't there is an invalid argument, as in Fastly.
pub(super) fn remove(guest: &mut Guest<'_>, of: Of, name: Span) -> Answer {
    let (memory, session) = split(guest)?;
    match fields(session, of)?.remove(slice(memory, name)?)? {
        true => Ok(()),
        false => Err(Status::Inval.into()),
    }
}
