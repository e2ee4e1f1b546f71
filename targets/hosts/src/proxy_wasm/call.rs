//! HTTP calls of filters to upstreams.

use super::headers::Headers;
use dunlin::Charge;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A request that a filter makes on its own. The embedder sends it and [answers](super::Chain::answer).
#[derive(Debug)]
pub struct HttpCall {
    /// Whose it is.
    pub id: CallId,
    /// To which of the plugin's [upstreams](super::PluginOptions::upstream).
    pub upstream: String,
    /// The headers, with `:method`, `:path` and `:authority`.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
    /// How long the filter waits; `None` if it doesn't say.
    pub timeout: Option<Duration>,
}

/// An answer to a filter's call.
#[derive(Clone, Debug, Default)]
pub struct HttpAnswer {
    /// The headers, with `:status`.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
}

/// Which call is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallId {
    pub(super) filter: usize,
    pub(super) vm: u64,
    pub(super) token: u32,
}

/// The calls of a VM.
#[derive(Default)]
pub(super) struct Calls {
    last: u32,
    /// Those that aren't answered yet, with the charge for what is kept of them until the embedder takes them.
    pub(super) open: BTreeMap<u32, Charge>,
    pub(super) outgoing: VecDeque<HttpCall>,
    /// What the guest can read while it is told of it.
    pub(super) answer: Option<HttpAnswer>,
    /// Why the last one failed, while the guest is told.
    pub(super) failure: Option<&'static str>,
}

impl Calls {
    pub(super) fn next_token(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1);
            if self.last != 0 && !self.open.contains_key(&self.last) {
                return self.last;
            }
        }
    }
}
