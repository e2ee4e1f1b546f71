//! Evaluators: instances of a policy that keep their data between evaluations.

use super::builtins::Asked;
use super::error::PolicyError;
use super::guest::{Address, Evaluation};
#[cfg(feature = "serve")]
use super::instance::Hosted;
use super::instance::{Running, start};
use super::policy::Policy;
use dunlin::InterruptHandle;
#[cfg(feature = "serve")]
use dunlin::SnapshotPre;
use serde::de::IgnoredAny;

/// An instance of a policy with data.
///
/// Evaluations are independent of each other: the heap is reset before each, and an instance that trapped is replaced
/// by a new one.
pub struct Evaluator {
    policy: Policy,
    data: String,
    ready: Option<Ready>,
    used_fuel: u64,
}

/// An instance whose data has been parsed.
struct Ready {
    running: Running,
    evaluation: Evaluation,
    data: Address,
    /// Where the heap begins behind the data.
    heap: Address,
}

/// What evaluators begin as: an instance whose data has been parsed.
#[cfg(feature = "serve")]
pub(super) struct Prepared {
    pre: SnapshotPre<Hosted>,
    data: Address,
    heap: Address,
}

impl Policy {
    /// An instance with this data, a JSON document.
    ///
    /// # Errors
    /// If `data` isn't JSON, or there is no memory for it.
    pub fn evaluator(&self, data: impl Into<String>) -> Result<Evaluator, PolicyError> {
        Evaluator::new(self.clone(), data.into())
    }
}

impl Evaluator {
    pub(super) fn new(policy: Policy, data: String) -> Result<Self, PolicyError> {
        check_json("data", &data)?;
        let mut evaluator = Self { policy, data, ready: None, used_fuel: 0 };
        let first = evaluator.policy.take_first();
        evaluator.ready = Some(evaluator.make(first)?);
        Ok(evaluator)
    }

    /// What it is, before it has evaluated anything, for others of the same data to begin as. `None` if there is no memory for that.
    #[cfg(feature = "serve")]
    pub(super) fn prepare(&mut self) -> Option<Prepared> {
        let Ready { running, data, heap, .. } = self.ready.as_mut()?;
        Some(Prepared { pre: running.prepare().ok()?, data: *data, heap: *heap })
    }

    /// One that begins as this, which has this data.
    #[cfg(feature = "serve")]
    pub(super) fn begin(policy: Policy, data: String, prepared: &Prepared) -> Result<Self, PolicyError> {
        let mut running = Running::begin(&policy.parts, &prepared.pre)?;
        let evaluation = running.guest.evaluation(&mut running.store, policy.minor)?;
        let ready = Some(Ready { running, evaluation, data: prepared.data, heap: prepared.heap });
        Ok(Self { policy, data, ready, used_fuel: 0 })
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Replaces the data, a JSON document.
    ///
    /// # Errors
    /// If it isn't JSON, or there is no memory for it; then the data remains as it was.
    pub fn set_data(&mut self, data: impl Into<String>) -> Result<(), PolicyError> {
        *self = Self::new(self.policy.clone(), data.into())?;
        Ok(())
    }

    /// Ends evaluations from another thread. It is of no use any more after an evaluation has failed: ask again then.
    ///
    /// # Errors
    /// If there is no memory for a new instance, where the last evaluation failed.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle, PolicyError> {
        let ready = self.take()?;
        let handle = ready.running.store.interrupt_handle();
        self.ready = Some(ready);
        Ok(handle)
    }

    /// Evaluates an entrypoint with an input, a JSON document, or without one.
    ///
    /// The result is OPA's: a JSON array, `[]` if the entrypoint is undefined for this input, otherwise
    /// `[{"result": …}]`. A policy that was compiled from a query has that query's variables as keys instead.
    ///
    /// # Errors
    /// If there is no such entrypoint, if the input isn't JSON, if the policy gives up, traps or reaches a limit.
    pub fn evaluate(&mut self, entrypoint: &str, input: Option<&str>) -> Result<String, PolicyError> {
        let number = self.policy.entrypoints.get(entrypoint);
        let number = *number.ok_or_else(|| PolicyError::UnknownEntrypoint(entrypoint.into()))?;
        if let Some(input) = input {
            check_json("input", input)?;
        }
        let mut ready = self.take()?;
        let Ready { running: Running { store, guest, .. }, evaluation, data, heap } = &mut ready;
        store.data_mut().asked = Asked::new(&self.policy.parts.options.services);
        let fuel = self.policy.parts.options.fuel.unwrap_or(u64::MAX);
        let counts = store.get_fuel().is_ok();
        if counts {
            store.set_fuel(fuel)?;
        }
        let results =
            guest.evaluate(&mut *store, evaluation, (number, *data, *heap), input.map(str::as_bytes));
        store.data_mut().asked.is_answered();
        self.used_fuel = if counts { fuel - store.get_fuel().unwrap_or(0) } else { 0 };
        let results = results?;
        self.ready = Some(ready);
        String::from_utf8(results.bytes)
            .map_err(|_| PolicyError::NotAPolicy("its results aren't UTF-8".into()))
    }

    /// How much fuel the last evaluation took, if the engine counts it.
    pub fn used_fuel(&self) -> u64 {
        self.used_fuel
    }

    /// The instance, made anew if the last evaluation failed.
    fn take(&mut self) -> Result<Ready, PolicyError> {
        self.ready.take().map_or_else(|| self.make(None), Ok)
    }

    /// Makes an instance ready, or `first`, which is one that has been made.
    fn make(&self, first: Option<Running>) -> Result<Ready, PolicyError> {
        let mut running = match first {
            Some(first) => first,
            None => start(&self.policy.parts)?,
        };
        let Running { store, guest, .. } = &mut running;
        let evaluation = guest.evaluation(&mut *store, self.policy.minor)?;
        let data = guest.parse(&mut *store, self.data.as_bytes())?;
        if data == 0 {
            return Err(PolicyError::NotAPolicy("it can't parse the data".into()));
        }
        let heap = guest.heap(store)?;
        Ok(Ready { running, evaluation, data, heap })
    }
}

impl std::fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator").field("policy", &self.policy).finish_non_exhaustive()
    }
}

fn check_json(what: &'static str, json: &str) -> Result<(), PolicyError> {
    serde_json::from_str::<IgnoredAny>(json).map_err(|error| PolicyError::NotJson { what, error })?;
    Ok(())
}
