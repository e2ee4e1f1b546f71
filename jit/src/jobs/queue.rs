//! The priority queue of the compiler thread: the job that pays off soonest comes first.
//!
//! A thread that executes a guest only takes the lock of [`Incoming`], which is never held for long, unless it waits
//! for code ([`Queue::wait_for`]). Ranking takes the lock of [`Waiting`], which is the compiler thread's; threads that
//! drop modules take it too.

use super::job::{Job, Unit};
use dunlin::tier::{ModuleId, Stop};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The bound on incoming jobs, and on ranked ones. A refused job is submitted again at the function's next sample.
const MOST: usize = 512;

/// The interval at which a thread that waits for code checks for interruption.
const LOOK: Duration = Duration::from_millis(5);

/// The queue. Lock order: `waiting` before `incoming`.
#[derive(Default)]
pub(crate) struct Queue {
    incoming: Mutex<Incoming>,
    /// Signals a new job, or that the queue is closed.
    arrived: Condvar,
    waiting: Mutex<Waiting>,
    /// Signals that a job is done or cancelled.
    done: Condvar,
}

/// Jobs that the compiler thread hasn't taken over yet.
#[derive(Default)]
struct Incoming {
    jobs: Vec<Job>,
    closed: bool,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// The running job.
    current: Option<(ModuleId, Unit)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Queues a job; false if the queue is full.
    pub(crate) fn push(&self, job: Job) -> bool {
        let mut incoming = lock(&self.incoming);
        if incoming.jobs.len() == MOST || incoming.jobs.try_reserve(1).is_err() {
            return false;
        }
        incoming.jobs.push(job);
        self.arrived.notify_one();
        true
    }

    /// Closes the queue and abandons the waiting jobs.
    pub(crate) fn close(&self) {
        lock(&self.incoming).closed = true;
        self.arrived.notify_one();
    }

    /// Waits for a job; `None` if the queue is closed. The caller must call [`Queue::done`] after the job.
    pub(crate) fn next(&self) -> Option<Job> {
        loop {
            let mut waiting = lock(&self.waiting);
            let mut incoming = lock(&self.incoming);
            if incoming.closed {
                return None;
            }
            waiting.take_in(&mut incoming.jobs);
            drop(incoming);
            while let Some(job) = waiting.best() {
                if job.is_stale() {
                    job.unit.withdraw(job.module.view());
                    continue;
                }
                waiting.current = Some((job.module.id(), job.unit));
                return Some(job);
            }
            drop(waiting);
            let none = |incoming: &mut Incoming| incoming.jobs.is_empty() && !incoming.closed;
            drop(self.arrived.wait_while(lock(&self.incoming), none));
        }
    }

    /// Ends the current job. The compiler thread has dropped its lease of the module.
    pub(crate) fn done(&self) {
        lock(&self.waiting).current = None;
        self.done.notify_all();
    }

    /// Cancels all waiting jobs of a module. A running one isn't stopped here: it gives up once it sees
    /// `View::is_dropped`.
    pub(crate) fn forget(&self, module: ModuleId) {
        let mut waiting = lock(&self.waiting);
        lock(&self.incoming).jobs.retain(|job| job.module.id() != module);
        waiting.jobs.retain(|job| job.module.id() != module);
        self.done.notify_all();
    }

    /// Waits until no job of this module is running.
    pub(crate) fn wait(&self, module: ModuleId) {
        let is_at_it = |waiting: &mut Waiting| waiting.current.is_some_and(|(current, _)| current == module);
        drop(self.done.wait_while(lock(&self.waiting), is_at_it));
    }

