//! Host functions about backends: those of the configuration, and those that an application makes.

use super::memory::{Span, fill, put, put_word, split, text, word};
use super::{Answer, Guest, Session, Status};
use crate::fastly::local_server::Backend;

/// Bits of a new backend's options: which fields of its configuration count. Timeouts, pooling and health checks are taken;
/// the request's own time bounds all of them.
mod option {
    pub(super) const HOST_OVERRIDE: u32 = 1 << 1;
    pub(super) const USE_SSL: u32 = 1 << 5;
    pub(super) const CERT_HOSTNAME: u32 = 1 << 8;
    pub(super) const SNI_HOSTNAME: u32 = 1 << 11;
    /// Versions and ciphers, own authorities and certificates, gRPC.
    pub(super) const UNSUPPORTED: u32 = 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 13 | 1 << 14;
}

/// Where the fields of a new backend's configuration are: pointers, with lengths behind them.
mod field {
    pub(super) const HOST_OVERRIDE: u32 = 0;
    pub(super) const CERT_HOSTNAME: u32 = 28;
    pub(super) const SNI_HOSTNAME: u32 = 52;
}

/// Makes a backend that lives as long as this instance.
pub(super) fn register(guest: &mut Guest<'_>, name: Span, target: Span, mask: u32, config: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let (name, target) = (text(memory, name)?, text(memory, target)?);
    if mask & option::UNSUPPORTED != 0 {
        return Err(Status::Unsupported.into());
    }
    let given = |bit: u32, at: u32| -> Result<Option<&str>, Status> {
        if mask & bit == 0 {
            return Ok(None);
        }
        let span = (word(memory, config, at)?, word(memory, config, at + 4)?);
        text(memory, span).map(Some)
    };
    let scheme = if mask & option::USE_SSL == 0 { "http" } else { "https" };
    let override_host = given(option::HOST_OVERRIDE, field::HOST_OVERRIDE)?.map(str::to_owned);
    let backend = Backend { url: format!("{scheme}://{target}"), override_host };
    for (bit, at) in
        [(option::CERT_HOSTNAME, field::CERT_HOSTNAME), (option::SNI_HOSTNAME, field::SNI_HOSTNAME)]
    {
        // The client takes the host's own certificate, and no other.
        if given(bit, at)?.is_some_and(|host| host != backend.host()) {
            return Err(Status::Unsupported.into());
        }
    }
    Ok(session.add_backend(name, backend)?)
}

fn backend<'s>(memory: &[u8], session: &'s Session, name: Span) -> Result<&'s Backend, Status> {
    session.backend(text(memory, name)?).ok_or(Status::Inval)
}

pub(super) fn exists(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let exists = session.backend(text(memory, name)?).is_some();
    Ok(put_word(memory, out, exists.into())?)
}

pub(super) fn number(
    guest: &mut Guest<'_>,
    name: Span,
    out: u32,
    number: impl FnOnce(&Backend) -> u32,
) -> Answer {
    let (memory, session) = split(guest)?;
    let number = number(backend(memory, session, name)?);
    Ok(put_word(memory, out, number)?)
}

pub(super) fn port(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let port = backend(memory, session, name)?.port();
    Ok(put(memory, out, port.to_le_bytes())?)
}

pub(super) fn host(guest: &mut Guest<'_>, name: Span, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let host = backend(memory, session, name)?.host();
    Ok(fill(memory, buffer, out, host.as_bytes())?)
}

pub(super) fn override_host(guest: &mut Guest<'_>, name: Span, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let host = backend(memory, session, name)?.override_host.as_ref().ok_or(Status::None)?;
    Ok(fill(memory, buffer, out, host.as_bytes())?)
}

pub(super) fn is_dynamic(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let name = text(memory, name)?;
    session.backend(name).ok_or(Status::Inval)?;
    let is_dynamic = !session.services.backends.contains_key(name);
    Ok(put_word(memory, out, is_dynamic.into())?)
}
