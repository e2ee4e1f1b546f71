//! A client for HTTP/1.1.

use super::allow::{AllowList, default_port};
use super::headers::Headers;
use super::message::{
    HttpError, HttpLimits, OutboundHttp, Redirects, Request, RequestBody, Response, Trailers,
};
use std::borrow::Cow;
use std::io::{self, Read};
use std::net::IpAddr;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use ureq::http::{self, Method, Uri};
use ureq::{Agent, AsSendBody, Body, SendBody, Timeout};

/// Sends requests to the places of an [`AllowList`], by connections of its own, some of which it keeps for later.
///
/// The environment's `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are obeyed; this machine itself is never
/// reached through a proxy. With the feature `tls`, certificates are verified against the system's.
#[derive(Debug)]
pub struct Client {
    allowed: AllowList,
    plain: Agent,
    /// Made for the first request that needs it: the system's certificates are read then.
    #[cfg(feature = "tls")]
    secure: OnceLock<Agent>,
}

impl Client {
    /// A client for these places.
    pub fn new(allowed: AllowList) -> Self {
        Self {
            allowed,
            plain: Agent::new_with_config(config().build()),
            #[cfg(feature = "tls")]
            secure: OnceLock::new(),
        }
    }

    fn agent(&self, place: &Place) -> Result<&Agent, HttpError> {
        if place.scheme == "http" {
            return Ok(&self.plain);
        }
        #[cfg(feature = "tls")]
        return Ok(self
            .secure
            .get_or_init(|| Agent::new_with_config(config().tls_config(super::tls::config()).build())));
        #[cfg(not(feature = "tls"))]
        Err(HttpError::Invalid(format!("this build has no TLS for {place}: build it with the feature 'tls'")))
    }
}

fn config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .allow_non_standard_methods(true)
        .max_idle_connections(8)
        .accept("")
        .accept_encoding("")
        .user_agent(concat!("dunlin/", env!("CARGO_PKG_VERSION")))
}

impl OutboundHttp for Client {
    fn send(&self, mut request: Request<'_>) -> Result<Response, HttpError> {
        let deadline = request.limits.total.and_then(|total| Instant::now().checked_add(total));
        let mut url = parse(&request.url)?;
        let mut followed = 0;
        loop {
            let place = Place::of(&url)?;
            self.admit(&place, &mut request.headers)?;
            let sent = Exchange { place: &place, limits: request.limits, deadline };
            let response =
                sent.send(self.agent(&place)?, &url, &request.method, &request.headers, &mut request.body)?;
            let Some(next) = next(&request, &response, &url)? else { return Ok(response) };
            let Redirects::Followed(most) = request.redirects else { return Ok(response) };
            if followed == most {
                return Err(HttpError::TooManyRedirects);
            }
            followed += 1;
            if Place::of(&next.url)? != place {
                for name in ["authorization", "cookie", "proxy-authorization", "host"] {
                    request.headers.remove(name);
                }
            }
            (url, request.method, request.body) = (next.url, next.method, RequestBody::Empty);
        }
    }
}

impl Client {
    /// Whether the request may go there. Takes out what the connection decides.
    fn admit(&self, place: &Place, headers: &mut Headers) -> Result<(), HttpError> {
        let check = |host: &str, port: u16| match self.allowed.allows(&place.scheme, host, port) {
            true => Ok(()),
            false => Err(HttpError::NotAllowed(format!("{host}:{port}"))),
        };
        check(&place.host, place.port)?;
        // Behind an address there may be several hosts, told by this header.
        if let Some(named) = headers.get("host") {
            let named = str::from_utf8(named).ok().and_then(|host| host.parse::<http::uri::Authority>().ok());
            let named = named.ok_or_else(|| HttpError::Invalid("its header 'host' names none".into()))?;
            check(named.host(), named.port_u16().unwrap_or(default_port(&place.scheme)))?;
        }
        for name in [
            "connection",
            "content-length",
            "expect",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ] {
            headers.remove(name);
        }
        Ok(())
    }
}

