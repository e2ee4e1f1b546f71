//! Host functions about key-value stores. Their operations are done at once: what waits for them finds the result.

use super::memory::{Span, fill, put, put_word, slice, split, text, word};
use super::{Answer, Guest, Session, Status};
use crate::fastly::body::Body;
use crate::fastly::kv::{self, InsertMode, Insertion, Record};
use crate::fastly::session::Item;
use crate::fastly::status::{KvOutcome, NO_HANDLE};
use crate::services::kv::KeyValue;
use std::sync::Arc;

/// How long what is said of a value may be.
const METADATA_BYTES: u32 = 2000;

/// How many keys a list has at most.
const LIST: u32 = 1000;

pub(super) fn open(guest: &mut Guest<'_>, name: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let name = text(memory, name)?;
    if !session.services.kv_stores.contains_key(name) {
        return Err(Status::Inval.into());
    }
    let handle = session.kv_stores.insert(name.into())?;
    Ok(put_word(memory, out, handle)?)
}

fn store(session: &Session, handle: u32) -> Result<Arc<dyn KeyValue>, Status> {
    let name = session.kv_stores.get(handle)?;
    session.services.kv_stores.get(name).cloned().ok_or(Status::Badf)
}

fn now(session: &Session) -> u64 {
    session.services.clock.now().as_secs()
}

pub(super) fn lookup(guest: &mut Guest<'_>, handle: u32, key: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let found = kv::lookup(&*store(session, handle)?, text(memory, key)?, now(session));
    let found = session.charged(found, |record| record.metadata.len() + record.value.len())?;
    let pending = session.items.insert(Item::Lookup(found))?;
    Ok(put_word(memory, out, pending)?)
}

/// Takes what an operation came to; any other handle stays.
fn take<T>(session: &mut Session, handle: u32, of: fn(Item) -> Result<T, Item>) -> Result<T, Status> {
    of(session.items.remove(handle)?).or_else(|item| {
        // It comes to where it was.
        session.items.insert(item)?;
        Err(Status::Badf)
    })
}

fn value(session: &mut Session, bytes: &[u8]) -> Result<u32, Status> {
    let mut body = Body::default();
    body.write(&session.budget, bytes, false)?;
    session.items.insert(Item::Body(body))
}

/// `metadata` is a buffer and where its length goes; `generation` where that goes, and whether it has 64 bits.
pub(super) fn lookup_wait(
    guest: &mut Guest<'_>,
    pending: u32,
    body: u32,
    metadata: Option<(Span, u32)>,
    generation: Option<(u32, bool)>,
    outcome: Option<u32>,
) -> Answer {
    let (memory, session) = split(guest)?;
    let found = take(session, pending, |item| match item {
        Item::Lookup(found) => Ok(found),
        other => Err(other),
    })?;
    let (record, told) = match found {
        Ok((record, _)) => (Some(record), KvOutcome::Ok),
        Err(why) => (None, why),
    };
    if let Some(at) = outcome {
        put_word(memory, at, told as u32)?;
    }
    let Some(record) = record else {
        put_word(memory, body, NO_HANDLE)?;
        // The older functions have no other place to say so.
        return if outcome.is_some() || told == KvOutcome::NotFound {
            Ok(())
        } else {
            Err(Status::Inval.into())
        };
    };
    if let Some((buffer, out)) = metadata {
        fill(memory, buffer, out, &record.metadata)?;
    }
    match generation {
        Some((at, true)) => put(memory, at, record.generation.to_le_bytes())?,
        Some((at, false)) => put_word(memory, at, record.generation as u32)?,
        None => {}
    }
    let handle = value(session, &record.value)?;
    Ok(put_word(memory, body, handle)?)
}

pub(super) fn lookup_now(guest: &mut Guest<'_>, handle: u32, key: Span, body: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let place = match kv::lookup(&*store(session, handle)?, text(memory, key)?, now(session)) {
        Ok(record) => value(session, &record.value)?,
        Err(KvOutcome::NotFound) => NO_HANDLE,
        Err(_) => return Err(Status::Inval.into()),
    };
    Ok(put_word(memory, body, place)?)
}

/// What a configuration in memory says of an insertion: its mode, what is said of the value, how long it is there, and
/// which generation it replaces.
fn insertion(memory: &[u8], (mask, at): (u32, u32), now: u64) -> Result<Insertion, Status> {
    let is_given = |bit: u32| mask & 1 << bit != 0;
    let mode = match word(memory, at, 0)? {
        0 => InsertMode::Overwrite,
        1 => InsertMode::Add,
        2 => InsertMode::Append,
        3 => InsertMode::Prepend,
        _ => return Err(Status::Inval),
    };
    let mut record = Record::default();
    if is_given(3) {
        let span = (word(memory, at, 8)?, word(memory, at, 12)?);
        if span.1 > METADATA_BYTES {
            return Err(Status::Inval);
        }
        record.metadata = slice(memory, span)?.to_vec();
    }
    if is_given(4) {
        record.expires = now.saturating_add(word(memory, at, 16)?.into());
    }
    let only_if = match is_given(5) {
        true => Some(u64::from(word(memory, at, 24)?) | u64::from(word(memory, at, 28)?) << 32),
        false => None,
    };
    Ok(Insertion { mode, record, only_if })
}

