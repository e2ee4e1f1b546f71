//! One exchange, on its way through the filters to the upstream and back.

use super::calls::Clusters;
use super::message::{of_request, of_response, send, to_client};
use super::options::{ProxyOptions, Upstream};
use super::worker::{Worker, watch};
use crate::proxy_wasm::{Attributes, Chain, Headers, Output, Plugin, PluginError, Stream};
use crate::server::{BodyWriter, Failure, Handler, Method, Request, Responder, StatusCode};
use crate::services::http::{HttpError, OutboundHttp};
use dunlin::{Budget, Charge, Error, Kind};
use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How much of a body passes the filters at a time.
const PART: usize = 64 << 10;

/// A reverse proxy whose requests and responses pass filters.
pub struct Proxy {
    workers: Vec<Arc<Worker>>,
    next: AtomicUsize,
    upstream: Upstream,
    http: Arc<dyn OutboundHttp>,
    budget: Budget,
}

impl Proxy {
    /// A proxy with an instance of each plugin for each worker.
    ///
    /// # Errors
    ///
    /// If one can't be made.
    pub fn new(plugins: &[Plugin], options: ProxyOptions) -> Result<Self, PluginError> {
        let ProxyOptions { upstream, clusters, workers, callback, budget, http } = options;
        let clusters = Arc::new(Clusters { http: http.clone(), named: clusters });
        let workers = (0..workers).map(|_| Worker::start(plugins, &clusters));
        let workers: Vec<_> = workers.collect::<Result<_, _>>()?;
        watch(&workers, callback).map_err(|error| PluginError::from(Error::host(error)))?;
        Ok(Self { workers, next: AtomicUsize::new(0), upstream, http, budget })
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, upstream, .. } = self;
        f.debug_struct("Proxy")
            .field("workers", &workers.len())
            .field("upstream", upstream)
            .finish_non_exhaustive()
    }
}

impl Handler for Proxy {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        let deadline = Instant::now() + request.limits.time;
        let worker = self.workers[self.next.fetch_add(1, Ordering::Relaxed) % self.workers.len()].clone();
        let attributes = attributes(&request);
        let (headers, body) = (of_request(&request.head), request.body.clone());
        let stream = worker.with(|chain| {
            let mut stream = Stream::new(chain, attributes);
            stream.request_headers(chain, headers, body.is_empty());
            let mut parts = body.chunks(PART).peekable();
            while let Some(part) = parts.next() {
                stream.request_body(chain, part, parts.peek().is_none());
            }
            stream
        });
        let charge = self.budget.charge(Kind::Host, 0).map_err(full)?;
        let mut passage = Passage {
            proxy: self,
            filters: Filters { worker, stream: Some(stream) },
            request,
            responder: Some(responder),
            writer: None,
            outgoing: None,
            body: Vec::new(),
            charge,
            deadline,
        };
        passage.run()
    }
}

fn full(error: impl fmt::Display) -> Failure {
    Failure::busy("out of memory", error)
}

fn attributes(request: &Request) -> Attributes {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut attributes = Attributes::default();
    attributes.source = Some(request.peer);
    attributes.destination = Some(request.local);
    attributes.connection_id = request.id;
    attributes.protocol = format!("{:?}", request.head.version);
    attributes.cluster_name = "upstream".into();
    attributes.time = now.as_nanos() as u64;
    attributes
}

/// A stream, and the worker that it is with. The filters are told when it is over, however that comes about.
struct Filters {
    worker: Arc<Worker>,
    stream: Option<Stream>,
}

impl Filters {
    /// Does something to the stream, and says what the proxy has to do then.
    fn with(&mut self, work: impl FnOnce(&mut Stream, &mut Chain)) -> Vec<Output> {
        let Some(stream) = &mut self.stream else { return Vec::new() };
        self.worker.with(|chain| {
            work(stream, chain);
            std::iter::from_fn(|| stream.next(chain)).collect()
        })
    }
}

impl Filters {
    /// Whether more of the response can be handed in.
    fn take_response(&self) -> bool {
        let Some(stream) = &self.stream else { return true };
        self.worker.with(|chain| stream.takes_response(chain))
    }
}

impl Drop for Filters {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            self.worker.with(|chain| stream.close(chain));
        }
    }
}

/// An exchange.
struct Passage<'p> {
    proxy: &'p Proxy,
    filters: Filters,
    request: Request,
    responder: Option<Responder>,
    writer: Option<BodyWriter>,
    /// The request to the upstream, as far as filters have let it go on.
    outgoing: Option<Headers>,
    body: Vec<u8>,
    charge: Charge,
    deadline: Instant,
}

/// What comes next.
enum Next {
    /// More of what filters hold back, or of the response.
    More,
    /// The request is complete.
    Send,
    /// Nothing more of the request goes to the upstream, nor comes from there: a filter answers.
    Answered,
    Done,
}

