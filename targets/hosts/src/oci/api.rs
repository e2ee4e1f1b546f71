//! A registry's HTTP interface, as OCI's distribution specification has it.

use super::auth::{Challenge, meet};
use super::manifest::{ACCEPTED, MOST_BYTES};
use super::{Credentials, Digest, OciError, Reference};
use crate::services::http::{
    AllowList, Client, HttpError, HttpLimits, OutboundHttp, Redirects, Request, RequestBody, Response,
};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a registry may be silent.
const IDLE: Duration = Duration::from_secs(30);

/// How often a registry may lead on.
const REDIRECTS: u32 = 5;

/// Asks registries.
pub(super) struct Api {
    /// For registries that are spoken to with TLS: a redirect out of it isn't followed.
    secure: Arc<dyn OutboundHttp>,
    plain: Arc<dyn OutboundHttp>,
    credentials: Credentials,
    plain_http: bool,
    idle: Duration,
    /// What met a registry's challenge, by host and scope.
    met: Mutex<HashMap<(String, String), String>>,
}

/// What is asked.
pub(super) struct Call<'c> {
    pub(super) reference: &'c Reference,
    pub(super) method: &'static str,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<&'c [u8]>,
    /// Whether something is to be changed.
    pub(super) writes: bool,
    /// Whether it takes as long as it takes, as blobs do.
    pub(super) is_long: bool,
}

impl Api {
    pub(super) fn new(
        http: Option<Arc<dyn OutboundHttp>>,
        credentials: Credentials,
        plain_http: bool,
        idle: Option<Duration>,
    ) -> Self {
        let secure = http.clone().unwrap_or_else(|| {
            let mut https = AllowList::none();
            https.allow("https://*:*").unwrap_or_else(|_| unreachable!("it is a pattern"));
            Arc::new(Client::new(https))
        });
        let plain = http.unwrap_or_else(|| Arc::new(Client::new(AllowList::everywhere())));
        Self { secure, plain, credentials, plain_http, idle: idle.unwrap_or(IDLE), met: Mutex::default() }
    }

    /// Where a registry is, without a slash behind it.
    pub(super) fn root(&self, reference: &Reference) -> String {
        let scheme = if self.is_plain(reference) { "http" } else { "https" };
        format!("{scheme}://{}", reference.host())
    }

    fn is_plain(&self, reference: &Reference) -> bool {
        self.plain_http || reference.is_local()
    }

    /// A question without a body.
    pub(super) fn call<'c>(&self, reference: &'c Reference, method: &'static str, rest: &str) -> Call<'c> {
        let url = format!("{}/v2/{}/{rest}", self.root(reference), reference.repository());
        Call { reference, method, url, headers: Vec::new(), body: None, writes: false, is_long: false }
    }

    /// The manifest or index of a name: its type, and its bytes, whose digest isn't checked yet.
    pub(super) fn manifest(&self, reference: &Reference) -> Result<(Option<String>, Vec<u8>), OciError> {
        let mut call = self.call(reference, "GET", &format!("manifests/{}", reference.target()));
        call.headers.push(("accept", ACCEPTED.join(", ")));
        let response = expect(&call, self.send(&call)?, &[200])?;
        let media_type = response
            .headers
            .text("content-type")
            .map(|text| text.split(';').next().unwrap_or_default().trim().to_owned());
        let announced: Option<Digest> =
            response.headers.text("docker-content-digest").and_then(|text| text.parse().ok());
        let bytes = response.bytes().map_err(|error| too_large(reference, error))?;
        if let Some(expected) = announced
            && let Err(found) = expected.check(&bytes)
        {
            return Err(OciError::WrongDigest { what: reference.to_string(), expected, found });
        }
        Ok((media_type, bytes))
    }

    /// A blob from a place in it on. Without a range in the response, it is the whole.
    pub(super) fn blob(
        &self,
        reference: &Reference,
        digest: &Digest,
        from: u64,
    ) -> Result<Response, OciError> {
        let mut call = self.call(reference, "GET", &format!("blobs/{digest}"));
        call.is_long = true;
        if from > 0 {
            call.headers.push(("range", format!("bytes={from}-")));
        }
        expect(&call, self.send(&call)?, &[200, 206])
    }

