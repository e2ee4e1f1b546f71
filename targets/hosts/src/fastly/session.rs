//! What host functions know of one request: the data of its instance's store.

use super::body::{Body, Part, Sink};
use super::fields::Fields;
use super::kv::Record;
use super::local_server::Backend;
use super::pipe::{Bell, pipe};
use super::sending::{Arrival, Outgoing, Pending};
use super::services::Services;
use super::status::{KvOutcome, SendError, Status};
use super::table::Table;
use crate::server::{Failure, HeaderMap, Interruptible, Method, Request, Responder, StatusCode, header};
use crate::services::http::Headers;
use crate::services::log::GuestLog;
use dunlin::{Budget, Charge, Error, InterruptHandle, Kind, Memory, Trap};
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder};
use hyper::Uri;
use hyper::header::HeaderName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a guest that waits is asked whether it still may.
const LOOK: Duration = Duration::from_millis(20);

/// How many answers to the client may be on their way while the guest goes on.
const MOST_COPIES: usize = 4;

/// How many backends a guest may make, and what each is charged for besides its texts.
const MOST_BACKENDS: usize = 256;
const BACKEND_BYTES: usize = 128;

/// HTTP/1.1, as the ABI numbers versions.
const HTTP_1_1: u32 = 2;

/// A request, without its body.
#[derive(Debug)]
pub(super) struct RequestHead {
    pub(super) method: String,
    pub(super) uri: Uri,
    pub(super) version: u32,
    pub(super) fields: Fields,
    pub(super) decompresses: bool,
}

/// A response, without its body.
#[derive(Debug)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) version: u32,
    pub(super) fields: Fields,
}

/// What can be waited for: one table has it all, so that a handle is enough.
pub(super) enum Item {
    Body(Body),
    Request(Pending),
    /// A lookup, with the charge for what was found.
    Lookup(Result<(Record, Charge), KvOutcome>),
    /// An insertion or a deletion.
    Change(Result<(), KvOutcome>),
    List(Result<(Vec<u8>, Charge), KvOutcome>),
}

/// A secret that the guest has taken.
pub(super) struct Secret {
    bytes: Vec<u8>,
    _charge: Charge,
}

impl Secret {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What the host functions know.
pub(super) struct Session {
    pub(super) wasi: WasiCtx,
    pub(super) memory: Option<Memory>,
    pub(super) services: Arc<Services>,
    pub(super) budget: Budget,
    pub(super) bell: Arc<Bell>,
    pub(super) request: Request,
    /// Whether anybody has made the request.
    has_client: bool,
    /// What the guest hasn't taken yet.
    untaken: bool,
    /// Names of the client's headers.
    pub(super) original: Vec<HeaderName>,
    responder: Option<Responder>,
    /// Interrupts the store.
    _stop: Option<Interruptible>,
    deadline: Instant,
    pub(super) requests: Table<RequestHead>,
    pub(super) responses: Table<ResponseHead>,
    pub(super) items: Table<Item>,
    pub(super) dictionaries: Table<String>,
    pub(super) kv_stores: Table<String>,
    pub(super) secret_stores: Table<String>,
    pub(super) secrets: Table<Secret>,
    pub(super) endpoints: Table<GuestLog>,
    /// Backends that the guest has made.
    dynamic: BTreeMap<String, Backend>,
    dynamic_charge: Charge,
    copies: Vec<JoinHandle<Result<(), Failure>>>,
    /// The answer to the client is to stay without an end.
    pub(super) abandoned: bool,
}

impl Session {
    pub(super) fn new(
        wasi: WasiCtx,
        services: Arc<Services>,
        budget: Budget,
        request: Request,
        responder: Responder,
    ) -> Result<Self, Status> {
        let deadline = Instant::now() + request.limits.time;
        Ok(Self {
            wasi,
            memory: None,
            services,
            bell: Arc::new(Bell::default()),
            has_client: true,
            untaken: true,
            original: request.head.headers.keys().cloned().collect(),
            request,
            responder: Some(responder),
            _stop: None,
            deadline,
            requests: Table::new(&budget)?,
            responses: Table::new(&budget)?,
            items: Table::new(&budget)?,
            dictionaries: Table::new(&budget)?,
            kv_stores: Table::new(&budget)?,
            secret_stores: Table::new(&budget)?,
            secrets: Table::new(&budget)?,
            endpoints: Table::new(&budget)?,
            dynamic: BTreeMap::new(),
            dynamic_charge: budget.charge(Kind::Host, 0)?,
            copies: Vec::new(),
            abandoned: false,
            budget,
        })
    }

