//! Answers as hyper sends them.

use super::exchange::{Exchange, Next};
use super::failure::Failure;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An answer's body.
pub(super) enum AnswerBody {
    /// What a guest writes.
    Guest(Arc<Exchange>),
    /// A text of the server's.
    Text(Option<Bytes>),
}

impl AnswerBody {
    /// Whether its guest is still at work on it.
    pub(super) fn is_growing(&self) -> bool {
        matches!(self, AnswerBody::Guest(exchange) if exchange.rest().is_none())
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.get_mut() {
            AnswerBody::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            AnswerBody::Guest(exchange) => exchange.poll_next(cx).map(|next| match next {
                Next::Chunk(chunk) => Some(Ok(Frame::data(chunk))),
                Next::End => None,
                Next::Broken(failure) => Some(Err(failure)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Text(text) => text.is_none(),
            AnswerBody::Guest(exchange) => exchange.rest() == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let exact = match self {
            AnswerBody::Text(text) => Some(text.as_ref().map_or(0, |text| text.len() as u64)),
            AnswerBody::Guest(exchange) => exchange.rest(),
        };
        exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        if let AnswerBody::Guest(exchange) = self {
            exchange.stop(Failure::client_gone());
        }
    }
}

/// The answer to a request that failed: its status, and nothing of what the log is told.
pub(super) fn refusal(status: StatusCode) -> Response<AnswerBody> {
    let text = Bytes::from(format!("{status}\n"));
    let mut response = Response::new(AnswerBody::Text(Some(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
