//! HTTP calls of filters.

use super::message::{Sent, of_response, of_upstream, refusal, send};
use super::options::Upstream;
use crate::proxy_wasm::{Headers, HttpAnswer, HttpCall};
use crate::services::http::OutboundHttp;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

/// How long a call may take whose filter doesn't say.
const LONGEST: Duration = Duration::from_secs(60);

/// How long an answer's body may be.
const BODY: u64 = 1 << 20;

/// Where calls go.
pub(super) struct Clusters {
    pub(super) http: Arc<dyn OutboundHttp>,
    pub(super) named: BTreeMap<String, Upstream>,
}

/// Sends a call, and gives its answer or why there is none. As in Envoy, an upstream that can't be reached is an answer of the
/// proxy's own, with a status.
pub(super) fn exchange(clusters: &Clusters, call: &HttpCall) -> Result<HttpAnswer, &'static str> {
    let to = clusters.named.get(&call.upstream).ok_or("no cluster")?;
    let sent = Sent {
        headers: &call.headers,
        body: Some(&*call.body).filter(|body| !body.is_empty()),
        trailers: &call.trailers,
        time: Some(call.timeout.unwrap_or(LONGEST).min(LONGEST)),
    };
    let response = match send(&*clusters.http, to, &sent) {
        Ok(response) => response,
        Err(error) => {
            let (status, text) = refusal(&error);
            let headers = [
                (":status", status.to_string()),
                ("content-length", text.len().to_string()),
                ("content-type", "text/plain".into()),
            ];
            let headers: Headers = headers.into_iter().collect();
            return Ok(HttpAnswer { headers, body: text.into(), ..HttpAnswer::default() });
        }
    };
    let headers = of_response(&response);
    let trailers = response.trailers.clone();
    let mut body = Vec::new();
    let read = response.body.take(BODY + 1).read_to_end(&mut body);
    match read.is_ok_and(|len| len as u64 <= BODY) {
        true => Ok(HttpAnswer { headers, body, trailers: of_upstream(&trailers.take()) }),
        false => Err("reset"),
    }
}
