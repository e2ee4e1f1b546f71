//! Parts of the request, which a runnable may ask for, and change in its own copy.

use super::memory::{slice, split, text};
use super::{Guest, Refusal, Size};
use crate::atmo::capabilities::NOT_ENABLED;
use crate::server::Bytes;

/// What a part is one of, by the ABI's numbers.
#[derive(Clone, Copy)]
enum Of {
    Meta,
    Body,
    Header,
    Params,
    State,
    Query,
}

impl Of {
    fn numbered(number: u32) -> Option<Self> {
        [Self::Meta, Self::Body, Self::Header, Self::Params, Self::State, Self::Query]
            .get(number as usize)
            .copied()
    }
}

/// Keeps a part. Where there is none, it is empty; but of the body, only what is there and a text can be had.
pub(super) fn get(guest: &mut Guest<'_>, kind: u32, key: u32, key_len: u32) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    if !state.capabilities.get_fields {
        return state.keep_error(NOT_ENABLED);
    }
    let key = text(memory, (key, key_len))?;
    let request = &state.request;
    let owned = match Of::numbered(kind).ok_or(Refusal::Unknown)? {
        Of::Meta => match key {
            "method" => request.method.clone(),
            "url" => request.url.clone(),
            "id" => request.id.clone(),
            "body" => {
                let body = request.body.clone();
                return state.keep(&body);
            }
            _ => String::new(),
        },
        Of::Body if request.body.is_empty() => String::new(),
        Of::Body => {
            let fields = state.fields()?.ok_or(Refusal::Unknown)?;
            fields.text(key).ok_or(Refusal::Unknown)?
        }
        Of::Header => request.headers.get(&key.to_ascii_lowercase()).cloned().unwrap_or_default(),
        Of::Params => request.params.get(key).cloned().unwrap_or_default(),
        Of::State => {
            let value = request.state.get(key).cloned().unwrap_or_default();
            return state.keep(&value);
        }
        Of::Query => request.query(key),
    };
    state.keep(owned.as_bytes())
}

pub(super) fn set(
    guest: &mut Guest<'_>,
    kind: u32,
    key: u32,
    key_len: u32,
    value: u32,
    value_len: u32,
) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    if !state.capabilities.set_fields {
        return state.keep_error(NOT_ENABLED);
    }
    let (key, bytes) = (text(memory, (key, key_len))?, slice(memory, (value, value_len))?);
    let of = Of::numbered(kind);
    // Bodies and state are bytes, the rest is text.
    let value = match of {
        Some(Of::State) => "",
        Some(Of::Meta) if key == "body" => "",
        _ => str::from_utf8(bytes).map_err(|_| Refusal::Argument)?,
    };
    state.pay(key.len() + bytes.len())?;
    match of {
        Some(Of::Meta) => match key {
            "method" => value.clone_into(&mut state.request.method),
            "url" => value.clone_into(&mut state.request.url),
            "body" => {
                state.fields = None;
                state.set_body(bytes.to_vec())?;
            }
            // It is what logs have.
            "id" => {}
            _ => return state.keep_error("key not found"),
        },
        Some(Of::Body) if state.request.body.is_empty() => {}
        Some(Of::Body) => {
            let Some(fields) = state.fields()? else {
                return state.keep_error("the request's body is no object of JSON");
            };
            fields.set(key, value)?;
            let body = fields.body()?;
            state.set_body(body)?;
        }
        Some(Of::Header) => _ = state.request.headers.insert(key.to_ascii_lowercase(), value.into()),
        Some(Of::Params) => _ = state.request.params.insert(key.into(), value.into()),
        Some(Of::State) => _ = state.request.state.insert(key.into(), Bytes::copy_from_slice(bytes)),
        Some(Of::Query) | None => return state.keep_error("invalid field type"),
    }
    state.keep(b"")
}
