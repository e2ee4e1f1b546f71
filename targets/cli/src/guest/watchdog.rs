//! Stops a guest at its deadline or at a terminating signal.

use crate::failure::{EXIT_SIGNAL, EXIT_TIMEOUT, Failure, io_reason};
use crate::host::reserve;
use crate::host::signals::{Handle, Signals, Timer, exit_at, exit_at_signals, terminating_signals};
use crate::output::{complain, hurry};
use dunlin::InterruptHandle;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long an interrupted guest may take to stop before the process ends without it. It stops at once, unless it is in
/// an uninterruptible system call, such as a write to a full pipe.
const GRACE: Duration = Duration::from_millis(500);

/// The stack of a thread that waits. Messages and the report are made on it.
const THREAD_STACK: usize = 128 << 10;

/// Why a guest is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StopReason {
    /// Its time is up.
    Timeout,
    /// The process got this signal.
    Signal(u8),
}

enum Phase {
    /// No guest is executing yet that could be interrupted.
    Loading,
    Running(InterruptHandle),
    Over,
}

struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
    /// The first reason.
    reason: OnceLock<StopReason>,
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

    /// Interrupts the running guest. If it doesn't stop, or none is running yet, `give_up` ends the process.
    fn stop(&self, reason: StopReason, give_up: impl Fn(StopReason)) {
        let mut phase = self.phase();
        if matches!(*phase, Phase::Over) {
            return;
        }
        hurry();
        let reason = *self.reason.get_or_init(|| reason);
        if let Phase::Running(handle) = &*phase {
            handle.interrupt();
            drop(phase);
            phase = self.wait(Instant::now() + GRACE);
        }
        // While `phase` is locked, the guest can't end otherwise.
        if !matches!(*phase, Phase::Over) {
            OVER.store(true, Ordering::Relaxed);
            give_up(reason);
        }
    }
}

/// Whether the guest has ended. Only the report is left then, and a signal should cut that short: signals have their
/// default effect.
static OVER: AtomicBool = AtomicBool::new(false);

/// Threads that wait for the deadline and for signals, as far as they are needed.
pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    signals: Option<Handle>,
    /// Ends the process at the deadline, if no thread can be had.
    _timer: Option<Timer>,
}

impl Watchdog {
    /// Begins to watch: terminating signals stop the guest, and so does its timeout, counted from `started`.
    ///
    /// Only if something `is_written` at the end does a signal need a thread. Otherwise its handler ends the process:
    /// making a thread takes as long as many a program does.
    ///
    /// If no thread can be had, it warns, and the deadline or signal ends the process at once instead.
    pub(crate) fn start(
        started: Instant,
        timeout: Option<Duration>,
        is_written: bool,
        give_up: impl Fn(StopReason) + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        let (phase, changed) = (Mutex::new(Phase::Loading), Condvar::new());
        let shared = Arc::new(Shared { phase, changed, reason: OnceLock::new() });
        let mut watchdog = Self { shared, signals: None, _timer: None };
        let obeyed = match is_written {
            true => watchdog.obey_signals(give_up.clone())?,
            false => exit_at_signals(EXIT_SIGNAL, &OVER),
        };
        // A deadline beyond the clock's range never comes.
        let deadline = timeout.and_then(|timeout| started.checked_add(timeout));
        let limited = match deadline {
            Some(deadline) => {
                hurry();
                watchdog.limit(deadline, give_up)?
            }
            None => Ok(()),
        };
        if let Err(error) = obeyed.and(limited) {
            complain(format_args!(
                "warning: no thread can be had ({}), so a signal or --timeout ends dunlin at once, without a message or a \
                 report",
                io_reason(&error)
            ));
        }
        Ok(watchdog)
    }

