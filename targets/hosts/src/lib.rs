//! Hosts for modules that were made for other platforms.
//!
//! Each platform has an ABI of its own: what its modules import and export, and how bytes cross. [`Abi::detect`] tells
//! which one a module was made for. A host for an ABI is a module of this crate, behind a feature of the same name:
//!
//! | Feature | Platform | Start at |
//! |---|---|---|
//! | `opa` | Open Policy Agent, policies compiled from Rego | [`opa::Policy`] |
//! | `proxy-wasm` | Envoy's filters, and those of other proxies | [`proxy_wasm::Plugin`] |
#![forbid(unsafe_code)]

mod abi;
#[cfg(feature = "opa")]
pub mod opa;
#[cfg(feature = "proxy-wasm")]
pub mod proxy_wasm;

pub use abi::Abi;

#[cfg(all(doctest, feature = "opa"))]
#[doc = include_str!("../README.md")]
struct Readme;