/// Where a request goes.
#[derive(PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scheme: String,
    pub(super) host: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Place {
    pub(super) fn of(url: &Uri) -> Result<Self, HttpError> {
        let invalid = |why: &str| HttpError::Invalid(format!("{url}: {why}"));
        let scheme = match url.scheme_str() {
            Some(scheme @ ("http" | "https")) => scheme.to_owned(),
            _ => return Err(invalid("the URL should begin with http:// or https://")),
        };
        let authority = url.authority().ok_or_else(|| invalid("the URL names no host"))?;
        if authority.as_str().contains('@') {
            return Err(HttpError::Invalid("the URL has a user's name in it".into()));
        }
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().unwrap_or(default_port(&scheme));
        Ok(Self { scheme, host, port })
    }

    fn is_this_machine(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

pub(super) fn parse(url: &str) -> Result<Uri, HttpError> {
    url.parse().map_err(|error| HttpError::Invalid(format!("{url}: {error}")))
}

/// A request to one place, and its response.
struct Exchange<'p> {
    place: &'p Place,
    limits: HttpLimits,
    deadline: Option<Instant>,
}

impl Exchange<'_> {
    fn send(
        &self,
        agent: &Agent,
        url: &Uri,
        method: &str,
        headers: &Headers,
        body: &mut RequestBody<'_>,
    ) -> Result<Response, HttpError> {
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|error| HttpError::Invalid(error.to_string()))?;
        let mut builder = http::Request::builder().method(method).uri(url.clone());
        for (name, value) in headers.iter() {
            builder = builder.header(name, value);
        }
        match body {
            RequestBody::Empty => self.run(agent, builder, ()),
            RequestBody::Sized(reader, size) => {
                self.run(agent, builder.header("content-length", *size), SendBody::from_reader(*reader))
            }
            RequestBody::Chunked(reader) | RequestBody::Trailed(reader, _) => {
                self.run(agent, builder, SendBody::from_reader(*reader))
            }
        }
    }

    fn run(
        &self,
        agent: &Agent,
        builder: http::request::Builder,
        body: impl AsSendBody,
    ) -> Result<Response, HttpError> {
        let request = builder.body(body).map_err(|error| HttpError::Invalid(error.to_string()))?;
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut request = agent
            .configure_request(request)
            .timeout_connect(Some(self.limits.connect))
            .timeout_per_read(Some(self.limits.idle))
            .timeout_per_write(Some(self.limits.idle))
            .timeout_global(left.map(|left| left.max(Duration::from_millis(1))))
            .max_response_header_size(self.limits.response_headers);
        if self.place.is_this_machine() {
            request = request.proxy(None);
        }
        let response = agent.run(request.build()).map_err(|error| self.failure(error))?;
        self.response(response)
    }

    fn response(&self, response: http::Response<Body>) -> Result<Response, HttpError> {
        let limit = self.limits.response_body;
        let (parts, body) = response.into_parts();
        if body.content_length().is_some_and(|length| length > limit) {
            return Err(HttpError::TooLarge(limit));
        }
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let body = Box::new(ResponseBody { reader: body.into_reader(), limit, left: limit });
        Ok(Response { status: parts.status.as_u16(), headers, body, trailers: Trailers::default() })
    }

    fn failure(&self, error: ureq::Error) -> HttpError {
        let connection = |why: Cow<'_, str>| HttpError::Connection(format!("{}: {why}", self.place));
        match error {
            ureq::Error::Timeout(limit) => timed_out(limit),
            ureq::Error::HostNotFound => connection("there is no such host".into()),
            ureq::Error::Io(error) if is_timeout(&error) => timed_out(Timeout::PerRead),
            ureq::Error::Io(error) => connection(reason(&error).into()),
            ureq::Error::ConnectionFailed => connection("no connection can be had".into()),
            ureq::Error::LargeResponseHeader(_, limit) => HttpError::TooLarge(limit as u64),
            ureq::Error::Protocol(error) => HttpError::Protocol(error.to_string()),
            error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_)) => HttpError::Invalid(error.to_string()),
            error => connection(error.to_string().into()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// The system's words, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

fn timed_out(limit: Timeout) -> HttpError {
    HttpError::TimedOut(match limit {
        Timeout::Resolve | Timeout::Connect => "no connection was made in time",
        Timeout::Global | Timeout::PerCall => "it took too long in all",
        _ => "nothing came or went for too long",
    })
}

/// Reads a response's body within its limit.
struct ResponseBody {
    reader: ureq::BodyReader<'static>,
    limit: u64,
    left: u64,
}

impl Read for ResponseBody {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // One byte more than there may be shows that there is more.
        let most = into.len().min(usize::try_from(self.left.saturating_add(1)).unwrap_or(usize::MAX));
        let count = self.reader.read(&mut into[..most]).map_err(body_failure)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(HttpError::TooLarge(self.limit)))?;
        Ok(count)
    }
}

