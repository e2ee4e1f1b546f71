//! The data, and the evaluators that have it.

use super::super::error::PolicyError;
use super::super::evaluator::{Evaluator, Prepared};
use super::super::policy::Policy;
use super::reply::Reply;
use crate::server::{Limits, Request};
use serde_json::Value;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A policy's data, and evaluators between requests. How many are at work is for the server to bound.
pub(super) struct Evaluators {
    policy: Policy,
    /// Is held by whoever changes the data.
    writer: Mutex<()>,
    state: Mutex<State>,
    /// How many are kept: more than can compute at a time would be of no use.
    most_idle: usize,
}

struct State {
    data: Arc<Value>,
    /// The same as text.
    text: Arc<str>,
    /// How often the data has changed.
    version: u64,
    idle: Vec<Evaluator>,
    /// What further ones begin as, once there was one.
    prepared: Option<Arc<Prepared>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Evaluators {
    pub(super) fn new(policy: &Policy, text: &str) -> Result<Self, PolicyError> {
        let data =
            serde_json::from_str(text).map_err(|error| PolicyError::NotJson { what: "data", error })?;
        let state =
            State { data: Arc::new(data), text: text.into(), version: 0, idle: Vec::new(), prepared: None };
        Ok(Self {
            policy: policy.clone(),
            writer: Mutex::default(),
            state: Mutex::new(state),
            most_idle: std::thread::available_parallelism().map_or(1, NonZero::get),
        })
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn data(&self) -> Arc<Value> {
        lock(&self.state).data.clone()
    }

    /// An evaluator with memory and fuel of its own.
    fn make(
        &self,
        text: &str,
        prepared: Option<&Prepared>,
        limits: &Limits,
    ) -> Result<Evaluator, PolicyError> {
        let parts = &self.policy.parts;
        let all = parts.options.budget.as_ref().unwrap_or_else(|| parts.module.engine().budget());
        let limited = self.policy.limited(|options| {
            options.budget = Some(all.sub_budget(limits.memory));
            options.fuel = limits.fuel.or(options.fuel);
        });
        match prepared {
            Some(prepared) => Evaluator::begin(limited, text.into(), prepared),
            None => limited.evaluator(text),
        }
    }

    /// Evaluates for a request: until its time is up, or its client has gone away.
    pub(super) fn evaluate(
        &self,
        request: &Request,
        entrypoint: &str,
        input: Option<&str>,
    ) -> Result<String, PolicyError> {
        let (idle, text, version, prepared) = {
            let mut state = lock(&self.state);
            (state.idle.pop(), state.text.clone(), state.version, state.prepared.clone())
        };
        let mut evaluator = match (idle, prepared) {
            (Some(evaluator), _) => evaluator,
            (None, Some(prepared)) => self.make(&text, Some(&*prepared), &request.limits)?,
            (None, None) => {
                let mut first = self.make(&text, None, &request.limits)?;
                let prepared = first.prepare().map(Arc::new);
                let mut state = lock(&self.state);
                if state.version == version {
                    state.prepared = prepared;
                }
                first
            }
        };
        let interruptible = request.interrupt(evaluator.interrupt_handle()?);
        let results = evaluator.evaluate(entrypoint, input);
        request.used_fuel(evaluator.used_fuel());
        // One that failed would be made anew, which the next request can do as well.
        if interruptible.release() && results.is_ok() {
            let mut state = lock(&self.state);
            if state.version == version && state.idle.len() < self.most_idle {
                state.idle.push(evaluator);
            }
        }
        results
    }

    /// Changes the data, if what comes of it fits an evaluator. Others wait, and evaluations go on with what they have.
    pub(super) fn change(
        &self,
        limits: &Limits,
        change: impl FnOnce(&Value) -> Result<Value, Reply>,
    ) -> Result<(), Reply> {
        let _writer = lock(&self.writer);
        let data = change(&self.data())?;
        let text = data.to_string();
        let mut evaluator = self.make(&text, None, limits)?;
        let prepared = evaluator.prepare().map(Arc::new);
        let mut state = lock(&self.state);
        let old = (std::mem::replace(&mut state.idle, vec![evaluator]), state.prepared.take());
        state.prepared = prepared;
        (state.data, state.text) = (Arc::new(data), text.into());
        state.version += 1;
        drop(state);
        drop(old);
        Ok(())
    }
}