    fn limit(
        &mut self,
        deadline: Instant,
        give_up: impl Fn(StopReason) + Send + 'static,
    ) -> Result<io::Result<()>, Failure> {
        let shared = self.shared.clone();
        let watching = thread("watchdog", move || {
            drop(shared.wait(deadline));
            shared.stop(StopReason::Timeout, give_up);
        })?;
        if watching.is_err() {
            let timer = exit_at(deadline, EXIT_TIMEOUT).map_err(|error| {
                Failure::unusable(format_args!("--timeout: there can be no timer: {}", io_reason(&error)))
            })?;
            self._timer = Some(timer);
        }
        Ok(watching)
    }

    fn obey_signals(
        &mut self,
        give_up: impl Fn(StopReason) + Send + 'static,
    ) -> Result<io::Result<()>, Failure> {
        let handed_over = Arc::new((Mutex::new(None::<Signals>), Barrier::new(2)));
        let (shared, taken) = (self.shared.clone(), handed_over.clone());
        // Before the handlers are installed: without a thread, signals keep their default effect.
        let listening = thread("signals", move || {
            taken.1.wait();
            let Some(mut signals) = taken.0.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return;
            };
            for signal in signals.forever() {
                shared.stop(StopReason::Signal(signal as u8), &give_up);
            }
        })?;
        Ok(listening.and_then(|()| {
            let installed = terminating_signals(&OVER).map(|signals| {
                self.signals = Some(signals.handle());
                *handed_over.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(signals);
            });
            handed_over.1.wait();
            installed
        }))
    }

    /// A guest is running now, which this interrupts.
    pub(crate) fn running(&self, handle: InterruptHandle) {
        *self.shared.phase() = Phase::Running(handle);
    }

    /// The guest is over: nothing is interrupted any more, and a signal ends the process at once.
    pub(crate) fn over(&self) {
        *self.shared.phase() = Phase::Over;
        OVER.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
    }

    /// Why the guest was stopped, if it was.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.shared.reason.get().copied()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.over();
        if let Some(signals) = &self.signals {
            signals.close();
        }
    }
}

/// Starts a thread, and waits until it has begun: until then the standard library allocates for it, and would abort the
/// process if other threads had taken the memory meanwhile. The inner error means that no thread can be had.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<io::Result<()>, Failure> {
    reserve::check()?;
    let begun = Arc::new(Barrier::new(2));
    let begins = begun.clone();
    let body = move || {
        begins.wait();
        body();
    };
    let thread = std::thread::Builder::new().name(name.into()).stack_size(THREAD_STACK).spawn(body);
    Ok(thread.map(|_| {
        begun.wait();
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::{Engine, Store};
    use std::sync::mpsc;

    const TIMEOUT: Duration = Duration::from_millis(50);

    fn watched() -> (Watchdog, Instant, mpsc::Receiver<StopReason>) {
        let (tell, told) = mpsc::channel();
        let started = Instant::now();
        let watchdog =
            Watchdog::start(started, Some(TIMEOUT), false, move |reason| tell.send(reason).unwrap());
        (watchdog.unwrap(), started, told)
    }

    #[test]
    fn a_program_that_ignores_its_end_gets_no_more_than_its_grace() {
        let store = Store::new(&Engine::default(), ());
        let (watchdog, started, told) = watched();
        watchdog.running(store.interrupt_handle());
        assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(StopReason::Timeout));
        assert!(started.elapsed() >= TIMEOUT + GRACE);
        assert_eq!(watchdog.reason(), Some(StopReason::Timeout));
    }

    #[test]
    fn while_loading_there_is_no_grace_and_afterwards_no_end() {
        let (watchdog, started, told) = watched();
        assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(StopReason::Timeout));
        assert!(started.elapsed() >= TIMEOUT);
        drop(watchdog);
        // A guest that stops within its grace.
        let store = Store::new(&Engine::default(), ());
        let (watchdog, _, told) = watched();
        watchdog.running(store.interrupt_handle());
        while watchdog.reason().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(watchdog);
        assert_eq!(told.recv_timeout(GRACE * 2), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
