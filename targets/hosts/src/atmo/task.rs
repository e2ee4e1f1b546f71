//! What runnables are called for, and what they may take.

use crate::services::watch::Watch;
use dunlin::{Budget, InterruptHandle};
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A request, or a job of a schedule: what all runnables that are called for it may take together. Clones are the same.
#[derive(Clone)]
pub struct Task {
    /// What instances and what is kept for them are charged to.
    pub(super) budget: Budget,
    fuel: Option<Arc<Mutex<u64>>>,
    deadline: Option<Instant>,
    watch: Watch,
}

impl Task {
    /// A task whose memory is charged to `budget`.
    pub fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), fuel: None, deadline: None, watch: Watch::default() }
    }

    /// Lets it take so much fuel, where that is counted.
    #[must_use]
    pub fn fuel(mut self, units: u64) -> Self {
        self.fuel = Some(Arc::new(Mutex::new(units)));
        self
    }

    /// Has outbound requests given up then. Guests are stopped by whoever [watches](Self::interrupted_by).
    #[must_use]
    pub fn deadline(mut self, at: Instant) -> Self {
        self.deadline = Some(at);
        self
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

    /// The fuel that is left, if that is bounded and no call is under way.
    pub fn fuel_left(&self) -> Option<u64> {
        self.fuel.as_ref().map(|fuel| *lock(fuel))
    }

    /// Takes fuel for a call, as far as there is: no more than its share, if it has one.
    pub(super) fn take_fuel(&self, share: Option<u64>) -> Option<u64> {
        let mut left = lock(self.fuel.as_ref()?);
        let taken = share.map_or(*left, |share| share.min(*left));
        *left -= taken;
        Some(taken)
    }

    /// Gives back what is left of it.
    pub(super) fn give_fuel(&self, units: u64) {
        if let Some(fuel) = &self.fuel {
            *lock(fuel) += units;
        }
    }

    /// How long there is until the deadline, if there is one.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(super) fn watch(&self, store: InterruptHandle) -> Option<Box<dyn Any>> {
        self.watch.over(store)
    }
}

fn lock(fuel: &Mutex<u64>) -> MutexGuard<'_, u64> {
    fuel.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget: _, fuel: _, deadline, watch: _ } = self;
        let mut f = f.debug_struct("Task");
        f.field("fuel", &self.fuel_left()).field("deadline", deadline).finish_non_exhaustive()
    }
}
