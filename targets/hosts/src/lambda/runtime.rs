//! The loop: events from Lambda's API, and answers to it.

use super::event::Event;
use super::failure::{Failure, LambdaError};
use super::function::{Function, Output};
use super::stream::stream;
use crate::services::http::{AllowList, Client, OutboundHttp, Request, RequestBody, Response};
use dunlin::Budget;
use dunlin_wasi_lite::WritePipe;
use std::convert::Infallible;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Until there is an event, a runtime may wait for as long as it lives, and is frozen meanwhile.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Lambda's API for a runtime.
pub struct Runtime {
    http: Arc<dyn OutboundHttp>,
    root: String,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Runtime {
    /// The API at `api`: a host with a port, perhaps with a path behind it. An emulator may write `http://` before it.
    pub fn new(api: &str) -> Self {
        let place = api.trim_start_matches("http://").trim_end_matches('/');
        let root = format!("http://{place}/2018-06-01/runtime");
        Self { http: Arc::new(Client::new(AllowList::everywhere())), root }
    }

    /// The API that the environment names.
    ///
    /// # Errors
    ///
    /// If it names none.
    pub fn of_environment() -> Result<Self, LambdaError> {
        match std::env::var("AWS_LAMBDA_RUNTIME_API") {
            Ok(api) if !api.is_empty() => Ok(Self::new(&api)),
            _ => Err(LambdaError::NotLambda),
        }
    }

    /// Answers events, one after the other, as long as there are any.
    ///
    /// # Errors
    ///
    /// Always, in the end: if the API can't be asked any more.
    pub fn serve(&self, function: &Function) -> Result<Infallible, LambdaError> {
        loop {
            let event = self.next(function.module().engine().budget(), function.options.most_event)?;
            self.answer(function, event)?;
        }
    }

    /// Waits for an event. What it takes is charged to the budget.
    ///
    /// # Errors
    ///
    /// If the API can't be asked, or what it sends is no event.
    pub fn next(&self, budget: &Budget, most: u64) -> Result<Event, LambdaError> {
        const ASKED: &str = "the next event";
        let mut request = Request::new("GET", format!("{}/invocation/next", self.root));
        (request.limits.idle, request.limits.total) = (FOR_EVER, None);
        request.limits.response_body = u64::MAX;
        let response = self.http.send(request).map_err(|error| LambdaError::Http(ASKED, error))?;
        match response.status {
            200 => Event::read(response, budget, most),
            status => Err(LambdaError::Status(ASKED, status)),
        }
    }

    /// Has a function answer an event.
    ///
    /// # Errors
    ///
    /// If the API can't be asked. That the function fails is told to the API.
    pub fn answer(&self, function: &Function, event: Event) -> Result<(), LambdaError> {
        if function.options.streams {
            self.answer_streaming(function, event)
        } else {
            self.answer_whole(function, event)
        }
    }

    fn answer_whole(&self, function: &Function, mut event: Event) -> Result<(), LambdaError> {
        // A byte more than there may be shows that there is more.
        let most = function.options.most_response;
        let output = WritePipe::in_memory(most.saturating_add(1));
        match function.answer(&mut event, Output::Whole(output.clone())) {
            Ok(()) => {
                let body = output.contents();
                if body.len() > most {
                    let message = format_args!("the response has more than {most} bytes");
                    return self.fail(&event.id, &Failure::new("Runtime.ResponseTooLarge", message));
                }
                let sized = RequestBody::Sized(&mut &body[..], body.len() as u64);
                self.respond(&event.id, Request { body: sized, ..self.response(&event.id) })
            }
            Err(failure) => self.fail(&event.id, &failure),
        }
    }

    /// The guest runs on a thread of its own, while this one sends what it prints.
    fn answer_streaming(&self, function: &Function, mut event: Event) -> Result<(), LambdaError> {
        let id = event.id.clone();
        let (written, mut sent) = stream();
        let end = written.again();
        thread::scope(|scope| {
            let guest = scope.spawn(move || {
                let answered = function.answer(&mut event, Output::Streamed(written));
                match answered {
                    Ok(()) => drop(end),
                    Err(_) => end.break_off(),
                }
                answered
            });
            let has_begun = matches!(sent.wait(), Ok(true));
            let responded = if has_begun {
                let mut request = self.response(&id);
                request.headers.push("lambda-runtime-function-response-mode", "streaming");
                request.body = RequestBody::Chunked(&mut sent);
                (request.limits.idle, request.limits.total) = (FOR_EVER, None);
                self.respond(&id, request)
            } else {
                Ok(())
            };
            // Nobody waits for what the guest still has to say.
            drop(sent);
            let answered = guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            match answered {
                // What was begun was broken off, which tells.
                Err(failure) if has_begun => {
                    eprintln!("{failure}, after its response had begun");
                    Ok(())
                }
                Err(failure) => self.fail(&id, &failure),
                Ok(()) if has_begun => responded,
                Ok(()) => self.respond(&id, self.response(&id)),
            }
        })
    }

    fn response<'b>(&self, id: &str) -> Request<'b> {
        let mut request = Request::new("POST", format!("{}/invocation/{id}/response", self.root));
        request.headers.push("content-type", "application/json");
        request
    }

    /// Sends a response. If the API doesn't take it, that is said in the log, and the next event may go better.
    fn respond(&self, id: &str, request: Request<'_>) -> Result<(), LambdaError> {
        const ASKED: &str = "a response";
        let response = self.http.send(request).map_err(|error| LambdaError::Http(ASKED, error))?;
        self.accepted(ASKED, id, response)
    }

    /// Says that an event has no response.
    ///
    /// # Errors
    ///
    /// If the API can't be asked.
    pub fn fail(&self, id: &str, failure: &Failure) -> Result<(), LambdaError> {
        let response = self.tell(&format!("invocation/{id}/error"), failure)?;
        self.accepted("an error", id, response)
    }

    /// Says that there will be no function.
    ///
    /// # Errors
    ///
    /// If the API can't be asked.
    pub fn fail_to_begin(&self, failure: &Failure) -> Result<(), LambdaError> {
        self.tell("init/error", failure).map(drop)
    }

    fn tell(&self, path: &str, failure: &Failure) -> Result<Response, LambdaError> {
        let body = serde_json::to_vec(failure).unwrap_or_default();
        let mut reader = &body[..];
        let mut request = Request::new("POST", format!("{}/{path}", self.root));
        request.headers.push("content-type", "application/json");
        request.headers.push("lambda-runtime-function-error-type", failure.error_type);
        request.body = RequestBody::Sized(&mut reader, body.len() as u64);
        self.http.send(request).map_err(|error| LambdaError::Http("an error", error))
    }

    fn accepted(&self, asked: &'static str, id: &str, response: Response) -> Result<(), LambdaError> {
        match response.status {
            200..=299 => Ok(()),
            status @ 400..=499 => {
                let mut said = Vec::new();
                let _ = response.body.take(1 << 10).read_to_end(&mut said);
                let said = String::from_utf8_lossy(&said);
                eprintln!("Lambda doesn't take {asked} for {id}: status {status}: {}", said.escape_debug());
                Ok(())
            }
            status => Err(LambdaError::Status(asked, status)),
        }
    }
}
