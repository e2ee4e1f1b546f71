//! Takes a request's body in, within its bounds.

use super::failure::Failure;
use super::limits::{Limits, ServerOptions};
use dunlin::{Charge, Kind};
use hyper::body::{Body, Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode, header};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// How long a client may go on sending a body that is refused: it may read no answer before.
const LINGER: Duration = Duration::from_secs(1);

fn too_large(limits: &Limits) -> Failure {
    let message = format_args!("its body has more than {} bytes", limits.body);
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "body too large", message)
}

/// Takes some of what a client still sends.
async fn discard(incoming: &mut Incoming) {
    const MOST: usize = 1 << 20;
    let mut taken = 0;
    while taken < MOST
        && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await
    {
        taken += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// A request's body and trailers, with the charge for the body.
pub(super) struct Received {
    pub(super) body: Bytes,
    pub(super) trailers: HeaderMap,
    pub(super) charge: Charge,
}

/// The whole body of a request.
pub(super) async fn body(
    head: &Parts,
    mut incoming: Incoming,
    limits: &Limits,
    options: &ServerOptions,
) -> Result<Received, Failure> {
    let announced =
        head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let announced = announced.unwrap_or(0_u64);
    if announced > limits.body {
        // A client that waits to be told sends nothing then.
        if !head.headers.contains_key(header::EXPECT) {
            let _ = timeout(LINGER, discard(&mut incoming)).await;
        }
        return Err(too_large(limits));
    }
    let full = |error| Failure::busy("out of memory", error);
    let mut charge = options.budget.charge(Kind::Host, announced).map_err(full)?;
    let mut body = Vec::with_capacity(announced as usize);
    let mut trailers = HeaderMap::new();
    loop {
        let frame = timeout(options.patience, poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx))).await;
        let Ok(frame) = frame else {
            let message = "its body doesn't arrive";
            return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "body stalled", message));
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| {
            Failure::new(StatusCode::BAD_REQUEST, "bad body", format_args!("its body is broken: {error}"))
        })?;
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                // Their size is bounded by the connection, as that of headers is.
                trailers = frame.into_trailers().unwrap_or_default();
                continue;
            }
        };
        let len = body.len() + data.len();
        if len as u64 > limits.body {
            let _ = timeout(LINGER, discard(&mut incoming)).await;
            return Err(too_large(limits));
        }
        if len > body.capacity() {
            let more = body.capacity().max(4096).max(data.len());
            charge.grow(more as u64).map_err(full)?;
            body.reserve_exact(body.capacity() - body.len() + more);
        }
        body.extend_from_slice(&data);
    }
    Ok(Received { body: body.into(), trailers, charge })
}
