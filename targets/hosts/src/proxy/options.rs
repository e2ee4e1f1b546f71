//! Where a proxy's requests go.

use crate::services::http::{Direct, OutboundHttp};
use dunlin::Budget;
use hyper::Uri;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// Where a proxy's requests go, and what it may take.
#[derive(Clone)]
pub struct ProxyOptions {
    pub(super) upstream: Upstream,
    pub(super) clusters: BTreeMap<String, Upstream>,
    pub(super) workers: usize,
    pub(super) callback: Duration,
    pub(super) budget: Budget,
    pub(super) http: Arc<dyn OutboundHttp>,
}

/// Where requests go: a URL's scheme, host and port, and a path that comes before theirs.
#[derive(Clone, Debug)]
pub(super) struct Upstream(String);

/// It is no URL of an upstream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidUpstream(String);

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' should be a URL such as http://127.0.0.1:9000", self.0.escape_debug())
    }
}

impl std::error::Error for InvalidUpstream {}

impl Upstream {
    fn parse(url: &str) -> Result<Self, InvalidUpstream> {
        let invalid = || InvalidUpstream(url.into());
        let parsed: Uri = url.parse().map_err(|_| invalid())?;
        let has_host = parsed.host().is_some_and(|host| !host.is_empty());
        let is_http = matches!(parsed.scheme_str(), Some("http" | "https"));
        match has_host && is_http && parsed.query().is_none() {
            true => Ok(Self(url.trim_end_matches('/').into())),
            false => Err(invalid()),
        }
    }

    /// The URL of a path there.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl ProxyOptions {
    /// To this upstream, with as many workers as there are processors, and a second for each callback.
    ///
    /// # Errors
    ///
    /// If it isn't a URL of `http` or `https`.
    pub fn to(upstream: &str) -> Result<Self, InvalidUpstream> {
        Ok(Self {
            upstream: Upstream::parse(upstream)?,
            clusters: BTreeMap::new(),
            workers: std::thread::available_parallelism().map_or(1, NonZero::get),
            callback: Duration::from_secs(1),
            budget: Budget::unlimited(),
            // Where requests go is up to these options alone; which host they name is up to clients and filters.
            http: Arc::new(Direct::new()),
        })
    }

    /// Where the calls of filters to an [upstream](crate::proxy_wasm::PluginOptions::upstream) of this name go.
    ///
    /// # Errors
    ///
    /// If it isn't a URL of `http` or `https`.
    pub fn cluster(mut self, name: impl Into<String>, url: &str) -> Result<Self, InvalidUpstream> {
        self.clusters.insert(name.into(), Upstream::parse(url)?);
        Ok(self)
    }

    /// How many chains of instances there are.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How long filters may be at something until the instances are given up.
    pub fn callback(mut self, time: Duration) -> Self {
        self.callback = time;
        self
    }

    /// What bodies are charged to on their way to the upstream.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = budget.clone();
        self
    }

    /// What sends requests; a [`Direct`] client if it isn't given.
    pub fn http(mut self, http: Arc<dyn OutboundHttp>) -> Self {
        self.http = http;
        self
    }
}

impl fmt::Debug for ProxyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { upstream, clusters, workers, callback, .. } = self;
        let mut f = f.debug_struct("ProxyOptions");
        f.field("upstream", upstream).field("clusters", clusters).field("workers", workers);
        f.field("callback", callback).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_are_urls() {
        assert_eq!(Upstream::parse("http://a:1/b/").unwrap().url("/c?d"), "http://a:1/b/c?d");
        for wrong in ["", "a:1", "/a", "ftp://a", "http://", "http://a/?b", "http://a b"] {
            assert_eq!(Upstream::parse(wrong).unwrap_err(), InvalidUpstream(wrong.into()));
        }
    }
}
