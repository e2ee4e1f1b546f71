//! Filters for Envoy and other proxies: proxy-wasm, ABI 0.1.0 to 0.2.1.
//!
//! It is a state machine without a runtime, for whoever has a proxy. A [`Plugin`] is a filter's module with its
//! configuration. A thread makes a [`Chain`] of plugins, with an instance of each, and a [`Stream`] for each exchange: it
//! hands in what the client and the upstream send, and takes out what to do next.
//!
//! ```
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::proxy_wasm::{Attributes, Chain, Output, Plugin, PluginOptions, Stream};
//! # let text = r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))"#;
//! # let bytes = text;
//! let module = Module::new(&Engine::default(), bytes)?;
//! let plugin = Plugin::new(&module, PluginOptions::default().configuration("{}"))?;
//! let mut chain = Chain::new(&[plugin])?;
//!
//! let mut stream = Stream::new(&mut chain, Attributes::default());
//! let headers = [(":method", "GET"), (":path", "/"), (":authority", "example.org"), (":scheme", "http")];
//! stream.request_headers(&mut chain, headers.into_iter().collect(), true);
//! while let Some(output) = stream.next(&mut chain) {
//!     match output {
//!         Output::RequestHeaders { headers, .. } => assert_eq!(headers.get(":path"), Some(&b"/"[..])),
//!         _ => unreachable!("a filter without callbacks does nothing"),
//!     }
//! }
//! stream.close(&mut chain);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! gRPC calls of filters are answered "unimplemented".

mod attributes;
mod call;
mod calls;
mod chain;
mod error;
mod exports;
mod half;
mod headers;
mod held;
mod host;
mod log;
mod metrics;
mod options;
mod plugin;
mod properties;
mod shared;
mod start;
mod status;
mod stream;
mod vm;

pub use attributes::Attributes;
pub use call::{CallId, HttpAnswer, HttpCall};
pub use calls::answers;
pub use chain::{Chain, Interrupts};
pub use error::PluginError;
pub use headers::Headers;
pub use metrics::{Metric, MetricKind, Metrics};
pub use options::{Limits, Message, PluginOptions};
pub use plugin::Plugin;
pub use shared::Shared;
pub use status::{Level, Peer};
pub use stream::{Output, Stream};
