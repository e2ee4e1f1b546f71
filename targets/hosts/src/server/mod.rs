//! An HTTP/1.1 server whose answers come from guests.
//!
//! Connections are the business of one thread. A request that has arrived whole waits, in a bounded queue, for a guest
//! thread, on which a [`Handler`] answers it. What a request may take is bounded by its [`Limits`]; whatever goes wrong
//! is a status to the client and a sentence in the log.
//!
//! ```no_run
//! use dunlin_hosts::server::{Failure, Handler, Request, Responder, Server, ServerOptions, StatusCode};
//! use std::sync::Arc;
//!
//! struct Greeting;
//!
//! impl Handler for Greeting {
//!     fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
//!         let text = format!("You asked for {}\n", request.head.uri.path());
//!         responder.send(StatusCode::OK, "text/plain", text.into_bytes());
//!         Ok(())
//!     }
//! }
//!
//! let server = Server::bind("127.0.0.1:8080", ServerOptions::default())?;
//! let remote = server.remote();
//! // `remote.stop()`, from any thread, ends this when all requests in flight are answered.
//! server.run(Arc::new(Greeting))?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
mod connection;
mod exchange;
mod failure;
mod handler;
mod interruptible;
mod lanes;
mod limits;
mod metrics;
mod pool;
mod receive;
mod request;
mod run;
mod served;
mod stream;

pub use failure::Failure;
pub use handler::{BodyWriter, Handler, Request, Responder};
pub use hyper::body::Bytes;
pub use hyper::http::request::Parts;
pub use hyper::{HeaderMap, Method, StatusCode, header};
pub use interruptible::Interruptible;
pub use limits::{AccessLog, Limits, ServerOptions};
#[cfg(feature = "wagi")]
pub(crate) use pool::lower_this_thread;
pub use run::{Remote, Server};
pub use served::Served;
