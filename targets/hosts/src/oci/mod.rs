//! Modules in OCI registries: pulled as they are validated, and pushed.
//!
//! [`Registries::open`] gives a reader of a module. It may be loaded while it arrives, since reading only ends, without an
//! error, when the digest and the size were right: nothing can be instantiated before.
//!
//! ```no_run
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::oci::{Options, Reference, Registries};
//!
//! let registries = Registries::new(Options::default());
//! let reference: Reference = "localhost:5000/app:v1".parse()?;
//! let module = Module::from_reader(&Engine::default(), registries.open(&reference)?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | File | What is in it |
//! |---|---|
//! | `reference.rs`, `digest.rs` | names, and what they mean |
//! | `manifest.rs`, `choose.rs` | what a registry says of a name: which platform, which layer |
//! | `auth.rs`, `credentials.rs` | challenges, tokens; Docker's configuration |
//! | `api.rs` | the registry's HTTP interface |
//! | `blob.rs`, `archive.rs`, `cache.rs` | blobs as they arrive, modules in archives, blobs that are kept |
//! | `registries.rs` | documents and blobs by their names, from the cache or from a registry |
//! | `pull.rs`, `push.rs` | pulling and pushing |
//! | `signature.rs`, `signatures.rs` | Ed25519 over a manifest, and where it lies |

mod api;
mod archive;
mod auth;
mod blob;
mod cache;
mod choose;
mod credentials;
mod digest;
mod error;
mod manifest;
mod pull;
mod push;
mod reference;
mod registries;
mod signature;
mod signatures;

pub use cache::Cache;
pub use credentials::Credentials;
pub use digest::Digest;
pub use error::OciError;
pub use pull::PulledModule;
pub use push::Pushed;
pub use reference::Reference;
pub use registries::{Options, Registries, Warn};
pub use signature::{SigningKey, VerifyingKey};
