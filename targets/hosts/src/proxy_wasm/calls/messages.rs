//! Host functions about messages: header maps, bodies, and what becomes of a stream.

use super::{Answer, Guest, Span, Status, give, put_word, slice, split};
use crate::proxy_wasm::Headers;
use crate::proxy_wasm::headers::check_field;
use crate::proxy_wasm::held::Held;
use crate::proxy_wasm::host::{Host, LocalResponse};
use crate::proxy_wasm::status::Side;

/// A header map that can be read now.
fn map(host: &mut Host, map: u32) -> Result<&Headers, Status> {
    if let (6 | 7, Some(answer)) = (map, &host.calls.answer) {
        return Ok(if map == 6 { &answer.headers } else { &answer.trailers });
    }
    let id = host.acting();
    let context = host.contexts.get(&id).ok_or(Status::BadArgument)?;
    let half = if map < 2 { &context.request } else { &context.response };
    let held = match map {
        0 | 2 => half.headers.as_ref().or(half.passed.as_ref().filter(|_| context.logging)),
        1 | 3 => half.trailers.as_ref(),
        _ => None,
    };
    held.map(Held::get).ok_or(Status::BadArgument)
}

/// A header map that can be changed now.
fn map_mut(host: &mut Host, map: u32) -> Result<&mut Held<Headers>, Status> {
    let context = host.context().filter(|context| !context.logging).ok_or(Status::BadArgument)?;
    let half = context.half(if map < 2 { Side::Request } else { Side::Response });
    let held = match map {
        0 | 2 => half.headers.as_mut(),
        1 | 3 => half.trailers.as_mut(),
        _ => None,
    };
    held.ok_or(Status::BadArgument)
}

pub(super) fn get_pairs(guest: &mut Guest<'_>, number: u32, out: Span) -> Answer {
    if number > 7 {
        return Err(Status::BadArgument.into());
    }
    // What isn't there is empty, as in Envoy.
    let wire = match map(guest.data_mut(), number) {
        Ok(headers) if !headers.is_empty() => headers.to_wire(),
        _ => Vec::new(),
    };
    give(guest, &wire, out)
}

pub(super) fn get_map_size(guest: &mut Guest<'_>, number: u32, out: u32) -> Answer {
    let size = map(guest.data_mut(), number)?.text_len();
    Ok(put_word(guest, out, size as u32)?)
}

pub(super) fn set_pairs(guest: &mut Guest<'_>, number: u32, wire: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let headers = Headers::from_wire(slice(memory, wire)?, host.options.limits.headers())?;
    Ok(map_mut(host, number)?.edit(wire.1 as usize, |held| *held = headers)?)
}

pub(super) fn get_value(guest: &mut Guest<'_>, number: u32, key: Span, out: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let value = map(host, number)?.get(slice(memory, key)?).ok_or(Status::NotFound)?.to_vec();
    give(guest, &value, out)
}

pub(super) fn change_value(
    guest: &mut Guest<'_>,
    number: u32,
    key: Span,
    value: Span,
    change: impl FnOnce(&mut Headers, &[u8], &[u8]),
) -> Answer {
    let (memory, host) = split(guest)?;
    let (key, value) = (slice(memory, key)?, slice(memory, value)?);
    check_field(key, value)?;
    let limits = host.options.limits.headers();
    let held = map_mut(host, number)?;
    let headers = held.get();
    let more = key.len() + value.len() + 2;
    if headers.len() >= limits.count || headers.text_len() + more > limits.bytes {
        return Err(Status::BadArgument.into());
    }
    // With the lengths in front.
    Ok(held.edit(more + 8, |map| change(map, key, value))?)
}

pub(super) fn remove_value(guest: &mut Guest<'_>, number: u32, key: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let key = slice(memory, key)?;
    Ok(map_mut(host, number)?.edit(0, |map| map.remove(key))?)
}