impl Passage<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut outputs = self.filters.with(|_, _| {});
        loop {
            match self.carry_out(outputs)? {
                Next::Done => return Ok(()),
                Next::Send => return self.ask(),
                Next::More | Next::Answered => {}
            }
            outputs = self.wait()?;
        }
    }

    /// Waits until filters let something go on.
    fn wait(&mut self) -> Result<Vec<Output>, Failure> {
        loop {
            let events = self.filters.worker.events();
            let outputs = self.filters.with(|_, _| {});
            if !outputs.is_empty() {
                return Ok(outputs);
            }
            self.pause(events)?;
        }
    }

    /// Waits until more has happened than that, or for a moment.
    fn pause(&self, events: u64) -> Result<(), Failure> {
        if self.request.is_over() {
            return Err(Failure::out_of_time());
        }
        self.filters.worker.wait(events);
        Ok(())
    }

    fn carry_out(&mut self, outputs: Vec<Output>) -> Result<Next, Failure> {
        let mut next = Next::More;
        for output in outputs {
            match output {
                Output::RequestHeaders { headers, end } => {
                    self.outgoing = Some(headers);
                    if end {
                        next = Next::Send;
                    }
                }
                Output::RequestBody { bytes, end } => {
                    self.charge.grow(bytes.len() as u64).map_err(full)?;
                    self.body.extend_from_slice(&bytes);
                    if end {
                        next = Next::Send;
                    }
                }
                Output::RequestTrailers(_) => next = Next::Send,
                Output::Answered { .. } => {
                    self.outgoing = None;
                    next = Next::Answered;
                }
                Output::ResponseHeaders { headers, end } => {
                    let keeps_length = self.request.head.method == Method::HEAD;
                    let made = to_client(&headers, keeps_length)
                        .and_then(|(status, map)| Some((StatusCode::from_u16(status).ok()?, map)));
                    let (status, map) = made.ok_or_else(|| {
                        Failure::guest("bad answer", "the filters' headers are no answer's")
                    })?;
                    if let Some(responder) = self.responder.take() {
                        self.writer = Some(responder.start(status, map)?);
                    }
                    if end {
                        return Ok(Next::Done);
                    }
                }
                Output::ResponseBody { bytes, end } => {
                    let gone = |error| Failure::guest("client gone", error);
                    self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(&bytes)).map_err(gone)?;
                    if end {
                        return Ok(Next::Done);
                    }
                }
                Output::ResponseTrailers(_) => return Ok(Next::Done),
                Output::Reset => return Err(Failure::guest("reset", "a filter closed the stream")),
            }
        }
        Ok(next)
    }

    /// Sends the request to the upstream, and takes the response through the filters.
    fn ask(&mut self) -> Result<(), Failure> {
        let Some(headers) = self.outgoing.take() else { return self.rest(Vec::new()) };
        let time = self.deadline.saturating_duration_since(Instant::now());
        let proxy = self.proxy;
        let sent = send(&*proxy.http, &proxy.upstream, &headers, &self.body, Some(time));
        (self.body, self.charge) = (Vec::new(), proxy.budget.charge(Kind::Host, 0).map_err(full)?);
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                let (status, text) = refusal(&error);
                let outputs = self.filters.with(|stream, chain| stream.respond(chain, status, text));
                return self.rest(outputs);
            }
        };
        let has_no_body = self.request.head.method == Method::HEAD || matches!(response.status, 204 | 304);
        let headers = of_response(&response);
        let outputs = self.filters.with(|stream, chain| stream.response_headers(chain, headers, has_no_body));
        match self.carry_out(outputs)? {
            Next::Done => return Ok(()),
            Next::Answered => return self.rest(Vec::new()),
            _ if has_no_body => return self.rest(Vec::new()),
            _ => {}
        }
        let (mut body, mut part) = (response.body, vec![0; PART]);
        loop {
            let broken = |error| Failure::new(StatusCode::BAD_GATEWAY, "upstream", error);
            let count = body.read(&mut part).map_err(broken)?;
            let end = count == 0;
            let outputs = self.filters.with(|stream, chain| stream.response_body(chain, &part[..count], end));
            match self.carry_out(outputs)? {
                Next::Done => return Ok(()),
                Next::Answered => return self.rest(Vec::new()),
                _ if end => return self.rest(Vec::new()),
                _ => {}
            }
            // A filter that waits for something takes the next part afterwards.
            while !self.filters.take_response() {
                let events = self.filters.worker.events();
                let outputs = self.filters.with(|_, _| {});
                match self.carry_out(outputs)? {
                    Next::Done => return Ok(()),
                    Next::Answered => return self.rest(Vec::new()),
                    _ => self.pause(events)?,
                }
            }
        }
    }

    /// Nothing more comes from outside: what filters make of what they have.
    fn rest(&mut self, mut outputs: Vec<Output>) -> Result<(), Failure> {
        loop {
            if let Next::Done = self.carry_out(outputs)? {
                return Ok(());
            }
            outputs = self.wait()?;
        }
    }
}

/// What the client is told where the upstream gives no response, as Envoy tells it.
fn refusal(error: &HttpError) -> (u16, &'static str) {
    match error {
        HttpError::TimedOut(_) => (504, "upstream request timeout"),
        HttpError::Protocol(_) | HttpError::TooLarge(_) => {
            (502, "upstream connect error or disconnect/reset before headers. reset reason: protocol error")
        }
        _ => (
            503,
            "upstream connect error or disconnect/reset before headers. reset reason: connection failure",
        ),
    }
}
