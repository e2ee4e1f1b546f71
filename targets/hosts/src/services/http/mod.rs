//! Outbound HTTP.
//!
//! [`OutboundHttp`] is what a host sends requests by: an embedder's own, or a [`Client`] with an [`AllowList`] (feature
//! `http`; `https` needs the feature `tls` besides). [`Nowhere`] refuses everything.

mod allow;
#[cfg(feature = "http")]
mod client;
#[cfg(feature = "http")]
mod direct;
#[cfg(all(test, feature = "http"))]
mod direct_tests;
mod headers;
mod message;
#[cfg(all(test, feature = "http"))]
mod tests;
#[cfg(feature = "tls")]
mod tls;
#[cfg(all(test, feature = "tls"))]
mod tls_tests;

pub use allow::{AllowList, InvalidPattern};
#[cfg(feature = "http")]
pub use client::Client;
#[cfg(feature = "http")]
pub use direct::Direct;
pub use headers::Headers;
pub use message::{
    HttpError, HttpLimits, Nowhere, OutboundHttp, Redirects, Request, RequestBody, Response, Trailers,
};
