//! Heads of requests and responses, and what they say of bodies.

use super::super::client::Place;
use super::super::headers::Headers;
use super::super::message::{HttpError, Request, RequestBody};
use ureq::http::Uri;

/// How many headers a response may have.
const MOST_HEADERS: usize = 128;

/// Headers that this client decides, beside the body's length.
const OF_CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "expect"];

/// A response's head.
pub(super) struct Head {
    pub(super) status: u16,
    /// HTTP/1.1, not 1.0.
    is_1_1: bool,
    pub(super) headers: Headers,
}

/// How a response's body ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    Sized(u64),
    Chunked,
    /// With the connection.
    Closed,
}

fn is_token(text: &[u8]) -> bool {
    let special = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || special.contains(byte))
}

fn is_value(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f)
}

/// Writes headers that nobody can take for more than they are.
pub(super) fn write_field(out: &mut Vec<u8>, name: &str, value: &[u8]) -> Result<(), HttpError> {
    if !is_token(name.as_bytes()) || !is_value(value) {
        return Err(HttpError::Invalid(format!("'{}' is no header", name.escape_debug())));
    }
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
    Ok(())
}

/// A request's head as it is sent. A length is where the headers have one.
pub(super) fn request(request: &Request<'_>, url: &Uri, place: &Place) -> Result<Vec<u8>, HttpError> {
    let path = url.path_and_query().map_or("/", |both| both.as_str());
    if !is_token(request.method.as_bytes()) || path.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err(HttpError::Invalid("its method or its path can't be sent".into()));
    }
    let mut head = Vec::with_capacity(512);
    for part in [&*request.method, " ", path, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    let mut length = match request.body {
        RequestBody::Sized(_, length) => Some(length),
        // What has no body may say so, and has to where one is expected.
        RequestBody::Empty => {
            let expected = matches!(&*request.method, "POST" | "PUT" | "PATCH");
            (expected || request.headers.get("content-length").is_some()).then_some(0)
        }
        RequestBody::Chunked(_) | RequestBody::Trailed(..) => None,
    };
    if request.headers.get("host").is_none() {
        let default = place.port == 80;
        let host = if default { place.host.clone() } else { format!("{}:{}", place.host, place.port) };
        write_field(&mut head, "host", host.as_bytes())?;
    }
    for (name, value) in request.headers.iter() {
        if name.eq_ignore_ascii_case("content-length") {
            if let Some(length) = length.take() {
                write_field(&mut head, name, length.to_string().as_bytes())?;
            }
        } else if !OF_CONNECTION.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            write_field(&mut head, name, value)?;
        }
    }
    if let Some(length) = length {
        write_field(&mut head, "content-length", length.to_string().as_bytes())?;
    }
    if matches!(request.body, RequestBody::Chunked(_) | RequestBody::Trailed(..)) {
        write_field(&mut head, "transfer-encoding", b"chunked")?;
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

fn protocol(why: impl ToString) -> HttpError {
    HttpError::Protocol(why.to_string())
}

/// Reads a response's head, which is whole.
pub(super) fn response(bytes: &[u8]) -> Result<Head, HttpError> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(len)) if len == bytes.len() => {}
        Ok(_) => return Err(protocol("its lines don't end as they should")),
        Err(error) => return Err(protocol(error)),
    }
    let (Some(status), Some(version)) = (parsed.code, parsed.version) else {
        return Err(protocol("it has no status"));
    };
    Ok(Head { status, is_1_1: version == 1, headers: headers(parsed.headers) })
}

fn headers(fields: &[httparse::Header<'_>]) -> Headers {
    fields.iter().map(|field| (field.name.to_ascii_lowercase(), field.value)).collect()
}

/// Reads trailers, which are whole.
pub(super) fn trailers(bytes: &[u8]) -> Result<Headers, HttpError> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_HEADERS];
    match httparse::parse_headers(bytes, &mut fields) {
        Ok(httparse::Status::Complete((len, fields))) if len == bytes.len() => Ok(headers(fields)),
        Ok(_) => Err(protocol("its trailers don't end as they should")),
        Err(error) => Err(protocol(error)),
    }
}