    /// Asks, and says who asks if the registry wants to know.
    pub(super) fn send(&self, call: &Call<'_>) -> Result<Response, OciError> {
        let reference = call.reference;
        let http = if self.is_plain(reference) { &self.plain } else { &self.secure };
        let actions = if call.writes { "pull,push" } else { "pull" };
        let scope = format!("repository:{}:{actions}", reference.repository());
        let key = (reference.host().to_owned(), scope.clone());
        // Only the registry's own host learns who asks.
        let is_ours = call.url.starts_with(&format!("{}/", self.root(reference)));
        let mut authorization = is_ours.then(|| self.met().get(&key).cloned()).flatten();
        let mut asked = false;
        loop {
            let response = http.send_call(call, authorization.as_deref(), self.idle);
            let response = response.map_err(|error| failed(reference, error))?;
            match response.status {
                401 if !asked && is_ours => asked = true,
                401 | 403 => return Err(self.denied(call, response)),
                _ => return Ok(response),
            }
            let Some(challenge) = Challenge::of(&response) else { return Err(self.denied(call, response)) };
            let secret = self.credentials.secret(reference);
            let met = meet(&challenge, secret.as_ref(), &scope, &**http, reference.registry())?;
            let Some(met) = met else { return Err(self.denied(call, response)) };
            self.met().insert(key.clone(), met.clone());
            authorization = Some(met);
        }
    }

    fn met(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), String>> {
        self.met.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn denied(&self, call: &Call<'_>, response: Response) -> OciError {
        let mut why = self.credentials.hint(call.reference);
        if let Some(said) = said(response) {
            why = format!("{said}; {why}");
        }
        OciError::Denied { registry: call.reference.registry().into(), why }
    }
}

trait SendCall {
    fn send_call(
        &self,
        call: &Call<'_>,
        authorization: Option<&str>,
        idle: Duration,
    ) -> Result<Response, HttpError>;
}

impl SendCall for Arc<dyn OutboundHttp> {
    fn send_call(
        &self,
        call: &Call<'_>,
        authorization: Option<&str>,
        idle: Duration,
    ) -> Result<Response, HttpError> {
        let mut request = Request::new(call.method, &*call.url);
        request.redirects = Redirects::Followed(REDIRECTS);
        request.limits = HttpLimits { idle, response_body: MOST_BYTES, ..request.limits };
        if call.is_long {
            // What reads it counts.
            (request.limits.total, request.limits.response_body) = (None, u64::MAX);
        }
        for (name, value) in &call.headers {
            request.headers.push(*name, value.as_bytes());
        }
        if let Some(authorization) = authorization {
            request.headers.push("authorization", authorization);
        }
        let mut body = call.body.unwrap_or_default();
        if call.body.is_some() {
            let size = body.len() as u64;
            request.body = RequestBody::Sized(&mut body, size);
        }
        self.send(request)
    }
}

/// The response, if its status is one of these.
pub(super) fn expect(call: &Call<'_>, response: Response, wanted: &[u16]) -> Result<Response, OciError> {
    if wanted.contains(&response.status) {
        return Ok(response);
    }
    if response.status == 404 && call.method == "GET" {
        return Err(OciError::NotFound(match call.url.split_once("/blobs/") {
            Some((_, digest)) => format!("{digest} of {}", call.reference),
            None => call.reference.to_string(),
        }));
    }
    let status = response.status;
    let asked = format!("{} {}", call.method, call.url);
    let why = said(response).map_or(asked.clone(), |said| format!("{asked}: {said}"));
    Err(OciError::Status { registry: call.reference.registry().into(), status, why })
}

pub(super) fn failed(reference: &Reference, error: HttpError) -> OciError {
    OciError::Http { registry: reference.registry().into(), error }
}

fn too_large(reference: &Reference, error: std::io::Error) -> OciError {
    match error.downcast::<HttpError>() {
        Ok(error) => failed(reference, error),
        Err(error) => error.into(),
    }
}

/// What a registry says for people, in few words and without control characters.
fn said(response: Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Said>,
    }
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let bytes = response.bytes().ok()?;
    let errors: Errors = serde_json::from_slice(&bytes).ok()?;
    let message = errors.errors.into_iter().next()?.message;
    let short: String = message.chars().take(200).collect();
    (!short.is_empty()).then(|| short.escape_debug().to_string())
}