fn body_failure(error: io::Error) -> io::Error {
    let ours = |kind, error| io::Error::new(kind, error);
    match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(ureq::Error::Timeout(limit)) => ours(io::ErrorKind::TimedOut, timed_out(*limit)),
        Some(ureq::Error::Protocol(why)) => {
            ours(io::ErrorKind::InvalidData, HttpError::Protocol(why.to_string()))
        }
        _ if is_timeout(&error) => ours(io::ErrorKind::TimedOut, timed_out(Timeout::PerRead)),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => ours(
            error.kind(),
            HttpError::Connection("the connection was closed before the body's end".into()),
        ),
        _ => error,
    }
}

/// What follows a redirect.
struct Next {
    url: Uri,
    method: String,
}

/// Where a response leads, if it is a redirect that can be followed.
fn next(request: &Request<'_>, response: &Response, url: &Uri) -> Result<Option<Next>, HttpError> {
    let Some(location) = response.headers.text("location") else { return Ok(None) };
    let method = match (response.status, &*request.method) {
        (303, method) if method != "HEAD" => "GET",
        (301 | 302, "POST") => "GET",
        (301 | 302 | 303 | 307 | 308, method) if matches!(request.body, RequestBody::Empty) => method,
        _ => return Ok(None),
    };
    Ok(Some(Next { url: resolve(url, location)?, method: method.to_owned() }))
}

/// The URL that a reference means, seen from another.
fn resolve(base: &Uri, reference: &str) -> Result<Uri, HttpError> {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.contains("://") && !reference.starts_with(['/', '?']) {
        return parse(reference);
    }
    let scheme = base.scheme_str().unwrap_or("http");
    if reference.starts_with("//") {
        return parse(&format!("{scheme}:{reference}"));
    }
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let path = base.path();
    let path = match reference.chars().next() {
        Some('/') => reference.to_owned(),
        Some('?') => format!("{path}{reference}"),
        None => path.to_owned(),
        Some(_) => format!("{}{reference}", &path[..path.rfind('/').map_or(0, |end| end + 1)]),
    };
    parse(&format!("{scheme}://{authority}{path}"))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn references_are_resolved() {
        let base: Uri = "http://a:5000/v2/x/blobs/y?z=1".parse().unwrap();
        for (reference, url) in [
            ("https://b/c", "https://b/c"),
            ("//b/c?d", "http://b/c?d"),
            ("/c#d", "http://a:5000/c"),
            ("c", "http://a:5000/v2/x/blobs/c"),
            ("?c", "http://a:5000/v2/x/blobs/y?c"),
            ("/c?d=http://e", "http://a:5000/c?d=http://e"),
        ] {
            assert_eq!(resolve(&base, reference).unwrap(), url);
        }
    }
}
