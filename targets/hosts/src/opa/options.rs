//! How a policy is evaluated.

use dunlin::Budget;
use std::fmt;
use std::sync::Arc;

/// How a policy is evaluated: everything has a default.
#[derive(Clone)]
pub struct PolicyOptions {
    pub(super) budget: Option<Budget>,
    pub(super) fuel: Option<u64>,
    pub(super) print: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self { budget: None, fuel: None, print: Arc::new(|_| {}) }
    }
}

impl PolicyOptions {
    /// The budget of each evaluator's instance: by default the engine's.
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// The fuel of each evaluation, if the engine counts fuel: by default as much as there can be.
    pub fn fuel(mut self, fuel: u64) -> Self {
        self.fuel = Some(fuel);
        self
    }

    /// What is done with messages that a policy prints: by default nothing.
    pub fn print(mut self, print: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.print = Arc::new(print);
        self
    }
}

impl fmt::Debug for PolicyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, fuel, print: _ } = self;
        f.debug_struct("PolicyOptions").field("budget", budget).field("fuel", fuel).finish_non_exhaustive()
    }
}
