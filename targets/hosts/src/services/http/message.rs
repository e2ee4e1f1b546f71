//! Requests, responses, and who sends them.

use super::headers::Headers;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Sends requests. A call blocks until the response's headers are there; its body is read afterwards.
pub trait OutboundHttp: Send + Sync {
    /// Sends a request.
    ///
    /// # Errors
    ///
    /// If it may not be sent, or there is no response. A status such as 404 is a response.
    fn send(&self, request: Request<'_>) -> Result<Response, HttpError>;
}

/// A request.
#[derive(Debug)]
pub struct Request<'b> {
    /// Such as `GET`, in capitals.
    pub method: String,
    /// Absolute, with the scheme `http` or `https`.
    pub url: String,
    /// Those of the connection and of the body's length are left out: who sends the request knows better.
    pub headers: Headers,
    /// What follows the headers.
    pub body: RequestBody<'b>,
    /// How long it may take, and how much may come back.
    pub limits: HttpLimits,
    /// What is done with a redirect.
    pub redirects: Redirects,
}

impl Request<'_> {
    /// A request without headers or a body, within the default limits. Redirects are given back.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Headers::new(),
            body: RequestBody::Empty,
            limits: HttpLimits::default(),
            redirects: Redirects::GivenBack,
        }
    }
}

/// A request's body.
pub enum RequestBody<'b> {
    /// None.
    Empty,
    /// As many bytes as are said.
    Sized(&'b mut dyn Read, u64),
    /// As many as there are: sent in chunks.
    Chunked(&'b mut dyn Read),
    /// The same, and trailers behind them. A [`Client`](super::Client) leaves those out.
    Trailed(&'b mut dyn Read, Headers),
}

impl fmt::Debug for RequestBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Sized(_, size) => f.debug_tuple("Sized").field(size).finish(),
            Self::Chunked(_) => f.write_str("Chunked"),
            Self::Trailed(_, trailers) => f.debug_tuple("Trailed").field(trailers).finish(),
        }
    }
}

/// How long a request may take, and how much may come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HttpLimits {
    /// Until there is a connection, TLS and the name's address included.
    pub connect: Duration,
    /// Without a byte that came or went.
    pub idle: Duration,
    /// For everything, the response's body included; `None` is without limit.
    pub total: Option<Duration>,
    /// Bytes of the response's headers.
    pub response_headers: usize,
    /// Bytes of the response's body.
    pub response_body: u64,
}

impl Default for HttpLimits {
    /// 10 seconds to connect, 30 idle, 60 in all; 64 KiB of headers, and a body of 16 MiB.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            total: Some(Duration::from_secs(60)),
            response_headers: 64 << 10,
            response_body: 16 << 20,
        }
    }
}

/// What is done with a redirect: a response 301, 302, 303, 307 or 308 with a `Location`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Redirects {
    /// It is the response.
    GivenBack,
    /// It is followed, at most so many times, as far as the next place is allowed too. What authorises stays behind
    /// when another host or scheme comes. One that would have to send the body again is given back.
    Followed(u32),
}

/// A response.
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// All that came, in their order.
    pub headers: Headers,
    /// What follows them. Reading fails beyond the limits, and if it is cut short.
    pub body: Box<dyn Read + Send>,
    /// What followed the body.
    pub trailers: Trailers,
}

/// What follows a response's body: nothing until that was read to its end, and nothing by a [`Client`](super::Client).
#[derive(Clone, Default, Debug)]
pub struct Trailers(Arc<Mutex<Headers>>);

impl Trailers {
    /// Takes them.
    pub fn take(&self) -> Headers {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts them there, where something else than a client here has read the response.
    pub fn set(&self, trailers: Headers) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trailers;
    }
}

impl Response {
    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// As for reading [`Response::body`].
    pub fn bytes(mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.body.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body: _, trailers: _ } = self;
        f.debug_struct("Response").field("status", status).field("headers", headers).finish_non_exhaustive()
    }
}

/// Why there is no response, or no more of it. Errors of a response's body have this inside where it isn't the
/// connection's own.
#[derive(Debug)]
#[non_exhaustive]
pub enum HttpError {
    /// This place, `host:port`, isn't among those that are allowed.
    NotAllowed(String),
    /// The request can't be sent as it is: why.
    Invalid(String),
    /// The limit that was exceeded.
    TimedOut(&'static str),
    /// There is more than the limit of the response's headers or body, of so many bytes.
    TooLarge(u64),
    /// More redirects than are followed.
    TooManyRedirects,
    /// No connection can be had, or it broke: why.
    Connection(String),
    /// The connection ended before there was a response: why. Only a [`Direct`](super::Direct) client tells the two apart.
    Unanswered(String),
    /// What came isn't HTTP: why.
    Protocol(String),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed(place) => write!(f, "requests to {place} aren't allowed"),
            Self::Invalid(why) => write!(f, "the request can't be sent: {why}"),
            Self::TimedOut(limit) => write!(f, "timed out: {limit}"),
            Self::TooLarge(limit) => write!(f, "there is more in the response than {limit} bytes"),
            Self::TooManyRedirects => f.write_str("there are too many redirects"),
            Self::Connection(why) => f.write_str(why),
            Self::Unanswered(why) => write!(f, "the connection ended without a response: {why}"),
            Self::Protocol(why) => write!(f, "what came isn't HTTP: {why}"),
        }
    }
}

impl std::error::Error for HttpError {}

/// Refuses every request.
#[derive(Clone, Copy, Default, Debug)]
pub struct Nowhere;

impl OutboundHttp for Nowhere {
    fn send(&self, request: Request<'_>) -> Result<Response, HttpError> {
        Err(HttpError::NotAllowed(request.url))
    }
}
