//! `wasmcloud:httpserver`: an actor that answers a server's requests.

use super::actor::Actor;
use super::host::{ActorHost, unclaimed};
use super::messages::{self, HttpRequest, HttpResponse};
use crate::server::header::{self, HeaderName, HeaderValue};
use crate::server::{Failure, Handler, HeaderMap, Request, Responder, StatusCode};
use crate::wapc::{CallError, Task};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// An actor as a server's handler. A request's limits are those of time and fuel; its memory is its instance's.
#[derive(Debug)]
pub struct HttpActor {
    actor: Arc<Actor>,
    /// Its calls go there, as long as it lives.
    _host: ActorHost,
}

/// What an actor claims that answers requests.
const CONTRACT: &str = "wasmcloud:httpserver";

impl HttpActor {
    /// Has an actor of a host answer requests.
    ///
    /// # Errors
    ///
    /// If it doesn't claim `wasmcloud:httpserver`.
    pub fn new(actor: Arc<Actor>, host: &ActorHost) -> Result<Self, String> {
        match actor.may(CONTRACT) {
            true => Ok(Self { actor, _host: host.clone() }),
            false => Err(unclaimed(actor.claims(), CONTRACT)),
        }
    }
}

impl Handler for HttpActor {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        let message = message(&request);
        let fuel = request.limits.fuel.unwrap_or(u64::MAX);
        let request = Arc::new(request);
        let watching = request.clone();
        let mut task = Task::new(Some(fuel)).interrupted_by(move |store| watching.interrupt(store));
        task.until = Instant::now().checked_add(request.limits.time);
        let result = self.actor.answer(&message, &mut task);
        if let Some(left) = task.fuel {
            request.used_fuel(fuel - left);
        }
        let answer = result.map_err(|error| match error {
            CallError::Failed(error) => error.into(),
            CallError::Guest(text) => Failure::guest("actor", text),
        })?;
        let answer: HttpResponse =
            messages::decode(&answer).map_err(|error| Failure::guest("bad answer", error))?;
        let status = StatusCode::from_u16(answer.status_code)
            .map_err(|_| Failure::guest("bad answer", format_args!("{} is no status", answer.status_code)))?;
        let mut headers = HeaderMap::new();
        for (name, values) in &answer.header {
            for value in values {
                let bad =
                    |_| Failure::guest("bad answer", format_args!("{} is no header", name.escape_debug()));
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| bad(error.to_string()))?;
                let value = HeaderValue::from_str(value).map_err(|error| bad(error.to_string()))?;
                headers.append(name, value);
            }
        }
        // It is known better from the body.
        headers.remove(header::CONTENT_LENGTH);
        // Whoever has gone away doesn't miss it.
        let _ = responder.start(status, headers)?.write_all(&answer.body);
        Ok(())
    }
}

fn message(request: &Request) -> HttpRequest {
    let head = &request.head;
    let mut message = HttpRequest {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query_string: head.uri.query().unwrap_or_default().to_owned(),
        body: request.body.to_vec().into(),
        ..HttpRequest::default()
    };
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        message.header.entry(name.to_string()).or_default().push(value);
    }
    message
}
