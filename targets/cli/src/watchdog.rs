//! Stops a guest whose time is up, or whose user wants it to end.

use crate::failure::Failure;
use crate::reserve;
use dunlin::InterruptHandle;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, mpsc};
use std::time::{Duration, Instant};

/// How long a guest that was interrupted may take to notice, before the process ends without it. It notices at once,
/// unless the system keeps it in a call that can't be interrupted, such as a write that nobody reads.
const GRACE: Duration = Duration::from_millis(500);

/// Why a guest is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    /// Its time is up.
    Timeout,
    /// The process got this signal.
    Signal(u8),
}

enum Phase {
    /// Nothing executes yet that could be interrupted.
    Loading,
    Running(InterruptHandle),
    Over,
}

struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
    /// The first there was.
    reason: OnceLock<Reason>,
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

    /// Interrupts a guest that runs; if that is of no use, or there is none yet, `give_up` ends the process.
    fn stop(&self, reason: Reason, give_up: impl Fn(Reason)) {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Over) {
            return;
        }
        let reason = *self.reason.get_or_init(|| reason);
        if let Phase::Running(handle) = &*phase {
            handle.interrupt();
            drop(phase);
            phase = self.wait(Instant::now() + GRACE);
        }
        // While `phase` is locked the guest can't end in another way.
        if !matches!(*phase, Phase::Over) {
            give_up(reason);
        }
    }
}

/// Threads that wait for the deadline and for signals.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    signals: Option<Handle>,
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        let (phase, changed) = (Mutex::new(Phase::Loading), Condvar::new());
        Self { shared: Arc::new(Shared { phase, changed, reason: OnceLock::new() }), signals: None }
    }

    /// Starts the clock, which began to run at `started`.
    pub(crate) fn limit(
        &self,
        started: Instant,
        timeout: Duration,
        give_up: impl Fn(Reason) + Send + 'static,
    ) -> Result<(), Failure> {
        // A deadline beyond what the clock can tell never comes.
        let Some(deadline) = started.checked_add(timeout) else { return Ok(()) };
        let shared = self.shared.clone();
        thread("watchdog", move || {
            drop(shared.wait(deadline));
            shared.stop(Reason::Timeout, give_up);
        })
    }

    /// From now on, signals that ask the process to end stop the guest first.
    pub(crate) fn obey_signals(&mut self, give_up: impl Fn(Reason) + Send + 'static) -> Result<(), Failure> {
        let ignored = ignored_signals();
        let obeyed = [SIGINT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
        let mut signals = Signals::new(obeyed).map_err(no_thread)?;
        self.signals = Some(signals.handle());
        let shared = self.shared.clone();
        thread("signals", move || {
            for signal in signals.forever() {
                shared.stop(Reason::Signal(signal as u8), &give_up);
            }
        })
    }

    /// From now on there is something to interrupt.
    pub(crate) fn running(&self, handle: InterruptHandle) {
        *self.shared.phase() = Phase::Running(handle);
    }

    /// Why the guest was stopped, if it was.
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.shared.reason.get().copied()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        *self.shared.phase() = Phase::Over;
        self.shared.changed.notify_all();
        if let Some(signals) = &self.signals {
            signals.close();
        }
    }
}

/// Starts a thread, and waits until it has begun: until then it allocates, and would end the process if meanwhile others had
/// taken the memory that it needs.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    reserve::check()?;
    let (begins, begun) = mpsc::sync_channel(1);
    let body = move || {
        let _ = begins.send(());
        body();
    };
    std::thread::Builder::new().name(name.into()).stack_size(128 << 10).spawn(body).map_err(no_thread)?;
    let _ = begun.recv();
    Ok(())
}

fn no_thread(error: std::io::Error) -> Failure {
    Failure::unusable(format_args!("a thread is needed to stop the program: {error}"))
}

/// The signals that whoever started the process wants it to ignore, as a shell does for what it starts in the background.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
