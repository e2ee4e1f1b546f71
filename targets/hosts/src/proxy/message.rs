//! Messages as the server, filters and the client for upstreams have them.

use super::options::Upstream;
use crate::proxy_wasm::Headers;
use crate::server::{HeaderMap, Parts, header};
use crate::services::http::{self, HttpError, HttpLimits, OutboundHttp, Redirects, RequestBody, Response};
use hyper::header::{HeaderName, HeaderValue};
use std::time::Duration;

/// Headers that are about a connection, and stay behind, with those that `connection` names.
const OF_CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "expect"];

/// Whether a header is about the connection that it came by.
fn stays_behind(name: &str, value: &[u8], named: &[&[u8]]) -> bool {
    // Of what a sender takes, only trailers are passed on.
    let is_te = name == "te" && !value.trim_ascii().eq_ignore_ascii_case(b"trailers");
    is_te
        || OF_CONNECTION.contains(&name)
        || name != "te" && named.iter().any(|other| other.eq_ignore_ascii_case(name.as_bytes()))
}

/// The names in a header `connection`.
fn names<'v>(values: impl Iterator<Item = &'v [u8]>) -> Vec<&'v [u8]> {
    values.flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii).collect()
}

/// A request's headers, as filters see them.
pub(super) fn of_request(head: &Parts) -> Headers {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = head.headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let mut headers = Headers::new();
    headers.append(":authority", host);
    headers.append(":path", path);
    headers.append(":method", head.method.as_str());
    headers.append(":scheme", "http");
    let named = names(head.headers.get_all(header::CONNECTION).iter().map(HeaderValue::as_bytes));
    for (name, value) in &head.headers {
        if name != header::HOST && !stays_behind(name.as_str(), value.as_bytes(), &named) {
            headers.append(name.as_str(), value.as_bytes());
        }
    }
    // As Envoy has it: whoever is in front of this proxy knows better.
    if headers.get("x-forwarded-proto").is_none() {
        headers.append("x-forwarded-proto", "http");
    }
    headers
}

/// A response's headers, as filters see them.
pub(super) fn of_response(response: &Response) -> Headers {
    let mut headers = Headers::new();
    headers.append(":status", response.status.to_string());
    // With those that are about the connection: Envoy takes them out behind the filters.
    response.headers.iter().for_each(|(name, value)| headers.append(name, value));
    headers
}

/// The length that a response says its body has.
pub(super) fn length(response: &Response) -> Option<u64> {
    response.headers.text("content-length")?.parse().ok()
}

/// A client's trailers, as filters see them.
pub(super) fn of_client(trailers: &HeaderMap) -> Headers {
    trailers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// An upstream's trailers, as filters see them.
pub(super) fn of_upstream(trailers: &http::Headers) -> Headers {
    trailers.iter().collect()
}

/// Fields for the client.
pub(super) fn fields(headers: &Headers) -> Option<HeaderMap> {
    let connection = headers.iter().filter(|(name, _)| *name == b"connection");
    let named = names(connection.map(|(_, value)| value));
    let stays = |name: &[u8], value: &[u8]| stays_behind(&String::from_utf8_lossy(name), value, &named);
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter().filter(|(name, value)| !name.starts_with(b":") && !stays(name, value))
    {
        let (name, value) = (HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
        map.try_append(name, value).ok()?;
    }
    Some(map)
}

/// What filters made of a response's headers: the status and the others.
pub(super) fn to_client(headers: &Headers) -> Option<(u16, HeaderMap)> {
    let status = str::from_utf8(headers.get(":status")?).ok()?.parse().ok()?;
    Some((status, fields(headers)?))
}

/// Fields for an upstream, without those that aren't sent as such.
fn to_upstream(headers: &Headers, into: &mut http::Headers) {
    for (name, value) in headers.iter() {
        let name = String::from_utf8_lossy(name);
        if !name.starts_with(':') && name != "host" {
            into.push(name, value);
        }
    }
}

/// A request as filters have made it.
pub(super) struct Sent<'m> {
    pub(super) headers: &'m Headers,
    /// None where the headers are all of it.
    pub(super) body: Option<&'m [u8]>,
    pub(super) trailers: &'m Headers,
    /// How long the answer may take.
    pub(super) time: Option<Duration>,
}

/// Sends what filters made of a request.
pub(super) fn send(http: &dyn OutboundHttp, to: &Upstream, sent: &Sent<'_>) -> Result<Response, HttpError> {
    let Sent { headers, body, trailers, time } = *sent;
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| str::from_utf8(value).ok());
        value.ok_or_else(|| HttpError::Invalid(format!("its header {name} is missing or no text")))
    };
    let path = text(":path")?;
    if !path.starts_with('/') {
        return Err(HttpError::Invalid("its path doesn't begin with a slash".into()));
    }
    let mut others = http::Headers::new();
    others.push("host", text(":authority")?);
    to_upstream(headers, &mut others);
    let says_length = headers.get("content-length").is_some();
    let (has_body, mut body) = (body.is_some(), body.unwrap_or_default());
    let length = body.len() as u64;
    let body = if !trailers.is_empty() {
        let mut behind = http::Headers::new();
        to_upstream(trailers, &mut behind);
        RequestBody::Trailed(&mut body, behind)
    } else if !has_body || says_length && length == 0 {
        RequestBody::Empty
    } else if says_length {
        // Whatever it says: filters may have changed the body, and the next request begins behind it.
        RequestBody::Sized(&mut body, length)
    } else {
        RequestBody::Chunked(&mut body)
    };
    http.send(http::Request {
        method: text(":method")?.into(),
        url: to.url(path),
        headers: others,
        body,
        limits: HttpLimits { total: time, response_body: u64::MAX, ..HttpLimits::default() },
        redirects: Redirects::GivenBack,
    })
}

/// What a client, or a filter that calls, is told where an upstream gives no response, as Envoy tells it.
pub(super) fn refusal(error: &HttpError) -> (u16, String) {
    let (status, reason) = match error {
        HttpError::TimedOut(_) => return (504, "upstream request timeout".into()),
        HttpError::Protocol(_) | HttpError::TooLarge(_) => (502, "protocol error"),
        HttpError::Unanswered(_) => (503, "connection termination"),
        _ => (503, "remote connection failure"),
    };
    (status, format!("upstream connect error or disconnect/reset before headers. reset reason: {reason}"))
}
