//! What is to be compiled.

use super::policy;
use dunlin::tier::{Lease, View};
use std::time::{Duration, Instant};

/// The part of a module that a job compiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    /// A function, by its index among those that the module defines.
    Func(u32),
    /// The continuation of a function from the loop with this header on (OSR entry). The header is a word of the
    /// interpreter's code.
    Loop(u32, u32),
    /// The loop with this header alone, of a function that is too large as a whole; it costs as much as a body of so many
    /// bytes.
    Island { index: u32, header: u32, bytes: u32 },
}

impl Unit {
    /// The function.
    pub(crate) fn index(self) -> u32 {
        let (Unit::Func(index) | Unit::Loop(index, _) | Unit::Island { index, .. }) = self;
        index
    }

    /// The size of what it compiles.
    pub(crate) fn bytes(self, view: View<'_>) -> u32 {
        match self {
            Unit::Func(index) | Unit::Loop(index, _) => view.body_size(index),
            Unit::Island { bytes, .. } => bytes,
        }
    }

    fn cost(self, view: View<'_>) -> u64 {
        policy::cost(self.bytes(view))
    }

    /// Enters the cost into the module's account.
    pub(crate) fn undertake(self, view: View<'_>) {
        view.undertake(self.cost(view));
    }

    /// Withdraws the claim, so that the code can be requested again.
    pub(crate) fn withdraw(self, view: View<'_>) {
        view.gives_up(self.cost(view));
        match self {
            Unit::Func(index) => view.leaves_func(index),
            Unit::Loop(index, header) | Unit::Island { index, header, .. } => view.leaves_loop(index, header),
        }
    }
}

/// A compilation job.
pub(crate) struct Job {
    pub(crate) module: Lease,
    pub(crate) unit: Unit,
    /// When it was submitted, and the function's samples then; `None` if somebody waits for the code.
    pub(crate) since: Option<(Instant, u32)>,
}

/// For so long, a function that is executed now and then may go without a sample.
const QUIET: Duration = Duration::from_millis(2);

impl Job {
    pub(crate) fn new(module: Lease, unit: Unit, is_awaited: bool) -> Self {
        let since = (!is_awaited).then(|| (Instant::now(), module.view().samples(unit.index())));
        Self { module, unit, since }
    }

    /// Whether the function hasn't been interpreted since the job was submitted: it was inlined in what was compiled
    /// before, or the program is past it.
    pub(crate) fn is_stale(&self) -> bool {
        self.since.is_some_and(|(then, samples)| {
            then.elapsed() > QUIET && self.module.view().samples(self.unit.index()) == samples
        })
    }
}
