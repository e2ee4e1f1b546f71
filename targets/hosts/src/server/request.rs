//! One request, from its arrival to its answer.

use super::answer::{AnswerBody, Client, Record, refusal};
use super::exchange::Exchange;
use super::failure::Failure;
use super::handler::{Handler, Request, Responder};
use super::limits::ServerOptions;
use super::metrics::Metrics;
use super::pool::{Pool, QUICK, Ticket};
use super::receive::{self, Received};
use super::served::Served;
use hyper::body::Incoming;
use hyper::{Request as HttpRequest, Response};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// What all connections share.
pub(super) struct Desk {
    pub(super) pool: Pool,
    pub(super) local: SocketAddr,
    pub(super) options: Arc<ServerOptions>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) requests: AtomicU64,
}

impl Desk {
    /// Answers one request, whatever happens.
    pub(super) async fn answer(
        &self,
        handler: Arc<dyn Handler>,
        request: HttpRequest<Incoming>,
        peer: SocketAddr,
    ) -> Response<AnswerBody> {
        let id = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let gone = Failure::client_gone();
        let served = Served {
            id,
            peer,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            // So it stays if the connection ends before the answer begins.
            status: gone.status,
            bytes: 0,
            time: Duration::ZERO,
            fuel: 0,
            failure: Some(gone.code),
        };
        let (options, metrics) = (self.options.clone(), self.metrics.clone());
        let mut record = Record { served, began: std::time::Instant::now(), options, metrics };
        match self.attempt(id, handler, request, peer).await {
            Ok((head, client)) => {
                record.served.status = head.status();
                head.map(|()| AnswerBody::guest(client, record))
            }
            Err(failure) => refusal(&failure, record),
        }
    }

    async fn attempt(
        &self,
        id: u64,
        handler: Arc<dyn Handler>,
        request: HttpRequest<Incoming>,
        peer: SocketAddr,
    ) -> Result<(Response<()>, Client), Failure> {
        let (head, incoming) = request.into_parts();
        let limits = handler.limits(&head, &self.options.limits);
        let route = handler.route(&head);
        let Received { body, trailers, charge } =
            receive::body(&head, incoming, &limits, &self.options).await?;
        let deadline = Instant::now() + limits.time;
        let exchange = Exchange::new(&head.method);
        let responder = Responder::new(exchange.clone());
        let shared = exchange.clone();
        let local = self.local;
        let request = Request { id, head, body, trailers, peer, local, limits, exchange, _charge: charge };
        let client = Client(shared.clone());
        let exchange = shared.clone();
        let work = move || {
            if shared.stopped().is_none() {
                let done = Ending(shared);
                let result = handler.handle(request, responder);
                done.0.end(result);
            }
        };
        let full = || Failure::busy("queue full", "too many requests wait for a guest");
        let ticket = self.pool.submit(route, work).ok_or_else(full)?;
        let Some(head) = attend(&exchange, &ticket, deadline, exchange.head()).await else {
            let why = if ticket.withdraw() { full() } else { Failure::out_of_time() };
            exchange.stop(Err(why.clone()));
            return Err(why);
        };
        let head = head?;
        if exchange.rest().is_none() {
            tokio::spawn(async move {
                if attend(&exchange, &ticket, deadline, exchange.ended()).await.is_none() {
                    exchange.stop(Err(Failure::out_of_time()));
                }
            });
        }
        Ok((head, client))
    }
}

/// What comes of `event` before the deadline. If the guest takes long meanwhile, it makes way for others, and what it
/// writes is passed on at once.
async fn attend<T>(
    exchange: &Exchange,
    ticket: &Ticket,
    deadline: Instant,
    event: impl Future<Output = T>,
) -> Option<T> {
    let mut event = pin!(event);
    let (mut made_way, mut lowered) = (false, false);
    let mut step = QUICK;
    loop {
        let next = if lowered { deadline } else { deadline.min(Instant::now() + step) };
        if let Ok(done) = timeout_at(next, event.as_mut()).await {
            return Some(done);
        }
        if next == deadline {
            return None;
        }
        if !made_way && ticket.make_way() {
            made_way = true;
            exchange.hurry();
        } else if made_way {
            match ticket.lower() {
                Some(again) => step = again,
                None => lowered = true,
            }
        }
    }
}

/// Ends an exchange whose handler panicked.
struct Ending(Arc<Exchange>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(Err(Failure::guest("panic", "the handler panicked")));
    }
}
