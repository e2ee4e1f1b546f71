//! One exchange, on its way through the filters to the upstream and back.

use super::calls::Clusters;
use super::message::{
    Sent, fields, length, of_client, of_request, of_response, of_upstream, refusal, send, to_client,
};
use super::options::{ProxyOptions, Upstream};
use super::worker::{Worker, watch};
use crate::proxy_wasm::{Attributes, Chain, Headers, Output, Plugin, PluginError, Stream};
use crate::server::{BodyWriter, Failure, Handler, Method, Request, Responder, StatusCode, header};
use crate::services::http::{OutboundHttp, Response};
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
        let trailers = of_client(&request.trailers);
        let is_chunked = request.head.headers.contains_key(header::TRANSFER_ENCODING);
        let has_body = !body.is_empty() || is_chunked;
        let stream = worker.with(|chain| {
            let mut stream = Stream::new(chain, attributes);
            stream.request_headers(chain, headers, !has_body);
            // As in Envoy, filters learn of the end behind the last part.
            body.chunks(PART).for_each(|part| stream.request_body(chain, part, false));
            match trailers.is_empty() {
                true if has_body => stream.request_body(chain, [], true),
                true => {}
                false => stream.request_trailers(chain, trailers),
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
            has_body: false,
            body: Vec::new(),
            trailers: Headers::new(),
            charge,
            deadline,
            is_done: false,
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
    has_body: bool,
    body: Vec<u8>,
    trailers: Headers,
    charge: Charge,
    deadline: Instant,
    /// The answer is complete.
    is_done: bool,
}

/// What comes next.
enum Next {
    /// More of what filters hold back, or of the response.
    More,
    /// The request is complete.
    Send,
    /// Nothing more of the request goes to the upstream, nor comes from there: a filter answers.
    Answered,
}

impl Passage<'_> {
    fn run(&mut self) -> Result<(), Failure> {
        let mut outputs = self.filters.with(|_, _| {});
        loop {
            match self.carry_out(outputs)? {
                _ if self.is_done => return Ok(()),
                Next::Send => return self.ask(),
                Next::More | Next::Answered => {}
            }
            outputs = self.wait()?;
        }
    }

    /// Nothing more comes from outside: what filters make of what they have.
    fn rest(&mut self) -> Result<(), Failure> {
        while !self.is_done {
            let outputs = self.wait()?;
            self.carry_out(outputs)?;
        }
        Ok(())
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
                    self.has_body = !end;
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
                Output::RequestTrailers(trailers) => {
                    self.trailers = trailers;
                    next = Next::Send;
                }
                Output::Answered { .. } => {
                    self.outgoing = None;
                    next = Next::Answered;
                }
                Output::ResponseHeaders { headers, end } => {
                    let made = to_client(&headers)
                        .and_then(|(status, map)| Some((StatusCode::from_u16(status).ok()?, map)));
                    let (status, map) = made.ok_or_else(|| {
                        Failure::guest("bad answer", "the filters' headers are no answer's")
                    })?;
                    if let Some(responder) = self.responder.take() {
                        self.writer = Some(responder.start(status, map)?);
                    }
                    self.is_done = end;
                }
                Output::ResponseBody { bytes, end } => {
                    let gone = |error| Failure::guest("client gone", error);
                    self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(&bytes)).map_err(gone)?;
                    self.is_done = end;
                }
                Output::ResponseTrailers(trailers) => {
                    if let (Some(writer), Some(trailers)) = (self.writer.take(), fields(&trailers)) {
                        writer.end_with(trailers);
                    }
                    self.is_done = true;
                }
                Output::Reset => return Err(Failure::guest("reset", "a filter closed the stream")),
            }
        }
        Ok(next)
    }

    /// Sends the request to the upstream, and takes the response through the filters.
    fn ask(&mut self) -> Result<(), Failure> {
        let Some(headers) = self.outgoing.take() else { return self.rest() };
        let time = self.deadline.saturating_duration_since(Instant::now());
        let proxy = self.proxy;
        let sent = Sent {
            headers: &headers,
            body: self.has_body.then_some(&*self.body),
            trailers: &self.trailers,
            time: Some(time),
        };
        let sent = send(&*proxy.http, &proxy.upstream, &sent);
        (self.body, self.charge) = (Vec::new(), proxy.budget.charge(Kind::Host, 0).map_err(full)?);
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                let (status, text) = refusal(&error);
                self.pass(|stream, chain| stream.respond(chain, status, text))?;
                return self.rest();
            }
        };
        self.relay(response)
    }

    /// Takes the response through the filters.
    fn relay(&mut self, response: Response) -> Result<(), Failure> {
        let headers = of_response(&response);
        let length = length(&response);
        let ends = self.request.head.method == Method::HEAD
            || matches!(response.status, 204 | 304)
            || length == Some(0);
        if self.pass(|stream, chain| stream.response_headers(chain, headers, ends))? || ends {
            return self.rest();
        }
        let Response { mut body, trailers, .. } = response;
        let mut part = vec![0; length.map_or(PART, |length| length.min(PART as u64) as usize)];
        loop {
            let broken = |error| Failure::new(StatusCode::BAD_GATEWAY, "upstream", error);
            let count = body.read(&mut part).map_err(broken)?;
            let trailers = of_upstream(&if count == 0 { trailers.take() } else { Default::default() });
            let end = count == 0;
            let passed = match trailers.is_empty() {
                true => self.pass(|stream, chain| stream.response_body(chain, &part[..count], end)),
                false => self.pass(|stream, chain| stream.response_trailers(chain, trailers)),
            };
            if passed? || end {
                return self.rest();
            }
            // A filter that waits for something takes the next part afterwards.
            while !self.filters.take_response() {
                let events = self.filters.worker.events();
                match self.pass(|_, _| {})? {
                    true => return self.rest(),
                    false => self.pause(events)?,
                }
            }
        }
    }

    /// Hands something to the filters, and carries out what they make of it. True if nothing more of the upstream's is
    /// wanted.
    fn pass(&mut self, work: impl FnOnce(&mut Stream, &mut Chain)) -> Result<bool, Failure> {
        let outputs = self.filters.with(work);
        Ok(matches!(self.carry_out(outputs)?, Next::Answered) || self.is_done)
    }
}
