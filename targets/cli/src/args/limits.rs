//! The limits that programs, policies and functions have in common.

use super::table::Opt;
use super::values::set;
use dunlin::{Budget, Config};
use std::time::Duration;

/// How much may be used: of work, of time, of memory.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WorkLimits {
    /// Units of fuel.
    pub(crate) fuel: Option<u64>,
    /// How long it may take.
    pub(crate) timeout: Option<Duration>,
    /// Bytes of memory for everything.
    pub(crate) memory_budget: Option<u64>,
}

impl WorkLimits {
    /// Configures an engine that keeps them. Fuel is also counted if somebody `reports_fuel`.
    pub(crate) fn configure(&self, config: &mut Config, reports_fuel: bool) {
        config.consume_fuel(self.fuel.is_some() || reports_fuel);
        if let Some(bytes) = self.memory_budget {
            config.budget(Budget::new(bytes));
        }
    }
}

/// Options of a command that has these among them. What they are the limits of, the title of their group says.
pub(super) trait LimitsWork: Sized + 'static {
    fn limits(&mut self) -> &mut WorkLimits;

    const FUEL: Opt<Self> = Opt::value(
        "--fuel N",
        |o: &mut Self, given| set(&mut o.limits().fuel, given.number()),
        "Stop it after N units of work; one is about one WebAssembly instruction. Unlike time, fuel is the same on every \
         machine and in every run.",
    );
    const TIMEOUT: Opt<Self> = Opt::value(
        "--timeout TIME",
        |o: &mut Self, given| set(&mut o.limits().timeout, given.time()),
        "Stop it after this time: 500ms, 2s, 1.5m, 1h. A plain number means seconds.",
    );
    const MEMORY_BUDGET: Opt<Self> = Opt::value(
        "--memory-budget SIZE",
        |o: &mut Self, given| set(&mut o.limits().memory_budget, given.size()),
        "How much memory everything may take together, the module itself and its translation included. What can't start \
         within it isn't begun; what asks for more later is refused it, as WebAssembly lets it be. See dunlin inspect \
         --budget.",
    );
}
