//! What waits to be compiled: what pays soonest comes first.

use crate::jobs::Job;
use dunlin::tier::View;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs that wait.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, job: Job) {
        self.lock().jobs.push(job);
        self.changed.notify_one();
    }

    /// Nothing more will come, and what waits isn't wanted.
    pub(crate) fn close(&self) {
        let waiting = &mut *self.lock();
        waiting.closed = true;
        self.changed.notify_one();
    }

    /// Waits for a job; none if there will be none.
    pub(crate) fn next(&self) -> Option<Job> {
        let waiting = |waiting: &mut Waiting| waiting.jobs.is_empty() && !waiting.closed;
        let mut waiting =
            self.changed.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        let ranks = waiting.jobs.iter().map(rank).enumerate();
        // Of equals, the one that came first.
        let (best, _) = ranks.reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        Some(waiting.jobs.remove(best))
    }
}

/// How soon a job pays: how often the function was found executing by now, by what compiling it takes.
fn rank(job: &Job) -> f64 {
    match job {
        Job::Func(module, index) | Job::Loop(module, index, _) => {
            let view = View::new(module);
            f64::from(view.samples(*index)) / f64::from(view.body_size(*index).saturating_add(OVERHEAD))
        }
        Job::All(_) => f64::INFINITY,
    }
}

/// What any job takes, in terms of bytes of a body.
const OVERHEAD: u32 = 200;