    /// One for what an application does before there are requests: with nothing granted, and nothing of Fastly's.
    pub(super) fn of_nobody(services: Arc<Services>, budget: &Budget) -> Result<Self, Error> {
        let (request, responder) = Request::of_nobody(budget)?;
        let wasi = WasiCtxBuilder::new().build();
        let session = Self::new(wasi, services, budget.clone(), request, responder);
        let mut session = session.map_err(|_| Error::msg("there is no memory for it"))?;
        session.has_client = false;
        Ok(session)
    }

    /// Refuses what is about a request before there is one.
    pub(super) fn need_client(&self) -> Result<(), Error> {
        match self.has_client {
            true => Ok(()),
            false => Err(Error::msg("before there is a request, only functions of WASI may be called")),
        }
    }

    /// From now on the store of this is interrupted when the time is up or the client goes away.
    pub(super) fn interrupted_by(&mut self, handle: InterruptHandle) {
        self._stop = Some(self.request.interrupt(handle));
    }

    /// A new request.
    pub(super) fn new_request(&mut self) -> Result<u32, Status> {
        self.requests.insert(RequestHead {
            method: "GET".into(),
            uri: Uri::default(),
            version: HTTP_1_1,
            fields: Fields::new(&self.budget)?,
            decompresses: false,
        })
    }

    /// A new response.
    pub(super) fn new_response(&mut self) -> Result<u32, Status> {
        let fields = Fields::new(&self.budget)?;
        self.responses.insert(ResponseHead { status: 200, version: HTTP_1_1, fields })
    }

    /// The client's request and its body, once.
    pub(super) fn downstream(&mut self) -> Result<(u32, u32), Status> {
        if !std::mem::take(&mut self.untaken) {
            return Err(Status::Error);
        }
        let head = &mut self.request.head;
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let local = self.request.local.to_string();
        let host = text(header::HOST).filter(|host| !host.is_empty()).unwrap_or(&local);
        let path = head.uri.path_and_query().map_or("/", |both| both.as_str());
        let uri = format!("http://{host}{path}").parse().map_err(|_| Status::HttpInvalid)?;
        let headers = std::mem::take(&mut head.headers);
        let request = RequestHead {
            method: head.method.to_string(),
            uri,
            version: HTTP_1_1,
            fields: Fields::with(&self.budget, headers)?,
            decompresses: false,
        };
        let body = std::mem::take(&mut self.request.body);
        Ok((self.requests.insert(request)?, self.items.insert(Item::Body(Part::Shared(body).into()))?))
    }

    pub(super) fn add_secret(&mut self, bytes: &[u8]) -> Result<u32, Status> {
        let charge = self.budget.charge(Kind::Host, bytes.len() as u64)?;
        self.secrets.insert(Secret { bytes: bytes.into(), _charge: charge })
    }

    /// Charges what a store gave, as long as the guest hasn't taken it.
    pub(super) fn charged<T>(
        &self,
        found: Result<T, KvOutcome>,
        len: impl FnOnce(&T) -> usize,
    ) -> Result<Result<(T, Charge), KvOutcome>, Status> {
        match found {
            Err(why) => Ok(Err(why)),
            Ok(found) => {
                let charge = self.budget.charge(Kind::Host, len(&found) as u64)?;
                Ok(Ok((found, charge)))
            }
        }
    }

    /// How long the request has been with the guest.
    pub(super) fn time_used(&self) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.request.limits.time.saturating_sub(left)
    }