/// Inserts a body's bytes, once they are all there.
fn insert_body(
    guest: &mut Guest<'_>,
    handle: u32,
    key: Span,
    body: u32,
    config: Option<(u32, u32)>,
) -> Result<Result<(), KvOutcome>, super::Refusal> {
    let (memory, session) = split(guest)?;
    let (store, now) = (store(session, handle)?, now(session));
    let mut insertion = match config {
        Some(config) => insertion(memory, config, now)?,
        None => Insertion { mode: InsertMode::Overwrite, record: Record::default(), only_if: None },
    };
    let key = text(memory, key)?;
    let mut body = session.take_body(body)?;
    // A copy, which is charged as long as it is here; the store charges its own.
    let mut charge = session.budget.charge(dunlin::Kind::Host, 0).map_err(Status::from)?;
    let mut block = vec![0; 16 << 10];
    loop {
        let count = session.wait(None, |_| body.try_read(&mut block))??.unwrap_or(0);
        if count == 0 {
            break;
        }
        charge.grow(count as u64).map_err(Status::from)?;
        insertion.record.value.extend_from_slice(&block[..count]);
    }
    Ok(kv::insert(&*store, key, insertion, now))
}

pub(super) fn insert(
    guest: &mut Guest<'_>,
    handle: u32,
    key: Span,
    body: u32,
    config: Option<(u32, u32)>,
    out: u32,
) -> Answer {
    let inserted = insert_body(guest, handle, key, body, config)?;
    let (memory, session) = split(guest)?;
    let pending = session.items.insert(Item::Change(inserted))?;
    Ok(put_word(memory, out, pending)?)
}

pub(super) fn insert_now(guest: &mut Guest<'_>, handle: u32, key: Span, body: u32) -> Answer {
    let inserted = insert_body(guest, handle, key, body, None)?;
    Ok(inserted.map_err(status)?)
}

/// What the older functions say of an outcome.
fn status(outcome: KvOutcome) -> Status {
    match outcome {
        KvOutcome::Ok => Status::Error,
        KvOutcome::BadRequest | KvOutcome::PreconditionFailed => Status::Inval,
        KvOutcome::NotFound => Status::None,
        KvOutcome::PayloadTooLarge => Status::LimitExceeded,
        KvOutcome::InternalError => Status::Error,
    }
}

pub(super) fn delete(guest: &mut Guest<'_>, handle: u32, key: Span, out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let deleted = kv::delete(&*store(session, handle)?, text(memory, key)?);
    let pending = session.items.insert(Item::Change(deleted))?;
    Ok(put_word(memory, out, pending)?)
}

pub(super) fn change_wait(guest: &mut Guest<'_>, pending: u32, outcome: Option<u32>) -> Answer {
    let (memory, session) = split(guest)?;
    let changed = take(session, pending, |item| match item {
        Item::Change(changed) => Ok(changed),
        other => Err(other),
    })?;
    match outcome {
        Some(at) => Ok(put_word(memory, at, changed.err().unwrap_or(KvOutcome::Ok) as u32)?),
        None => Ok(changed.map_err(status)?),
    }
}

pub(super) fn list(guest: &mut Guest<'_>, handle: u32, (mask, at): (u32, u32), out: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let is_given = |bit: u32| mask & 1 << bit != 0;
    let given = |bit: u32, offset: u32| match is_given(bit) {
        true => text(memory, (word(memory, at, offset)?, word(memory, at, offset + 4)?)).map(Some),
        false => Ok(None),
    };
    let (cursor, prefix) = (given(1, 4)?, given(3, 16)?.unwrap_or(""));
    let limit = if is_given(2) { word(memory, at, 12)?.clamp(1, LIST) } else { LIST };
    let listed = kv::list(&*store(session, handle)?, prefix, cursor, limit as usize);
    let listed = session.charged(listed, Vec::len)?;
    let pending = session.items.insert(Item::List(listed))?;
    Ok(put_word(memory, out, pending)?)
}

pub(super) fn list_wait(guest: &mut Guest<'_>, pending: u32, body: u32, outcome: u32) -> Answer {
    let (memory, session) = split(guest)?;
    let listed = take(session, pending, |item| match item {
        Item::List(listed) => Ok(listed),
        other => Err(other),
    })?;
    let (place, told) = match listed {
        Ok((text, _)) => (value(session, &text)?, KvOutcome::Ok),
        Err(why) => (NO_HANDLE, why),
    };
    put_word(memory, outcome, told as u32)?;
    Ok(put_word(memory, body, place)?)
}