    /// Waits until a job is done or cancelled, or `stop` says that the caller is to be interrupted.
    pub(crate) fn wait_for(&self, module: ModuleId, unit: Unit, stop: Stop<'_>) {
        let is_it = |job: &Job| (job.module.id(), job.unit) == (module, unit);
        let mut waiting = lock(&self.waiting);
        while waiting.current == Some((module, unit))
            || waiting.jobs.iter().any(is_it)
            || lock(&self.incoming).jobs.iter().any(is_it)
        {
            if stop() {
                return;
            }
            waiting = self.done.wait_timeout(waiting, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Waiting {
    /// Takes over incoming jobs, as far as there is room.
    fn take_in(&mut self, incoming: &mut Vec<Job>) {
        let count = incoming.len().min(MOST - self.jobs.len());
        if self.jobs.try_reserve(count).is_ok() {
            self.jobs.extend(incoming.drain(..count));
        }
    }

    /// Removes the job of highest rank; of equals, the oldest.
    fn best(&mut self) -> Option<Job> {
        let ranks = self.jobs.iter().map(rank).enumerate();
        let (best, _) = ranks.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        Some(self.jobs.remove(best))
    }
}

/// The rank of a job: samples so far, divided by the cost of compiling.
fn rank(job: &Job) -> f64 {
    let index = job.unit.index();
    let view = job.module.view();
    f64::from(view.samples(index)) / f64::from(job.unit.bytes(view).saturating_add(OVERHEAD))
}

/// The fixed cost of a job, as bytes of a body.
const OVERHEAD: u32 = 200;

#[cfg(test)]
mod tests {
    use super::super::policy;
    use super::*;
    use crate::Jit;
    use dunlin::tier::{Lease, View};
    use dunlin::{Config, Engine, Module};
    use std::thread;

    fn module() -> Module {
        let text =
            "(module (func) (func (drop (i32.const 1))) (func (drop (i32.add (i32.const 1) (i32.const 2)))))";
        Module::new(&Engine::default(), text).unwrap()
    }

    fn job(module: &Module, index: u32) -> Job {
        Job::new(Lease::new(module), Unit::Func(index), true)
    }

    #[test]
    fn it_has_a_bound_and_keeps_the_order_of_equals() {
        let (queue, module) = (Queue::default(), module());
        let pushed = (0..MOST as u32 + 9).filter(|n| queue.push(job(&module, n % 3))).count();
        assert_eq!(pushed, MOST);
        for n in 0..MOST {
            assert_eq!(queue.next().unwrap().unit, Unit::Func(n as u32 % 3));
            queue.done();
            // The job that was taken has freed a place.
            assert!(queue.push(job(&module, 0)));
        }
        // As many came in as were taken: those wait, and as many more may come in.
        let more = (0..2 * MOST as u32).filter(|n| queue.push(job(&module, *n % 3))).count();
        assert!(more <= MOST, "{more}");
        queue.close();
        assert!(queue.next().is_none());
    }

    #[test]
    fn what_was_not_interpreted_meanwhile_is_left_to_be_submitted_again() {
        let queue = Queue::default();
        let jit = Jit::new(&Jit::options()).unwrap();
        let engine = Engine::new(Config::new().tier(jit)).unwrap();
        let module = Module::new(&engine, "(module (func) (func) (func))").unwrap();
        let view = View::new(&module);
        for (index, is_awaited) in [(0, false), (2, false), (1, true)] {
            assert!(view.claims_func(index));
            let unit = Unit::Func(index);
            unit.undertake(view);
            assert!(queue.push(Job::new(Lease::new(&module), unit, is_awaited)));
        }
        thread::sleep(Duration::from_millis(20));
        assert_eq!(queue.next().unwrap().unit, Unit::Func(1));
        queue.done();
        queue.close();
        assert!(queue.next().is_none());
        // Both others were withdrawn, with their cost, when the queue was searched for the best.
        assert_eq!(view.undertaken(), policy::cost(view.body_size(1)));
        assert!(view.claims_func(0) && !view.claims_func(1) && view.claims_func(2));
    }

    #[test]
    fn what_is_forgotten_is_not_done() {
        let (queue, kept, gone) = (Queue::default(), module(), module());
        for index in 0..3 {
            assert!(queue.push(job(&gone, index)) && queue.push(job(&kept, index)));
        }
        // One job is running, others wait, and one has just come in.
        let first = queue.next().unwrap();
        assert_eq!(first.module.id(), Lease::new(&gone).id());
        assert!(queue.push(job(&gone, 0)));
        let id = first.module.id();
        queue.forget(id);
        thread::scope(|scope| {
            scope.spawn(|| {
                drop(first);
                queue.done();
            });
            queue.wait(id);
        });
        assert_eq!(lock(&queue.waiting).current, None);
        for index in 0..3 {
            let job = queue.next().unwrap();
            assert_eq!((job.module.id(), job.unit), (Lease::new(&kept).id(), Unit::Func(index)));
            // There is no wait for a job that isn't running.
            queue.wait(id);
        }
        queue.close();
        assert!(queue.next().is_none());
    }

    #[test]
    fn who_waits_for_what_is_done_goes_on_then_or_when_told_to() {
        let (queue, module) = (Queue::default(), module());
        let id = Lease::new(&module).id();
        // The job is unknown, waiting, running, and done.
        queue.wait_for(id, Unit::Func(1), &|| panic!("there is nothing to wait for"));
        assert!(queue.push(job(&module, 1)));
        queue.wait_for(id, Unit::Func(1), &|| true);
        let taken = queue.next().unwrap();
        queue.wait_for(id, Unit::Func(1), &|| true);
        thread::scope(|scope| {
            let waits = scope.spawn(|| queue.wait_for(id, Unit::Func(1), &|| false));
            drop(taken);
            queue.done();
            waits.join().unwrap();
        });
        // Cancelling a job ends the wait for it.
        assert!(queue.push(job(&module, 2)));
        thread::scope(|scope| {
            let waits = scope.spawn(|| queue.wait_for(id, Unit::Func(2), &|| false));
            queue.forget(id);
            waits.join().unwrap();
        });
    }

    #[test]
    fn who_waits_for_a_job_gets_one_or_none() {
        let (queue, module) = (Queue::default(), module());
        thread::scope(|scope| {
            let got = scope.spawn(|| (queue.next().is_some(), queue.next().is_some()));
            assert!(queue.push(job(&module, 1)));
            while lock(&queue.waiting).current.is_none() {
                thread::yield_now();
            }
            queue.close();
            assert_eq!(got.join().unwrap(), (true, false));
        });
    }
}
