//! Stops a guest whose time is up.

use dunlin::InterruptHandle;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How long a guest that was interrupted may take to notice, before the process ends without it. It notices at once,
/// unless the system keeps it in a call that can't be interrupted, such as a write that nobody reads.
const GRACE: Duration = Duration::from_millis(500);

enum Phase {
    /// Nothing executes yet that could be interrupted.
    Loading,
    Running(InterruptHandle),
    Over,
}

struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
}

impl Shared {
    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn wait(&self, until: Instant) -> MutexGuard<'_, Phase> {
        let left = until.saturating_duration_since(Instant::now());
        let result =
            self.changed.wait_timeout_while(self.phase(), left, |phase| !matches!(phase, Phase::Over));
        result.unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }
}

/// A thread that waits for the deadline.
pub(crate) struct Watchdog(Arc<Shared>);

impl Watchdog {
    /// Starts the clock, which began to run at `started`. If the time is up while a guest runs, that is interrupted; if
    /// that is of no use, or there is no guest yet, `give_up` ends the process.
    pub(crate) fn start(
        started: Instant,
        timeout: Duration,
        give_up: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { phase: Mutex::new(Phase::Loading), changed: Condvar::new() });
        let dog = Self(shared.clone());
        // A deadline beyond what the clock can tell never comes.
        let Some(deadline) = started.checked_add(timeout) else { return Ok(dog) };
        std::thread::Builder::new().name("watchdog".into()).stack_size(128 << 10).spawn(move || {
            let mut phase = shared.wait(deadline);
            if let Phase::Running(handle) = &*phase {
                handle.interrupt();
                drop(phase);
                phase = shared.wait(Instant::now() + GRACE);
            }
            // While `phase` is locked the guest can't end in another way.
            if !matches!(*phase, Phase::Over) {
                give_up();
            }
        })?;
        Ok(dog)
    }

    /// From now on there is something to interrupt.
    pub(crate) fn running(&self, handle: InterruptHandle) {
        *self.0.phase() = Phase::Running(handle);
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.0.phase() = Phase::Over;
        self.0.changed.notify_all();
    }
}
