//! wasmCloud's actors, before its version 1.0: waPC guests with a signed token.
//!
//! The token says who made a module, and which capabilities it may use. A call to one that isn't claimed is refused
//! before anybody looks at it, and the actor goes on. An [`ActorHost`] takes actors whose tokens hold, provides
//! capabilities, and lets actors call each other; [`HttpActor`] is one that answers a server's requests.
//!
//! | Contract | Provided |
//! |---|---|
//! | `wasmcloud:httpserver` | by a [server](crate::server) |
//! | `wasmcloud:keyvalue` | [values, lists and sets](KeyValueProvider) in a key-value store |
//! | `wasmcloud:messaging` | among the actors of a host, or through a [NATS server](crate::services::nats) |
//! | `wasmcloud:builtin:logging` | to the host's log |
//! | `wasmcloud:builtin:numbergen` | by the system's random numbers |
//!
//! Others are an embedder's: a [`Provider`] each.

mod actor;
mod error;
mod host;
mod http;
mod keys;
mod keyvalue;
mod messages;
mod messaging;
mod older;
mod provider;
mod section;
mod token;

pub use actor::Actor;
pub use error::TokenError;
pub use host::{ActorError, ActorHost, HostOptions};
pub use http::HttpActor;
pub use keys::{KeyKind, KeyPair, PublicKey};
pub use keyvalue::KeyValueProvider;
pub use provider::Provider;
pub use token::{Claims, ModuleClaims, read_claims, sign, verified_claims};
