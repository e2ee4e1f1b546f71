//! HTTP calls of filters.

use super::message::{self, of_response};
use super::options::Upstream;
use crate::proxy_wasm::{HttpAnswer, HttpCall};
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

/// Sends a call, and gives its answer or why there is none.
pub(super) fn exchange(clusters: &Clusters, call: &HttpCall) -> Result<HttpAnswer, &'static str> {
    let to = clusters.named.get(&call.upstream).ok_or("no cluster")?;
    let time = call.timeout.unwrap_or(LONGEST).min(LONGEST);
    let response = message::send(&*clusters.http, to, &call.headers, &call.body, Some(time));
    let response = response.map_err(|_| "reset")?;
    let headers = of_response(&response);
    let mut body = Vec::new();
    let read = response.body.take(BODY + 1).read_to_end(&mut body);
    match read.is_ok_and(|len| len as u64 <= BODY) {
        true => Ok(HttpAnswer { headers, body, ..HttpAnswer::default() }),
        false => Err("reset"),
    }
}
