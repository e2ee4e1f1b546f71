//! Threads for guests.
//!
//! As many guests compute at a time as the pool has processors. One that takes long makes room for another and goes on
//! beside it; if it goes on computing, at a low priority. So guests that loop or wait don't keep the
//! others from their turn, and on a busy machine nobody loses his for having waited for a processor. Whose turn it is,
//! the [lanes](super::lanes) say.

use super::lanes::{LaneId, Lanes, Turn};
use rustix::process::setpriority_process;
use rustix::thread::{Pid, gettid};
use rustix::time::{ClockId, clock_gettime};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a job takes before others don't wait for it any more.
pub(super) const QUICK: Duration = Duration::from_millis(5);

/// How long a job computes before it is at a low priority. Most jobs end before: one that is at a low priority may hold a
/// lock of the system's, such as that of the process's address space, and then everybody waits until it has its turn.
pub(super) const HEAVY: Duration = Duration::from_millis(50);

/// That priority, as a nice value: about a tenth of what others get.
const LOW: i32 = 10;

/// A job that has computed for less since it was last looked at is waiting.
const IDLING: Duration = Duration::from_millis(1);

/// When a job that waits is looked at again.
const SELDOM: Duration = Duration::from_millis(50);

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
}

struct State {
    lanes: Lanes<Job>,
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

/// Where a job is. Its lock is taken before the pool's.
enum Phase {
    Waiting,
    Running(Place, Instant, Turn),
    /// It has taken long. When it was last looked at, it had computed so long.
    Long(Place, Turn, Duration),
    /// It has computed long. What it does from now on is nobody's loss, so its lane isn't charged for it.
    Lowered(Turn),
    Done,
}

/// Where a job runs.
#[derive(Clone, Copy)]
struct Place {
    thread: Pid,
    /// How long the thread had computed when the job began.
    before: Duration,
}

/// How long this thread has computed.
fn computed_here() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Place {
    fn here() -> Self {
        Self { thread: gettid(), before: computed_here() }
    }

    /// How long the job has computed, as far as the system tells.
    fn computed(self) -> Option<Duration> {
        let text = std::fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.thread)).ok()?;
        let nanoseconds = text.split(' ').next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds).saturating_sub(self.before))
    }

    /// Whether its thread waits for something other than a processor.
    fn sleeps(self) -> bool {
        let text =
            std::fs::read_to_string(format!("/proc/self/task/{}/stat", self.thread)).unwrap_or_default();
        // The state stands behind the thread's name.
        text.rsplit(") ").next().is_some_and(|fields| fields.starts_with('S'))
    }
}

/// From now on this thread is at a low priority, as jobs are that compute long.
#[cfg(feature = "wagi")]
pub(crate) fn lower_this_thread() {
    let _ = setpriority_process(Some(gettid()), LOW);
}

/// A job that was submitted.
pub(super) struct Ticket {
    pool: Pool,
    lane: LaneId,
    phase: Arc<Mutex<Phase>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(processors: usize, guests: usize, queue: usize) -> Self {
        let processors = processors.max(1);
        let guests = guests.max(processors);
        let lanes = Lanes::new(guests, queue.max(1));
        let state = Mutex::new(State { lanes, idle: 0, starting: 0, quick: 0, all: 0 });
        Self(Arc::new(Shared { state, wanted: Condvar::new(), processors, guests }))
    }

    /// Has it done on a guest thread; `None` if too many wait already.
    pub(super) fn submit(&self, lane: LaneId, work: impl FnOnce() + Send + 'static) -> Option<Ticket> {
        let phase = Arc::new(Mutex::new(Phase::Waiting));
        let job = Job { work: Box::new(work), phase: phase.clone() };
        let mut state = lock(&self.0.state);
        if !state.lanes.push(lane, job) {
            return None;
        }
        self.staff(&mut state);
        Some(Ticket { pool: self.clone(), lane, phase })
    }

