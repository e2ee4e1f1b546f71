//! Outbound requests.

use super::memory::{slice, split, text};
use super::{Guest, Refusal, Size};
use crate::atmo::capabilities::NOT_ENABLED;
use crate::atmo::state::State;
use crate::services::held::Held;
use crate::services::http::{Headers, HttpLimits, OutboundHttp, Redirects, Request, RequestBody, Response};
use dunlin::{Budget, Error, Kind};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{self, Read};
use std::time::Duration;

/// By the ABI's numbers.
const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/// How many redirects are followed.
const REDIRECTS: u32 = 10;

/// How much is read of a response at a time.
const PIECE: usize = 16 << 10;

/// Sends a request. Headers stand behind the URL, `::name:value` each.
pub(super) fn fetch(
    guest: &mut Guest<'_>,
    method: u32,
    url: u32,
    url_len: u32,
    body: u32,
    body_len: u32,
) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    let method = METHODS.get(method as usize).ok_or(Refusal::Argument)?;
    let mut parts = text(memory, (url, url_len))?.split("::");
    let url = parts.next().unwrap_or_default();
    let pairs = parts.map(|part| part.split_once(':').filter(|(_, value)| !value.contains(':')));
    let mut headers: Headers =
        pairs.collect::<Option<Vec<_>>>().ok_or(Refusal::Argument)?.into_iter().collect();
    let body = slice(memory, (body, body_len))?;
    if !body.is_empty() && headers.get("content-type").is_none() {
        headers.push("content-type", "application/octet-stream");
    }
    let Some(http) = state.capabilities.http.clone() else { return state.keep_error(NOT_ENABLED) };
    match sent(&*http, state, method, url, headers, body)? {
        Ok((..=299, held)) => state.keep_held(held),
        Ok((status, held)) => {
            // Bytes that aren't text take three times as much.
            let mut room =
                state.task.budget.charge(Kind::Host, 3 * held.bytes.len() as u64).map_err(Error::from)?;
            let text = format!("{status}: {}", String::from_utf8_lossy(&held.bytes));
            drop(held);
            room.shrink(room.bytes());
            state.keep_error(&text)
        }
        Err(error) => state.keep_error(&error),
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

/// Sends a query to a GraphQL endpoint.
pub(super) fn graphql(guest: &mut Guest<'_>, url: u32, url_len: u32, query: u32, query_len: u32) -> Size {
    let (memory, state) = split(guest)?;
    state.is_free()?;
    let (url, query) = (text(memory, (url, url_len))?, text(memory, (query, query_len))?);
    let Some(http) = state.capabilities.graphql.clone() else { return state.keep_error(NOT_ENABLED) };
    // As escapes, a text is six times as long at most.
    let _room = state.task.budget.charge(Kind::Host, 6 * query.len() as u64).map_err(Error::from)?;
    let body = serde_json::json!({ "query": query }).to_string();
    let headers = [("content-type", "application/json")].into_iter().collect();
    let (status, held) = match sent(&*http, state, "POST", url, headers, body.as_bytes())? {
        Ok(answer) => answer,
        Err(error) => return state.keep_error(&error),
    };
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(&held.bytes) else {
        return state.keep_error(&format!("the answer isn't GraphQL's; status {status}"));
    };
    let errors = answer.errors.map_or("null", RawValue::get);
    if status > 299 || !matches!(errors.split_ascii_whitespace().collect::<String>().as_str(), "null" | "[]")
    {
        return state.keep_error(&format!("graphQL error; status: {status}, errors: {errors}"));
    }
    let data = answer.data.map_or("null", RawValue::get);
    let _room = state.task.budget.charge(Kind::Host, data.len() as u64).map_err(Error::from)?;
    state.keep(format!("{{\"data\":{data}}}").as_bytes())
}

/// Sends a request, and reads the whole response: its status and body, or why there is none.
fn sent(
    http: &dyn OutboundHttp,
    state: &State,
    method: &str,
    url: &str,
    mut headers: Headers,
    mut body: &[u8],
) -> Result<Result<(u16, Held), String>, Error> {
    let mut limits = HttpLimits::default();
    if let Some(left) = state.task.time_left() {
        // None at all would be refused as no limit.
        limits.total = limits.total.map(|total| total.min(left).max(Duration::from_millis(1)));
    }
    if let Some(value) = state.capabilities.authorization.get(place(url)) {
        headers.push("authorization", value.as_str());
    }
    let len = body.len() as u64;
    let request = Request {
        headers,
        body: if body.is_empty() { RequestBody::Empty } else { RequestBody::Sized(&mut body, len) },
        limits,
        redirects: Redirects::Followed(REDIRECTS),
        ..Request::new(method, url)
    };
    match http.send(request) {
        Ok(response) => {
            let status = response.status;
            Ok(read(response, &state.task.budget)?
                .map(|held| (status, held))
                .map_err(|error| error.to_string()))
        }
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Where a URL leads: the host, with a port if it has one.
fn place(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Reads a response's body, paying before each piece.
fn read(mut response: Response, budget: &Budget) -> Result<io::Result<Held>, Error> {
    let mut bytes = Vec::new();
    let mut charge = budget.charge(Kind::Host, 0)?;
    loop {
        let room = bytes.len().max(PIECE);
        charge.grow(room as u64)?;
        bytes.reserve_exact(room);
        match response.body.by_ref().take(room as u64).read_to_end(&mut bytes) {
            Ok(count) if count == room => {}
            Ok(_) => {
                bytes.shrink_to_fit();
                // From now on the held bytes pay.
                charge.shrink(charge.bytes());
                return Held::new(budget, bytes).map(Ok);
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}
