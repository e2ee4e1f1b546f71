//! Host functions about what an application is configured with, and its log.

use super::memory::{Span, fill, put_word, slice, split, text};
use super::{Answer, Guest, Status};
use crate::services::log::GuestLog;
use std::io::Write;

/// How long the name of a store, an endpoint or a key may be.
const NAME_BYTES: u32 = 255;

/// How many endpoints an instance may have: each may log as much as any guest.
const ENDPOINTS: usize = 64;

fn name(memory: &[u8], span: Span) -> Result<&str, Status> {
    match span.1 {
        0 => Err(Status::None),
        len if len > NAME_BYTES => Err(Status::Unsupported),
        _ => text(memory, span),
    }
}

pub(super) fn open_dictionary(guest: &mut Guest<'_>, name_span: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let name = name(memory, name_span)?;
    if !session.services.dictionaries.contains_key(name) {
        return Err(Status::Badf.into());
    }
    let handle = session.dictionaries.insert(name.into())?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn get_word(guest: &mut Guest<'_>, store: u32, key: Span, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let services = session.services.clone();
    let dictionary = services.dictionaries.get(session.dictionaries.get(store)?).ok_or(Status::Badf)?;
    let value = dictionary.get(name(memory, key)?).ok_or(Status::None)?;
    Ok(fill(memory, buffer, out, value.as_bytes())?)
}

pub(super) fn open_secrets(guest: &mut Guest<'_>, name_span: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let name = text(memory, name_span)?;
    if !session.services.secret_stores.contains_key(name) {
        return Err(Status::None.into());
    }
    let handle = session.secret_stores.insert(name.into())?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn get_secret(guest: &mut Guest<'_>, store: u32, key: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let services = session.services.clone();
    let secrets = services.secret_stores.get(session.secret_stores.get(store)?).ok_or(Status::Badf)?;
    let secret = secrets.get(text(memory, key)?).ok_or(Status::None)?;
    let handle = session.add_secret(secret)?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn make_secret(guest: &mut Guest<'_>, bytes: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let handle = session.add_secret(slice(memory, bytes)?)?;
    Ok(put_word(memory, out, handle)?)
}

pub(super) fn plaintext(guest: &mut Guest<'_>, secret: u32, buffer: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    Ok(fill(memory, buffer, out, session.secrets.get(secret)?.bytes())?)
}

pub(super) fn open_endpoint(guest: &mut Guest<'_>, name_span: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let name = match name_span.1 {
        0 => return Err(Status::Inval.into()),
        len if len > NAME_BYTES => return Err(Status::LimitExceeded.into()),
        _ => text(memory, name_span)?,
    };
    if session.endpoints.len() == ENDPOINTS {
        return Err(Status::LimitExceeded.into());
    }
    let log = GuestLog::new(session.services.log.clone(), name);
    let handle = session.endpoints.insert(log)?;
    Ok(put_word(memory, out, handle)?)
}

/// A message is a line, or several.
pub(super) fn log(guest: &mut Guest<'_>, endpoint: u32, message: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let message = slice(memory, message)?;
    let endpoint = session.endpoints.get_mut(endpoint)?;
    let ends = message.ends_with(b"\n");
    // What a log can't take is told there.
    let _ = endpoint.write_all(message);
    if !ends {
        let _ = endpoint.write_all(b"\n");
    }
    Ok(put_word(memory, out, message.len() as u32)?)
}
