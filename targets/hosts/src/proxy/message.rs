//! Messages as the server, filters and the client for upstreams have them.

use super::options::Upstream;
use crate::proxy_wasm::Headers;
use crate::server::{HeaderMap, Parts, header};
use crate::services::http::{self, HttpError, HttpLimits, OutboundHttp, Redirects, RequestBody, Response};
use hyper::header::{HeaderName, HeaderValue};
use std::time::Duration;

/// Headers that are about a connection, and stay behind.
const OF_CONNECTION: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request's headers, as filters see them.
pub(super) fn of_request(head: &Parts) -> Headers {
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = head.headers.get(header::HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let mut headers = Headers::new();
    headers.append(":authority", host);
    headers.append(":path", path);
    headers.append(":method", head.method.as_str());
    headers.append(":scheme", "http");
    for (name, value) in &head.headers {
        if name != header::HOST && !OF_CONNECTION.contains(&name.as_str()) {
            headers.append(name.as_str(), value.as_bytes());
        }
    }
    headers
}

/// A response's headers, as filters see them.
pub(super) fn of_response(response: &Response) -> Headers {
    let mut headers = Headers::new();
    headers.append(":status", response.status.to_string());
    for (name, value) in response.headers.iter() {
        let name = name.to_ascii_lowercase();
        if !OF_CONNECTION.contains(&&*name) {
            headers.append(name, value);
        }
    }
    headers
}

/// What filters made of a response's headers: the status and the others. Its length is up to the server.
pub(super) fn to_client(headers: &Headers, keeps_length: bool) -> Option<(u16, HeaderMap)> {
    let status = str::from_utf8(headers.get(":status")?).ok()?.parse().ok()?;
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        if name.starts_with(b":") || name == b"content-length" && !keeps_length {
            continue;
        }
        let (name, value) = (HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
        map.try_append(name, value).ok()?;
    }
    Some((status, map))
}

/// Sends what filters made of a request.
pub(super) fn send(
    http: &dyn OutboundHttp,
    to: &Upstream,
    headers: &Headers,
    body: &[u8],
    time: Option<Duration>,
) -> Result<Response, HttpError> {
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
    for (name, value) in headers.iter() {
        let name = String::from_utf8_lossy(name);
        if !name.starts_with(':') && name != "host" {
            others.push(name, value);
        }
    }
    let (mut reader, length) = (body, body.len() as u64);
    let body = if length > 0 { RequestBody::Sized(&mut reader, length) } else { RequestBody::Empty };
    http.send(http::Request {
        method: text(":method")?.into(),
        url: to.url(path),
        headers: others,
        body,
        limits: HttpLimits { total: time, response_body: u64::MAX, ..HttpLimits::default() },
        redirects: Redirects::GivenBack,
    })
}