/// How a response's body ends, and whether the connection can be used again then.
///
/// # Errors
///
/// If it isn't certain: whoever reads it otherwise would take a part of it for the next response.
pub(super) fn framing(head: &Head, method: &str) -> Result<(Framing, bool), HttpError> {
    let all = |name: &'static str| {
        head.headers.iter().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    };
    let says = |name, word: &str| {
        let words = all(name).flat_map(|value| value.split(|byte| *byte == b','));
        words.map(<[u8]>::trim_ascii).any(|other| other.eq_ignore_ascii_case(word.as_bytes()))
    };
    let stays = head.is_1_1 && !says("connection", "close");
    let mut codings = all("transfer-encoding");
    let coding = codings.next();
    let mut lengths = all("content-length").flat_map(|value| value.split(|byte| *byte == b','));
    let length = lengths.next().map(<[u8]>::trim_ascii);
    if lengths.any(|other| Some(other.trim_ascii()) != length) {
        return Err(protocol("it has several lengths"));
    }
    let framing = match (coding, length) {
        _ if method == "HEAD" || matches!(head.status, 204 | 304) => return Ok((Framing::Sized(0), stays)),
        (Some(_), Some(_)) => return Err(protocol("it has a length and a coding")),
        (Some(coding), None) => {
            if !coding.eq_ignore_ascii_case(b"chunked") || codings.next().is_some() || !head.is_1_1 {
                return Err(protocol("its transfer coding isn't known"));
            }
            Framing::Chunked
        }
        (None, Some(length)) => {
            let digits = str::from_utf8(length).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
            let length = digits.and_then(|text| text.parse().ok());
            Framing::Sized(length.ok_or_else(|| protocol("its length is no number"))?)
        }
        (None, None) => return Ok((Framing::Closed, false)),
    };
    Ok((framing, stays))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_where_it_is_certain() {
        let of = |fields: &str, method| {
            let head = response(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes()).unwrap();
            framing(&head, method).ok()
        };
        assert_eq!(of("Content-Length: 7\r\n", "GET"), Some((Framing::Sized(7), true)));
        assert_eq!(
            of("content-length: 7\r\nConnection: a, Close\r\n", "GET"),
            Some((Framing::Sized(7), false))
        );
        assert_eq!(of("content-length: 7, 7\r\n", "GET"), Some((Framing::Sized(7), true)));
        assert_eq!(of("content-length: 7\r\n", "HEAD"), Some((Framing::Sized(0), true)));
        assert_eq!(of("transfer-encoding: Chunked\r\n", "GET"), Some((Framing::Chunked, true)));
        assert_eq!(of("", "GET"), Some((Framing::Closed, false)));
        for uncertain in [
            "content-length: 7\r\ncontent-length: 8\r\n",
            "content-length: +7\r\n",
            "content-length: \r\n",
            "content-length: 99999999999999999999\r\n",
            "content-length: 7\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: identity\r\n",
        ] {
            assert_eq!(of(uncertain, "GET"), None, "{uncertain:?}");
        }
        assert!(response(b"HTTP/1.1 200 OK\n\n\r\n\r\n").is_err());
        let old = response(b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n").unwrap();
        assert_eq!(framing(&old, "GET").ok(), Some((Framing::Sized(1), false)));
    }

    #[test]
    fn nothing_smuggles_a_header() {
        let mut out = Vec::new();
        for (name, value) in [("a\r\nb", "c"), ("", "c"), ("a b", "c"), ("a", "c\r\nd: e"), ("a", "\0")] {
            assert!(write_field(&mut out, name, value.as_bytes()).is_err());
        }
        assert!(out.is_empty() && write_field(&mut out, "a", b"b\xfc").is_ok());
    }
}
