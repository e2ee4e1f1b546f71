//! Chains: the filters that one thread runs.

use super::attributes::Attributes;
use super::call::{CallId, HttpAnswer, HttpCall};
use super::error::PluginError;
use super::half::Piece;
use super::host::{Context, ContextId};
use super::plugin::Plugin;
use super::status::Level;
use super::vm::{NoRoom, Vm};
use dunlin::InterruptHandle;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Filters in the order in which requests pass them; responses pass them in reverse. Each has an instance of its own,
/// which is used by the thread that has the chain.
pub struct Chain {
    pub(super) filters: Vec<Filter>,
    interrupts: Interrupts,
}

/// Ends what a chain's filters are at, from another thread, as for a deadline.
#[derive(Clone, Default)]
pub struct Interrupts(Arc<Mutex<Vec<InterruptHandle>>>);

impl Interrupts {
    fn lock(&self) -> MutexGuard<'_, Vec<InterruptHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the callback that is called, or else the next one. Its filter has failed then.
    pub fn interrupt(&self) {
        self.lock().iter().for_each(InterruptHandle::interrupt);
    }
}

impl fmt::Debug for Interrupts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Interrupts")
    }
}

/// One filter of a chain.
pub(super) struct Filter {
    pub(super) plugin: Plugin,
    pub(super) vm: Vm,
    last_context: ContextId,
    started: Instant,
    /// How many attempts to start it again have failed in a row.
    failures: u32,
    /// Where it is in the chain, and what ends its callbacks.
    number: usize,
    interrupts: Interrupts,
    /// Contexts of VMs that have failed, until their streams ask.
    abandoned: BTreeMap<ContextId, Context>,
}

impl Chain {
    /// Makes an instance of each plugin.
    ///
    /// # Errors
    /// If one can't be made.
    pub fn new(plugins: &[Plugin]) -> Result<Self, PluginError> {
        let interrupts = Interrupts::default();
        let filters: Result<_, _> = plugins.iter().map(|plugin| Filter::new(plugin, &interrupts)).collect();
        Ok(Self { filters: filters?, interrupts })
    }

    /// Calls what has become due: timers, and the owners of queues into which something was put. Streams may have
    /// outputs then.
    pub fn run(&mut self, now: Instant) {
        self.filters.iter_mut().for_each(|filter| filter.vm.run(now));
    }

    /// When [`run`](Self::run) should be called at the latest, if nothing happens before.
    pub fn next_run(&self) -> Option<Instant> {
        self.filters.iter().filter_map(|filter| filter.vm.next_tick()).min()
    }

    /// A call that a filter makes, to be [answered](Self::answer) once.
    pub fn next_call(&mut self) -> Option<HttpCall> {
        self.filters.iter_mut().enumerate().find_map(|(number, filter)| {
            let calls = &mut filter.vm.host().calls;
            let mut call = calls.outgoing.pop_front()?;
            call.id.filter = number;
            if let Some(charge) = calls.open.get_mut(&call.id.token) {
                charge.shrink(charge.bytes());
            }
            Some(call)
        })
    }

    /// Answers a call; or says why it failed, as "reset". Streams may have outputs then. A call of an instance that is gone
    /// isn't answered.
    pub fn answer(&mut self, call: CallId, answer: Result<HttpAnswer, &'static str>) {
        let filter = self.filters.get_mut(call.filter);
        if let Some(filter) = filter.filter(|filter| filter.vm.number == call.vm) {
            filter.vm.answer(call.token, answer);
        }
    }

    /// Calls `proxy_on_foreign_function` of a filter.
    pub fn call_foreign(&mut self, filter: usize, function: u32, arguments: Vec<u8>) {
        if let Some(filter) = self.filters.get_mut(filter) {
            filter.vm.call_foreign(function, arguments);
        }
    }

    /// Whether an instance has failed and hasn't been replaced.
    pub fn has_failed(&self) -> bool {
        self.filters.iter().any(|filter| filter.vm.failed)
    }

    /// Replaces instances that have failed, where it is time for that. New streams do so otherwise.
    pub fn renew(&mut self) {
        for filter in self.filters.iter_mut().filter(|filter| filter.vm.failed) {
            filter.restart();
        }
    }

    /// What ends callbacks from another thread, also those of instances that replace others. How long an instance may take
    /// to start is bounded [otherwise](super::PluginOptions::start_time).
    pub fn interrupts(&self) -> Interrupts {
        self.interrupts.clone()
    }
}

impl Filter {
    fn new(plugin: &Plugin, interrupts: &Interrupts) -> Result<Self, PluginError> {
        let vm = Vm::start(plugin, 1)?;
        let number = interrupts.lock().len();
        interrupts.lock().push(vm.interrupt_handle());
        Ok(Self {
            plugin: plugin.clone(),
            vm,
            last_context: 1,
            started: Instant::now(),
            failures: 0,
            number,
            interrupts: interrupts.clone(),
            abandoned: BTreeMap::new(),
        })
    }

    pub(super) fn fails_open(&self) -> bool {
        self.plugin.options.fail_open
    }

    /// Makes a context for a stream. `None` if the plugin has failed and can't be started again yet.
    pub(super) fn open(
        &mut self,
        tcp: bool,
        attributes: &Arc<Attributes>,
    ) -> Result<Option<ContextId>, NoRoom> {
        if self.vm.failed && !self.restart() {
            return Ok(None);
        }
        let id = self.next_context();
        self.vm.open(id, tcp, attributes)?;
        Ok(Some(id))
    }

    /// Numbers aren't used again while VMs live, so that nobody takes one context for another.
    fn next_context(&mut self) -> ContextId {
        self.last_context = self.last_context.checked_add(1).unwrap_or(2);
        self.last_context
    }

    fn restart(&mut self) -> bool {
        /// How many failures make the time between attempts longer.
        const MOST_FAILURES: u32 = 6;
        let wait = self.plugin.options.restart_interval.saturating_mul(1 << self.failures.min(MOST_FAILURES));
        if self.started.elapsed() < wait {
            return false;
        }
        let root = self.next_context();
        let started = Vm::start(&self.plugin, root);
        self.started = Instant::now();
        match started {
            Ok(vm) => {
                self.failures = 0;
                self.interrupts.lock()[self.number] = vm.interrupt_handle();
                let failed = std::mem::replace(&mut self.vm, vm);
                self.abandoned.extend(failed.into_contexts());
                true
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.vm.host().log(Level::Critical, format!("it can't be started again: {error}").as_bytes());
                false
            }
        }
    }

    /// Whether the instance of this context is still there.
    pub(super) fn serves(&mut self, id: ContextId) -> bool {
        !self.vm.failed && self.vm.context(id).is_some()
    }

    /// Takes what an instance that failed held of a stream.
    pub(super) fn release(&mut self, id: ContextId) -> [Vec<Piece>; 2] {
        let context = self.abandoned.remove(&id).or_else(|| self.vm.host().contexts.remove(&id));
        let Some(mut context) = context else { return Default::default() };
        context.request.release();
        context.response.release();
        let taken = context.take();
        [taken.request, taken.response]
    }

    /// A stream is over.
    pub(super) fn close(&mut self, id: ContextId) {
        if self.abandoned.remove(&id).is_none() {
            self.vm.close(id);
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.filters.iter().map(|filter| &filter.plugin)).finish()
    }
}
