//! What is compiled, and when: jobs for single functions and loops, which the compiler thread or the guest's thread
//! carries out, and whole modules.

mod isas;
mod job;
pub(crate) mod pace;
mod policy;
mod queue;
mod round;
mod stack;
mod worker;

pub(crate) use job::Unit;
pub(crate) use policy::{Account, Candidate, island_bytes, loop_bytes};
pub(crate) use round::{Round, RoundPlan};
pub(crate) use stack::on_compiler_stack;

use crate::compiler::{Decline, LEAST_ADDRESS_SPACE};
use crate::options::{Mode, Options};
use crate::runtime::has_address_space;
use crate::stats::Counters;
use crate::unavailable::Unavailable;
use dunlin::Module;
use dunlin::tier::{Lease, Stop, View};
use job::Job;
use queue::Queue;
use std::sync::{Arc, OnceLock};
use worker::{CompilerThread, Worker};

/// Accepts jobs, and runs them or queues them for the compiler thread.
pub(crate) struct Jobs {
    worker: Arc<Worker>,
    /// Jobs for the compiler thread.
    queue: Arc<Queue>,
    /// The compiler thread, if there can be one; set when it is first needed.
    thread: OnceLock<Option<CompilerThread>>,
}

impl Jobs {
    pub(crate) fn new(options: &Options, counters: &Arc<Counters>) -> Result<Self, Unavailable> {
        if !has_address_space(LEAST_ADDRESS_SPACE) {
            return Err(Unavailable("the system has no memory for the compiler".into()));
        }
        let worker = Worker::new(options, counters);
        Ok(Self { worker: Arc::new(worker), queue: Arc::default(), thread: OnceLock::new() })
    }

    /// Submits a function, unless it is compiled or was submitted.
    pub(crate) fn submit_func(&self, module: &Module, index: u32, stop: Option<Stop<'_>>) {
        let view = View::new(module);
        if !view.has_func(index) && view.claims_func(index) {
            self.submit(module, Unit::Func(index), stop);
        }
    }

    /// Submits a job. In [`Mode::Background`] it is queued. In other modes this waits for its code, unless `stop` says
    /// meanwhile that the guest is to be interrupted. The job then still completes, for later users: Cranelift can't be
    /// stopped within a pass.
    pub(crate) fn submit(&self, module: &Module, unit: Unit, stop: Option<Stop<'_>>) {
        let view = View::new(module);
        unit.undertake(view);
        let waits = self.worker.options.mode != Mode::Background;
        // If nothing can interrupt the guest, or there is no compiler thread, the job runs on this thread.
        if waits && stop.is_none() || !self.has_thread() {
            if !self.compile_apart(|| self.worker.run(view, unit)) {
                unit.withdraw(view);
            }
            return;
        }
        let module = Lease::new(module);
        let id = module.id();
        if !self.queue.push(Job::new(module, unit, waits)) {
            unit.withdraw(view);
        } else if let Some(stop) = stop.filter(|_| waits) {
            self.queue.wait_for(id, unit, stop);
        }
    }

    /// Compiles all of a module now, as far as possible.
    pub(crate) fn compile(&self, view: View<'_>) {
        self.compile_apart(|| self.worker.compile_module(view));
    }

    /// Runs `compile` on this thread, on a stack of its own; false if there is no memory for one.
    fn compile_apart(&self, compile: impl FnOnce()) -> bool {
        let done = on_compiler_stack(compile);
        if let Err(error) = &done {
            self.worker.counters.declined(&Decline::System(error.to_string()));
        }
        done.is_ok()
    }

    /// Cancels a module's jobs, since it has no owner any more. Where memory is bounded, everything that compiling
    /// holds of the budget has been released when this returns, so that later grants don't depend on the compiler's
    /// progress.
    pub(crate) fn forget(&self, module: &Lease) {
        self.queue.forget(module.id());
        if module.view().cache().limit().is_some() {
            self.queue.wait(module.id());
        }
    }

    /// Whether there is a compiler thread. The first call starts it.
    fn has_thread(&self) -> bool {
        let started = || {
            let thread = self.worker.start(&self.queue);
            thread.map_err(|why| self.worker.counters.has_no_thread(why)).ok()
        };
        self.thread.get_or_init(started).is_some()
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.queue.close();
        // An embedder that has dropped everything finds no thread of the tier any more.
        if let Some(Some(thread)) = self.thread.take() {
            thread.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_thread_ends_with_its_tier() {
        for _ in 0..50 {
            let jobs = Jobs::new(&Options::default(), &Arc::default()).unwrap();
            assert!(jobs.has_thread());
            let worker = jobs.worker.clone();
            assert!(Arc::strong_count(&worker) >= 3);
            drop(jobs);
            assert_eq!(Arc::strong_count(&worker), 1);
        }
    }
}
