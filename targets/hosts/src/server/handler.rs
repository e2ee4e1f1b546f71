//! What answers requests, what it gets, and how it answers.

use super::exchange::Exchange;
use super::failure::Failure;
use super::interruptible::Interruptible;
use super::limits::Limits;
#[cfg(feature = "fastly")]
use dunlin::{Budget, Kind, OutOfBudget};
use dunlin::{Charge, InterruptHandle};
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Response, StatusCode};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request, on a guest thread. Whatever it executes must obey the request's limits: its memory, its
    /// fuel, and its time by [`Request::interrupt`].
    ///
    /// # Errors
    ///
    /// Whatever keeps it from answering. If nothing of the answer has been sent the client gets the failure's status,
    /// else a broken answer.
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure>;

    /// What this request may take, if it isn't what the server's options say. It is asked on the connections' thread,
    /// before the request's body arrives.
    fn limits(&self, _head: &Parts, default: &Limits) -> Limits {
        default.clone()
    }

    /// Which of its routes the request came by, if there are several. Routes share the processors' time equally while
    /// they have requests waiting, and none has more than half of the guests and of the queue, so that one whose guests
    /// take long doesn't stop the others. It is asked as [`limits`](Self::limits) is.
    fn route(&self, _head: &Parts) -> Option<usize> {
        None
    }
}

/// A request that has arrived whole.
#[derive(Debug)]
pub struct Request {
    /// Its number, which the log has too.
    pub id: u64,
    /// Method, path, headers.
    pub head: Parts,
    /// Its body. It is held until the request is dropped.
    pub body: Bytes,
    /// What followed its body.
    pub trailers: HeaderMap,
    /// Who asks.
    pub peer: SocketAddr,
    /// Where it arrived.
    pub local: SocketAddr,
    /// What it may take.
    pub limits: Limits,
    pub(super) exchange: Arc<Exchange>,
    pub(super) _charge: Charge,
}

impl Request {
    /// One that nobody has made, and nobody is answered.
    #[cfg(feature = "fastly")]
    pub(crate) fn of_nobody(budget: &Budget) -> Result<(Self, Responder), OutOfBudget> {
        let (head, ()) = hyper::Request::new(()).into_parts();
        let exchange = Exchange::new(&head.method);
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let request = Self {
            id: 0,
            head,
            body: Bytes::new(),
            trailers: HeaderMap::new(),
            peer: nowhere,
            local: nowhere,
            limits: Limits::default(),
            exchange: exchange.clone(),
            _charge: budget.charge(Kind::Host, 0)?,
        };
        Ok((request, Responder::new(exchange)))
    }

    /// Has a store interrupted when the time is up or the client goes away, as long as the result lives.
    pub fn interrupt(&self, store: InterruptHandle) -> Interruptible {
        Interruptible::new(&self.exchange, store)
    }

    /// Whether it is over before it was answered: its time is up, or the client has gone away.
    pub fn is_over(&self) -> bool {
        self.exchange.stopped().is_some()
    }

    /// Says how much fuel was used for it, for metrics and the access log.
    pub fn used_fuel(&self, units: u64) {
        self.exchange.used(units);
    }
}

/// Takes the answer to a request.
#[derive(Debug)]
pub struct Responder {
    exchange: Arc<Exchange>,
}

impl Responder {
    pub(super) fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange }
    }

    /// Begins an answer. Headers that are about the connection are the server's, and left out.
    ///
    /// # Errors
    ///
    /// If the status is one that no answer ends with.
    pub fn start(self, status: StatusCode, mut headers: HeaderMap) -> Result<BodyWriter, Failure> {
        if status.is_informational() {
            return Err(Failure::guest("bad answer", format_args!("{status} is no status of an answer")));
        }
        for name in ABOUT_THE_CONNECTION {
            headers.remove(name);
        }
        let mut head = Response::new(());
        *head.status_mut() = status;
        *head.headers_mut() = headers;
        self.exchange.start(head);
        Ok(BodyWriter { exchange: self.exchange })
    }

    /// A whole answer.
    pub fn send(self, status: StatusCode, content_type: &'static str, body: impl AsRef<[u8]>) {
        let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))].into_iter().collect();
        if let Ok(mut writer) = self.start(status, headers) {
            // Whoever has gone away doesn't miss it.
            let _ = writer.write_all(body.as_ref());
        }
    }
}

const ABOUT_THE_CONNECTION: [HeaderName; 5] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::TE, header::UPGRADE, header::PROXY_AUTHENTICATE];

/// Takes the body of an answer. It is passed on while it is written, unless the answer is soon complete. A write waits
/// for a client that is slow to take it, and fails when the request's time is up or the client has gone away.
#[derive(Debug)]
pub struct BodyWriter {
    exchange: Arc<Exchange>,
}

impl BodyWriter {
    /// Waits until all that was written is on its way to the client. Says whether it is: the request's time may be up, or the
    /// client may have gone away.
    pub fn wait_until_taken(&self) -> bool {
        self.exchange.flush()
    }

    /// Ends the answer with trailers. A client gets those that a header `trailer` of the answer names, if it says that it
    /// takes any (`te: trailers`).
    pub fn end_with(self, trailers: HeaderMap) {
        self.exchange.end_with(trailers);
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        /// How much goes into a chunk, so that a slow client doesn't make a large one wait.
        const MOST: usize = 16 << 10;
        let bytes = &bytes[..bytes.len().min(MOST)];
        self.exchange.write(bytes).map_err(|failure| match failure.status {
            StatusCode::GATEWAY_TIMEOUT => io::Error::new(io::ErrorKind::TimedOut, failure),
            _ => io::Error::new(io::ErrorKind::BrokenPipe, failure),
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
