//! What a guest's host does for it.

use crate::services::watch::Watch;
use dunlin::InterruptHandle;
use std::any::Any;
use std::fmt;
use std::time::Instant;

/// Answers the calls of guests.
pub trait Host: fmt::Debug + Send + Sync {
    /// Answers one call. `task` is what the guest is at work for: whatever is executed for this call belongs to it.
    ///
    /// # Errors
    ///
    /// If there is no answer; the guest is told why, and goes on.
    fn call(&self, call: HostCall<'_>, task: &mut Task) -> Result<Vec<u8>, String>;
}

/// A call of a guest's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostCall<'a> {
    /// Which of several of a kind is meant; empty if that doesn't matter.
    pub binding: &'a str,
    /// What the operation belongs to.
    pub namespace: &'a str,
    /// What is wanted.
    pub operation: &'a str,
    /// Its message.
    pub payload: &'a [u8],
}

/// What calls of guests are executed for, and may take: a request, with all that is called because of it.
#[derive(Clone, Default)]
pub struct Task {
    /// The fuel that is left for it, if that is counted.
    pub fuel: Option<u64>,
    /// How many guests are waiting for each other.
    pub depth: u32,
    /// By when it is over, if that is known: nothing is waited for any longer.
    pub until: Option<Instant>,
    watch: Watch,
}

impl Task {
    /// A task that may take so much fuel, if that is counted.
    pub fn new(fuel: Option<u64>) -> Self {
        Self { fuel, ..Self::default() }
    }

    /// Has each store in which something is executed for this task interrupted by `watch`, as long as what that returns
    /// lives.
    #[must_use]
    pub fn interrupted_by<W: Any>(
        mut self,
        watch: impl Fn(InterruptHandle) -> W + Send + Sync + 'static,
    ) -> Self {
        self.watch = Watch::by(watch);
        self
    }

    pub(super) fn watch(&self, store: InterruptHandle) -> Option<Box<dyn Any>> {
        self.watch.over(store)
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("fuel", &self.fuel).field("depth", &self.depth).finish_non_exhaustive()
    }
}