/// A buffer that can be read now.
fn buffer(host: &Host, buffer: u32) -> Result<&[u8], Status> {
    let context = host.contexts.get(&host.acting());
    match (buffer, context) {
        (0 | 2, Some(context)) => Ok(context.request.body.get()),
        (1 | 3, Some(context)) => Ok(context.response.body.get()),
        // The root has none.
        (0..=3, None) => Ok(&[]),
        (4, _) => host.calls.answer.as_ref().map(|answer| &answer.body[..]).ok_or(Status::NotFound),
        (6, _) => Ok(&host.options.vm_configuration),
        (7, _) if host.configuring => Ok(&host.options.configuration),
        (5 | 7, _) => Err(Status::NotFound),
        (8, _) => Ok(&host.arguments),
        _ => Err(Status::BadArgument),
    }
}

pub(super) fn get_bytes(guest: &mut Guest<'_>, number: u32, (start, max): Span, out: Span) -> Answer {
    let bytes = buffer(guest.data(), number)?;
    start.checked_add(max).ok_or(Status::BadArgument)?;
    let from = bytes.get(start as usize..).unwrap_or_default();
    let bytes = from.get(..max as usize).unwrap_or(from).to_vec();
    give(guest, &bytes, out)
}

pub(super) fn set_bytes(guest: &mut Guest<'_>, number: u32, (start, size): Span, with: Span) -> Answer {
    let (memory, host) = split(guest)?;
    let with = slice(memory, with)?;
    let context = host.context().filter(|context| !context.logging).ok_or(Status::NotFound)?;
    let body = match number {
        0 | 2 => &mut context.request.body,
        1 | 3 => &mut context.response.body,
        4..=8 => return Err(Status::NotFound.into()),
        _ => return Err(Status::BadArgument.into()),
    };
    let len = body.get().len();
    let start = (start as usize).min(len);
    let end = start + (size as usize).min(len - start);
    let more = with.len().saturating_sub(end - start);
    Ok(body.edit(more, |body| drop(body.splice(start..end, with.iter().copied())))?)
}

pub(super) fn get_status_of(guest: &mut Guest<'_>, number: u32, len: u32, flags: u32) -> Answer {
    let size = buffer(guest.data(), number)?.len() as u32;
    put_word(guest, len, size)?;
    Ok(put_word(guest, flags, 0)?)
}

/// ABI 0.1: the plugin's configuration while it is configured, the VM's otherwise.
pub(super) fn get_configuration(guest: &mut Guest<'_>, out: Span) -> Answer {
    let host = guest.data();
    let text = buffer(host, 7).unwrap_or(&host.options.vm_configuration).to_vec();
    give(guest, &text, out)
}

pub(super) fn send_local_response(
    guest: &mut Guest<'_>,
    status: u32,
    [details, body, headers]: [Span; 3],
    grpc_status: i32,
) -> Answer {
    let (memory, host) = split(guest)?;
    let limits = host.options.limits;
    let headers = Headers::from_wire(slice(memory, headers)?, limits.headers())?;
    let (details, body) = (slice(memory, details)?, slice(memory, body)?);
    if !(200..1000).contains(&status) || body.len() > limits.body_bytes {
        return Err(Status::BadArgument.into());
    }
    // A root has nothing to answer, which isn't an error in Envoy either.
    let Some(context) = host.ask() else { return Ok(()) };
    context.local.get_or_insert_with(|| LocalResponse {
        status,
        details: details.to_vec(),
        headers,
        body: body.to_vec(),
        grpc_status,
    });
    Ok(())
}

/// The direction that a number means: of HTTP, or of TCP.
fn side(stream: u32) -> Result<Side, Status> {
    match stream {
        0 | 2 => Ok(Side::Request),
        1 | 3 => Ok(Side::Response),
        _ => Err(Status::BadArgument),
    }
}

pub(super) fn continue_stream(guest: &mut Guest<'_>, stream: u32) -> Answer {
    let side = side(stream)?;
    if let Some(context) = guest.data_mut().ask() {
        context.half(side).resume();
    }
    Ok(())
}

pub(super) fn close_stream(guest: &mut Guest<'_>, stream: u32) -> Answer {
    side(stream)?;
    if let Some(context) = guest.data_mut().ask() {
        context.closed = true;
    }
    Ok(())
}