    pub(super) fn body(&mut self, handle: u32) -> Result<&mut Body, Status> {
        match self.items.get_mut(handle)? {
            Item::Body(body) => Ok(body),
            _ => Err(Status::Badf),
        }
    }

    pub(super) fn take_body(&mut self, handle: u32) -> Result<Body, Status> {
        self.body(handle)?;
        match self.items.remove(handle)? {
            Item::Body(body) => Ok(body),
            _ => Err(Status::Badf),
        }
    }

    /// Whether what a handle leads to needn't be waited for.
    pub(super) fn is_ready(&self, handle: u32) -> Result<bool, Status> {
        Ok(match self.items.get(handle)? {
            Item::Body(body) => body.is_ready(),
            Item::Request(pending) => pending.is_ready(),
            Item::Lookup(_) | Item::Change(_) | Item::List(_) => true,
        })
    }

    /// Waits until `ready` gives something, as long as the request may take; `None` if it gives nothing in `time`.
    pub(super) fn wait<R>(
        &mut self,
        time: Option<Duration>,
        mut ready: impl FnMut(&mut Self) -> Result<Option<R>, Status>,
    ) -> Result<Result<Option<R>, Status>, Error> {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        loop {
            let rings = self.bell.rings();
            match ready(self) {
                Ok(None) => {}
                done => return Ok(done),
            }
            if self.request.is_over() {
                return Err(Trap::Interrupt.into());
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Ok(None));
            }
            self.bell.wait(rings, left.unwrap_or(LOOK).min(LOOK));
        }
    }

    /// The backend of that name.
    pub(super) fn backend(&self, name: &str) -> Option<&Backend> {
        self.services.backends.get(name).or_else(|| self.dynamic.get(name))
    }

    /// Adds a backend, if that is granted: the guest can't name a place to which it isn't let.
    pub(super) fn add_backend(&mut self, name: &str, backend: Backend) -> Result<(), Status> {
        if self.services.dynamic.is_none() {
            return Err(Status::Unsupported);
        }
        // What else an URL has belongs to requests.
        let uri = backend.url.parse::<Uri>().map_err(|_| Status::Inval)?;
        let is_place = uri.path() == "/" && uri.query().is_none();
        let named = uri.authority().filter(|authority| is_place && !authority.as_str().contains('@'));
        if named.is_none() || name.is_empty() || name.len() > 255 {
            return Err(Status::Inval);
        }
        if !self.services.dynamic.allows(uri.scheme_str().unwrap_or("http"), &backend.host(), backend.port())
        {
            return Err(Status::Unsupported);
        }
        // The name is taken.
        if self.backend(name).is_some() {
            return Err(Status::Error);
        }
        if self.dynamic.len() == MOST_BACKENDS {
            return Err(Status::LimitExceeded);
        }
        let host = backend.override_host.as_ref().map_or(0, String::len);
        self.dynamic_charge.grow((name.len() + backend.url.len() + host + BACKEND_BYTES) as u64)?;
        self.dynamic.insert(name.into(), backend);
        Ok(())
    }

    /// Sends a request to a backend. With `streams`, the body stays where it is, and what is written goes on.
    pub(super) fn send(
        &mut self,
        request: u32,
        body: u32,
        backend: &str,
        streams: bool,
    ) -> Result<Pending, Status> {
        let place = self.backend(backend).ok_or(Status::Inval)?;
        let (url, host) = (place.url.clone(), place.override_host.clone());
        self.requests.get(request)?;
        let body = match streams {
            true => {
                let (inlet, outlet) = pipe(&self.budget, &self.bell)?;
                let held = std::mem::replace(self.body(body)?, Body::to(Sink::Backend(inlet)));
                let mut whole = held;
                whole.append(Part::Incoming { outlet, left: None }.into());
                whole
            }
            false => self.take_body(body)?,
        };
        let RequestHead { method, uri, fields, decompresses, .. } = self.requests.remove(request)?;
        let path = uri.path_and_query().map_or("/", |both| both.as_str());
        let mut headers = fields.into_map();
        if let Some(host) = host {
            headers.insert(header::HOST, host.parse().map_err(|_| Status::Inval)?);
        } else if let (false, Some(host)) = (headers.contains_key(header::HOST), uri.authority()) {
            headers.insert(header::HOST, host.as_str().parse().map_err(|_| Status::HttpInvalid)?);
        }
        let mut outgoing = Headers::new();
        for (name, value) in &headers {
            outgoing.push(name.as_str(), value.as_bytes());
        }
        Ok(self.services.sender.send(Outgoing {
            method,
            url: format!("{}{path}", url.trim_end_matches('/')),
            headers: outgoing,
            body,
            decompresses,
            time: self.deadline.saturating_duration_since(Instant::now()),
            budget: self.budget.clone(),
            bell: self.bell.clone(),
        }))
    }

    /// Has the guest have a response that has arrived, and its body.
    pub(super) fn receive(&mut self, arrival: Arrival) -> Result<Result<(u32, u32), SendError>, Status> {
        let arrived = match arrival {
            Ok(arrived) => arrived,
            Err(why) => return Ok(Err(why)),
        };
        let fields = Fields::with(&self.budget, arrived.headers)?;
        let head = ResponseHead { status: arrived.status, version: HTTP_1_1, fields };
        let body = Part::Incoming { outlet: arrived.body, left: arrived.length };
        Ok(Ok((self.responses.insert(head)?, self.items.insert(Item::Body(body.into()))?)))
    }

    /// Answers the client. With `streams`, the body stays where it is, and what is written goes on.
    pub(super) fn answer(&mut self, response: u32, body: u32, streams: bool) -> Result<(), Status> {
        let status = StatusCode::from_u16(self.responses.get(response)?.status).map_err(|_| Status::Inval)?;
        self.body(body)?;
        if status.is_informational() {
            // Early hints: what hyper has no way to send is left out, and so may be.
            self.responses.remove(response)?;
            return self.take_body(body).map(drop);
        }
        let responder = self.responder.take().ok_or(Status::Error)?;
        let mut held = std::mem::take(self.body(body)?);
        let mut headers = self.responses.remove(response)?.fields.into_map();
        // What is asked of the head only has the length that the application gives.
        if self.request.head.method != Method::HEAD {
            headers.remove(header::CONTENT_LENGTH);
            if let Some(length) = held.known_length().filter(|_| !streams) {
                headers.insert(header::CONTENT_LENGTH, length.into());
            }
        }
        let mut writer = responder.start(status, headers).map_err(|_| Status::Inval)?;
        if streams {
            // It may still be coming from a backend.
            held.copy_to(&mut writer).map_err(|_| Status::Error)?;
            *self.body(body)? = Body::to(Sink::Client(writer));
            return Ok(());
        }
        self.items.remove(body)?;
        if !held.is_incoming() {
            // A client that has gone away doesn't miss it, and ends the guest's time.
            let _ = held.copy_to(&mut writer);
            return Ok(());
        }
        if self.copies.len() == MOST_COPIES {
            return Err(Status::LimitExceeded);
        }
        let copy = move || held.copy_to(writer).map_err(|error| Failure::guest("backend", error));
        let thread = std::thread::Builder::new().name("answer".into()).stack_size(128 << 10).spawn(copy);
        self.copies.push(thread.map_err(|_| Status::LimitExceeded)?);
        Ok(())
    }

    /// The guest is done: whatever it owes the client still.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        if let Some(responder) = self.responder.take() {
            // As Fastly's own server for developers has it.
            responder.start(StatusCode::OK, HeaderMap::new())?;
        }
        let mut unended = self.abandoned;
        for item in self.items.drain() {
            unended |= matches!(item, Item::Body(Body { sink: Some(Sink::Client(_)), .. }));
        }
        for copy in self.copies {
            copy.join().unwrap_or_else(|_| Err(Failure::guest("panic", "an answer's copy panicked")))?;
        }
        match unended {
            true => Err(Failure::guest("unfinished", "the application ended without finishing its answer")),
            false => Ok(()),
        }
    }
}
