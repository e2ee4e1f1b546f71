//! Threads for guests, and the queue in front of them.
//!
//! As many guests compute at a time as the pool has processors. One that takes long makes room for another and goes on
//! beside it; if it goes on computing, at the lowest priority of the system's. So guests that loop or wait don't keep the
//! others from their turn, and on a busy machine nobody loses his for having waited for a processor.

use rustix::process::setpriority_process;
use rustix::thread::{Pid, gettid};
use rustix::time::{ClockId, clock_gettime};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a job takes before others don't wait for it any more.
pub(super) const QUICK: Duration = Duration::from_millis(5);

/// How long a job computes before it is at a low priority.
pub(super) const HEAVY: Duration = Duration::from_millis(50);

/// What a guest's thread has for the engine and hosts.
const STACK: usize = 1 << 20;

/// How long an idle thread stays.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

/// Threads for guests. Clones are the same pool.
#[derive(Clone)]
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wanted: Condvar,
    processors: usize,
    guests: usize,
    queue: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Threads that wait for a job.
    idle: usize,
    /// Threads that are about to take their first.
    starting: usize,
    /// Guests that compute, but for those that take long.
    quick: usize,
    /// All guests.
    all: usize,
}

struct Job {
    work: Work,
    phase: Arc<Mutex<Phase>>,
}

/// Where a job is.
enum Phase {
    Waiting,
    Running(Place, Instant),
    /// It has taken long.
    Long(Place),
    /// It has computed long.
    Lowered,
    Done,
}

/// Where a job runs.
#[derive(Clone, Copy)]
struct Place {
    thread: Pid,
    /// How long the thread had computed when the job began.
    before: Duration,
}

impl Place {
    fn here() -> Self {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Self { thread: gettid(), before: Duration::new(time.tv_sec as u64, time.tv_nsec as u32) }
    }

    /// How long the job has computed, as far as the system tells.
    fn computed(self) -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.thread)).ok()?;
        let nanoseconds = text.split(' ').next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds).saturating_sub(self.before))
    }
}

/// A job that was submitted.
pub(super) struct Ticket {
    pool: Pool,
    phase: Arc<Mutex<Phase>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(processors: usize, guests: usize, queue: usize) -> Self {
        let processors = processors.max(1);
        let guests = guests.max(processors);
        Self(Arc::new(Shared { state: Mutex::default(), wanted: Condvar::new(), processors, guests, queue }))
    }

    /// Has it done on a guest thread; `None` if too many wait already.
    pub(super) fn submit(&self, work: impl FnOnce() + Send + 'static) -> Option<Ticket> {
        let mut state = lock(&self.0.state);
        if state.queue.len() >= self.0.queue && !self.0.has_room(&state) {
            return None;
        }
        let phase = Arc::new(Mutex::new(Phase::Waiting));
        state.queue.push_back(Job { work: Box::new(work), phase: phase.clone() });
        self.staff(&mut state);
        Some(Ticket { pool: self.clone(), phase })
    }

    /// How many guests there are, and how many requests wait for one.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = lock(&self.0.state);
        (state.all, state.queue.len())
    }

    /// Sees to it that a job for which there is room has a thread.
    fn staff(&self, state: &mut State) {
        if state.queue.is_empty() || !self.0.has_room(state) {
            return;
        }
        if state.idle > 0 {
            self.0.wanted.notify_one();
            return;
        }
        if state.quick + state.starting >= self.0.processors {
            return;
        }
        let pool = self.clone();
        let thread = std::thread::Builder::new().name("guest".into()).stack_size(STACK);
        // Without a thread, the job waits for one that is busy; or, if there is none, for its time to be up.
        if thread.spawn(move || pool.work()).is_ok() {
            state.starting += 1;
        }
    }

    fn work(&self) {
        let shared = &*self.0;
        let mut state = lock(&shared.state);
        state.starting -= 1;
        loop {
            while state.queue.is_empty() || !shared.has_room(&state) {
                state.idle += 1;
                let (woken, waited) =
                    shared.wanted.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                state.idle -= 1;
                if waited.timed_out() && state.queue.is_empty() {
                    return;
                }
            }
            let Some(job) = state.queue.pop_front() else { continue };
            state.quick += 1;
            state.all += 1;
            // Another may be waiting as well.
            self.staff(&mut state);
            drop(state);
            *lock(&job.phase) = Phase::Running(Place::here(), Instant::now());
            // A panic is the handler's, and none of the other requests' business.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job.work));
            let phase = std::mem::replace(&mut *lock(&job.phase), Phase::Done);
            state = lock(&shared.state);
            state.all -= 1;
            match phase {
                // A thread can't raise its priority again.
                Phase::Lowered => {
                    self.staff(&mut state);
                    return;
                }
                Phase::Long(_) => {}
                Phase::Waiting | Phase::Running(..) | Phase::Done => state.quick -= 1,
            }
        }
    }
}

impl Shared {
    fn has_room(&self, state: &State) -> bool {
        state.quick < self.processors && state.all < self.guests
    }
}

impl Ticket {
    /// If the job has taken long, or is done, it doesn't keep others waiting from now on. Says whether that is so.
    pub(super) fn make_way(&self) -> bool {
        let mut phase = lock(&self.phase);
        let place = match *phase {
            Phase::Running(place, since) if since.elapsed() >= QUICK => place,
            Phase::Waiting | Phase::Running(..) => return false,
            Phase::Long(_) | Phase::Lowered | Phase::Done => return true,
        };
        *phase = Phase::Long(place);
        drop(phase);
        let mut state = lock(&self.pool.0.state);
        state.quick -= 1;
        self.pool.staff(&mut state);
        true
    }

    /// If the job has made way and computes long, it goes on at a low priority from now on. Says whether that is so, or
    /// can't be.
    pub(super) fn lower(&self) -> bool {
        let mut phase = lock(&self.phase);
        let Phase::Long(place) = *phase else { return true };
        match place.computed() {
            Some(time) if time < HEAVY => false,
            Some(_) if setpriority_process(Some(place.thread), 19).is_ok() => {
                *phase = Phase::Lowered;
                true
            }
            // It only gets more than its share.
            _ => true,
        }
    }

    /// Takes the job back, if it hasn't begun, and says whether that is so.
    pub(super) fn withdraw(&self) -> bool {
        let mut state = lock(&self.pool.0.state);
        let before = state.queue.len();
        state.queue.retain(|job| !Arc::ptr_eq(&job.phase, &self.phase));
        state.queue.len() < before
    }
}
