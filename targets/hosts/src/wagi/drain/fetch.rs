//! What clients get where their drained requests are.

use super::folder::Stage;
use super::id::Id;
use super::keeper::{Drain, location};
use crate::server::{Failure, HeaderMap, Method, Request, Responder, StatusCode, header};
use crate::wagi::output::Output;
use hyper::header::HeaderValue;
use std::fs::File;
use std::io::{self, Write};

const NOT_YET: &str = "The answer isn't there yet. Ask here again.\n";
const LATER: &str = "The server ends. It will go on with the request later: ask where Location leads.\n";
const NEVER: &str = "The server can't go on with this request. Ask anew.\n";

/// How a client is told that a request is kept: the server is about to end, and then goes on with it.
pub(in crate::wagi) fn tell_kept(id: Id, responder: Responder) -> Result<(), Failure> {
    let location = HeaderValue::try_from(location(id)).map_err(|error| Failure::guest("error", error))?;
    let headers = [(header::LOCATION, location), (header::RETRY_AFTER, HeaderValue::from_static("2"))];
    tell(responder, StatusCode::SERVICE_UNAVAILABLE, headers, LATER)
}

/// A short answer of the server's own.
fn tell(
    responder: Responder,
    status: StatusCode,
    headers: impl IntoIterator<Item = (header::HeaderName, HeaderValue)>,
    text: &str,
) -> Result<(), Failure> {
    let mut all: HeaderMap = headers.into_iter().collect();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut body = responder.start(status, all)?;
    // Whoever has gone away doesn't miss it.
    let _ = body.write_all(text.as_bytes());
    Ok(())
}

impl Drain {
    /// Answers a request for what became of another one, at a path that begins with [`PATH`](Self::PATH).
    pub(in crate::wagi) fn answer(&self, request: &Request, responder: Responder) -> Result<(), Failure> {
        let path = request.head.uri.path();
        let unknown = || Failure::not_found(path);
        let id = path.strip_prefix(Self::PATH).and_then(Id::parse).ok_or_else(unknown)?;
        if ![Method::GET, Method::HEAD].contains(&request.head.method) {
            let allowed = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
            return tell(responder, StatusCode::METHOD_NOT_ALLOWED, allowed, "");
        }
        match self.folder().stage(id).ok_or_else(unknown)? {
            Stage::Waiting | Stage::InHand => {
                let again = [(header::RETRY_AFTER, HeaderValue::from_static("1"))];
                tell(responder, StatusCode::ACCEPTED, again, NOT_YET)
            }
            Stage::SetAside => tell(responder, StatusCode::GONE, [], NEVER),
            Stage::Answered => {
                // Another client may have fetched it meanwhile.
                let file = File::open(self.folder().file(id, Stage::Answered)).map_err(|_| unknown())?;
                self.pass_on(id, file, request, responder)
            }
        }
    }

    /// Has a client get an answer, which goes when the client has it.
    fn pass_on(
        &self,
        id: Id,
        mut answer: File,
        request: &Request,
        responder: Responder,
    ) -> Result<(), Failure> {
        let mut output = Output::new(responder);
        let copied = io::copy(&mut answer, &mut output);
        output.failed().map_or(Ok(()), Err)?;
        copied.map_err(|error| Failure::guest("error", error))?;
        let body = output.end()?;
        if request.head.method == Method::GET && body.wait_until_taken() {
            self.folder().fetched(id);
        }
        Ok(())
    }
}