    /// How many guests there are, and how many requests wait for one.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = lock(&self.0.state);
        (state.all, state.lanes.waiting())
    }

    /// Sees to it that a job for which there is room has a thread.
    fn staff(&self, state: &mut State) {
        if !self.0.has_work(state) {
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
            while !shared.has_work(&state) {
                state.idle += 1;
                let (woken, waited) =
                    shared.wanted.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
                state = woken;
                state.idle -= 1;
                if waited.timed_out() && !shared.has_work(&state) {
                    return;
                }
            }
            let Some((turn, job)) = state.lanes.pop() else { continue };
            state.quick += 1;
            state.all += 1;
            // Another may be waiting as well.
            self.staff(&mut state);
            drop(state);
            let place = Place::here();
            *lock(&job.phase) = Phase::Running(place, Instant::now(), turn);
            // A panic is the handler's, and none of the other requests' business.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job.work));
            let phase = std::mem::replace(&mut *lock(&job.phase), Phase::Done);
            let took = computed_here().saturating_sub(place.before);
            state = lock(&shared.state);
            state.all -= 1;
            match phase {
                // A thread can't raise its priority again.
                Phase::Lowered(turn) => {
                    state.lanes.end(turn);
                    self.staff(&mut state);
                    return;
                }
                Phase::Long(_, mut turn, _) => {
                    state.lanes.charge(&mut turn, took);
                    state.lanes.end(turn);
                    // Its lane may have been stopped for it.
                    self.staff(&mut state);
                }
                Phase::Running(.., mut turn) => {
                    state.quick -= 1;
                    state.lanes.charge(&mut turn, took);
                    state.lanes.end(turn);
                }
                Phase::Waiting | Phase::Done => unreachable!("only its own thread begins and ends a job"),
            }
        }
    }
}

impl Shared {
    /// Whether a job waits that could be done now.
    fn has_work(&self, state: &State) -> bool {
        state.quick < self.processors && state.all < self.guests && state.lanes.has_next()
    }
}

impl Ticket {
    /// If the job has taken long, or is done, it doesn't keep others waiting from now on. Says whether that is so.
    pub(super) fn make_way(&self) -> bool {
        let mut phase = lock(&self.phase);
        match std::mem::replace(&mut *phase, Phase::Done) {
            Phase::Running(place, since, mut turn) if since.elapsed() >= QUICK => {
                let mut state = lock(&self.pool.0.state);
                state.lanes.charge(&mut turn, QUICK);
                state.lanes.contends(&mut turn, true);
                state.quick -= 1;
                self.pool.staff(&mut state);
                *phase = Phase::Long(place, turn, Duration::ZERO);
                true
            }
            same @ (Phase::Waiting | Phase::Running(..)) => {
                *phase = same;
                false
            }
            same @ (Phase::Long(..) | Phase::Lowered(_) | Phase::Done) => {
                *phase = same;
                true
            }
        }
    }

    /// If the job has made way and computes long, it goes on at a low priority from now on. Otherwise, says when to ask
    /// again; `None` if that is of no use.
    pub(super) fn lower(&self) -> Option<Duration> {
        let mut phase = lock(&self.phase);
        let (place, mut turn, before) = match std::mem::replace(&mut *phase, Phase::Done) {
            Phase::Long(place, turn, before) => (place, turn, before),
            other => {
                *phase = other;
                return None;
            }
        };
        let Some(time) = place.computed() else {
            // It only gets more than its share.
            *phase = Phase::Long(place, turn, before);
            return None;
        };
        let lowered = time >= HEAVY && setpriority_process(Some(place.thread), LOW).is_ok();
        // One that waits is in nobody's way.
        let waits = time - before.min(time) < IDLING && place.sleeps();
        let mut state = lock(&self.pool.0.state);
        state.lanes.charge(&mut turn, time);
        state.lanes.contends(&mut turn, !lowered && !waits);
        self.pool.staff(&mut state);
        drop(state);
        let again = match () {
            _ if lowered || time >= HEAVY => None,
            _ if waits => Some(SELDOM),
            // It can't compute for longer than that.
            _ => Some((HEAVY - time).max(IDLING)),
        };
        *phase = if lowered { Phase::Lowered(turn) } else { Phase::Long(place, turn, time) };
        again
    }

    /// Takes the job back, if it hasn't begun, and says whether that is so.
    pub(super) fn withdraw(&self) -> bool {
        lock(&self.pool.0.state).lanes.withdraw(self.lane, |job| Arc::ptr_eq(&job.phase, &self.phase))
    }
}
