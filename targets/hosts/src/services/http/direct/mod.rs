//! A client for upstreams: HTTP/1.1 on connections of its own, with trailers.

mod body;
mod connection;
mod head;

use super::allow::AllowList;
use super::client::{Client, Place};
use super::message::{HttpError, OutboundHttp, Request, RequestBody, Response};
use body::Unsent;
use connection::{Connection, failure};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::http::Uri;

/// How many connections are kept for later.
const MOST_IDLE: usize = 64;

/// How long one is kept.
const LONGEST_IDLE: Duration = Duration::from_secs(15);

/// Sends requests as a proxy does: headers stay in their order, trailers pass in both directions, redirects are given back.
///
/// It goes wherever it is told to, and the header `host` is the caller's: it is for places that the embedder names. `http`
/// goes directly, without regard to the environment's proxies. `https` goes by a [`Client`], which knows no trailers. A
/// request is sent whole before its response is read.
#[derive(Debug)]
pub struct Direct {
    idle: Arc<Idle>,
    secure: Client,
}

impl Default for Direct {
    fn default() -> Self {
        Self::new()
    }
}

impl Direct {
    /// A client without connections yet.
    pub fn new() -> Self {
        Self { idle: Arc::default(), secure: Client::new(AllowList::everywhere()) }
    }

    fn send_plainly(&self, mut request: Request<'_>, url: &Uri, place: Place) -> Result<Response, HttpError> {
        let deadline = request.limits.total.and_then(|total| Instant::now().checked_add(total));
        let head = head::request(&request, url, &place)?;
        let place: Arc<str> = format!("{}:{}", place.host, place.port).into();
        // A connection may be closed while the request is on its way. Whether anybody has seen it can't be known then, so
        // that only what changes nothing is sent again.
        if let Some(connection) = self.idle.take(&place) {
            let is_safe = matches!(&*request.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
            let can_be_sent_again = is_safe && matches!(request.body, RequestBody::Empty);
            match self.attempt(connection, &head, &mut request, deadline) {
                Err(HttpError::Unanswered(_)) if can_be_sent_again => {}
                done => return done,
            }
        }
        let connection = Connection::open(place, request.limits.connect, deadline)?;
        self.attempt(connection, &head, &mut request, deadline)
    }

    /// Sends a request on a connection, and reads the response's head.
    fn attempt(
        &self,
        mut connection: Connection,
        head: &[u8],
        request: &mut Request<'_>,
        deadline: Option<Instant>,
    ) -> Result<Response, HttpError> {
        connection.begin(request.limits.idle, deadline);
        let response = match body::send(&mut connection, head, &mut request.body) {
            Ok(()) => connection.answer(&request.limits)?,
            // Whoever answers before he has read everything may hang up then. The answer counts.
            Err(Unsent::HungUp(why)) => connection.answer(&request.limits).map_err(|_| failure(&why))?,
            Err(Unsent::Slow(why)) => return Err(failure(&why)),
            Err(Unsent::NoBody(why)) => {
                return Err(HttpError::Invalid(format!("its body can't be read: {why}")));
            }
        };
        let (framing, stays) = head::framing(&response, &request.method)?;
        body::response(response, framing, connection, stays.then(|| self.idle.clone()), &request.limits)
    }
}

impl OutboundHttp for Direct {
    fn send(&self, request: Request<'_>) -> Result<Response, HttpError> {
        let url: Uri = super::client::parse(&request.url)?;
        let place = Place::of(&url)?;
        match place.scheme == "http" {
            true => self.send_plainly(request, &url, place),
            false => self.secure.send(request),
        }
    }
}

/// Connections that nobody uses at the moment, the latest behind.
#[derive(Default)]
struct Idle(Mutex<VecDeque<(Instant, Connection)>>);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Connection)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One to that place that is still open.
    fn take(&self, place: &str) -> Option<Connection> {
        loop {
            let connection = {
                let mut held = self.lock();
                let index = held.iter().rposition(|(_, connection)| &*connection.place == place)?;
                held.remove(index)?.1
            };
            if connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    fn put(&self, connection: Connection) {
        let now = Instant::now();
        let mut held = self.lock();
        held.push_back((now, connection));
        while held.len() > MOST_IDLE || held.front().is_some_and(|(since, _)| now - *since > LONGEST_IDLE) {
            held.pop_front();
        }
    }
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} connections", self.lock().len())
    }
}

/// An error of the protocol, for whoever reads a body.
fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, HttpError::Protocol(why.into()))
}
