//! One request, from its arrival to its answer.

use super::answer::{AnswerBody, Client, Record, refusal};
use super::exchange::Exchange;
use super::failure::Failure;
use super::handler::{Handler, Request, Responder};
use super::limits::ServerOptions;
use super::metrics::Metrics;
use super::pool::Pool;
use super::receive;
use super::served::Served;
use hyper::body::Incoming;
use hyper::{Request as HttpRequest, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::{timeout, timeout_at};

/// How long a guest takes before others don't wait for it any more, and what it has written is sent.
const QUICK: Duration = Duration::from_millis(5);

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
        let mut record = Record { served, began: Instant::now(), options, metrics };
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
        let (body, charge) = receive::body(&head, incoming, &limits, &self.options).await?;
        let deadline = tokio::time::Instant::now() + limits.time;
        let exchange = Exchange::new(&head.method);
        let responder = Responder::new(exchange.clone());
        let shared = exchange.clone();
        let request = Request { id, head, body, peer, local: self.local, limits, exchange, _charge: charge };
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
        let ticket = self.pool.submit(work).ok_or_else(full)?;
        if let Ok(head) = timeout(QUICK, exchange.head()).await {
            return Ok((head?, client));
        }
        exchange.hurry();
        ticket.make_way();
        let Ok(head) = timeout_at(deadline, exchange.head()).await else {
            let why = if ticket.make_way() { Failure::out_of_time() } else { full() };
            exchange.stop(Err(why.clone()));
            return Err(why);
        };
        let head = head?;
        tokio::spawn(async move {
            if timeout_at(deadline, exchange.ended()).await.is_err() {
                exchange.stop(Err(Failure::out_of_time()));
            }
        });
        Ok((head, client))
    }
}

/// Ends an exchange whose handler panicked.
struct Ending(Arc<Exchange>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end(Err(Failure::guest("panic", "the handler panicked")));
    }
}
