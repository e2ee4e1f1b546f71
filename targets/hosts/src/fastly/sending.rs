//! Requests to backends, each sent by a thread of its own.

use super::body::Body;
use super::pipe::{Bell, Outlet, pipe};
use super::status::SendError;
use crate::server::HeaderMap;
use crate::services::http::{Headers, HttpError, HttpLimits, OutboundHttp, Redirects, Request, RequestBody};
use dunlin::Budget;
use flate2::read::GzDecoder;
use hyper::header::{self, HeaderName, HeaderValue};
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many requests an application may be sending at a time, for all of its instances together.
const MOST: usize = 256;

/// What a thread that sends has of stack.
const STACK: usize = 256 << 10;

/// How much is read at a time.
const READ: usize = 16 << 10;

/// Sends requests, for all instances of an application.
pub(super) struct Sender {
    http: Arc<dyn OutboundHttp>,
    sending: AtomicUsize,
}

/// A request on its way to a backend.
pub(super) struct Outgoing {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Headers,
    pub(super) body: Body,
    /// Whether a body that is compressed by gzip is to be decompressed as it comes.
    pub(super) decompresses: bool,
    /// How long everything may take.
    pub(super) time: Duration,
    /// What is charged for what is held of the response.
    pub(super) budget: Budget,
    /// Rings when there is news.
    pub(super) bell: Arc<Bell>,
}

/// A response whose headers are there.
pub(super) struct Arrived {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Outlet,
    /// The body's length, if it was announced.
    pub(super) length: Option<u64>,
}

/// A response, or why there is none.
pub(super) type Arrival = Result<Arrived, SendError>;

/// A request that was sent, until its response is taken.
pub(super) struct Pending(Arc<Mutex<Option<Arrival>>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pending {
    fn failed(why: SendError) -> Self {
        Self(Arc::new(Mutex::new(Some(Err(why)))))
    }

    /// Whether there is an answer.
    pub(super) fn is_ready(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// The answer, if it is there.
    pub(super) fn take(&self) -> Option<Arrival> {
        lock(&self.0).take()
    }
}

impl Sender {
    pub(super) fn new(http: Arc<dyn OutboundHttp>) -> Self {
        Self { http, sending: AtomicUsize::new(0) }
    }

    /// Begins to send a request.
    pub(super) fn send(self: &Arc<Self>, outgoing: Outgoing) -> Pending {
        let Some(place) = Place::take(self) else {
            return Pending::failed(SendError::ConnectionLimitReached);
        };
        let answer = Arc::new(Mutex::new(None));
        let reply = Reply { answer: answer.clone(), bell: outgoing.bell.clone() };
        let work = move || {
            let place = place;
            exchange(&*place.0.http, outgoing, reply);
        };
        let thread = std::thread::Builder::new().name("backend".into()).stack_size(STACK);
        match thread.spawn(work) {
            Ok(_) => Pending(answer),
            Err(_) => Pending::failed(SendError::ConnectionLimitReached),
        }
    }
}

/// One of the requests that may be sent at a time.
struct Place(Arc<Sender>);

impl Place {
    fn take(sender: &Arc<Sender>) -> Option<Self> {
        // Whoever gives it back does so by being dropped, also if there are too many.
        let before = sender.sending.fetch_add(1, Ordering::Relaxed);
        let place = Self(sender.clone());
        (before < MOST).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.sending.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where an answer is told, by the thread that sends; one that panics has failed.
struct Reply {
    answer: Arc<Mutex<Option<Arrival>>>,
    bell: Arc<Bell>,
}

impl Reply {
    fn tell(self, arrival: Arrival) {
        *lock(&self.answer) = Some(arrival);
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.answer).get_or_insert(Err(SendError::InternalError));
        }
        self.bell.ring();
    }
}

/// Sends a request, tells its answer, and passes the body on as it comes.
fn exchange(http: &dyn OutboundHttp, outgoing: Outgoing, reply: Reply) {
    let Outgoing { method, url, headers, mut body, decompresses, time, budget, bell } = outgoing;
    let limits = HttpLimits { total: Some(time), response_body: u64::MAX, ..HttpLimits::default() };
    let sends_none = matches!(&*method, "GET" | "HEAD");
    let body = match body.known_length() {
        Some(0) if sends_none => RequestBody::Empty,
        Some(length) => RequestBody::Sized(&mut body, length),
        None => RequestBody::Chunked(&mut body),
    };
    let request = Request { method, url, headers, body, limits, redirects: Redirects::GivenBack };
    let response = match http.send(request) {
        Ok(response) => response,
        Err(error) => return reply.tell(Err(failure(&error))),
    };
    let mut headers = header_map(&response.headers);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let gzip = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "gzip");
    let (length, mut body) = if decompresses && gzip {
        headers.remove(header::CONTENT_ENCODING);
        headers.remove(header::CONTENT_LENGTH);
        (None, Box::new(GzDecoder::new(response.body)) as Box<dyn Read + Send>)
    } else {
        (length, response.body)
    };
    let Ok((inlet, outlet)) = pipe(&budget, &bell) else {
        return reply.tell(Err(SendError::InternalError));
    };
    reply.tell(Ok(Arrived { status: response.status, headers, body: outlet, length }));
    let mut buffer = vec![0; READ];
    let end = loop {
        match body.read(&mut buffer) {
            Ok(0) => break Ok(()),
            Ok(count) if inlet.write_all(&buffer[..count]).is_ok() => {}
            // Nobody reads on.
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error.to_string()),
        }
    };
    inlet.end(end);
}

fn header_map(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            // The client has bounded their size.
            let _ = map.try_append(name, value);
        }
    }
    map
}

fn failure(error: &HttpError) -> SendError {
    match error {
        HttpError::NotAllowed(_) | HttpError::Connection(_) => SendError::DestinationUnavailable,
        HttpError::Unanswered(_) => SendError::ConnectionTerminated,
        HttpError::Invalid(_) => SendError::HttpRequestUriInvalid,
        HttpError::TimedOut(_) => SendError::ConnectionTimeout,
        HttpError::TooLarge(_) => SendError::HttpResponseHeaderSectionTooLarge,
        HttpError::Protocol(_) => SendError::HttpProtocolError,
        HttpError::TooManyRedirects => SendError::InternalError,
    }
}
