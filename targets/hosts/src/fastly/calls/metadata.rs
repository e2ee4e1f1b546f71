//! Host functions that tell of the client, the backends, and the host.

use super::memory::{List, Span, fill, fill_list, put, put_word, slice_mut, split, text};
use super::{Answer, Guest, Session, Status};
use crate::fastly::local_server::Backend;
use std::net::IpAddr;

/// The only version of the ABI.
const VERSION: u64 = 1;

pub(super) fn init(version: u64) -> Answer {
    if version == VERSION { Ok(()) } else { Err(Status::Error.into()) }
}

fn put_address(guest: &mut Guest<'_>, address: IpAddr, at: u32, out: u32) -> Answer {
    let (memory, _) = split(guest)?;
    let (four, sixteen);
    let bytes: &[u8] = match address {
        IpAddr::V4(address) => {
            four = address.octets();
            &four
        }
        IpAddr::V6(address) => {
            sixteen = address.octets();
            &sixteen
        }
    };
    slice_mut(memory, (at, bytes.len() as u32))?.copy_from_slice(bytes);
    Ok(put_word(memory, out, bytes.len() as u32)?)
}

pub(super) fn client_address(guest: &mut Guest<'_>, at: u32, out: u32) -> Answer {
    let address = guest.data().request.peer.ip();
    put_address(guest, address, at, out)
}

pub(super) fn server_address(guest: &mut Guest<'_>, at: u32, out: u32) -> Answer {
    let address = guest.data().request.local.ip();
    put_address(guest, address, at, out)
}

pub(super) fn request_id(guest: &mut Guest<'_>, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(fill(memory, buffer, out, format!("{:032x}", session.request.id).as_bytes())?)
}

pub(super) fn original_names(guest: &mut Guest<'_>, buffer: Span, cursor: u32, end: u32, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let names = session.original.iter().map(|name| name.as_str().as_bytes());
    Ok(fill_list(memory, &List { buffer, cursor, end, out }, names)?)
}

pub(super) fn original_count(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(put_word(memory, out, session.original.len() as u32)?)
}

/// Of what would have to be known of a client, nothing is.
pub(super) fn no(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, _) = split(guest)?;
    Ok(put_word(memory, out, 0)?)
}

fn backend<'s>(memory: &[u8], session: &'s Session, name: Span) -> Result<&'s Backend, Status> {
    session.services.backends.get(text(memory, name)?).ok_or(Status::Inval)
}

pub(super) fn backend_exists(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let exists = session.services.backends.contains_key(text(memory, name)?);
    Ok(put_word(memory, out, exists.into())?)
}

pub(super) fn backend_number(
    guest: &mut Guest<'_>,
    name: Span,
    out: u32,
    number: impl FnOnce(&Backend) -> u32,
) -> Answer {
    let (memory, session) = split(guest)?;
    let number = number(backend(memory, session, name)?);
    Ok(put_word(memory, out, number)?)
}

pub(super) fn backend_port(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let port = backend(memory, session, name)?.port();
    Ok(put(memory, out, port.to_le_bytes())?)
}

pub(super) fn backend_host(guest: &mut Guest<'_>, name: Span, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let host = backend(memory, session, name)?.host();
    Ok(fill(memory, buffer, out, host.as_bytes())?)
}

pub(super) fn backend_override(guest: &mut Guest<'_>, name: Span, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let host = backend(memory, session, name)?.override_host.as_ref().ok_or(Status::None)?;
    Ok(fill(memory, buffer, out, host.as_bytes())?)
}

/// How long the request has been with the guest, in milliseconds.
pub(super) fn used_time(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let milliseconds = session.time_used().as_millis() as u64;
    Ok(put(memory, out, milliseconds.to_le_bytes())?)
}

/// How large the guest's memory is, in MiB.
pub(super) fn heap(guest: &mut Guest<'_>, out: u32) -> Answer {
    let (memory, _) = split(guest)?;
    let size = memory.len().div_ceil(1 << 20) as u32;
    Ok(put_word(memory, out, size)?)
}
