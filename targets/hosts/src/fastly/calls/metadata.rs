//! Host functions that tell of the client, the backends, and the host.

use super::memory::{List, Span, fill, fill_list, put, put_word, slice_mut, split};
use super::{Answer, Guest, Status};
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
