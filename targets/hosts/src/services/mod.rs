//! What hosts offer their guests beyond an ABI's own functions, and use themselves: each a small trait, with a default
//! that lives in the process. An embedder gives its own implementation where it has a better one.

pub mod clock;
pub mod config;
#[cfg(any(feature = "atmo", feature = "wagi", feature = "wapc"))]
pub(crate) mod held;
pub mod http;
pub mod kv;
pub mod log;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(any(feature = "atmo", feature = "wapc"))]
pub(crate) mod watch;
