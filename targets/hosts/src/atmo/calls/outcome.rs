//! What a runnable says: results, errors, messages, headers of the response.

use super::Guest;
use super::memory::{slice, split};
use crate::atmo::error::Returned;
use crate::services::held::Held;
use crate::services::log::Level;
use dunlin::Error;

pub(super) fn result(guest: &mut Guest<'_>, at: u32, len: u32) -> Result<(), Error> {
    let (memory, state) = split(guest)?;
    state.outcome = Some(Ok(Held::copy(&state.task.budget, slice(memory, (at, len))?)?));
    Ok(())
}

pub(super) fn error(guest: &mut Guest<'_>, code: u32, at: u32, len: u32) -> Result<(), Error> {
    let (memory, state) = split(guest)?;
    let text = slice(memory, (at, len))?;
    state.pay(3 * text.len())?;
    let message = String::from_utf8_lossy(text).into_owned();
    state.outcome = Some(Err(Returned { code: code.cast_signed(), message }));
    Ok(())
}

/// What a program in AssemblyScript does before it traps.
pub(super) fn abort(
    guest: &mut Guest<'_>,
    text: u32,
    text_len: u32,
    file: u32,
    file_len: u32,
    line: u32,
    column: u32,
) -> Result<(), Error> {
    let (memory, state) = split(guest)?;
    let (text, file) = (slice(memory, (text, text_len))?, slice(memory, (file, file_len))?);
    state.pay(6 * (text.len() + file.len()) + 128)?;
    let message = format!(
        "runnable abort: {}; file: {}, line: {line}, col: {column}",
        String::from_utf8_lossy(text),
        String::from_utf8_lossy(file)
    );
    state.outcome = Some(Err(Returned { code: -1, message }));
    Ok(())
}

pub(super) fn log(guest: &mut Guest<'_>, at: u32, len: u32, level: u32) -> Result<(), Error> {
    let (memory, state) = split(guest)?;
    let level = match level {
        1 => Level::Error,
        2 => Level::Warn,
        4 => Level::Debug,
        _ => Level::Info,
    };
    state.console.tell(level, slice(memory, (at, len))?);
    Ok(())
}

pub(super) fn set_header(
    guest: &mut Guest<'_>,
    name: u32,
    name_len: u32,
    value: u32,
    value_len: u32,
) -> Result<(), Error> {
    let (memory, state) = split(guest)?;
    let (name, value) = (slice(memory, (name, name_len))?, slice(memory, (value, value_len))?);
    state.pay(3 * (name.len() + value.len()))?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    state.headers.insert(text(name), text(value));
    Ok(())
}
