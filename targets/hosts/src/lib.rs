//! Hosts for modules that were made for other platforms.
//!
//! Each platform has an ABI of its own: what its modules import and export, and how bytes cross. [`Abi::detect`] tells
//! which one a module was made for. A host for an ABI is a module of this crate, behind a feature of the same name:
//!
//! | Feature | Platform | Start at |
//! |---|---|---|
//! | `actors` | wasmCloud before 1.0, actors with signed tokens | [`actors::ActorHost`] |
//! | `atmo` | Suborbital's Atmo and Reactr, runnables and bundles of them | [`atmo::App`] |
//! | `fastly` | Fastly Compute, applications that answer requests | [`fastly::App`] |
//! | `lambda` | AWS Lambda, WASI commands as functions | [`lambda::Runtime`] |
//! | `oci` | registries of the Open Container Initiative, where modules are kept | [`oci::Registries`] |
//! | `opa` | Open Policy Agent, policies compiled from Rego | [`opa::Policy`] |
//! | `proxy-wasm` | Envoy's filters, and those of other proxies | [`proxy_wasm::Plugin`] |
//! | `proxy` | a reverse proxy with such filters | [`proxy::Proxy`] |
//! | `wagi` | WAGI and CGI, WASI commands that answer a request each | [`wagi::Program`] |
//! | `wapc` | waPC, guests that are called with an operation and bytes | [`wapc::Guest`] |
//!
//! What hosts do for their guests is in [`services`]; outbound HTTP has a client with the features `http` and `tls`.
//! Feature `serve` has an HTTP [`server`] whose requests guests answer.
#![forbid(unsafe_code)]

mod abi;
#[cfg(feature = "actors")]
pub mod actors;
mod answers;
#[cfg(feature = "atmo")]
pub mod atmo;
#[cfg(any(feature = "actors", feature = "lambda", feature = "proxy-wasm", feature = "wagi"))]
mod deadline;
#[cfg(feature = "fastly")]
pub mod fastly;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "oci")]
pub mod oci;
#[cfg(feature = "opa")]
pub mod opa;
#[cfg(any(feature = "fastly", feature = "wagi"))]
mod prepared;
#[cfg(feature = "proxy")]
pub mod proxy;
#[cfg(feature = "proxy-wasm")]
pub mod proxy_wasm;
#[cfg(feature = "serve")]
pub mod server;
pub mod services;
#[cfg(feature = "wagi")]
pub mod wagi;
#[cfg(feature = "wapc")]
pub mod wapc;
#[cfg(any(feature = "atmo", feature = "opa"))]
mod yaml;

pub use abi::Abi;

#[cfg(all(doctest, feature = "opa", feature = "oci"))]
#[doc = include_str!("../README.md")]
struct Readme;
