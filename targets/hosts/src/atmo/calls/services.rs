//! The cache, files and the database; and what is kept for the guest to fetch.

use super::memory::{slice, slice_mut, split, text};
use super::{Guest, Refusal, Size};
use crate::atmo::capabilities::NOT_ENABLED;
use crate::atmo::database::{QueryCall, QueryKind};
use crate::services::held::Held;
use std::time::Duration;

/// How large a query's result may be, in bytes.
const LARGEST_RESULT: u64 = 16 << 20;

/// Writes what is kept where the guest has made room for it.
pub(super) fn fetch_result(guest: &mut Guest<'_>, at: u32) -> Size {
    let (memory, state) = split(guest)?;
    let (Ok(held) | Err(held)) = state.kept.take().ok_or(Refusal::Unknown)?;
    let place = slice_mut(memory, at, held.bytes.len()).map_err(|_| Refusal::Unknown)?;
    place.copy_from_slice(&held.bytes);
    Ok(0)
}

/// Adds a variable to those of the next query. Their names don't matter, their order does.
pub(super) fn add_var(guest: &mut Guest<'_>, name: u32, name_len: u32, value: u32, value_len: u32) -> Size {
    let (memory, state) = split(guest)?;
    text(memory, (name, name_len))?;
    let value = text(memory, (value, value_len))?;
    state.pay(0)?;
    state.vars.push(Held::copy(&state.task.budget, value.as_bytes())?);
    Ok(0)
}

pub(super) fn cache_set(
    guest: &mut Guest<'_>,
    key: u32,
    key_len: u32,
    value: u32,
    value_len: u32,
    time: u32,
) -> Size {
    let (memory, state) = split(guest)?;
    let (key, value) = (text(memory, (key, key_len))?, slice(memory, (value, value_len))?);
    let time = u64::try_from(time.cast_signed()).ok().filter(|time| *time > 0);
    let cache = state.capabilities.cache.as_ref().ok_or(Refusal::Argument)?;
    cache.set(key, value, time.map(Duration::from_secs)).map_err(|_| Refusal::Argument)?;
    Ok(0)
}

pub(super) fn cache_get(guest: &mut Guest<'_>, key: u32, key_len: u32) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    let key = text(memory, (key, key_len))?;
    let Some(cache) = &state.capabilities.cache else { return state.keep_error(NOT_ENABLED) };
    match cache.get(key) {
        Ok(Some(value)) => state.keep_held(Held::new(&state.task.budget, value)?),
        Ok(None) => state.keep_error("key not found"),
        Err(error) => state.keep_error(&error.to_string()),
    }
}

pub(super) fn file(guest: &mut Guest<'_>, name: u32, name_len: u32) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    let name = text(memory, (name, name_len))?;
    let Some(files) = &state.capabilities.files else { return state.keep_error(NOT_ENABLED) };
    match files.get(name).cloned() {
        Some(content) => state.keep(&content),
        None => state.keep_error("file does not exist"),
    }
}

pub(super) fn query(guest: &mut Guest<'_>, kind: u32, name: u32, name_len: u32) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    let name = text(memory, (name, name_len))?;
    let vars = std::mem::take(&mut state.vars);
    let Some(kind) = QueryKind::numbered(kind) else { return state.keep_error("query type invalid") };
    let Some(database) = &state.capabilities.database else {
        return state.keep_error("db_exec is unsupported: there is no database here");
    };
    // They were text when they came.
    let vars: Vec<&str> = vars.iter().map(|var| str::from_utf8(&var.bytes).unwrap_or_default()).collect();
    let most = state.task.budget.available().map_or(LARGEST_RESULT, |room| room.min(LARGEST_RESULT));
    let call = QueryCall { kind, name, vars: &vars, time: state.task.time_left(), most };
    match database.exec(call) {
        Ok(result) => state.keep_held(Held::new(&state.task.budget, result)?),
        Err(error) => state.keep_error(&error),
    }
}
