//! Open Policy Agent's policies: modules that OPA's compiler makes of Rego, with ABI 1.0 to 1.3.
//!
//! A [`Policy`] is such a module, loaded and checked: all builtins that it asks its host for are known. An
//! [`Evaluator`] is an instance of it with data; it evaluates one input after the other, and no evaluation sees another.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dunlin::{Engine, Module};
//! use dunlin_hosts::opa::{Policy, PolicyOptions};
//!
//! let engine = Engine::default();
//! # let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policies/policy.wasm"))?;
//! let module = Module::new(&engine, bytes)?;
//! let policy = Policy::new(&module, PolicyOptions::default())?;
//! let mut evaluator = policy.evaluator(r#"{"admins": ["alice"]}"#)?;
//! let results = evaluator.evaluate("roles/allow", Some(r#"{"user": "alice"}"#))?;
//! assert_eq!(results, r#"[{"result":true}]"#);
//! # Ok(())
//! # }
//! ```

mod builtins;
mod bundle;
mod error;
mod evaluator;
mod guest;
mod instance;
mod jose;
mod options;
mod policy;
#[cfg(feature = "serve")]
mod rest;

pub use bundle::{Bundle, BundleError, BundleOptions, VerificationKey};
pub use error::{BuiltinError, PolicyError};
pub use evaluator::Evaluator;
pub use instance::answers;
pub use options::PolicyOptions;
pub use policy::Policy;
#[cfg(feature = "serve")]
pub use rest::PolicyServer;
pub use serde_json::Value;
