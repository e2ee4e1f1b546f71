//! Answers as hyper sends them.

use super::exchange::{Exchange, Next};
use super::failure::Failure;
use super::limits::ServerOptions;
use super::metrics::Metrics;
use super::served::Served;
use crate::services::log::Level;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// What is known of a request, which is reported when this is dropped.
pub(super) struct Record {
    pub(super) served: Served,
    pub(super) began: Instant,
    pub(super) options: Arc<ServerOptions>,
    pub(super) metrics: Arc<Metrics>,
}

impl Record {
    /// It failed; the log is told why.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.served.failure = Some(failure.code);
        let Served { id, path, .. } = &self.served;
        // What is the client's doing happens all the time.
        let level = if failure.status.is_client_error() { Level::Debug } else { Level::Error };
        self.options.log.write(level, path, &format!("request {id}: {}: {failure}", failure.status));
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.served.time = self.began.elapsed();
        self.metrics.count(&self.served);
        if let Some(access) = &self.options.access {
            access.tell(&self.served);
        }
    }
}

/// An answer's body, and what is known of its request.
pub(super) struct AnswerBody {
    source: Source,
    /// `None` for what isn't a request to guests.
    record: Option<Record>,
}

/// The client's end of an exchange. Without it, the guest has nobody to work for.
pub(super) struct Client(pub(super) Arc<Exchange>);

impl Drop for Client {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

enum Source {
    /// What a guest writes.
    Guest(Client),
    /// A text of the server's.
    Text(Option<Bytes>),
}

impl AnswerBody {
    pub(super) fn guest(client: Client, mut record: Record) -> Self {
        record.served.failure = None;
        Self { source: Source::Guest(client), record: Some(record) }
    }

    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        Self { source: Source::Text(Some(text.into())), record: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let next = match &mut self.source {
            Source::Text(text) => Poll::Ready(text.take().map_or(Next::End, Next::Chunk)),
            Source::Guest(client) => client.0.poll_next(cx),
        };
        next.map(|next| match next {
            Next::Chunk(chunk) => {
                if let Some(record) = &mut self.record {
                    record.served.bytes += chunk.len() as u64;
                }
                Some(Ok(Frame::data(chunk)))
            }
            Next::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
            Next::End => None,
            Next::Broken(failure) => Some(Err(failure)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let exact = match &self.source {
            Source::Text(text) => Some(text.as_ref().map_or(0, |text| text.len() as u64)),
            Source::Guest(client) => client.0.rest(),
        };
        exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        let Source::Guest(Client(exchange)) = &self.source else { return };
        exchange.abandon();
        let (failure, fuel) = exchange.outcome();
        if let Some(record) = &mut self.record {
            record.served.fuel = fuel;
            if let Some(failure) = failure {
                record.fail(&failure);
            }
        }
    }
}

/// The answer to a request that failed: its status, and nothing of what the log is told.
pub(super) fn refusal(failure: &Failure, mut record: Record) -> Response<AnswerBody> {
    let status = failure.status;
    record.fail(failure);
    record.served.status = status;
    let mut body = AnswerBody::text(format!("{status}\n"));
    body.record = Some(record);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
