//! Filters for proxies: as Envoy runs them (`recorded.rs`), and what befalls those that fail or ask for too much.

mod connections;
mod hostile;
mod recorded;
mod services;
mod text;
