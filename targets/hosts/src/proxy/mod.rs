//! A reverse proxy whose requests and responses pass filters: `proxy_wasm` between a `server` and an upstream.
//!
//! Requests pass the filters in order, responses in reverse. Each worker has one chain of instances, which lives as long
//! as the proxy: requests go to workers in turn, and several are with a worker's filters at a time. What a filter holds
//! back waits without a worker; what the upstream or a cluster is asked waits without one, too.
//!
//! ```no_run
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::proxy::{Proxy, ProxyOptions};
//! use dunlin_hosts::proxy_wasm::{Plugin, PluginOptions};
//! use dunlin_hosts::server::{Server, ServerOptions};
//! use std::sync::Arc;
//!
//! let module = Module::from_file(&Engine::default(), "filter.wasm")?;
//! let plugin = Plugin::new(&module, PluginOptions::default().configuration("{}"))?;
//! let proxy = Proxy::new(&[plugin], ProxyOptions::to("http://127.0.0.1:9000")?)?;
//! Server::bind("127.0.0.1:8080", ServerOptions::default())?.run(Arc::new(proxy))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Requests and responses are HTTP/1.1. A request is received whole before the filters see it, with its body in parts of 64
//! KiB; a response passes as it comes. Trailers pass in both directions: a client gets those that the response's header
//! `trailer` names, if it said `te: trailers`.

mod calls;
mod message;
mod options;
mod passage;
mod worker;

pub use options::{InvalidUpstream, ProxyOptions};
pub use passage::Proxy;
