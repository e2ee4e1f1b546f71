//! What requests, connections and the whole server may take.

use super::served::Served;
use crate::services::log::{Log, NoLog};
use dunlin::Budget;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

/// What one request may take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The memory of its guest, in bytes.
    pub memory: u64,
    /// What its guest may execute, if that is counted.
    pub fuel: Option<u64>,
    /// How long it may take, from when it has arrived until its answer is complete.
    pub time: Duration,
    /// The size of its body, in bytes.
    pub body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 64 << 20, fuel: None, time: Duration::from_secs(10), body: 1 << 20 }
    }
}

/// What a server may take, and where it reports.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// What each request may take, unless the handler says otherwise.
    pub limits: Limits,
    /// The size of a request's line and headers together, in bytes; at least 8 KiB.
    pub head: usize,
    /// How long the server waits for the next piece of a request, or for a client to take the next piece of an answer.
    pub patience: Duration,
    /// How many connections there may be at a time. Others wait to be accepted.
    pub connections: usize,
    /// How many guests compute at a time.
    pub processors: usize,
    /// How many guests there may be at a time, with those that have been at it for long.
    pub guests: usize,
    /// How many requests wait for a guest.
    pub queue: usize,
    /// How long requests in flight are waited for when the server stops.
    pub grace: Duration,
    /// What bodies of requests are charged to, and what metrics tell of memory.
    pub budget: Budget,
    /// Where failures are reported.
    pub log: Arc<dyn Log>,
    /// What is told of each request that is over.
    pub access: Option<AccessLog>,
}

/// Is told of each request that is over, on a thread of the server's that shouldn't have to wait.
#[derive(Clone)]
pub struct AccessLog(Arc<dyn Fn(&Served) + Send + Sync>);

impl AccessLog {
    /// Tells `tell`.
    pub fn new(tell: impl Fn(&Served) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, served: &Served) {
        (self.0)(served);
    }
}

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessLog").finish_non_exhaustive()
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            limits: Limits::default(),
            head: 16 << 10,
            patience: Duration::from_secs(10),
            connections: 1024,
            processors,
            guests: processors * 16,
            queue: 256,
            grace: Duration::from_secs(30),
            budget: Budget::unlimited(),
            log: Arc::new(NoLog),
            access: None,
        }
    }
}
