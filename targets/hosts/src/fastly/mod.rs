//! Fastly Compute: applications that answer a request each.
//!
//! An [`App`] is a module with what it is configured with, a [`LocalServer`], and is the
//! [handler](crate::server::Handler) of a server. Each request has an instance of its own.
//!
//! ```no_run
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::fastly::{App, AppOptions, LocalServer};
//! use dunlin_hosts::server::{Server, ServerOptions};
//! use std::{fs, path::Path, sync::Arc};
//!
//! let module = Module::from_file(&Engine::default(), "app.wasm")?;
//! let config = LocalServer::parse(&fs::read_to_string("fastly.toml")?, Path::new("."))?;
//! let app = App::new(&module, AppOptions { config, ..AppOptions::default() })?;
//! Server::bind("127.0.0.1:7676", ServerOptions::default())?.run(Arc::new(app))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is here of the ABI: requests, responses, bodies (streamed both ways), backends, dictionaries, config, secret and
//! key-value stores, logs, waiting. What a host can't know of a client (its place, device, TLS) is answered "none".
//! Caches, purging, rate limits, access lists, image optimisation, shields, dynamic backends, trailers, websockets and
//! further requests to the same instance are answered "unsupported". Early hints are taken and not sent.

mod app;
mod body;
mod calls;
mod fields;
mod kv;
mod local_server;
mod pipe;
mod sending;
mod services;
mod session;
mod status;
mod table;

pub use app::{App, AppOptions};
pub use calls::answers;
pub use local_server::{Backend, InvalidConfig, KvEntry, LocalServer};
